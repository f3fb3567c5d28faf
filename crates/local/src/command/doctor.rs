//! `portend doctor`: checks that each configured part works, and says how to fix it if not. It asks each model about a
//! built-in sample, whose facts are made up.
//!
//! Never: sends facts of a real alert, or stores an insight.

mod surroundings;
mod trial;
mod context;

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::help::explained;
use portend_core::insight::DegradedBy;
use portend_core::limits::SWEEP_PAGE;
use portend_core::model::Model;
use portend_core::store::{Insights, StoreError};
use portend_remote::{AnyModel, Aws, ChannelReport, DynamoDb, SystemClock, TableFinding, end_of_life_notice};
use serde::Serialize;

use crate::changed_types::changed_types;
use crate::command::insights::open_silently;
use crate::config::{Config, StoreName};
use crate::runner::clock_sentence;
use crate::show::output::{CommandOutcome, GREEN, RED, WrongUsage, YELLOW, json_line, paint, with_help};
use crate::show::text::{counted, shown};
use portend_sqlite::Sqlite;

/// Check the settings, the store and each model, and say how to fix what is wrong.
///
/// Each model is called with the prompt of a built-in sample, which costs about as much as one alert.
///
/// Exit code: 0 if everything works, 1 if something does not.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per part: `{"part", "state": "ok" | "warning" | "failed", "says"}`.
    #[arg(long)]
    json: bool,

    /// Confirm that this machine's clock is right, after a warning that it has jumped. From then on,
    /// expired data is deleted as usual.
    #[arg(long)]
    confirm_clock: bool,
}

/// The state of one part, with a sentence.
#[derive(Debug, Serialize)]
struct DoctorFinding {
    part: String,
    state: PartState,
    says: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum PartState {
    Ok,
    Warning,
    Failed,
}

impl DoctorFinding {
    /// A finding with the sentence `ok`, or with the error.
    fn of(part: String, result: Result<(), String>, ok: &str) -> Self {
        match result {
            Ok(()) => Self { part, state: PartState::Ok, says: ok.to_owned() },
            Err(wrong) => Self { part, state: PartState::Failed, says: wrong },
        }
    }
}

/// The most damaged insights that are listed by id.
const DAMAGED_LISTED_MAX: usize = 10;

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let mut out = anstream::stdout();
    let mut is_sound = true;
    let mut show = |finding: DoctorFinding| -> Result<()> {
        is_sound &= finding.state != PartState::Failed;
        if args.json {
            return json_line(&mut out, &finding);
        }
        let state = match finding.state {
            PartState::Ok => paint(GREEN, "ok     "),
            PartState::Warning => paint(YELLOW, "warning"),
            PartState::Failed => paint(RED, "failed "),
        };
        Ok(writeln!(out, "{state}  {}: {}", shown(&finding.part), shown(&finding.says))?)
    };
    surroundings::settings(&config).into_iter().try_for_each(&mut show)?;
    show(alert_types(&config))?;
    let aws = config.aws().await.map_err(WrongUsage::from)?;
    surroundings::aws(&config, &aws).into_iter().try_for_each(&mut show)?;
    store(&config, &aws, args.confirm_clock).await.into_iter().try_for_each(&mut show)?;
    changed(&config).await.into_iter().try_for_each(&mut show)?;
    if let Some(bus) = config.event_bus(&aws) {
        let part = format!("event bus {}", bus.name());
        show(DoctorFinding::of(part, bus.exists().await, "it exists"))?;
    }
    if let Some(table) = config.mirror_table(&aws) {
        let part = format!("mirror table {}", table.name());
        show(DoctorFinding::of(part, table.check().await, "it exists and has the reader's index"))?;
    }
    channels(&config, &aws).await.into_iter().try_for_each(&mut show)?;
    if let Some(secret) = config.chain.key_secret(&aws) {
        let read = secret.read().await.map(drop).map_err(|error| error.to_string());
        show(DoctorFinding::of("secret in OPENAI_API_KEY_SECRET".into(), read, "it can be read"))?;
    }
    let mut has_sound_model = false;
    for (name, model) in config.chain.each_model(&aws) {
        let findings = match model {
            Ok(model) => of_model(&model, &config).await,
            Err(error) => {
                let part = format!("model {name}");
                vec![DoctorFinding { part, state: PartState::Failed, says: with_help(&error) }]
            }
        };
        has_sound_model |= findings.first().is_some_and(|first| first.state == PartState::Ok);
        findings.into_iter().try_for_each(&mut show)?;
    }
    if has_sound_model {
        waiting(&config).await.into_iter().try_for_each(&mut show)?;
    }
    if config.chain.scorecard {
        let says = "it scores the alerts that no model answers".to_owned();
        show(DoctorFinding { part: "scorecard".into(), state: PartState::Ok, says })?;
    }
    Ok(if is_sound { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

fn alert_types(config: &Config) -> DoctorFinding {
    let (state, says) = match config.alert_types() {
        Ok(types) => (PartState::Ok, format!("{} are valid", types.iter().count())),
        Err(error) => (PartState::Failed, with_help(&error)),
    };
    DoctorFinding { part: "alert types".into(), state, says }
}

/// Checks each channel. Nothing is sent, so a person sees no message.
async fn channels(config: &Config, aws: &Aws) -> Vec<DoctorFinding> {
    let failed = |says| vec![DoctorFinding { part: "channels".into(), state: PartState::Failed, says }];
    let types = config.alert_types().unwrap_or_else(|_| AlertTypes::built_in());
    let notifiers = match config.notifiers(&types, aws) {
        Ok(Some(notifiers)) => notifiers,
        Ok(None) => return Vec::new(),
        Err(error) => return failed(with_help(&error)),
    };
    let reports = match notifiers.check_channels().await {
        Ok(reports) => reports,
        Err(error) => return failed(explained(&error)),
    };
    let finding = |ChannelReport { name, reachable, warning }| {
        let part = format!("channel {name}");
        let warning = warning.map(|says: &str| DoctorFinding {
            part: part.clone(),
            state: PartState::Warning,
            says: says.to_owned(),
        });
        let works = reachable.as_ref().ok().copied().unwrap_or_default();
        [Some(DoctorFinding::of(part, reachable.map(drop), works)), warning]
    };
    reports.into_iter().flat_map(finding).flatten().collect()
}

/// The insights that wait for a sound model. If the store cannot be read, another finding says so.
async fn waiting(config: &Config) -> Option<DoctorFinding> {
    let store = open_silently(config).await.ok()?;
    let due = store.due(SystemClock.now(), None, SWEEP_PAGE).await.ok()?;
    let is_waiting = |by: Option<DegradedBy>| by == Some(DegradedBy::Unusable);
    let count = due
        .iter()
        .filter(|due| due.insight.current().is_some_and(|fields| is_waiting(fields.degraded_by)))
        .count();
    let says = format!(
        "{} by the scorecard, because every reply of a model was unusable; a model works now, so run portend upgrade --now",
        counted(u64::try_from(count).unwrap_or(u64::MAX), "insight")
    );
    (count > 0).then(|| DoctorFinding { part: "degraded insights".into(), state: PartState::Warning, says })
}

/// The alert types that have changed. If the store cannot be read, another finding says so.
async fn changed(config: &Config) -> Vec<DoctorFinding> {
    let (Ok(types), Ok(store)) = (config.alert_types(), open_silently(config).await) else {
        return Vec::new();
    };
    let changed = changed_types(&store, &types, SystemClock.now()).await.unwrap_or_default();
    let part = || "alert types".to_owned();
    changed
        .iter()
        .map(|each| DoctorFinding { part: part(), state: PartState::Warning, says: each.sentence() })
        .collect()
}

async fn store(config: &Config, aws: &Aws, confirm_clock: bool) -> Vec<DoctorFinding> {
    match &config.store {
        StoreName::File(file) => of_file(file, confirm_clock).await,
        StoreName::DynamoDb(table) => {
            let types = config.alert_types().unwrap_or_else(|_| AlertTypes::built_in());
            let report = DynamoDb::new(table.clone(), &types, aws.clone()).describe().await;
            let finding = |TableFinding { part, problem }| {
                let part =
                    if part == "table" { format!("store dynamodb:{table}") } else { format!("store {part}") };
                DoctorFinding::of(part, problem.map_or(Ok(()), Err), "its keys and indexes are correct")
            };
            report.into_iter().map(finding).collect()
        }
    }
}

/// Checks that the file can be read and written, is not damaged, and can be read only by its owner; and that the clock
/// has not jumped.
async fn of_file(file: &Path, confirm_clock: bool) -> Vec<DoctorFinding> {
    let path = file.display();
    let finding = |state, says| DoctorFinding { part: "store".into(), state, says };
    if !file.exists() {
        let says = format!("{path} does not exist yet; the first portend explain creates it");
        return vec![match surroundings::folder_problem(file) {
            None => finding(PartState::Ok, says),
            Some(problem) => finding(PartState::Failed, problem),
        }];
    }
    let now = SystemClock.now();
    let store = match Sqlite::open(file, now) {
        Ok(store) => store,
        Err(error) => return vec![finding(PartState::Failed, store_failure(&error))],
    };
    let checked = async || {
        store.probe().await?;
        Ok((store.check().await?, store.damaged_insights().await?))
    };
    let mut findings = vec![match checked().await {
        Ok((wrong, ids)) if wrong.is_empty() && ids.is_empty() => {
            finding(PartState::Ok, format!("{path} is intact, and can be read and written"))
        }
        Ok((wrong, ids)) if wrong.is_empty() => finding(PartState::Failed, damaged_sentence(file, &ids)),
        Ok((wrong, _)) => {
            finding(PartState::Failed, format!("{path} is damaged: {}; {RESTORE}", wrong.join("; ")))
        }
        Err(error) => finding(PartState::Failed, store_failure(&error)),
    }];
    if let Some(who) = readable_by_others(file) {
        let says = format!("{path} can be read by {who}; run chmod 600 to restrict it to its owner");
        findings.push(finding(PartState::Warning, says));
    }
    if let Some(jump) = store.clock_jump() {
        let (state, says) = if !confirm_clock {
            (PartState::Warning, clock_sentence(jump, now))
        } else if let Err(error) = store.confirm_clock(now).await {
            (PartState::Failed, explained(&error))
        } else {
            (PartState::Ok, "the time is confirmed; from now on, expired data is deleted as usual".to_owned())
        };
        findings.push(DoctorFinding { part: "clock".into(), state, says });
    }
    findings
}

/// The fix for a file whose structure is damaged.
const RESTORE: &str = "restore it from a backup, or name another --store";

/// The sentence for a store that cannot be used. Its own help for damage names this command.
fn store_failure(error: &StoreError) -> String {
    if let StoreError::Damaged { source } = error {
        return format!("the file is damaged: {source}; {RESTORE}");
    }
    explained(error)
}

/// The sentence for damaged insights: which they are, and how to repair the file.
fn damaged_sentence(file: &Path, ids: &[String]) -> String {
    let quoted = |ids: &[String]| {
        ids.iter().map(|id| format!("'{}'", id.replace('\'', "''"))).collect::<Vec<_>>().join(", ")
    };
    let listed = ids.get(..DAMAGED_LISTED_MAX).unwrap_or(ids);
    let more = ids.len() - listed.len();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let path = file.display();
    format!(
        "{path} has {}: {}{more}; all others can be used. Restore the file from a \
         backup, or delete the damaged insights: sqlite3 {path} \"DELETE FROM insight WHERE alert_id IN ({})\"",
        counted(ids.len() as u64, "damaged insight"),
        listed.join(", "),
        quoted(listed)
    )
}

/// The others who may read or write the file; `None` if nobody may.
#[cfg(unix)]
fn readable_by_others(file: &Path) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt;
    match file.metadata().ok()?.permissions().mode() & 0o066 {
        0 => None,
        mode if mode & 0o006 == 0 => Some("its group"),
        _ => Some("every user of this machine"),
    }
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> Option<&'static str> {
    None
}

/// Calls the model, and checks its context, its end of life and its price.
async fn of_model(model: &AnyModel, config: &Config) -> Vec<DoctorFinding> {
    let spec = model.spec();
    let part = format!("model {} ({} at {})", spec.name, spec.model_id, spec.endpoint);
    let tried = trial::trial(model).await;
    let (state, says) = match &tried {
        Ok(trial) => trial.finding(spec),
        Err(error) => (PartState::Failed, trial::failure(error)),
    };
    let finding = |state, says: String| DoctorFinding { part: part.clone(), state, says };
    let mut findings = vec![finding(state, says)];
    if let Ok(types) = config.alert_types() {
        let context = context::of_model(model, &tried, &types).await;
        findings.extend(context.map(|(state, says)| finding(state, says)));
    }
    let is_working = findings.first().is_some_and(|first| first.state != PartState::Failed);
    let live = if is_working { model.lifecycle().await } else { None };
    let today = SystemClock.now().day().parse().ok();
    let table = match &config.store {
        StoreName::DynamoDb(table) => Some(table.as_str()),
        StoreName::File(_) => None,
    };
    if let Some(notice) = today.and_then(|today| end_of_life_notice(model, live, today, table)) {
        findings.push(finding(PartState::Warning, notice.says));
    }
    if spec.price.is_none() {
        findings.push(finding(
            PartState::Warning,
            format!(
                "its price is not known, so its insights do not contain their cost; set price in [models.{}]",
                spec.name
            ),
        ));
    }
    findings
}

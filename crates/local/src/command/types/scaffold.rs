//! `portend types new`: writes the folder of a new alert type from an alert, with every key explained; from the payload of
//! another system also a mapping.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use portend_core::alert_type::{AlertType, AlertTypes};
use serde_json::{Map, Value};

use super::payload::{Guess, guess, is_word};
use crate::command::samples;
use crate::show::output::{CommandOutcome, WrongUsage};

/// Write the folder of a new alert type, from one of its alerts.
///
/// The folder has an alert.toml that explains every key, with a fact for each value in the alert's `details`, and the
/// alert as the first sample. It is valid as it is written: describe the facts, then change the points.
///
/// The file can also be a payload of another system, such as an alarm of a monitoring service. The folder then has a
/// mapping too, which guesses where the fields of an alert are in the payload.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct NewArgs {
    /// The id of the type: lower-case letters, digits and `_`.
    id: String,

    /// A file with one alert: an EventBridge event, the `detail` of one, or a payload of another system.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,

    /// The folder in which the type's folder is written.
    #[arg(long, value_name = "DIR", default_value = "alert-types")]
    dir: PathBuf,
}

pub(crate) async fn run(args: &NewArgs) -> Result<CommandOutcome> {
    let folder = args.dir.join(&args.id);
    let (detail, guess) = match read(&args.from, &args.id).map_err(WrongUsage::from)? {
        Written::Alert(detail) => (detail, None),
        Written::Payload(payload, guess) => (guess.detail.clone(), Some((payload, guess))),
    };
    let toml = definition(&args.id, &detail);
    if let Err(findings) = AlertType::read("alert.toml", &args.id, &toml) {
        let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
        let error =
            anyhow!("no alert type can be made from {}: {}", args.from.display(), findings.join("; "));
        return Err(WrongUsage::from(error).into());
    }
    if folder.exists() {
        let error = anyhow!("{} exists; choose another id, or another folder with --dir", folder.display());
        return Err(WrongUsage::from(error).into());
    }
    let sample = folder.join("samples/01-typical");
    fs::create_dir_all(&sample).with_context(|| format!("cannot create {}", sample.display()))?;
    write_file(&folder.join("alert.toml"), &toml)?;
    let mut detail = Value::from(detail);
    if let Some((payload, guess)) = &guess {
        detail = write_mapping(&folder, &args.id, payload, guess)?;
    }
    let alert = serde_json::to_string_pretty(&detail)? + "\n";
    write_file(&sample.join("alert.json"), &alert)?;
    let types = AlertTypes::from_type_folder(&folder)?;
    let (_, findings) = samples::check(&types, &folder, true).await?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "Wrote {}.", folder.join("alert.toml").display())?;
    if let Some((_, Guess { source, .. })) = &guess {
        let mapping = folder.join(format!("from/{source}.toml"));
        writeln!(out, "Wrote {}, which guesses where each field is: read every line.", mapping.display())?;
    }
    for finding in &findings {
        writeln!(out, "{}", crate::show::text::shown_lines(finding))?;
    }
    writeln!(out, "Describe its facts and set their points. Then run:")?;
    writeln!(
        out,
        "  portend types check {0}\n  portend types try {0} {1}",
        folder.display(),
        args.from.display()
    )?;
    Ok(if findings.is_empty() { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What the file has.
enum Written {
    /// An alert, as a bare detail of the new type.
    Alert(Map<String, Value>),
    /// A payload of another system.
    Payload(Value, Guess),
}

fn read(path: &Path, id: &str) -> Result<Written> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read {}; give a file with one alert", path.display()))?;
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not JSON; give a file with one alert", path.display()))?;
    let detail = value.get("detail").unwrap_or(&value);
    let Some(detail) =
        detail.as_object().filter(|detail| detail.get("details").is_some_and(Value::is_object))
    else {
        let Some(guess) = guess(id, &value) else {
            bail!(
                "{} has no `details` with facts, and no mapping can be guessed, because no time, no name or no fact is \
                 found in it; give an EventBridge event, or the `detail` of one, or write a mapping \
                 (see docs/ALERT-TYPES.md)",
                path.display()
            );
        };
        return Ok(Written::Payload(value, guess));
    };
    let mut detail = detail.clone();
    detail.insert("alert_type".into(), id.into());
    Ok(Written::Alert(detail))
}

/// Writes the mapping with its sample, and returns the first alert in the payload.
fn write_mapping(folder: &Path, id: &str, payload: &Value, guess: &Guess) -> Result<Value> {
    let from = folder.join("from");
    let sample = from.join(&guess.source);
    fs::create_dir_all(&sample).with_context(|| format!("cannot create {}", sample.display()))?;
    write_file(&from.join(format!("{}.toml", guess.source)), &guess.mapping)?;
    let path = sample.join("first.json");
    write_file(&path, &(serde_json::to_string_pretty(payload)? + "\n"))?;
    let types = AlertTypes::from_type_folder(folder)?;
    let alerts = samples::mapped::alerts(&types, id, &guess.source, &path).with_context(|| {
        format!("the guessed mapping in {} does not fit its payload; correct it", from.display())
    })?;
    samples::mapped::check(&types, id, folder, true)?;
    let mut alert = alerts.into_iter().next().context("the payload has no alert; give one with an alert")?;
    if let Some(alert) = alert.as_object_mut() {
        alert.retain(|_, value| !value.is_null());
    }
    Ok(alert)
}

/// The text of an `alert.toml` that fits the alert.
fn definition(id: &str, detail: &Map<String, Value>) -> String {
    let words = id.replace('_', " ");
    let text = |key: &str| detail.get(key).and_then(Value::as_str);
    let entity = text("entity_type").unwrap_or("entity");
    let is_token = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    let form =
        if text("entity_id").is_some_and(|id| is_token(id) && id.len() <= 64) { "token" } else { "any" };
    let facts = detail.get("details").and_then(Value::as_object).cloned().unwrap_or_default();
    let facts: Vec<_> = facts.iter().filter_map(|(id, value)| fact(id, value)).collect();
    let mut toml = format!(
        "# The id is the folder's name and `alert_type` on the wire.\n\
         id            = \"{id}\"\n\
         # The name for people.\n\
         title         = {title}\n\
         # The `entity_type` on the wire.\n\
         entity        = \"{entity}\"\n\
         # The form of `entity_id`: token (letters, digits, ._:-), name (at most 128 visible characters) or any (at most 512).\n\
         entity_id     = \"{form}\"\n\
         # What the score measures. Scores of types that predict the same can be compared.\n\
         predicts      = \"incident\"\n\
         # The question that the score answers, in neutral words. A model is asked exactly this.\n\
         question      = \"How likely is it that this {entity} needs a person within 7 days?\"\n\
         # How many days ahead the question looks.\n\
         horizon_days  = 7\n\
         # Time has windows of this length. Alerts about one {entity} with the same facts in one window are repeats; 0s for none.\n\
         repeat_window = \"24h\"\n\
         # An alert older than this is marked as stale; 0s for never.\n\
         stale_after   = \"7d\"\n\
         # How long an accepted answer is used again for the same question; 0s for never.\n\
         answer_reuse  = \"24h\"\n\
         # After this long without an alert, the {entity} counts as recovered.\n\
         # quiet_after = \"72h\"\n\
         # How many answers of a model are asked for (1 to 5), and whether the next model verifies the answer.\n\
         samples       = 1\n\
         verify        = false\n\n\
         # The type's name in the original dashboard's API.\n\
         [dashboard]\n\
         category = \"{id}\"\n\n\
         # What scores mean, for people and models: 0, 100, and scores between them.\n\
         [scale]\n\
         0   = \"nothing has to be done\"\n\
         50  = \"as likely as not to need a person\"\n\
         100 = \"a person is needed now\"\n",
        title = quoted(&sentence_case(&words)),
    );
    for fact in &facts {
        toml.push('\n');
        toml.push_str(&fact.definition);
    }
    toml.push_str(
        "\n# Facts that contradict each other are shown beside the score. Remove the # to use the rule.\n\
         # [[conflict]]\n\
         # when     = \"status = busy and requests < 10\"\n\
         # sentence = \"The status says busy, but there are few requests.\"\n\n\
         # The score without a model: the base and the points of each fact add up to it.\n\
         [scorecard]\n\
         # The score when no fact adds points. The base and the most points of each fact are at most 100 together.\n\
         base = 10\n\
         # Recommendations for an alert in which fewer than two facts add points.\n\
         otherwise = [\n  \"Look at it again tomorrow.\",\n  \"Ask the owner whether this is expected.\",\n]\n",
    );
    // The points of all facts are 80 at most.
    let share = 80 / facts.iter().filter(|fact| fact.row.is_some()).count().max(1);
    for (fact, row) in facts.iter().filter_map(|fact| Some((fact, fact.row.as_ref()?))) {
        // Writing to a string cannot fail.
        let _ = write!(
            toml,
            "\n[[scorecard.points]]\n\
             fact   = \"{0}\"\n\
             # Rows: `from` where higher is worse, `below` where lower is, `value` for an enum or boolean. Of the rows that\n\
             # apply, the one with the most points counts. A row may have its own advice. `unknown = 5` gives points to an\n\
             # optional fact that is not known.\n\
             add    = [{{ {row}, points = {share} }}]\n\
             # The recommendation when the fact adds points.\n\
             advice = \"Check {1}.\"\n",
            fact.id,
            fact.id.replace('_', " ")
        );
    }
    toml
}

/// A fact of the new type.
struct ScaffoldFact {
    id: String,
    definition: String,
    /// The condition of its only row of points. A text has none.
    row: Option<String>,
}

/// The fact for a value in the alert's details. `None` for a list or an object, which no fact can have.
fn fact(id: &str, value: &Value) -> Option<ScaffoldFact> {
    let label = sentence_case(&id.replace('_', " "));
    let head = format!(
        "# A value in the `details` of an alert. `optional = true` lets an alert leave it out.\n\
         [[fact]]\n\
         id      = \"{id}\"\n\
         # The name for people, with its time window: \"Inbound support calls, last 14 days\".\n\
         label   = {}\n\
         # A sentence that defines it. A model sees it.\n\
         meaning = {}\n",
        quoted(&label),
        quoted(&format!("{label}, as the producer counts it."))
    );
    let (rest, row) = match value {
        Value::Number(number) => {
            let value = number.as_f64()?;
            let kind = if number.is_f64() { "number" } else { "integer" };
            let is_ratio = number.is_f64() && (0.0..=1.0).contains(&value);
            let (max, step) = if is_ratio { (1.0, 0.01) } else { (round_up(value.abs() * 100.0), 1.0) };
            let min = if value < 0.0 { -max } else { 0.0 };
            let from = if is_ratio { "0.5".to_owned() } else { format!("{}", value.abs().ceil().max(1.0)) };
            let rest = format!(
                "# How the value is written within a sentence; phrase_one is for exactly one.\n\
                 # phrase     = \"{{value}} failed requests in the last hour\"\n\
                 # phrase_one = \"1 failed request in the last hour\"\n\
                 type    = \"{kind}\"\n\
                 # The range. An alert outside it is parked.\n\
                 min     = {min}\n\
                 max     = {max}\n\
                 # What one of it is, in the plural.\n\
                 unit    = \"{}\"\n\
                 # Values in the same step are the same for repeats. It must divide every threshold of the points.\n\
                 step    = {step}\n\
                 # Which direction is worse: higher or lower.\n\
                 worse   = \"higher\"\n\
                 # A value that needs no attention (optional).\n\
                 healthy = {min}\n",
                if is_ratio { "of 1".to_owned() } else { id.replace('_', " ") }
            );
            (rest, Some(format!("from = {from}")))
        }
        Value::Bool(flag) => (
            format!(
                "type    = \"boolean\"\n\
                 # What each value means.\n\
                 values  = [\n  {{ id = true, meaning = \"it is so\" }},\n  {{ id = false, meaning = \"it is not so\" }},\n]\n\
                 # The value that needs no attention (optional).\n\
                 healthy = {}\n",
                !flag
            ),
            Some(format!("value = {flag}")),
        ),
        Value::String(text) if is_word(text) => (
            format!(
                "type    = \"enum\"\n\
                 # Every possible value. An alert with another one is parked. For free text, write type = \"text\" instead,\n\
                 # without values: it is stored and shown, and no model sees it.\n\
                 values  = [\n  {{ id = \"{text}\", meaning = \"as in the first alert\" }},\n  \
                 {{ id = \"other_than_{text}\", meaning = \"another value\" }},\n]\n\
                 # The values themselves say which is worse.\n\
                 worse   = \"by value\"\n"
            ),
            Some(format!("value = \"{text}\"")),
        ),
        Value::String(_) => ("type    = \"text\"\n".to_owned(), None),
        Value::Null => ("type    = \"text\"\noptional = true\n".to_owned(), None),
        Value::Array(_) | Value::Object(_) => return None,
    };
    Some(ScaffoldFact { id: id.to_owned(), definition: head + &rest, row })
}

/// The next power of ten, at least 10.
fn round_up(value: f64) -> f64 {
    10_f64.powi(1).max(10_f64.powf(value.max(1.0).log10().ceil()))
}

fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A text in TOML's quotes, which are JSON's for such texts.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

//! `portend digest`: what changed since a time, each student and subject once.

use std::io::Write;

use anyhow::{Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::help::explained;
use portend_core::time::Timestamp;
use portend_remote::digest::{Digest, digest_now, digest_of_rows};
use portend_remote::{SentReport, SystemClock};

use super::insights::{open_existing, open_for_changes};
use super::today::open_entities;
use crate::config::Config;
use crate::moment::{Direction, moment};
use crate::show::digest::{DigestFormat, html, markdown, text};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::counted;

/// Print what changed since a time: who is new, back, worse, better or recovered.
///
/// Each student or subject is in one section, and those that have not changed are only counted. For a report each
/// morning, run it from a schedule: `0 7 * * * portend digest --since 24h | mail -s Portend team@example.com`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Since a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,

    /// As of this time [default: now]. A duration in --since then counts back from it.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// Send what changed since the last digest that was sent, and print it. Nothing is said twice.
    ///
    /// The channels with `digest = true` in portend.toml get it. If nothing has changed, they get nothing. With a
    /// schedule: `0 7 * * * portend digest --send`. A running server does the same with `portend serve --digest-at 07:00`.
    ///
    /// Exit code: 1 if a channel failed.
    #[arg(long, conflicts_with_all = ["since", "at"])]
    send: bool,

    /// The form.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = DigestFormat::Text)]
    format: DigestFormat,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let at = args.at.as_deref().map(|text| moment("--at", text, Direction::Past, now)).transpose();
    let at = at.map_err(WrongUsage::from)?.unwrap_or(now);
    let since = moment("--since", &args.since, Direction::Past, at).map_err(WrongUsage::from)?;
    let types = config.alert_types().map_err(WrongUsage::from)?;
    if args.send {
        return send(&config, &types, args.format, now).await;
    }
    let store = open_existing(&config).await?;
    let digest = if at == now {
        digest_now(&store, &types, since, now).await?
    } else {
        let entities = open_entities(&store, &types, at, now, usize::MAX).await?;
        let rows = [entities.listed, entities.recovered].concat();
        digest_of_rows(&store, &types, &rows, (since, at), now).await?
    };
    print(&digest, args.format)?;
    Ok(CommandOutcome::Done)
}

/// Sends what changed since the last digest that was sent, and prints it.
async fn send(
    config: &Config,
    types: &AlertTypes,
    format: DigestFormat,
    now: Timestamp,
) -> Result<CommandOutcome> {
    let aws = config.aws().await.map_err(WrongUsage::from)?;
    let none = || anyhow!("no channel gets the digest; set digest = true in a [notify.NAME] of portend.toml");
    let notifiers = config.notifiers(types, &aws).map_err(WrongUsage::from)?;
    let notifiers = notifiers.ok_or_else(none).map_err(WrongUsage::from)?;
    if !notifiers.has_digest_channel().await? {
        return Err(WrongUsage::from(none()).into());
    }
    let store = open_for_changes(config).await?;
    let SentReport { digest, channels, failures } = notifiers.send_next_digest(&store, types, now).await?;
    print(&digest, format)?;
    for failure in &failures {
        note(&format!("the digest was not sent: {}", explained(failure)));
    }
    if digest.is_empty() {
        note("nothing has changed since the last digest, so nothing was sent");
    } else {
        note(&format!(
            "sent to {} of {}",
            channels - failures.len().min(channels),
            counted(channels as u64, "channel")
        ));
    }
    Ok(if failures.is_empty() { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

fn print(digest: &Digest, format: DigestFormat) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match format {
        DigestFormat::Json => json_line(&mut out, digest)?,
        DigestFormat::Text => out.write_all(text(digest).as_bytes())?,
        DigestFormat::Markdown => out.write_all(markdown(digest).as_bytes())?,
        DigestFormat::Html => out.write_all(html(digest).as_bytes())?,
    }
    Ok(())
}

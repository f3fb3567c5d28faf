//! `portend demo`: a simulated marketplace, judged and served, to see the console without an account or an alert.
//!
//! Never: touches the user's own store.

use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::process::{Command, Stdio, id};
use std::time::Duration;

use anyhow::{Context, Result};
use portend_core::clock::Clock;
use portend_core::time::Timestamp;
use portend_http::Engine;
use portend_remote::SystemClock;
use portend_simulator::{Settings, Simulation};
use serde_json::Value;

use super::serve::{self, LocalServer};
use super::stop_signal;
use crate::config::{Config, StoreName};
use crate::inbox::LocalEngine;
use crate::show::output::{CommandOutcome, note};

/// Show the console with a simulated marketplace.
///
/// The alerts of the last days are judged at once, and then 60 more, one every few seconds. Everything is in a temporary
/// store, which is deleted at the end.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The address and port to listen on. Port 0 chooses a free port.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: String,

    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,

    /// The number of students.
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(10..=2000))]
    entities: u32,

    /// The number of days before now.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    days: u32,

    /// The seed of all random numbers.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Alerts that arrive one by one after the others.
const LIVE_ALERTS: usize = 60;
/// The pause between two of them.
const LIVE_PAUSE: Duration = Duration::from_secs(4);
/// Alerts that are accepted in one write.
const CHUNK: usize = 250;

pub(crate) async fn run(args: Args, mut config: Config) -> Result<CommandOutcome> {
    let folder = DemoFolder::create()?;
    let store = folder.0.join("demo.db");
    config.store = StoreName::File(store.clone());
    config.ledger = store;
    let server = LocalServer::open(&serve::Args::on_loopback(&args.listen), &config).await?;
    let address = format!("http://{}", server.address()?);
    note(&format!("the console is at {address}; stop it with Ctrl-C"));
    if !args.no_open && stderr().is_terminal() {
        open_browser(&address);
    }
    let app = server.app().clone();
    let feed = async {
        feed(app.engine(), &args).await;
        std::future::pending::<()>().await;
    };
    let stopped = async {
        tokio::select! {
            () = stop_signal() => {}
            () = feed => {}
        }
    };
    server.run(stopped).await?;
    drop(folder);
    Ok(CommandOutcome::Done)
}

/// Sends the past at once, the newest last, and then one alert after another. What is not accepted is not sent again.
async fn feed(engine: &LocalEngine, args: &Args) {
    let settings = Settings { entities: args.entities, days: args.days, seed: args.seed };
    let mut alerts: Vec<Value> =
        Simulation::new(settings).filter_map(|alert| serde_json::from_str(&alert.to_json()).ok()).collect();
    let live = alerts.split_off(alerts.len().saturating_sub(LIVE_ALERTS));
    let last = alerts.last().and_then(time_of).unwrap_or(Timestamp::EPOCH);
    let shift = SystemClock.now().since(last);
    let moved = |alert: Value| at(alert, |time| time.plus(shift));
    let mut events: Vec<Vec<u8>> = alerts.into_iter().map(moved).collect();
    while !events.is_empty() {
        let rest = events.split_off(events.len().min(CHUNK));
        let _ = engine.accept(events, None).await;
        events = rest;
    }
    for alert in live {
        tokio::time::sleep(LIVE_PAUSE).await;
        let _ = engine.accept(vec![at(alert, |_| SystemClock.now())], None).await;
    }
}

fn time_of(alert: &Value) -> Option<Timestamp> {
    let detail = alert.get("detail").unwrap_or(alert);
    Timestamp::parse(detail.get("timestamp")?.as_str()?).ok()
}

/// The event with another time.
fn at(mut alert: Value, change: impl Fn(Timestamp) -> Timestamp) -> Vec<u8> {
    if let Some(time) = time_of(&alert) {
        let is_wrapped = alert.get("detail").is_some();
        let detail = if is_wrapped { alert.get_mut("detail") } else { Some(&mut alert) };
        if let Some(detail) = detail.and_then(Value::as_object_mut) {
            detail.insert("timestamp".to_owned(), Value::from(change(time).to_string()));
        }
    }
    alert.to_string().into_bytes()
}

/// Opens the address, if this machine has a program for it.
fn open_browser(address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let _ = Command::new(program)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}

/// A folder that is deleted at the end.
struct DemoFolder(PathBuf);

impl DemoFolder {
    fn create() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("portend-demo-{}", id()));
        fs::create_dir_all(&folder).with_context(|| {
            format!(
                "cannot create the folder {}; set TMPDIR to a folder that can be written",
                folder.display()
            )
        })?;
        Ok(Self(folder))
    }
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

//! `portend serve`: the API, the original dashboard's API and the console, on this machine.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use portend_core::clock::Clock;
use portend_core::help::explained;
use portend_core::store::{Outcomes, keep_evaluations};
use portend_core::time::Timestamp;
use portend_http::limits::TOKEN_CHARS_MIN;
use portend_http::{Access, AccessToken, HttpApp, router};
use portend_remote::SystemClock;
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::watch;

use super::stop_signal;
use crate::config::Config;
use crate::inbox::LocalEngine;
use crate::listener;
use crate::runner::EventRunner;
use crate::show::output::{CommandOutcome, WrongUsage, note};
use crate::show::text::counted;

/// Serve the API and the console on this machine.
///
/// Events that are posted to /v1/events are stored before the response, and then judged. A restart finishes what was
/// accepted. The console is at the address itself, and the API is described by /openapi.json.
///
/// Ctrl-C and SIGTERM stop the server after the events in progress, and a second one stops it at once; the exit code is 0
/// either way. The file STORE-serve, next to the store's file, keeps a second server off the store. It is empty and stays.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The address and port to listen on. Port 0 chooses a free port.
    ///
    /// An address that other machines can reach needs a token, best of 16 characters or more.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: String,

    /// The file with the token that every request must carry. `PORTEND_TOKEN` is the token itself.
    ///
    /// A program sends it as `Authorization: Bearer TOKEN`. The console asks for it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    #[arg(long, env = "PORTEND_TOKEN", hide = true, hide_env_values = true, conflicts_with = "token_file")]
    token: Option<String>,

    /// Serve the original dashboard's API also where other machines reach it. It needs no token.
    #[arg(long)]
    open_original_api: bool,

    /// An origin that may read the original dashboard's API, such as `https://dashboard.example` [default: any].
    #[arg(long, value_name = "ORIGIN")]
    original_api_origin: Vec<String>,

    /// The file with the secret of a source of payloads, such as `alertmanager=secret.txt`. Its payloads must be signed, and
    /// each is accepted once.
    #[arg(long = "hook-secret", value_name = "SOURCE=FILE")]
    hook_secrets: Vec<String>,

    /// Send the digest each day at this time of this machine's zone, such as 07:00 [default: never].
    ///
    /// The channels with `digest = true` in portend.toml get what changed since the last one, unless nothing has.
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    digest_at: Option<jiff::civil::Time>,

    /// A further name of this server, such as `portend.example`. Requests for other names are refused.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

impl Args {
    /// A server for this machine only, without a token.
    pub(crate) fn on_loopback(listen: &str) -> Self {
        Self {
            listen: listen.to_owned(),
            token_file: None,
            token: None,
            open_original_api: false,
            original_api_origin: Vec::new(),
            hook_secrets: Vec::new(),
            digest_at: None,
            hosts: Vec::new(),
        }
    }
}

fn time_of_day(text: &str) -> Result<jiff::civil::Time, String> {
    let wrong = || "it is not a time of day; write one such as 07:00".to_owned();
    jiff::civil::Time::strptime("%H:%M", text).map_err(|_| wrong())
}

/// The pause between two sweeps, which publish and upgrade what is left to do.
const SWEEP_PAUSE: Duration = Duration::from_mins(5);
/// The pause between two digests, if the calendar cannot say.
const DIGEST_PAUSE: Duration = Duration::from_hours(24);
/// The time that events have to end after the server is asked to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let server = LocalServer::open(&args, &config).await?;
    note(&format!("listening on http://{}", server.address()?));
    if args.open_original_api {
        note("the original dashboard's API is open: it needs no token");
    }
    server.run(stop_signal()).await?;
    Ok(CommandOutcome::Done)
}

/// A server that is ready to run.
pub(crate) struct LocalServer {
    tcp: TcpListener,
    app: Arc<HttpApp<LocalEngine>>,
    digest_at: Option<jiff::civil::Time>,
    /// Held while the server runs: one server works on the inbox of a file.
    lock: File,
}

impl LocalServer {
    pub(crate) async fn open(args: &Args, config: &Config) -> Result<Self> {
        let address = resolve(&args.listen).await.map_err(WrongUsage::from)?;
        let access = access(args, address).map_err(WrongUsage::from)?;
        let tcp = TcpListener::bind(address).await.with_context(|| {
            format!(
                "cannot listen on {address}; stop the program that uses it, or use --listen with another port"
            )
        })?;
        let runner = EventRunner::open(config, None).await?;
        let lock = lock(&config.ledger)?;
        let engine = LocalEngine::open(Arc::new(runner)).await?;
        if engine.waiting() > 0 {
            note(&format!("{} in the inbox still to be judged", counted(engine.waiting(), "event")));
        }
        let has_digest = match engine.runner().pipeline.notifier() {
            Some(notifiers) => notifiers.has_digest_channel().await?,
            None => false,
        };
        if args.digest_at.is_some() && !has_digest {
            let fix = "set digest = true in a [notify.NAME] of portend.toml, or remove --digest-at";
            return Err(WrongUsage::from(anyhow!("no channel gets the digest; {fix}")).into());
        }
        Ok(Self { tcp, app: Arc::new(HttpApp::new(engine, access)), digest_at: args.digest_at, lock })
    }

    /// The address on which it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.tcp.local_addr()?)
    }

    /// The program behind the routes.
    pub(crate) fn app(&self) -> &Arc<HttpApp<LocalEngine>> {
        &self.app
    }

    /// Serves until `stopped` is ready. Requests and events that have begun are finished.
    pub(crate) async fn run(self, stopped: impl Future<Output = ()>) -> Result<()> {
        let Self { tcp, app, digest_at, lock } = self;
        let (stop, stopping) = watch::channel(false);
        let listener = tokio::spawn(listener::serve(tcp, router(Arc::clone(&app)), stopping.clone()));
        let mut work = pin!(app.engine().work(stopping));
        tokio::select! {
            () = stopped => {}
            () = &mut work => {}
            () = sweep(app.engine()) => {}
            () = send_digests(app.engine(), digest_at) => {}
        }
        note("stopping after the events in progress; stop again to end at once");
        stop.send_replace(true);
        app.close();
        let finished = async {
            let _ = listener.await;
            work.await;
        };
        let is_finished = tokio::select! {
            finished = tokio::time::timeout(STOP_TIME_MAX, finished) => finished.is_ok(),
            () = stop_signal() => false,
        };
        if !is_finished {
            app.engine().runner().release().await;
        }
        drop(lock);
        let waiting = app.engine().waiting();
        if waiting > 0 {
            note(&format!("{} in the inbox will be judged at the next start", counted(waiting, "event")));
        }
        Ok(())
    }
}

/// Publishes and upgrades what is left to do, and deletes what has expired.
async fn sweep(engine: &LocalEngine) {
    let runner = engine.runner();
    loop {
        tokio::time::sleep(SWEEP_PAUSE).await;
        let mut run = runner.pipeline.run(Timestamp::from_millis(i64::MAX));
        // A failure of the store is met again by the next sweep, and by every request.
        let _ = run.sweep(|_| {}).await;
        let (store, types) = (runner.pipeline.store(), runner.pipeline.types());
        let _ = keep_evaluations(store, types, SystemClock.now(), || false).await;
        if let Ok(maps) = store.maps(SystemClock.now()).await {
            runner.pipeline.use_maps(maps);
        }
        runner.report(run.account());
        let _ = runner.ledger().sweep(SystemClock.now()).await;
    }
}

/// Sends the digest each day at this time.
async fn send_digests(engine: &LocalEngine, at: Option<jiff::civil::Time>) {
    let Some(at) = at else { return std::future::pending().await };
    let pipeline = &engine.runner().pipeline;
    loop {
        tokio::time::sleep(until(at, SystemClock.now())).await;
        let Some(notifiers) = pipeline.notifier() else { return std::future::pending().await };
        match notifiers.send_next_digest(pipeline.store(), pipeline.types(), SystemClock.now()).await {
            Ok(sent) => {
                for failure in &sent.failures {
                    note(&format!("the digest was not sent: {}", explained(failure)));
                }
            }
            Err(error) => note(&format!("the digest was not sent: {}", explained(&error))),
        }
    }
}

/// The time until it is this time of the day again, in the machine's zone.
fn until(at: jiff::civil::Time, now: Timestamp) -> Duration {
    let Ok(present) = jiff::Timestamp::from_millisecond(now.as_millis()) else { return DIGEST_PAUSE };
    let present = present.to_zoned(jiff::tz::TimeZone::system());
    let today = present.with().time(at).build().ok().filter(|today| *today > present);
    // A day may have 23 or 25 hours.
    let next = today.or_else(|| present.tomorrow().ok()?.with().time(at).build().ok());
    let wait = next.map(|next| next.timestamp().as_millisecond() - now.as_millis());
    wait.and_then(|millis| u64::try_from(millis).ok()).map_or(DIGEST_PAUSE, Duration::from_millis)
}

async fn resolve(listen: &str) -> Result<SocketAddr> {
    let wrong = || anyhow!("`{listen}` is not an address to listen on; write one such as 127.0.0.1:8080");
    if let Ok(address) = listen.parse() {
        return Ok(address);
    }
    lookup_host(listen).await.map_err(|_| wrong())?.next().ok_or_else(wrong)
}

fn access(args: &Args, address: SocketAddr) -> Result<Access> {
    let text = match (&args.token_file, &args.token) {
        (Some(file), _) => Some(fs::read_to_string(file).with_context(|| {
            format!("cannot read the token file {}; name a file that this user may read", file.display())
        })?),
        (None, token) => token.clone().filter(|token| !token.is_empty()),
    };
    let is_loopback = address.ip().to_canonical().is_loopback();
    let token = match text {
        Some(text) => {
            let token = AccessToken::new(&text);
            ensure!(token.is_some(), "the token is empty; write at least one character");
            if !is_loopback && AccessToken::is_guessable(&text) {
                note(&format!(
                    "other machines can reach {address}, and the token has fewer than {TOKEN_CHARS_MIN} characters, so others \
                     could guess it; make one with openssl rand -hex 32"
                ));
            }
            token
        }
        None => None,
    };
    ensure!(
        is_loopback || token.is_some(),
        "other machines can reach {address}, so it needs a token; set PORTEND_TOKEN or --token-file, or listen on 127.0.0.1"
    );
    Ok(Access {
        token,
        hosts: Some(args.hosts.clone()),
        original_api: is_loopback || args.open_original_api,
        origins: args.original_api_origin.clone(),
        hook_secrets: args.hook_secrets.iter().map(|each| hook_secret(each)).collect::<Result<_>>()?,
        secure_cookies: false,
    })
}

/// The name of a source, and its secret.
fn hook_secret(setting: &str) -> Result<(String, String)> {
    let wrong = || anyhow!("`{setting}` is not a hook secret; write one such as alertmanager=secret.txt");
    let (source, file) = setting.split_once('=').ok_or_else(wrong)?;
    let secret = fs::read_to_string(file).with_context(|| {
        format!("cannot read the secret file {file}; name a file that this user may read")
    })?;
    ensure!(!secret.trim().is_empty(), "the secret in {file} is empty; write at least one character");
    Ok((source.to_owned(), secret.trim().to_owned()))
}

/// Locks the inbox of the store's file for this process. The system releases the lock when the process ends. The file stays:
/// if it was removed, a server that has opened it and one that creates it anew could both have a lock.
fn lock(ledger: &Path) -> Result<File> {
    let mut name = ledger.as_os_str().to_owned();
    name.push("-serve");
    let path = PathBuf::from(name);
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).open(&path).with_context(|| {
            format!("cannot create {}; check that its folder can be written", path.display())
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(anyhow!(
            "another portend serve uses the store {}; stop it, or use --store with another file",
            ledger.display()
        )),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}; use a local disk", path.display()))
        }
    }
}

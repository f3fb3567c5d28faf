//! The commands, one file each: the arguments, the work and the output.

pub(crate) mod time;
pub(crate) mod explain;
pub(crate) mod insights;
pub(crate) mod today;
pub(crate) mod digest;
pub(crate) mod entity;
pub(crate) mod feedback;
pub(crate) mod parked;
pub(crate) mod forget;
pub(crate) mod ledger;
pub(crate) mod serve;
pub(crate) mod upgrade;
pub(crate) mod doctor;
pub(crate) mod samples;
pub(crate) mod types;
pub(crate) mod simulate;
pub(crate) mod outcomes;
pub(crate) mod eval;
pub(crate) mod recommendations;
pub(crate) mod calibrate;
pub(crate) mod fit;
pub(crate) mod drift;
pub(crate) mod question;
pub(crate) mod compare;
pub(crate) mod drivers;
pub(crate) mod demo;

/// Waits until the user or the system stops the program.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

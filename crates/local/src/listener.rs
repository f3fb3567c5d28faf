//! The connections of `portend serve`: their number, the time for a request's head, and a graceful stop.
//!
//! A connection above the limits is still served, but only `/healthz` on it; of those there are few, and the oldest is
//! closed for the newest. So the health of a server is known under any load.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use portend_http::limits::{CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, HEAD_BYTES_MAX, REQUEST_TIME_MAX};
use portend_http::{Router, overflow_router};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Connections above the limits that are served at the same time.
const OVERFLOW_MAX: usize = 64;
/// The time for the head of a request on such a connection.
const OVERFLOW_TIME_MAX: Duration = Duration::from_secs(2);
/// The pause after the system did not accept a connection, for example because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The bytes of a head that are read. The routes refuse more than [`HEAD_BYTES_MAX`] with a sentence; more than this is refused
/// without one.
const HEAD_BUFFER_BYTES: usize = 4 * HEAD_BYTES_MAX;
/// The time that requests have to end after the server is asked to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(10);

/// The open connections of each address.
#[derive(Debug, Default)]
struct OpenConnections {
    by_peer: HashMap<IpAddr, usize>,
    total: usize,
}

/// A connection within the limits. Dropping it makes room for another.
struct CountedConnection {
    connections: Arc<Mutex<OpenConnections>>,
    peer: IpAddr,
}

impl CountedConnection {
    /// Counts a connection; `None` if there are too many.
    fn new(connections: &Arc<Mutex<OpenConnections>>, peer: IpAddr) -> Option<Self> {
        let mut open = connections.lock().unwrap_or_else(PoisonError::into_inner);
        let of_peer = open.by_peer.get(&peer).copied().unwrap_or(0);
        if open.total >= CONNECTIONS_MAX || of_peer >= CONNECTIONS_PER_PEER_MAX {
            return None;
        }
        open.total += 1;
        open.by_peer.insert(peer, of_peer + 1);
        Some(Self { connections: Arc::clone(connections), peer })
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        let mut open = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        open.total -= 1;
        let of_peer = open.by_peer.get(&self.peer).copied().unwrap_or(1) - 1;
        if of_peer == 0 {
            open.by_peer.remove(&self.peer);
        } else {
            open.by_peer.insert(self.peer, of_peer);
        }
    }
}

/// Serves the routes until the server stops, and then finishes the requests that have begun.
pub(crate) async fn serve(tcp: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let connections: Arc<Mutex<OpenConnections>> = Arc::default();
    let graceful = GracefulShutdown::new();
    let mut overflow: VecDeque<AbortHandle> = VecDeque::new();
    let overflow_routes = overflow_router();
    loop {
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            _ = stop.changed() => break,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // A delayed packet would only slow the response.
        let _ = stream.set_nodelay(true);
        if let Some(counted) = CountedConnection::new(&connections, address(peer)) {
            let connection = http(REQUEST_TIME_MAX)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
            let watched = graceful.watch(connection);
            tokio::spawn(async move {
                // A connection that ends with an error is the caller's affair.
                let _ = watched.await;
                drop(counted);
            });
        } else {
            overflow.retain(|each| !each.is_finished());
            if overflow.len() >= OVERFLOW_MAX
                && let Some(oldest) = overflow.pop_front()
            {
                oldest.abort();
            }
            overflow.push_back(tokio::spawn(only_health(stream, overflow_routes.clone())).abort_handle());
        }
    }
    drop(tcp);
    overflow.iter().for_each(AbortHandle::abort);
    let _ = tokio::time::timeout(STOP_TIME_MAX, graceful.shutdown()).await;
}

async fn only_health(stream: TcpStream, routes: Router) {
    let mut http = http(OVERFLOW_TIME_MAX);
    http.keep_alive(false);
    let _ = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)).await;
}

fn http(head_time_max: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_time_max).max_buf_size(HEAD_BUFFER_BYTES);
    builder
}

/// The address that counts as one peer. An IPv4 address may be written as an IPv6 address.
fn address(peer: SocketAddr) -> IpAddr {
    peer.ip().to_canonical()
}

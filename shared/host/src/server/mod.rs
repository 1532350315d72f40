//! The socket server: HTTP/1.1, slow heads cut off, a graceful stop.

mod socket;
#[cfg(test)]
mod tests;
mod unread;

use std::io;
use std::time::Duration;

use axum::{Router, middleware};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use self::socket::Socket;

/// How long a request's head may take, and how long a connection may wait for its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How large a head may be: tokens with many groups have some kilobytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long requests that are under way may take to end when the service stops; what starts and stops containers
/// usually kills after 30 s.
const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// The pause after an accept that failed for want of something, file descriptors mostly.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(200);

/// Answers until `stop` is done, then lets the requests under way end, for [`STOP_TIMEOUT`] or until `hurry` is done.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) {
    let router = router.layer(middleware::from_fn(unread::close));
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => answer(stream, router.clone(), &connections),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken for the moment");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = connections.count(), "stopping");
    tokio::select! {
        () = connections.shutdown() => {}
        () = tokio::time::sleep(STOP_TIMEOUT) => tracing::warn!("requests were still under way"),
        () = hurry => {}
    }
}

fn answer(stream: TcpStream, router: Router, connections: &GracefulShutdown) {
    // Answers are written whole; waiting to fill packets would only delay them. A socket that refuses is slower.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Socket::new(stream)), TowerToHyperService::new(router));
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke");
        }
    });
}

/// Whether only the connection that was to be accepted is affected.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

//! A client's socket that ends well.
//!
//! A refusal may be sent before the body is read. If the socket were closed with bytes of the body unread, the kernel
//! would reset the connection and the client might never see the refusal (RFC 9112, 9.6). So what still comes is read
//! and dropped for a while. And a client that takes nothing of its answer for [`STALL_TIMEOUT`] is let go.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// How long the rest of a refused body is read and dropped.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may lie without a byte of it being taken.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// A client's socket.
pub(super) struct Socket {
    /// There until it is dropped.
    stream: Option<TcpStream>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Some(stream), stalled: None }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = self.stream()?.poll_write(context, bytes) {
            self.stalled = None;
            return Poll::Ready(written);
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL_TIMEOUT)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(context)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let (Some(stream), Ok(runtime)) = (self.stream.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let mut byte = [0];
        let is_open = match stream.try_read(&mut byte) {
            Ok(read) => read > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        };
        if is_open {
            runtime.spawn(tokio::time::timeout(LINGER_TIMEOUT, linger(stream)));
        }
    }
}

/// Says that nothing more will be sent, and reads until the client says so too.
async fn linger(mut stream: TcpStream) {
    let mut dropped = vec![0; 16 * 1024];
    if stream.shutdown().await.is_ok() {
        while stream.read(&mut dropped).await.is_ok_and(|read| read > 0) {}
    }
}

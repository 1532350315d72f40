//! Clients that keep their connections, all on one thread: what they take of the machine is little and the same for
//! whatever they ask.

use std::time::{Duration, Instant};

use axum::http::{Request, Response};
use bytes::Bytes;
use futures::future::try_join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

type Connection = SendRequest<Full<Bytes>>;

/// Some clients of one address.
pub(super) struct Clients {
    runtime: Runtime,
    connections: Vec<Connection>,
}

impl Clients {
    /// So many.
    pub(super) fn connect(count: usize, address: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connections = runtime.block_on(try_join_all((0..count).map(|_| async {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            hyper::Result::Ok(sender)
        })));
        Self { runtime, connections: connections.unwrap() }
    }

    /// Answers per second while all of them ask the same again and again.
    pub(super) fn rate(&mut self, time: Duration, request: &Request<Full<Bytes>>) -> f64 {
        let begun = Instant::now();
        let clients = self.connections.iter_mut().map(|connection| async move {
            let mut answers = 0_u32;
            while begun.elapsed() < time {
                ask(connection, request.clone()).await;
                answers += 1;
            }
            answers
        });
        let answers: u32 = self.runtime.block_on(futures::future::join_all(clients)).into_iter().sum();
        f64::from(answers) / begun.elapsed().as_secs_f64()
    }

    /// Each asks its own requests, one after the other; how long it takes until the last is answered.
    pub(super) fn all(&mut self, requests: Vec<Vec<Request<Full<Bytes>>>>) -> Duration {
        let begun = Instant::now();
        let clients = self.connections.iter_mut().zip(requests).map(|(connection, requests)| async move {
            for request in requests {
                ask(connection, request).await;
            }
        });
        self.runtime.block_on(futures::future::join_all(clients));
        begun.elapsed()
    }

    /// Asks once.
    pub(super) fn one(&mut self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        self.runtime.block_on(ask(&mut self.connections[0], request))
    }
}

async fn ask(connection: &mut Connection, request: Request<Full<Bytes>>) -> Response<Bytes> {
    connection.ready().await.unwrap();
    let (head, body) = connection.send_request(request).await.unwrap().into_parts();
    let answer = Response::from_parts(head, body.collect().await.unwrap().to_bytes());
    assert!(answer.status().is_success(), "{answer:?}");
    answer
}

//! What clients see on a real socket.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;

/// A server on a free port; stopped by the sender.
async fn served() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route(
            "/slow",
            get(async || {
                tokio::time::sleep(Duration::from_millis(500)).await;
                "at last"
            }),
        )
        .route("/refuse", post(async || StatusCode::FORBIDDEN))
        .route(
            "/take",
            post(async |body: Body| {
                web::body::Reader::new(body, 1 << 20).whole().await.map(|bytes| bytes.len().to_string())
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stop_asked = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(serve(listener, router, stop_asked, std::future::pending()));
    (address, stop, server)
}

async fn send(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_stop_and_no_new_one_is_taken() {
    let (address, stop, server) = served().await;
    let mut idle = send(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut slow = send(address, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    let answer = to_the_end(&mut slow).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("at last"), "{answer}");
    assert!(to_the_end(&mut idle).await.ends_with("hello"), "an idle connection is closed");
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_refusal_before_the_body_reaches_the_client_and_the_connection_is_closed() {
    let (address, _stop, _server) = served().await;
    let head = "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n";
    let mut stream = send(address, head).await;
    // More than any buffer between the two holds: a server that just closed would reset the connection.
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..30 {
        stream.write_all(&chunk).await.unwrap();
    }
    let answer = to_the_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_read_leaves_the_connection_open() {
    let (address, _stop, _server) = served().await;
    let request = "POST /take HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let mut stream = send(address, &request.repeat(2)).await;
    let mut answers = Vec::new();
    while String::from_utf8_lossy(&answers).matches("HTTP/1.1 200").count() < 2 {
        let read = stream.read_buf(&mut answers).await.unwrap();
        assert!(read > 0, "closed after {}", String::from_utf8_lossy(&answers));
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_cut_off() {
    let (address, _stop, _server) = served().await;
    let begun = Instant::now();
    let mut stream = send(address, "GET / HTTP/1.1\r\nHost:").await;
    to_the_end(&mut stream).await;
    assert!(begun.elapsed() < HEAD_TIMEOUT + Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(begun.elapsed() > HEAD_TIMEOUT / 2);
}

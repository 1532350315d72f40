//! An issuer of tokens on this machine, which can be changed, stopped, slow and odd.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What it answers.
#[derive(Clone)]
pub(super) enum Answer {
    Body(StatusCode, String),
    /// Sends the client to where the set of these keys is.
    Elsewhere(String),
    /// The set, once [`Issuer::release`] is called.
    Held(String),
    Never,
}

pub(super) struct Issuer {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
    heard: Notify,
    released: Notify,
}

impl Issuer {
    /// One that answers with this set.
    pub(super) async fn start(set: String) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), set).await
    }

    pub(super) async fn start_at(address: SocketAddr, set: String) -> Self {
        let shared = Arc::new(Shared {
            answer: Mutex::new(Answer::Body(StatusCode::OK, set)),
            asked: AtomicUsize::new(0),
            heard: Notify::new(),
            released: Notify::new(),
        });
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/jwks", get(jwks)).route("/elsewhere", get(elsewhere));
        let routes = routes.with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async { axum::serve(listener, routes).await.unwrap() });
        Self { address, shared, serving }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/jwks", self.address)
    }

    pub(super) fn answers(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    /// From now on it has these keys.
    pub(super) fn has(&self, set: String) {
        self.answers(Answer::Body(StatusCode::OK, set));
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// Waits until it is asked, or was since the last wait.
    pub(super) async fn heard(&self) {
        self.shared.heard.notified().await;
    }

    pub(super) fn release(&self) {
        self.shared.released.notify_one();
    }

    /// Connections are refused from now on.
    pub(super) async fn stop(&mut self) {
        self.serving.abort();
        assert!((&mut self.serving).await.unwrap_err().is_cancelled());
    }
}

async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    shared.heard.notify_one();
    let answer = shared.answer.lock().unwrap().clone();
    match answer {
        Answer::Body(status, body) => (status, body).into_response(),
        Answer::Elsewhere(_) => Redirect::temporary("/elsewhere").into_response(),
        Answer::Held(set) => {
            shared.released.notified().await;
            set.into_response()
        }
        Answer::Never => std::future::pending().await,
    }
}

async fn elsewhere(State(shared): State<Arc<Shared>>) -> String {
    match shared.answer.lock().unwrap().clone() {
        Answer::Elsewhere(set) => set,
        _ => String::new(),
    }
}

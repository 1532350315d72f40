//! The service as a process of its own: the gateway as its program starts it, and on a second port of the same process
//! the plain routes, with the same library's loop around them and nothing of ours but the check of the token.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::http::{Request, header};
use axum::routing::get;
use bytes::Bytes;
use futures::future::BoxFuture;
use host::{App, Function, StartContext};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::client::Clients;
use super::mwi;
use crate::http::{SECRET, Setting};

/// What makes this program the service.
pub(super) const ARGUMENT: &str = "serve";

/// What is said of the second port.
const PLAIN: &str = "plain routes on ";

/// Is the service until it is told to stop.
pub(super) fn serve() -> ExitCode {
    host::run(Function::new("gateway", gateway::routes).starting(start).measured())
}

fn start(context: StartContext) -> BoxFuture<'static, Result<axum::Router<Arc<App>>, BoxError>> {
    Box::pin(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        host::say(format_args!("{PLAIN}{}", listener.local_addr()?));
        tokio::spawn(answer(listener, context.app));
        Ok(axum::Router::new())
    })
}

async fn answer(listener: TcpListener, app: Arc<App>) {
    let routes = axum::Router::new().route("/empty", get(async || ())).route("/mwi", get(mwi::plain));
    let routes = routes.with_state(app);
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let routes = TowerToHyperService::new(routes.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), routes));
    }
}

/// The service at work; it is stopped when this is dropped.
pub(super) struct Running {
    setting: Setting,
    child: Child,
    gateway: String,
    plain: String,
}

impl Running {
    /// Starts it. It logs as ever; where the lines go is not its own, and a file would wait for the volume that others use.
    pub(super) fn start() -> Self {
        let setting = Setting::new(1);
        let mut command = setting.command(&std::env::current_exe().unwrap());
        let mut child = command.arg(ARGUMENT).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said: Vec<String> = lines.take(2).collect();
        let after = |text: &str| {
            let said = said.iter().find_map(|line| line.split_once(text));
            said.unwrap_or_else(|| panic!("it never said {text:?}: {said:?}")).1.to_owned()
        };
        let (plain, gateway) = (after(PLAIN), after("listening on http://"));
        Self { setting, child, gateway, plain }
    }

    /// Clients of the gateway.
    pub(super) fn clients(&self, count: usize) -> Clients {
        Clients::connect(count, &self.gateway)
    }

    /// Clients of the plain routes.
    pub(super) fn plain_clients(&self, count: usize) -> Clients {
        Clients::connect(count, &self.plain)
    }

    /// The folder of the storage.
    pub(super) fn data(&self) -> PathBuf {
        self.setting.data()
    }

    /// The folder of a mailbox.
    pub(super) fn folder(&self, mailbox: &str) -> PathBuf {
        self.data().join("tenants/t0/mailboxes").join(mailbox)
    }

    /// Makes a mailbox of Alice that holds as many messages as are deposited.
    pub(super) fn make(&self, mailbox: &str) {
        let body = json!({"kind": "personal", "user": "alice", "settings": {"max_messages": 100_000}});
        let path = format!("/v1/mailboxes/{mailbox}");
        self.clients(1).one(request("PUT", &path, "admin", body.to_string().into()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request of somebody with a role.
pub(super) fn request(method: &str, path: &str, role: &str, body: Bytes) -> Request<Full<Bytes>> {
    let user = if role == "agent" { "alice" } else { role };
    let expires = std::time::SystemTime::now() + Duration::from_hours(1);
    let expires = expires.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims: Value = json!({"tenant": "t0", "sub": user, "roles": [role], "exp": expires});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::new(body))
        .unwrap()
}

//! A request as a case writes it.

use std::future::IntoFuture;
use std::pin::Pin;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use bytes::Bytes;
use serde_json::Value;

use super::answer::Answer;
use super::front::Front;

/// A request; `await` sends it.
#[must_use = "a request is sent by .await"]
pub struct Ask {
    front: Front,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Ask {
    pub(super) fn new(front: &Front, method: Method, path: String) -> Self {
        Self { front: front.clone(), method, path, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    /// With this body.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.header(header::CONTENT_TYPE.as_str(), content_type) }
    }

    /// With this JSON body.
    #[expect(clippy::needless_pass_by_value, reason = "cases write the body in place")]
    pub fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends it; nothing where the connection broke before the answer was whole.
    pub async fn unless_broken(self) -> Option<Answer> {
        let asked = format!("{} {}", self.method, self.path);
        let sent_id = self.headers.get("x-request-id").cloned();
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        let response = self.front.send(request).await.ok()?;
        let sent_id = sent_id.as_ref().and_then(|id| id.to_str().ok());
        Some(Answer::read(asked, &self.method, sent_id, response))
    }
}

impl IntoFuture for Ask {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.unless_broken().await.expect("the connection holds") })
    }
}

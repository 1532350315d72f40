//! The demo: what somebody finds who starts the service with nothing configured.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{BoxError, Json, Router};
use axum::{extract::State, routing::post};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::{Group, Mailbox, Owner, Tenant};
use host::App;
use identity::Secret;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use storage::Expect;

/// Where OAuth clients of the field ask for tokens.
const TOKENS: &str = "/auth/v3/oauth/token";

/// The one client, and its secret.
const CLIENT: (&str, &str) = ("scheduler", "voicemail");

/// How long its tokens are good.
const TOKEN_LIFETIME_SECONDS: i64 = 300;

/// Makes the demo's group and mailboxes. A mailbox is made once: one that somebody deleted is not made again.
pub(crate) async fn make(app: &App) -> Result<(), BoxError> {
    for tenancy in app.tenants() {
        let sales = Group { id: "sales".parse()?, members: ["alice".parse()?, "bob".parse()?].into() };
        tenancy.directory.put_group(&sales, Expect::Absent).await?;
        let ever = tenancy.metadata().mailbox_ids().await?;
        for mailbox in mailboxes(&tenancy.tenant)?.iter().filter(|mailbox| !ever.contains(&mailbox.id)) {
            tenancy.directory.put_mailbox(mailbox, Expect::Absent).await?;
        }
    }
    Ok(())
}

fn mailboxes(tenant: &Tenant) -> Result<[Mailbox; 3], BoxError> {
    let mailbox = |id: &str, name: &str, owner| -> Result<Mailbox, BoxError> {
        let (id, name, settings) = (id.parse()?, name.to_owned(), tenant.settings.clone());
        Ok(Mailbox { id, owner, name, enabled: true, settings, generation: 0 })
    };
    Ok([
        mailbox("5001", "Alice", Owner::Personal { user: "alice".parse()? })?,
        mailbox("5002", "Bob", Owner::Personal { user: "bob".parse()? })?,
        mailbox("5100", "Sales", Owner::Group { group: "sales".parse()? })?,
    ])
}

/// Where the client gets a token: OAuth 2, client credentials (RFC 6749, 4.4). In earnest an identity provider does this.
pub(crate) fn tokens(secret: Secret) -> Router<Arc<App>> {
    Router::new().route(
        TOKENS,
        post(async move |State(app): State<Arc<App>>, headers: HeaderMap, form: String| {
            token(&app, &secret, &headers, &form)
        }),
    )
}

fn token(app: &App, secret: &Secret, headers: &HeaderMap, form: &str) -> Response {
    let (client, password) = CLIENT;
    let signs_in = format!("Basic {}", BASE64_STANDARD.encode(format!("{client}:{password}")));
    if headers.get(header::AUTHORIZATION).is_none_or(|sent| sent.as_bytes() != signs_in.as_bytes()) {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"voicemail\"")];
        return (StatusCode::UNAUTHORIZED, challenge, Json(json!({"error": "invalid_client"})))
            .into_response();
    }
    if !form.split('&').any(|field| field == "grant_type=client_credentials") {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "unsupported_grant_type"}))).into_response();
    }
    let exp = app.clock.now().millis() / 1000 + TOKEN_LIFETIME_SECONDS;
    let claims = json!({"client_id": client, "sub": client, "roles": ["privacy"], "exp": exp});
    match jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&secret.reveal())) {
        Ok(token) => {
            Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME_SECONDS}))
                .into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Says how to sign in.
pub(crate) fn welcome(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "This is the demo: everybody knows these users. Set VOICEMAIL_TENANTS and VOICEMAIL_USERS to leave it."
    )?;
    writeln!(out, "  mailboxes  5001 (alice)   5002 (bob)   5100 (the group sales: alice and bob)")?;
    writeln!(out, "  users      alice, bob (agents)   platform (deposits)   admin   dpo (privacy)")?;
    let (client, secret) = CLIENT;
    writeln!(
        out,
        "  client     {client}:{secret} gets tokens for data protection at http://{address}{TOKENS}"
    )?;
    writeln!(out, "  sign in    curl -u 'demo\\alice:voicemail' http://{address}/v1/mwi")
}

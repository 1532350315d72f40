//! A contact centre: the tenant of a case, its people, and the steps that cases repeat.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::{ManualClock, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::ask::Ask;
use super::call::{Call, form};
use super::front::{Front, InProcess};
use super::gateway::{Gateway, take_case};
use super::lambda::Lambda;
use super::setting::{SECRET, Setting};

/// When a case in this process begins: 2026-11-22T10:00:00Z.
const START: i64 = 1_795_341_600_000;

/// A tenant of a service.
#[derive(Clone)]
pub struct Centre {
    /// Where its requests go.
    pub front: Front,
    /// Its tenant.
    pub tenant: String,
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Person {
    front: Front,
    sign: Sign,
}

#[derive(Clone)]
enum Sign {
    Nothing,
    Header(String),
    Claims(Value),
}

/// A message's id.
#[track_caller]
pub fn id(message: &Value) -> String {
    message["id"].as_str().expect("a message with an id").to_owned()
}

impl Centre {
    /// A fresh tenant of a fresh service in this process.
    pub async fn in_process() -> Self {
        Self::of(Setting::new(1)).await
    }

    /// A fresh service in this process with this setting.
    pub async fn of(setting: Setting) -> Self {
        Self::of_shared(&Arc::new(setting)).await
    }

    /// The same, with a setting that others use, too.
    pub async fn of_shared(setting: &Arc<Setting>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(START)));
        let front = Front::InProcess(InProcess::start(Arc::clone(setting), clock).await);
        Self { front, tenant: "t0".to_owned() }
    }

    /// A fresh tenant of the gateway that cases share.
    pub async fn socket() -> Self {
        let gateway = tokio::task::spawn_blocking(Gateway::shared).await.unwrap();
        let tenant = format!("t{}", take_case());
        Self { front: Front::to(gateway), tenant }
    }

    /// A fresh tenant of the functions that cases share.
    pub async fn lambda() -> Self {
        let lambda = tokio::task::spawn_blocking(Lambda::shared).await.unwrap();
        Self { front: Front::Lambda(lambda), tenant: format!("t{}", take_case()) }
    }

    /// A tenant of a function of AWS Lambda of its own, which has all routes.
    pub async fn function(setting: &Arc<Setting>) -> Self {
        let setting = Arc::clone(setting);
        let lambda = tokio::task::spawn_blocking(|| Lambda::start(setting)).await.unwrap();
        Self { front: Front::Lambda(Arc::new(lambda)), tenant: "t0".to_owned() }
    }

    /// The first tenant of a gateway of its own.
    pub async fn gateway(setting: &Arc<Setting>) -> Self {
        let setting = Arc::clone(setting);
        let gateway = tokio::task::spawn_blocking(|| Gateway::start(setting)).await.unwrap();
        Self { front: Front::to(Arc::new(gateway)), tenant: "t0".to_owned() }
    }

    /// The same tenant of another service on the same folder.
    pub async fn beside(&self) -> Self {
        let front = match &self.front {
            Front::InProcess(service) => Front::InProcess(service.beside().await),
            Front::Socket { gateway, .. } => return Self::gateway(&gateway.setting).await,
            Front::Lambda(lambda) => Front::Lambda(Arc::clone(lambda)),
        };
        Self { front, tenant: self.tenant.clone() }
    }

    /// The same tenant of another service in this process, on the same folder, with one variable that differs.
    pub async fn beside_with(&self, name: &str, value: &str) -> Self {
        match &self.front {
            Front::InProcess(service) => {
                let front = Front::InProcess(service.beside_with(name, value).await);
                Self { front, tenant: self.tenant.clone() }
            }
            _ => panic!("in this process only"),
        }
    }

    /// The same tenant of a service in this process, on the same folder, so much later.
    pub async fn later(&self, time: Duration) -> Self {
        let Front::Socket { gateway, .. } = &self.front else { panic!("a clock in this process is moved") };
        let clock = Arc::new(ManualClock::at(self.now().plus(time)));
        let front = Front::InProcess(InProcess::start(Arc::clone(&gateway.setting), clock).await);
        Self { front, tenant: self.tenant.clone() }
    }

    /// The process that answers.
    pub fn process(&self) -> &Arc<Gateway> {
        match &self.front {
            Front::Socket { gateway, .. } => gateway,
            _ => panic!("there is no gateway"),
        }
    }

    /// Another tenant of the same service; its country is the United States.
    pub fn neighbour(&self) -> Self {
        Self { front: self.front.clone(), tenant: self.tenant.replacen('t', "n", 1) }
    }

    /// Lets time pass, in this process.
    pub fn pass(&self, time: Duration) {
        match &self.front {
            Front::InProcess(service) => service.clock().advance(time),
            _ => panic!("a process's clock cannot be moved"),
        }
    }

    /// The service's time.
    pub fn now(&self) -> Timestamp {
        self.front.now()
    }

    /// So many seconds ago, as the wire writes it.
    pub fn ago(&self, seconds: u64) -> String {
        self.now().minus(Duration::from_secs(seconds)).to_string()
    }

    /// Somebody with these claims laid over a good token of the tenant; `null` takes one away.
    pub fn bearer(&self, claims: &Value) -> Person {
        let mut all = json!({"tenant": self.tenant, "sub": "somebody"});
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        Person { front: self.front.clone(), sign: Sign::Claims(all) }
    }

    /// A user with a role.
    pub fn user(&self, user: &str, role: &str) -> Person {
        self.bearer(&json!({"sub": user, "roles": [role]}))
    }

    /// An agent.
    pub fn agent(&self, user: &str) -> Person {
        self.user(user, "agent")
    }

    /// The telephony platform.
    pub fn platform(&self) -> Person {
        self.user("platform", "deposit")
    }

    /// An administrator.
    pub fn admin(&self) -> Person {
        self.user("admin", "admin")
    }

    /// A data protection officer.
    pub fn privacy(&self) -> Person {
        self.user("dpo", "privacy")
    }

    /// A user of the tenant with a password.
    pub fn password(&self, user: &str, password: &str) -> Person {
        self.basic(&format!("{}\\{user}", self.tenant), password)
    }

    /// Whoever signs in with these credentials.
    pub fn basic(&self, user: &str, password: &str) -> Person {
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.authorization(&format!("Basic {credentials}"))
    }

    /// Somebody with this `Authorization` header.
    pub fn authorization(&self, value: &str) -> Person {
        Person { front: self.front.clone(), sign: Sign::Header(value.to_owned()) }
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Person {
        Person { front: self.front.clone(), sign: Sign::Nothing }
    }

    /// Makes a personal mailbox.
    pub async fn personal(&self, mailbox: &str, user: &str) {
        self.admin().put(mailbox).json(json!({"kind": "personal", "user": user})).await.is(201);
    }

    /// Makes a group and its mailbox.
    pub async fn group(&self, mailbox: &str, group: &str, members: &[&str]) {
        self.members(group, members).await;
        self.admin().put(mailbox).json(json!({"kind": "group", "group": group})).await.is(201);
    }

    /// Sets the members of a group.
    pub async fn members(&self, group: &str, members: &[&str]) {
        let put = self.admin().put(&format!("/v1/groups/{group}")).json(json!({"members": members})).await;
        assert!(matches!(put.status, 200 | 201), "{put:?}");
    }

    /// Sets settings of a personal mailbox of Alice.
    pub async fn settings(&self, mailbox: &str, settings: Value) {
        let body = json!({"kind": "personal", "user": "alice", "settings": settings});
        self.admin().put(mailbox).json(body).await.is(200);
    }

    /// Deposits a call; gives the message.
    pub async fn deposit(&self, mailbox: &str, call: &Call) -> Value {
        self.platform().deposit(mailbox, call).await.is(201).json()
    }

    /// Sweeps the tenant; gives what was done.
    pub async fn sweep(&self) -> Value {
        self.privacy().post("/v1/gdpr/sweep").await.is(200).json()
    }

    /// What a certificate says, once its signature is checked by the public key set.
    pub async fn certified(&self, certificate: &str) -> Value {
        let keys = self.nobody().get("/.well-known/voicemail-jwks.json").await.is(200).json();
        let keys: JwkSet = serde_json::from_value(keys).unwrap();
        let kid = jsonwebtoken::decode_header(certificate).unwrap().kid.unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let public = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        jsonwebtoken::decode(certificate, &public, &validation).unwrap().claims
    }

    /// What waits in a mailbox, as an administrator sees it: new, old, urgent new, urgent old.
    pub async fn counts(&self, mailbox: &str) -> [u64; 4] {
        let row = self.admin().get(&format!("{mailbox}/mwi")).await.is(200).json();
        assert_eq!(row["messages_waiting"], row["new"] != 0, "{row}");
        ["new", "old", "urgent_new", "urgent_old"].map(|name| row[name].as_u64().unwrap())
    }

    /// The ids that a folder shows, newest first; `""`: without a folder.
    pub async fn ids(&self, mailbox: &str, folder: &str) -> Vec<String> {
        let query = if folder.is_empty() { String::new() } else { format!("&folder={folder}") };
        let page = self.admin().get(&format!("{mailbox}/messages?limit=200{query}")).await.is(200).json();
        page["messages"].as_array().unwrap().iter().map(id).collect()
    }

    /// Every file of the tenant: metadata and recordings.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut all =
            [files(&self.front.data().join("tenants").join(&self.tenant)), self.recordings()].concat();
        all.sort();
        all
    }

    /// The tenant's recordings, as files.
    pub fn recordings(&self) -> Vec<PathBuf> {
        let regions = ["eu-central-1", "us-east-1"];
        let folders =
            regions.map(|region| self.front.data().join("recordings").join(region).join(&self.tenant));
        folders.iter().flat_map(|folder| files(folder)).collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

impl Person {
    /// A request; a path without a leading `/` is below `/v1/mailboxes/`.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/v1/mailboxes/{path}") };
        let ask = Ask::new(&self.front, method, path);
        match self.credentials() {
            Some(credentials) => ask.header("authorization", credentials),
            None => ask,
        }
    }

    /// The `Authorization` that this person sends now.
    pub fn credentials(&self) -> Option<String> {
        match &self.sign {
            Sign::Nothing => None,
            Sign::Header(value) => Some(value.clone()),
            Sign::Claims(claims) => {
                let mut claims = claims.clone();
                if claims.get("exp").is_none() {
                    claims["exp"] = json!(self.front.now().millis() / 1000 + 300);
                }
                claims.as_object_mut().unwrap().retain(|_, claim| !claim.is_null());
                let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
                let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
                Some(format!("Bearer {token}"))
            }
        }
    }

    /// GET.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    /// HEAD.
    pub fn head(&self, path: &str) -> Ask {
        self.ask(Method::HEAD, path)
    }

    /// PUT.
    pub fn put(&self, path: &str) -> Ask {
        self.ask(Method::PUT, path)
    }

    /// POST.
    pub fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Ask {
        self.ask(Method::DELETE, path)
    }

    /// A deposit with the facts as headers.
    pub fn deposit(&self, mailbox: &str, call: &Call) -> Ask {
        call.raw(self.post(&format!("{mailbox}/messages")))
    }

    /// A deposit as a form.
    pub fn deposit_form(&self, mailbox: &str, call: &Call) -> Ask {
        call.form(self.post(&format!("{mailbox}/messages")))
    }

    /// A deposit as a form of any parts.
    pub fn deposit_parts(&self, mailbox: &str, parts: &[(&str, &[u8])]) -> Ask {
        form(self.post(&format!("{mailbox}/messages")), parts)
    }
}

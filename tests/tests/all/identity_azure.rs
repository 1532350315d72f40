//! An installation without a key: its requests, and the links that it gives, are signed by the identity of an app.
//!
//! Azurite believes any token of the right form, whoever signed it, and asks for no role.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::azurite::{Azurite, account};
use tests::fixture::regions;
use tests::http::{CERTIFICATE_KEY, Call, Centre, Gateway, Setting, as_custom_handler, id, wav};
use tokio::net::TcpListener;

/// What App Service gives an app, so that nobody else of the machine asks in its name.
const HEADER: &str = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a";
/// Who the identity is.
const OBJECT: &str = "11059fcc-5514-4800-b5f8-49808b9cfab6";

/// The endpoint of App Service that gives an app the tokens of its identity: "REST endpoint reference" of the documentation
/// of managed identities for App Service.
struct Identities {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Identities {
    /// One that gives tokens of this life.
    async fn with(life: Duration) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/msi/token", listener.local_addr().unwrap());
        let routes = Router::new().route("/msi/token", get(token)).with_state((Arc::clone(&asked), life));
        tokio::spawn(async { axum::serve(listener, routes).await.unwrap() });
        Self { url, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn token(
    State((asked, life)): State<(Arc<AtomicUsize>, Duration)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    asked.fetch_add(1, Ordering::SeqCst);
    if headers.get("x-identity-header").is_none_or(|header| header != HEADER) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    assert_eq!(query["api-version"], "2019-08-01");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (now, end) = (now.as_secs(), (now + life).as_secs());
    let claims = json!({
        "aud": query["resource"], "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
        "iat": now - 5, "nbf": now - 5, "exp": end, "oid": OBJECT, "tid": "ab1f708d-50f6-404c-a006-d71b2ac7a606"
    });
    let parts = [json!({"alg": "RS256", "typ": "JWT"}), claims].map(|part| part.to_string());
    let parts = parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    Ok(Json(json!({
        "access_token": format!("{}.{}.bm9ib2R5", parts[0], parts[1]),
        "client_id": "5E29463D-71DA-4FE0-8E69-999B57DB23B0", "expires_on": end.to_string(),
        "resource": query["resource"], "token_type": "Bearer"
    })))
}

/// The emulator behind a certificate of its own, as tokens are sent over https alone.
struct Encrypted {
    folder: TempDir,
    endpoint: String,
}

impl Encrypted {
    async fn start() -> Self {
        tokio::task::spawn_blocking(|| {
            let folder = TempDir::new().unwrap();
            let [certificate, key] = certify(folder.path());
            let azurite = Azurite::of_its_own(folder.path(), |command| {
                command.args(["--oauth", "basic"]).arg("--cert").arg(&certificate).arg("--key").arg(&key);
            });
            let endpoint = azurite.endpoint().replace("http://", "https://");
            Self { folder, endpoint }
        })
        .await
        .unwrap()
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// What a service is started with that has no key, and is given this endpoint of its identity.
    fn setting(&self, identities: &str) -> Setting {
        let its = |region| {
            let account = account(&region);
            let endpoint = format!("{}/{account}", self.endpoint);
            (region.to_string(), json!({"account": account, "endpoint": endpoint, "container": "voicemail"}))
        };
        let accounts: serde_json::Map<_, _> = regions().into_iter().map(its).collect();
        let setting = Setting::new(1)
            .with("VOICEMAIL_STORAGE", "azure")
            .with("VOICEMAIL_AZURE", &Value::from(accounts).to_string())
            .with("VOICEMAIL_CERTIFICATE_KEY", CERTIFICATE_KEY)
            .with("SSL_CERT_FILE", self.certificate().to_str().unwrap())
            .with("IDENTITY_ENDPOINT", identities)
            .with("IDENTITY_HEADER", HEADER);
        as_custom_handler(setting)
    }

    /// Asks a link with curl, which trusts the certificate, and nothing else but these arguments; the status, the headers, the body.
    async fn curl(&self, link: &str, more: &[&str]) -> (u16, String, Vec<u8>) {
        let body = self.folder.path().join("body");
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*", "--dump-header", "-", "--output"])
            .arg(&body);
        curl.arg("--cacert").arg(self.certificate()).args(more).arg(link);
        let ended = tokio::task::spawn_blocking(move || curl.output().unwrap()).await.unwrap();
        let headers = String::from_utf8(ended.stdout).unwrap();
        assert!(ended.status.success(), "{link}: {}", String::from_utf8_lossy(&ended.stderr));
        // The last head, after any that says to go on.
        let head = headers.trim_end().rsplit("\r\n\r\n").next().unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), std::fs::read(&body).unwrap_or_default())
    }
}

/// Makes a certificate for this machine, which is its own authority, and its key.
fn certify(folder: &Path) -> [PathBuf; 2] {
    let files = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]);
    openssl.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
        .arg(&files[0])
        .arg("-keyout")
        .arg(&files[1]);
    let ended = openssl.output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    files
}

/// That a link is signed under a key of the identity, for one blob, to do this.
fn is_of_the_identity(link: &str, permission: &str) {
    let url: reqwest::Url = link.parse().unwrap();
    let said: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((said["skoid"].as_str(), said["sr"].as_str()), (OBJECT, "b"), "{link}");
    assert_eq!((said["sp"].as_str(), said["spr"].as_str()), (permission, "https"), "{link}");
    assert!(!link.contains("301234567"), "{link}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_a_custom_handler_deposits_lists_exports_and_gives_links_that_its_identity_signs() {
    let (emulator, identities) = (Encrypted::start().await, Identities::with(Duration::from_hours(24)).await);
    let centre = Centre::gateway(&Arc::new(emulator.setting(&identities.url))).await;
    centre.personal("5001", "alice").await;
    let alice = centre.agent("alice");
    let message = id(&centre.deposit("5001", &Call::from("+49301234567")).await);
    assert_eq!(centre.ids("5001", "").await, std::slice::from_ref(&message));

    let path = format!("5001/messages/{message}/audio");
    for query in ["", "?download=1"] {
        let link = alice.get(&format!("{path}{query}")).await.is(307).header("location").to_owned();
        is_of_the_identity(&link, "r");
        let (status, headers, bytes) = emulator.curl(&link, &[]).await;
        assert_eq!((status, bytes), (200, wav(1000).to_vec()), "{headers}");
        assert!(headers.contains("content-type: audio/wav"), "{headers}");
        let named = headers.contains(&format!("content-disposition: attachment; filename=\"{message}.wav\""));
        assert_eq!(named, !query.is_empty(), "{headers}");
        assert_eq!(emulator.curl(&link.replace("se=2", "se=3"), &[]).await.0, 403, "its end is signed");
        let written = ["-X", "PUT", "-H", "x-ms-blob-type: BlockBlob", "-d", "other"];
        assert_eq!(emulator.curl(&link, &written).await.0, 403, "it plays and no more");
    }

    let facts = json!({"caller_id": "030 1234567"});
    let upload = centre.platform().post("5001/uploads").json(facts).await.is(201).json();
    let url = upload["url"].as_str().unwrap();
    is_of_the_identity(url, "c");
    let file = emulator.folder.path().join("call.wav");
    std::fs::write(&file, wav(3000)).unwrap();
    let sent = ["--upload-file", file.to_str().unwrap(), "-H", "x-ms-blob-type: BlockBlob"];
    assert_eq!(emulator.curl(url, &sent).await.0, 201);
    let region = regions().first().unwrap().clone();
    let event = json!({
        "topic": format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/{}", account(&region)),
        "subject": format!("/blobServices/default/containers/voicemail/blobs/incoming/t0/5001/{}", id(&upload)),
        "eventType": "Microsoft.Storage.BlobCreated"
    });
    centre.process().told("on-drop", &json!({"event": event.to_string()})).await.unwrap();
    assert_eq!(centre.ids("5001", "").await.len(), 2);

    let wanted = json!({"caseid": "17", "consumers": ["+49 30 1234567"]});
    let exported = centre.privacy().post("/v1/gdpr/exportme").json(wanted).await.is(200).json();
    let files = exported["files"].as_object().unwrap();
    assert_eq!(files.len(), 2);
    for (name, file) in files {
        let answer = centre.privacy().get(file["url"].as_str().unwrap()).await.is(307);
        let link = answer.header("location");
        is_of_the_identity(link, "r");
        let (status, headers, bytes) = emulator.curl(link, &[]).await;
        assert_eq!((status, bytes.len() as u64), (200, file["bytes"].as_u64().unwrap()), "{name}");
        assert!(headers.contains(name.as_str()), "{headers}");
    }
    assert_eq!(identities.asked(), regions().len(), "a token is kept for its life: one for each account");
    let log = centre.process().stopped().await;
    assert!(!log.contains("bm9ib2R5") && !log.contains("sig="), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_is_asked_for_anew_and_no_request_fails() {
    // A token is not used in its last minutes.
    let (emulator, identities) = (Encrypted::start().await, Identities::with(Duration::from_secs(30)).await);
    let centre = Centre::gateway(&Arc::new(emulator.setting(&identities.url))).await;
    centre.personal("5001", "alice").await;
    let before = identities.asked();
    centre.deposit("5001", &Call::new()).await;
    assert!(identities.asked() > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_without_an_identity_and_an_authority_that_is_not_known_are_told_at_the_start() {
    let (emulator, identities) = (Encrypted::start().await, Identities::with(Duration::from_hours(24)).await);
    let nobody = emulator.setting(&identities.url).with("IDENTITY_HEADER", "another app");
    let said = tokio::task::spawn_blocking(move || Gateway::refused(&nobody)).await.unwrap();
    assert!(said.contains("does not let us in") && said.contains("the identity the roles"), "{said}");
    let strangers = TempDir::new().unwrap();
    let stranger = certify(strangers.path())[0].display().to_string();
    let elsewhere = emulator.setting(&identities.url).with("SSL_CERT_FILE", &stranger);
    // It starts, as an account that is away may come back, and says why it cannot reach it.
    let centre = Centre::gateway(&Arc::new(elsewhere)).await;
    centre.platform().deposit("5001", &Call::new()).await.refused(503, "storage-unavailable");
    let log = centre.process().stopped().await;
    assert!(log.contains("certificate"), "{log}");
}

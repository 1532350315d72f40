//! What a service is started with: the same environment for both fronts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use argon2::{Argon2, Params, PasswordHasher as _};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The token secret of every service under test.
pub const SECRET: &str = "a token secret for tests alone, 32+";
/// The password of every user with a password.
pub const PASSWORD: &str = "correct horse battery staple";
/// The subject key of every service under test.
pub const SUBJECT_KEY: &str = "a subject key for tests alone, 32 bytes+";
/// The certificate key of every service under test that needs one: a seed of sevens (RFC 8410).
pub const CERTIFICATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n\
    -----END PRIVATE KEY-----\n";
/// The OAuth client that every tenant lists.
const CLIENT: &str = "scheduler";

/// An environment, and the folder that its files and its data are in.
pub struct Setting {
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

impl Setting {
    /// A setting with so many tenants for cases: `t0`, `t1`, … in Germany, each with a neighbour `n0`, `n1`, … in the
    /// United States.
    pub fn new(cases: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let tenants: Value =
            (0..cases).flat_map(|n| [(format!("t{n}"), "DE"), (format!("n{n}"), "US")]).map(tenant).collect();
        let hash = Argon2::from(Params::new(16, 1, 1, None).unwrap()).hash_password(PASSWORD.as_bytes());
        let hash = hash.unwrap().to_string();
        let users: Value = (0..cases).flat_map(|n| users(n, &hash)).collect();
        let file = |name: &str, content: &Value| {
            let path = folder.path().join(name);
            std::fs::write(&path, content.to_string()).unwrap();
            path.display().to_string()
        };
        let environment = [
            ("VOICEMAIL_LISTEN", "127.0.0.1:0".to_owned()),
            ("VOICEMAIL_DATA", folder.path().join("data").display().to_string()),
            ("VOICEMAIL_TENANTS", file("tenants.json", &tenants)),
            ("VOICEMAIL_USERS", file("users.json", &users)),
            ("VOICEMAIL_TOKEN_SECRET", SECRET.to_owned()),
            ("VOICEMAIL_SUBJECT_KEY", SUBJECT_KEY.to_owned()),
            ("VOICEMAIL_SWEEP_EVERY", "off".to_owned()),
        ];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { folder, environment }
    }

    /// The same environment, whose files stay where they are, with a folder of its own.
    pub fn copy(&self) -> Self {
        Self { folder: TempDir::new().unwrap(), environment: self.environment.clone() }
    }

    /// The same with one more variable.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same without a variable.
    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// Its variables.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Whether the Functions host starts its services.
    pub(super) fn is_custom_handler(&self) -> bool {
        self.environment.contains_key("FUNCTIONS_CUSTOMHANDLER_PORT")
    }

    /// The storage that its services have.
    pub(super) fn storage(&self) -> &str {
        self.environment.get("VOICEMAIL_STORAGE").map_or("fs", String::as_str)
    }

    /// A program with these variables and nothing else of ours.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let inherited = std::env::vars_os().map(|(name, _)| name);
        inherited.filter(|name| name.to_string_lossy().starts_with("VOICEMAIL_")).for_each(|name| {
            command.env_remove(name);
        });
        command.env_remove("RUST_LOG").envs(&self.environment).current_dir(self.folder());
        command
    }

    /// Writes a file beside the data; where it is.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// The folder that holds all of it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the storage.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

fn tenant((id, country): (String, &str)) -> Value {
    json!({
        "tenant": id, "ccid": format!("cc-{id}"), "country": country, "domain": format!("{id}.example.com"),
        "master": "eu-central-1", "regions": ["eu-central-1", "us-east-1"], "clients": [CLIENT],
        "settings": {"max_messages": 40, "time_zone": "Europe/Berlin", "language": "de"},
    })
}

fn users(n: usize, hash: &str) -> Vec<Value> {
    let users = [("alice", "agent"), ("platform", "deposit"), ("admin", "admin"), ("dpo", "privacy")];
    let user = |(user, role)| json!({"user": format!("t{n}\\{user}"), "password_hash": hash, "roles": [role], "groups": ["sales"]});
    users.into_iter().map(user).collect()
}

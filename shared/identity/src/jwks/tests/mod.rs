//! Tokens under the keys of an issuer. The keys in `keys/` were made for these tests and are trusted by nobody.

mod fetching;
mod forging;
mod issuer;

use domain::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::Jwks;
use crate::bearer::{Bearer, TokenKeys, TokenRefusal, VerifiedToken};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "voicemail";

/// A private key and what it signs by.
#[derive(Clone, Copy)]
struct Signer {
    algorithm: Algorithm,
    pem: &'static [u8],
}

const RSA_ONE: Signer = rsa(include_bytes!("keys/rsa_one.pem"));
const RSA_TWO: Signer = rsa(include_bytes!("keys/rsa_two.pem"));
const RSA_SMALL: Signer = rsa(include_bytes!("keys/rsa_small.pem"));
const EC_ONE: Signer = ec(include_bytes!("keys/ec_one.pem"));
const EC_TWO: Signer = ec(include_bytes!("keys/ec_two.pem"));

const fn rsa(pem: &'static [u8]) -> Signer {
    Signer { algorithm: Algorithm::RS256, pem }
}

const fn ec(pem: &'static [u8]) -> Signer {
    Signer { algorithm: Algorithm::ES256, pem }
}

impl Signer {
    fn key(self) -> EncodingKey {
        match self.algorithm {
            Algorithm::RS256 => EncodingKey::from_rsa_pem(self.pem).unwrap(),
            _ => EncodingKey::from_ec_pem(self.pem).unwrap(),
        }
    }

    /// Its public half, as an issuer tells it.
    fn jwk(self, kid: &str) -> Value {
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&self.key(), self.algorithm).unwrap();
        let jwk = with(&serde_json::to_value(jwk).unwrap(), "kid", json!(kid));
        with(&jwk, "use", json!("sig"))
    }

    fn header(self, kid: Option<&str>) -> Header {
        Header { kid: kid.map(str::to_owned), ..Header::new(self.algorithm) }
    }

    fn signs(self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key()).unwrap()
    }

    /// A good token.
    fn token(self, kid: &str) -> String {
        self.signs(&self.header(Some(kid)), &claims())
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000)
}

fn claims() -> Value {
    json!({"tenant": "t2026", "sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": now().millis() / 1000 + 300,
        "nbf": now().millis() / 1000 - 300})
}

/// The same object with another value of a name; `null` takes it out.
fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    let map = object.as_object_mut().unwrap();
    if value.is_null() {
        map.remove(name)
    } else {
        map.insert(name.to_owned(), value)
    };
    object
}

/// What an issuer answers that has these keys.
fn set(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

fn bearer(jwks: Jwks) -> Bearer {
    Bearer::new(TokenKeys::Issuer(jwks), Some(ISSUER), Some(AUDIENCE))
}

/// Tokens under the keys of a file.
fn bearer_of(keys: &[Value]) -> Bearer {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, set(keys)).unwrap();
    bearer(Jwks::at(file.path().to_str().unwrap()).unwrap())
}

/// Who it is, or which rule refuses them.
async fn user(bearer: &Bearer, token: &str) -> Result<String, TokenRefusal> {
    user_at(bearer, token, now()).await
}

async fn user_at(bearer: &Bearer, token: &str, now: Timestamp) -> Result<String, TokenRefusal> {
    bearer.verify(token, now).await.map(|VerifiedToken { user, .. }| user.to_string())
}

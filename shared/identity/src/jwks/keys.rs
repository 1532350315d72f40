//! What a key set (RFC 7517) has of use here: public keys that verify RS256 or ES256.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// How long an RSA modulus is: RFC 7518, 3.3 for the least; what the library verifies for the most.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Bytes of a coordinate on P-256 (RFC 7518, 6.2.1.2).
const COORDINATE_BYTES: usize = 32;

/// The keys of one answer of the issuer that can be used.
pub(crate) struct KeySet(Vec<Verifier>);

struct Verifier {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct KeySetJson {
    /// One by one: a key of a kind that is not known here does not spoil the others (RFC 7517, 5).
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// The keys of a JSON text that are of use; the others are left out.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let set: KeySetJson = serde_json::from_slice(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("line {line}, column {column}: expected a key set, {{\"keys\":[…]}}")
        })?;
        Ok(Self(
            set.keys
                .into_iter()
                .filter_map(|key| serde_json::from_value(key).ok().and_then(usable))
                .collect(),
        ))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a key of this id; of a token that names none, whatever is there will do.
    pub(super) fn knows(&self, kid: Option<&str>) -> bool {
        kid.is_none() || self.0.iter().any(|key| key.kid.as_deref() == kid)
    }

    /// The key of this id that is for this algorithm, and what it is for; without an id the only key, if it is.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<(Algorithm, &DecodingKey)> {
        let of_the_id = |key: &&Verifier| match kid {
            Some(_) => key.kid.as_deref() == kid,
            None => self.0.len() == 1,
        };
        let key = self.0.iter().filter(of_the_id).find(|key| key.algorithm == algorithm)?;
        Some((key.algorithm, &key.key))
    }
}

/// The key, if it is one that verifies by an algorithm that is taken here.
fn usable(jwk: Jwk) -> Option<Verifier> {
    let signs = jwk.r#use.is_none_or(|purpose| purpose == "sig")
        && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    let may = |name: &str| signs && jwk.alg.as_deref().is_none_or(|alg| alg == name);
    let (algorithm, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) if may("RS256") => {
            let (n, e) = (jwk.n?, jwk.e?);
            RSA_BITS.contains(&bits(&bytes(&n)?)).then_some(())?;
            (Algorithm::RS256, DecodingKey::from_rsa_components(&n, &e))
        }
        ("EC", Some("P-256")) if may("ES256") => {
            let (x, y) = (jwk.x?, jwk.y?);
            (bytes(&x)?.len() == COORDINATE_BYTES && bytes(&y)?.len() == COORDINATE_BYTES).then_some(())?;
            (Algorithm::ES256, DecodingKey::from_ec_components(&x, &y))
        }
        _ => return None,
    };
    Some(Verifier { kid: jwk.kid, algorithm, key: key.ok()? })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// The length of a number, most significant byte first.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let first = number.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() - zeros) * 8 - first
}

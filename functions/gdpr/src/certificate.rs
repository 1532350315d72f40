//! Certificates of erasure: a compact JWS (RFC 7515) under an Ed25519 key (RFC 8037) of the service's key set.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

/// What the certificate says, once its signature is checked and it is about this case; else why not.
pub(crate) fn check(certificate: &str, keys: &Value, caseid: &str) -> Result<Value, &'static str> {
    let malformed = "it is no compact JWS";
    let (signed, signature) = certificate.rsplit_once('.').ok_or(malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(malformed)?;
    let header = json(header).ok_or(malformed)?;
    let says = |name: &str| header.get(name).and_then(Value::as_str);
    if says("alg") != Some("EdDSA") || header.get("crit").is_some() {
        return Err("it is signed in another way than with Ed25519");
    }
    let kid = says("kid").ok_or("it names no key")?;
    let key = key(keys, kid).ok_or("its key is not in the service's key set")?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    let checked = UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature);
    checked.map_err(|_| "its signature is wrong")?;
    let said = json(payload).ok_or("what it says is no JSON")?;
    if said.get("caseid").and_then(Value::as_str) == Some(caseid) {
        Ok(said)
    } else {
        Err("it is about another case")
    }
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The Ed25519 key of this name.
fn key(keys: &Value, kid: &str) -> Option<Vec<u8>> {
    let is_it = |key: &&Value| {
        let member = |name: &str| key.get(name).and_then(Value::as_str);
        [member("kid"), member("kty"), member("crv")] == [Some(kid), Some("OKP"), Some("Ed25519")]
    };
    let found = keys.get("keys")?.as_array()?.iter().find(is_it)?;
    BASE64_URL_SAFE_NO_PAD.decode(found.get("x")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    fn signed(pair: &Ed25519KeyPair, header: &Value, payload: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(payload));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn public(pair: &Ed25519KeyPair, kid: &str) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
    }

    #[test]
    fn a_certificate_is_taken_under_the_key_that_it_names_for_the_case_that_was_asked_for() {
        let (key, retired) = (pair(1), pair(2));
        let keys = json!({"keys": [public(&key, "new"), public(&retired, "old")]});
        let says = json!({"caseid": "1", "found": 2});
        for (pair, kid) in [(&key, "new"), (&retired, "old")] {
            let certificate = signed(pair, &json!({"alg": "EdDSA", "kid": kid}), &says);
            assert_eq!(check(&certificate, &keys, "1"), Ok(says.clone()));
            assert_eq!(check(&certificate, &keys, "2"), Err("it is about another case"));
        }
    }

    #[test]
    fn a_certificate_that_was_changed_or_signed_otherwise_is_not_taken() {
        let (key, other) = (pair(1), pair(2));
        let keys = json!({"keys": [public(&key, "k")]});
        let (header, says) = (json!({"alg": "EdDSA", "kid": "k"}), json!({"caseid": "1"}));
        let good = signed(&key, &header, &says);
        let (_, rest) = good.split_once('.').unwrap();
        let unsigned = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"k"}"#);
        for bad in [
            signed(&other, &header, &says),
            signed(&key, &json!({"alg": "EdDSA", "kid": "unknown"}), &says),
            signed(&key, &json!({"alg": "EdDSA"}), &says),
            signed(&key, &json!({"alg": "EdDSA", "kid": "k", "crit": ["x"]}), &says),
            format!("{unsigned}.{rest}"),
            good.replacen('.', ".A", 1),
            good.rsplit_once('.').unwrap().0.to_owned(),
            format!("{good}."),
            String::new(),
        ] {
            assert!(check(&bad, &keys, "1").is_err(), "{bad}");
        }
        assert!(check(&good, &json!({"keys": []}), "1").is_err());
        assert!(
            check(&good, &json!({"keys": [{"kty": "OKP", "crv": "X25519", "kid": "k", "x": ""}]}), "1")
                .is_err()
        );
    }
}

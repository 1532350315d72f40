//! Bearer tokens: a JWT (RFC 7519) under a shared secret.

use std::collections::HashSet;

use domain::{GroupId, Timestamp, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use crate::role::Role;
use crate::secret::Secret;

/// How far the clocks of the issuer and of this host may differ.
const LEEWAY_SECONDS: f64 = 60.0;

/// How tokens are checked.
#[derive(Debug, Clone)]
pub struct Bearer {
    secret: Secret,
    validation: Validation,
}

/// Why a token is not good, for the caller: never says more than which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused(pub(super) &'static str);

/// What a token says of its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bearing {
    pub(super) tenant: Option<String>,
    pub(super) ccid: Option<String>,
    pub(super) user: UserId,
    pub(super) groups: Vec<GroupId>,
    pub(super) roles: Vec<Role>,
    pub(super) client: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    tenant: Option<String>,
    ccid: Option<String>,
    sub: String,
    #[serde(default)]
    groups: Value,
    #[serde(default)]
    roles: Value,
    client_id: Option<String>,
}

impl Bearer {
    /// Tokens signed with HS256 under `secret`; from `issuer` where given, and for `audience` where given.
    pub fn shared(secret: Secret, issuer: Option<&str>, audience: Option<&str>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Time is passed in, so exp and nbf are checked here and not by the library's own clock.
        validation.validate_exp = false;
        let mut required = HashSet::new();
        if let Some(issuer) = issuer {
            validation.set_issuer(&[issuer]);
            required.insert("iss".to_owned());
        }
        if let Some(audience) = audience {
            validation.set_audience(&[audience]);
            required.insert("aud".to_owned());
        }
        validation.validate_aud = audience.is_some();
        validation.required_spec_claims = required;
        Self { secret, validation }
    }

    /// Who bears a token.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Bearing, Refused> {
        let key = DecodingKey::from_secret(&self.secret.reveal());
        let token = jsonwebtoken::decode::<Claims>(token, &key, &self.validation)
            .map_err(|_| Refused("The token is malformed, from another issuer, or not signed by it."))?;
        // RFC 7515, 4.1.11: an extension that must be understood, and is not.
        if token.header.crit.is_some() {
            return Err(Refused("The token asks for an extension that is not known here."));
        }
        let claims = token.claims;
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds up to the year 9999 have 48 bits, an f64 53"
        )]
        let now = now.millis() as f64 / 1000.0;
        if now >= claims.exp + LEEWAY_SECONDS {
            return Err(Refused("The token has expired."));
        }
        if claims.nbf.is_some_and(|nbf| now < nbf - LEEWAY_SECONDS) {
            return Err(Refused("The token is not valid yet."));
        }
        Ok(Bearing {
            tenant: claims.tenant,
            ccid: claims.ccid,
            user: claims.sub.parse().map_err(|_| Refused("The token's sub is no user id."))?,
            groups: texts(&claims.groups).filter_map(|group| group.parse().ok()).collect(),
            roles: texts(&claims.roles).filter_map(Role::named).collect(),
            client: claims.client_id,
        })
    }
}

/// The texts of an array; whatever else is there gives no rights.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";

    fn now() -> Timestamp {
        Timestamp::from_millis(1_795_341_600_000)
    }

    fn bearer(issuer: Option<&str>, audience: Option<&str>) -> Bearer {
        Bearer::shared(Secret::value(SECRET, 32).unwrap(), issuer, audience)
    }

    fn seconds(after_now: i64) -> i64 {
        now().millis() / 1000 + after_now
    }

    fn claims() -> Value {
        json!({"tenant": "t2026", "sub": "alice", "exp": seconds(300), "roles": ["agent"]})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims.as_object_mut().unwrap().insert(name.to_owned(), value);
        claims
    }

    fn sign(claims: &Value) -> String {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET))
            .unwrap()
    }

    fn verify(claims: &Value) -> Result<Bearing, Refused> {
        bearer(None, None).verify(&sign(claims), now())
    }

    #[test]
    fn a_token_says_who_bears_it() {
        let said =
            verify(&json!({"tenant": "t2026", "sub": "alice", "exp": seconds(300), "client_id": "app",
            "roles": ["agent", "emperor", 7], "groups": ["sales", "../x"], "aud": "anyone"}))
            .unwrap();
        assert_eq!(said.tenant.as_deref(), Some("t2026"));
        assert_eq!(said.user.as_str(), "alice");
        assert_eq!(said.roles, [Role::Agent]);
        assert_eq!(said.groups, ["sales".parse().unwrap()]);
        assert_eq!(said.client.as_deref(), Some("app"));
    }

    #[test]
    fn the_algorithm_comes_from_the_configuration_and_never_from_the_token() {
        let parts = |header: &Value| {
            let text = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
            format!("{}.{}", text(header), text(&claims()))
        };
        let signature = sign(&claims()).rsplit('.').next().unwrap().to_owned();
        for alg in ["none", "None", "RS256", "ES256", "HS512", "EdDSA"] {
            let unsigned = parts(&json!({"alg": alg, "typ": "JWT"}));
            for token in [format!("{unsigned}."), format!("{unsigned}.{signature}"), unsigned.clone()] {
                assert!(bearer(None, None).verify(&token, now()).is_err(), "{alg}");
            }
        }
        // Rightly signed with the secret, but by another algorithm of the family.
        let header = Header::new(Algorithm::HS384);
        let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(SECRET)).unwrap();
        assert!(bearer(None, None).verify(&token, now()).is_err());
    }

    #[test]
    fn a_token_under_another_secret_is_refused() {
        let key = EncodingKey::from_secret(b"another secret of the same size.");
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &key).unwrap();
        assert!(bearer(None, None).verify(&token, now()).is_err());
    }

    #[test]
    fn a_token_that_expired_59_seconds_ago_is_good_and_61_seconds_ago_is_not() {
        assert!(verify(&with("exp", json!(seconds(-59)))).is_ok());
        assert_eq!(verify(&with("exp", json!(seconds(-61)))), Err(Refused("The token has expired.")));
        assert!(verify(&with("exp", json!(1_795_341_541.5))).is_ok(), "fractions are allowed");
    }

    #[test]
    fn a_token_is_good_from_60_seconds_before_its_nbf() {
        assert!(verify(&with("nbf", json!(seconds(59)))).is_ok());
        assert!(verify(&with("nbf", json!(seconds(61)))).is_err());
        assert!(verify(&with("nbf", json!("soon"))).is_err());
    }

    #[test]
    fn a_token_without_an_expiry_is_refused() {
        assert!(verify(&json!({"tenant": "t2026", "sub": "alice"})).is_err());
        for odd in [json!(null), json!("9999999999"), json!([])] {
            assert!(verify(&with("exp", odd)).is_err());
        }
    }

    #[test]
    fn issuer_and_audience_count_where_they_are_configured() {
        let both = bearer(Some("https://id.example"), Some("voicemail"));
        let token = |iss: Value, aud: Value| {
            let mut claims = with("iss", iss);
            claims.as_object_mut().unwrap().insert("aud".to_owned(), aud);
            sign(&claims)
        };
        let (iss, aud) = (json!("https://id.example"), json!("voicemail"));
        assert!(both.verify(&token(iss.clone(), aud.clone()), now()).is_ok());
        assert!(both.verify(&token(iss.clone(), json!(["other", "voicemail"])), now()).is_ok());
        assert!(both.verify(&token(json!("https://evil.example"), aud.clone()), now()).is_err());
        assert!(both.verify(&token(iss.clone(), json!("other")), now()).is_err());
        assert!(both.verify(&token(json!(null), aud), now()).is_err());
        assert!(both.verify(&token(iss, json!(null)), now()).is_err());
        assert!(both.verify(&sign(&claims()), now()).is_err(), "neither is there");
    }

    #[test]
    fn a_token_whose_sub_is_no_user_id_is_refused() {
        for sub in [json!(""), json!("../alice"), json!("a b"), json!(7), json!(null)] {
            assert!(verify(&with("sub", sub)).is_err());
        }
    }

    #[test]
    fn a_token_without_a_tenant_is_good_and_names_none() {
        let said = verify(&json!({"sub": "scheduler", "exp": seconds(300), "roles": "privacy"})).unwrap();
        assert_eq!((said.tenant, said.ccid), (None, None));
        assert!(said.roles.is_empty(), "a text is no array of roles");
    }

    #[test]
    fn a_token_that_asks_for_an_unknown_extension_is_refused() {
        let header = Header { crit: Some(vec!["exp2".into()]), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(SECRET)).unwrap();
        assert!(bearer(None, None).verify(&token, now()).is_err());
    }

    #[test]
    fn no_text_makes_a_token_check_panic() {
        for text in ["", ".", "..", "...", "a.b.c", "é.é.é", &"x.".repeat(10_000)] {
            assert!(bearer(None, None).verify(text, now()).is_err());
        }
    }
}

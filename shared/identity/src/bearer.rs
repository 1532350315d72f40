//! Bearer tokens: a JWT (RFC 7519) under a shared secret, or under a key of its issuer.
//!
//! The configuration says which of the two; under an issuer's key, the key says the algorithm. What the token says of
//! its algorithm must be the same and never chooses one.

use std::collections::HashSet;

use domain::{BadName, GroupId, Timestamp, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use web::{Code, Problem};

use crate::jwks::{Jwks, MIN_FETCH_INTERVAL};
use crate::role::Role;
use crate::secret::Secret;

/// How far the clocks of the issuer and of this host may differ.
const LEEWAY_SECONDS: f64 = 60.0;

/// The user of a client whose name could be no user's.
const UNNAMED_CLIENT: &str = "client";

/// What signatures of tokens are checked with.
pub enum TokenKeys {
    /// HS256 under this secret.
    Shared(Secret),
    /// RS256 or ES256 under a key of the issuer.
    Issuer(Jwks),
}

/// How tokens are checked.
pub struct Bearer {
    keys: TokenKeys,
    validation: Validation,
}

/// Why a token is not taken, for the client: never says more than which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    /// It is not good.
    Token(&'static str),
    /// Nobody can say yet: the issuer was never reached.
    NoKeys,
}

/// One text for whatever is wrong before the claims, so that nobody learns how far a forgery came.
pub(crate) const FORGED: TokenRefusal =
    TokenRefusal::Token("The token is malformed, from another issuer, or not signed by it.");

/// What a token says of its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedToken {
    pub(crate) tenant: Option<String>,
    pub(crate) ccid: Option<String>,
    pub(crate) user: UserId,
    pub(crate) groups: Vec<GroupId>,
    pub(crate) roles: Vec<Role>,
    pub(crate) client: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    tenant: Option<String>,
    ccid: Option<String>,
    sub: Option<String>,
    #[serde(default)]
    groups: Value,
    #[serde(default)]
    roles: Value,
    client_id: Option<String>,
}

impl From<TokenRefusal> for Problem {
    fn from(refusal: TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::Token(rule) => Self::new(Code::Unauthenticated, rule),
            TokenRefusal::NoKeys => Self::new(
                Code::Busy,
                "The keys of the token's issuer cannot be had at the moment; repeat the request.",
            )
            .after(MIN_FETCH_INTERVAL.as_secs()),
        }
    }
}

impl Bearer {
    /// Tokens signed under `keys`; from `issuer` where given, and for `audience` where given.
    pub fn new(keys: TokenKeys, issuer: Option<&str>, audience: Option<&str>) -> Self {
        // The algorithm is set with the key. Time is passed in, so exp and nbf are checked here and not by the library's
        // own clock.
        let mut validation = Validation { validate_exp: false, ..Validation::default() };
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
        Self { keys, validation }
    }

    /// Who bears a token.
    pub(crate) async fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, TokenRefusal> {
        let jwks = match &self.keys {
            TokenKeys::Shared(secret) => {
                let key = DecodingKey::from_secret(&secret.reveal());
                return self.check(token, Algorithm::HS256, &key, now);
            }
            TokenKeys::Issuer(jwks) => jwks,
        };
        let header = jsonwebtoken::decode_header(token).map_err(|_| FORGED)?;
        // Before the issuer is asked for the key.
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(FORGED);
        }
        let kid = header.kid.as_deref();
        let set = jwks.set(kid, now).await.ok_or(TokenRefusal::NoKeys)?;
        let (algorithm, key) = set.find(kid, header.alg).ok_or(FORGED)?;
        self.check(token, algorithm, key, now)
    }

    fn check(
        &self,
        token: &str,
        algorithm: Algorithm,
        key: &DecodingKey,
        now: Timestamp,
    ) -> Result<VerifiedToken, TokenRefusal> {
        let validation = Validation { algorithms: vec![algorithm], ..self.validation.clone() };
        let token = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| FORGED)?;
        // RFC 7515, 4.1.11: an extension that must be understood, and is not.
        if token.header.crit.is_some() {
            return Err(TokenRefusal::Token("The token asks for an extension that is not known here."));
        }
        let claims = token.claims;
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds up to the year 9999 have 48 bits, an f64 53"
        )]
        let now = now.millis() as f64 / 1000.0;
        if now >= claims.exp + LEEWAY_SECONDS {
            return Err(TokenRefusal::Token("The token has expired."));
        }
        if claims.nbf.is_some_and(|nbf| now < nbf - LEEWAY_SECONDS) {
            return Err(TokenRefusal::Token("The token is not valid yet."));
        }
        let Claims { tenant, ccid, sub, client_id, .. } = claims;
        let is_of_tenant = tenant.is_some() || ccid.is_some();
        let client = if is_of_tenant { client_id } else { client_id.or_else(|| sub.clone()) };
        let mut user = sub.as_deref().unwrap_or_default().parse();
        // A client that acts for several tenants is no user of any; issuers write its sub as they like
        // (`x@clients`; RFC 9068, 2.2 asks for no form).
        if let Some(client) = client.as_deref().filter(|_| !is_of_tenant) {
            user = user.or_else(|_| client.parse()).or_else(|_| UNNAMED_CLIENT.parse());
        }
        Ok(VerifiedToken {
            tenant,
            ccid,
            user: user.map_err(|_: BadName| TokenRefusal::Token("The token's sub is no user id."))?,
            groups: texts(&claims.groups).filter_map(|group| group.parse().ok()).collect(),
            roles: texts(&claims.roles).filter_map(Role::named).collect(),
            client,
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
    use futures::FutureExt as _;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    const SECRET: &[u8] = b"a secret of thirty-two bytes, ok";

    fn now() -> Timestamp {
        Timestamp::from_millis(1_795_341_600_000)
    }

    fn bearer(issuer: Option<&str>, audience: Option<&str>) -> Bearer {
        Bearer::new(TokenKeys::Shared(Secret::value(SECRET, 32).unwrap()), issuer, audience)
    }

    /// Under a shared secret nothing is waited for.
    fn at_once(bearer: &Bearer, token: &str) -> Result<VerifiedToken, TokenRefusal> {
        bearer.verify(token, now()).now_or_never().unwrap()
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

    fn verify(claims: &Value) -> Result<VerifiedToken, TokenRefusal> {
        at_once(&bearer(None, None), &sign(claims))
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
    fn a_client_without_a_tenant_needs_no_sub_that_could_be_a_user() {
        let bearing = |sub: Value, client_id: Value| {
            let said = verify(
                &json!({"sub": sub, "client_id": client_id, "exp": seconds(300), "roles": ["privacy"]}),
            )?;
            Ok((said.user.to_string(), said.client.unwrap()))
        };
        let is = |user: &str, client: &str| Ok((user.to_owned(), client.to_owned()));
        assert_eq!(bearing(json!("x@clients"), json!("scheduler")), is("scheduler", "scheduler"));
        assert_eq!(bearing(json!("x@clients"), json!(null)), is("client", "x@clients"));
        assert_eq!(bearing(json!(null), json!("https://a.example")), is("client", "https://a.example"));
        assert_eq!(bearing(json!("bob"), json!("scheduler")), is("bob", "scheduler"));
        let refused: Result<(), TokenRefusal> = Err(TokenRefusal::Token("The token's sub is no user id."));
        assert_eq!(bearing(json!(null), json!(null)).map(drop), refused);
        for name in ["tenant", "ccid"] {
            let of_tenant =
                json!({name: "t2026", "sub": "x@clients", "client_id": "scheduler", "exp": seconds(300)});
            assert_eq!(verify(&of_tenant).map(drop), refused, "{name}");
        }
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
                assert!(at_once(&bearer(None, None), &token).is_err(), "{alg}");
            }
        }
        // Rightly signed with the secret, but by another algorithm of the family.
        let header = Header::new(Algorithm::HS384);
        let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(SECRET)).unwrap();
        assert!(at_once(&bearer(None, None), &token).is_err());
    }

    #[test]
    fn a_token_under_another_secret_is_refused() {
        let key = EncodingKey::from_secret(b"another secret of the same size.");
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &key).unwrap();
        assert!(at_once(&bearer(None, None), &token).is_err());
    }

    #[test]
    fn a_token_that_expired_59_seconds_ago_is_good_and_61_seconds_ago_is_not() {
        assert!(verify(&with("exp", json!(seconds(-59)))).is_ok());
        assert_eq!(
            verify(&with("exp", json!(seconds(-61)))),
            Err(TokenRefusal::Token("The token has expired."))
        );
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
        assert!(at_once(&both, &token(iss.clone(), aud.clone())).is_ok());
        assert!(at_once(&both, &token(iss.clone(), json!(["other", "voicemail"]))).is_ok());
        assert!(at_once(&both, &token(json!("https://evil.example"), aud.clone())).is_err());
        assert!(at_once(&both, &token(iss.clone(), json!("other"))).is_err());
        assert!(at_once(&both, &token(json!(null), aud)).is_err());
        assert!(at_once(&both, &token(iss, json!(null))).is_err());
        assert!(at_once(&both, &sign(&claims())).is_err(), "neither is there");
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
        assert!(at_once(&bearer(None, None), &token).is_err());
    }

    #[test]
    fn no_text_makes_a_token_check_panic() {
        for text in ["", ".", "..", "...", "a.b.c", "é.é.é", &"x.".repeat(10_000)] {
            assert!(at_once(&bearer(None, None), text).is_err());
        }
    }
}

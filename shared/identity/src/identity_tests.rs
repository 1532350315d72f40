//! Sign-in with a password, and whose tenant it is.

use std::sync::Arc;
use std::time::Duration;

use argon2::{Argon2, Params, PasswordHasher as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::bearer::TokenKeys;
use crate::role::Role;

fn users(of: &[(&str, &str)]) -> String {
    let hasher = Argon2::from(Params::new(16, 1, 1, None).unwrap());
    let user = |(user, password): &(&str, &str)| {
        let hash = hasher.hash_password(password.as_bytes()).unwrap().to_string();
        serde_json::json!({"user": user, "password_hash": hash, "roles": ["privacy"], "groups": ["sales"]})
    };
    of.iter().map(user).collect::<serde_json::Value>().to_string()
}

fn identity(of: &[(&str, &str)]) -> Identity {
    Identity::new(None, Some(Users::given(&users(of)).unwrap()))
}

fn headers(authorization: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::AUTHORIZATION, authorization.parse().unwrap())])
}

fn basic(credentials: &str) -> HeaderMap {
    headers(&format!("Basic {}", BASE64_STANDARD.encode(credentials)))
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000)
}

fn find(name: &str) -> Option<TenantId> {
    match name {
        "t2026" | "a customer's id" => "t2026".parse().ok(),
        "t2027" => "t2027".parse().ok(),
        _ => None,
    }
}

async fn sign_in(identity: &Identity, credentials: &str, now: Timestamp) -> Result<Principal, Code> {
    identity.verify(&basic(credentials), now, &find).await.map_err(|problem| problem.code)
}

#[tokio::test]
async fn a_user_signs_in_with_one_or_two_backslashes() {
    let identity = identity(&[("t2026\\dpo", "pass:word")]);
    for credentials in ["t2026\\dpo:pass:word", "t2026\\\\dpo:pass:word"] {
        let who = sign_in(&identity, credentials, now()).await.unwrap();
        assert_eq!(who.tenant, find("t2026"));
        assert_eq!(who.user.as_str(), "dpo");
        assert!(who.is(Role::Privacy) && who.groups.contains(&"sales".parse().unwrap()));
    }
}

#[tokio::test]
async fn a_wrong_password_an_unknown_user_and_another_tenants_user_are_refused_alike() {
    let identity = identity(&[("t2026\\dpo", "right")]);
    let mut details = Vec::new();
    for credentials in ["t2026\\dpo:wrong", "t2026\\eve:right", "t2027\\dpo:right", "t2026\\dpo:"] {
        let problem = identity.verify(&basic(credentials), now(), &find).await.unwrap_err();
        assert_eq!(problem.code, Code::Unauthenticated);
        details.push(problem.detail);
    }
    details.dedup();
    assert_eq!(details.len(), 1);
}

#[tokio::test]
async fn a_header_that_is_no_sign_in_is_401_and_not_repeated() {
    let identity = identity(&[("t2026\\dpo", "right")]);
    let sent = ["", "Basic", "Basic hunter2", "Bearer hunter2", "Digest hunter2", "hunter2"];
    for header in sent {
        let problem = identity.verify(&headers(header), now(), &find).await.unwrap_err();
        assert_eq!(problem.code, Code::Unauthenticated, "{header}");
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
    assert_eq!(sign_in(&identity, "no-backslash:right", now()).await, Err(Code::Unauthenticated));
    let mut two = basic("t2026\\dpo:right");
    two.append(header::AUTHORIZATION, "Bearer x".parse().unwrap());
    assert!(identity.verify(&two, now(), &find).await.is_err(), "two headers are ambiguous");
    assert!(identity.verify(&HeaderMap::new(), now(), &find).await.is_err());
}

#[tokio::test]
async fn ten_failures_a_minute_for_a_name_are_the_limit() {
    let identity = identity(&[("t2026\\dpo", "right"), ("t2026\\other", "right")]);
    for _ in 0..10 {
        assert_eq!(sign_in(&identity, "t2026\\dpo:wrong", now()).await, Err(Code::Unauthenticated));
    }
    let later = now().plus(Duration::from_secs(20));
    let problem = identity.verify(&basic("t2026\\dpo:right"), later, &find).await.unwrap_err();
    assert_eq!((problem.code, problem.retry_after), (Code::RateLimited, Some(40)));
    assert!(sign_in(&identity, "t2026\\other:right", later).await.is_ok(), "others are not affected");
    let next = now().plus(Duration::from_mins(1));
    assert!(sign_in(&identity, "t2026\\dpo:right", next).await.is_ok());
}

#[tokio::test]
async fn a_hundred_failures_a_minute_are_the_limit_over_all_names() {
    let identity = identity(&[("t2026\\dpo", "right")]);
    for number in 0..100 {
        let credentials = format!("t2026\\nobody{number}:wrong");
        assert_eq!(sign_in(&identity, &credentials, now()).await, Err(Code::Unauthenticated));
    }
    assert_eq!(sign_in(&identity, "t2026\\dpo:right", now()).await, Err(Code::RateLimited));
}

#[tokio::test]
async fn a_pair_that_was_right_is_not_held_up_by_somebody_elses_guesses() {
    let identity = identity(&[("t2026\\dpo", "right")]);
    assert!(sign_in(&identity, "t2026\\dpo:right", now()).await.is_ok());
    for _ in 0..12 {
        assert!(sign_in(&identity, "t2026\\dpo:wrong", now()).await.is_err());
    }
    assert!(sign_in(&identity, "t2026\\dpo:right", now()).await.is_ok(), "remembered");
    for _ in 0..12 {
        assert!(sign_in(&identity, "t2026\\dpo:wrong", now().plus(Duration::from_secs(61))).await.is_err());
    }
    let later = now().plus(Duration::from_secs(62));
    assert!(sign_in(&identity, "t2026\\dpo:right", later).await.is_ok(), "checked again, and right");
}

#[tokio::test]
async fn many_guesses_at_once_do_not_get_past_the_limit() {
    let identity = Arc::new(identity(&[("t2026\\dpo", "right")]));
    let guesses = (0..50).map(|number| {
        let identity = Arc::clone(&identity);
        async move { sign_in(&identity, &format!("t2026\\dpo:{number}"), now()).await }
    });
    let answers = futures::future::join_all(guesses).await;
    let checked = answers.iter().filter(|answer| **answer == Err(Code::Unauthenticated)).count();
    assert!((10..=11).contains(&checked), "{checked}: one more may be under way when the limit is reached");
}

#[tokio::test]
async fn a_new_password_ends_what_was_remembered_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.json");
    std::fs::write(&path, users(&[("t2026\\dpo", "old")])).unwrap();
    let identity = Identity::new(None, Some(Users::file(&path).unwrap()));
    assert!(sign_in(&identity, "t2026\\dpo:old", now()).await.is_ok());
    std::fs::write(&path, users(&[("t2026\\dpo", "brand new")])).unwrap();
    // The file is looked at once a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(sign_in(&identity, "t2026\\dpo:brand new", now()).await.is_ok());
    assert_eq!(sign_in(&identity, "t2026\\dpo:old", now()).await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn a_user_of_a_tenant_that_is_not_configured_is_403() {
    let identity = identity(&[("t1999\\dpo", "right")]);
    assert_eq!(sign_in(&identity, "t1999\\dpo:right", now()).await, Err(Code::Forbidden));
    assert_eq!(sign_in(&identity, "t1999\\dpo:wrong", now()).await, Err(Code::Unauthenticated));
}

#[test]
fn a_tenant_may_be_named_by_its_ccid_and_a_name_that_is_unknown_never_counts_as_none() {
    let one = |tenant, ccid| one_tenant(tenant, ccid, &find).map_err(|problem| problem.code);
    assert_eq!(one(Some("t2026"), None), Ok(find("t2026")));
    assert_eq!(one(Some("a customer's id"), None), Ok(find("t2026")));
    assert_eq!(one(None, Some("a customer's id")), Ok(find("t2026")));
    assert_eq!(one(Some("t2026"), Some("a customer's id")), Ok(find("t2026")));
    assert_eq!(one(None, None), Ok(None));
    assert_eq!(one(Some("t2027"), Some("a customer's id")), Err(Code::Forbidden));
    for unknown in ["", "T2026", "t1999", "../t2026"] {
        assert_eq!(one(Some(unknown), None), Err(Code::Forbidden));
        assert_eq!(one(None, Some(unknown)), Err(Code::Forbidden));
    }
}

#[tokio::test]
async fn a_bearer_token_goes_through_to_the_principal() {
    let secret = crate::secret::Secret::value(&[b'x'; 32], 32).unwrap();
    let identity = Identity::new(Some(Bearer::new(TokenKeys::Shared(secret), None, None)), None);
    let claims = serde_json::json!({"ccid": "a customer's id", "sub": "alice", "roles": ["agent"],
        "exp": now().millis() / 1000 + 60, "client_id": "app"});
    let key = jsonwebtoken::EncodingKey::from_secret(&[b'x'; 32]);
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let who = identity.verify(&headers(&format!("{scheme} {token}")), now(), &find).await.unwrap();
        assert_eq!(
            (who.tenant, who.user.as_str(), who.client.as_deref()),
            (find("t2026"), "alice", Some("app"))
        );
    }
    assert!(sign_in(&identity, "t2026\\dpo:right", now()).await.is_err(), "there are no passwords here");
}

//! When the issuer is asked, and what holds when it does not answer.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::time::Instant;
use web::Code;

use super::issuer::{Answer, Issuer};
use super::*;
use crate::bearer::FORGED;
use crate::identity::Identity;
use crate::jwks::fetch::MAX_KEY_SET_BYTES;
use crate::jwks::remote::REFRESH_INTERVAL;

/// Tokens under the keys of an issuer that was not asked yet.
fn bearer_at(issuer: &Issuer) -> Bearer {
    bearer(Jwks::at(&issuer.url()).unwrap())
}

fn after(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

/// An issuer with one key, and a bearer that knows it.
async fn known() -> (Issuer, Bearer) {
    let issuer = Issuer::start(set(&[RSA_ONE.jwk("one")])).await;
    let bearer = bearer_at(&issuer);
    assert_eq!(user(&bearer, &RSA_ONE.token("one")).await.as_deref(), Ok("alice"));
    assert_eq!(issuer.asked(), 1);
    (issuer, bearer)
}

#[tokio::test]
async fn a_set_is_asked_for_once_and_then_known() {
    let (issuer, bearer) = known().await;
    let token = RSA_ONE.token("one");
    for seconds in 0..100 {
        assert!(user_at(&bearer, &token, after(seconds)).await.is_ok());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_key_that_is_new_is_found_at_once_and_one_that_is_gone_is_refused() {
    let (issuer, bearer) = known().await;
    issuer.has(set(&[EC_TWO.jwk("two")]));
    assert!(user_at(&bearer, &EC_TWO.token("two"), after(30)).await.is_ok());
    assert_eq!(user_at(&bearer, &RSA_ONE.token("one"), after(30)).await, Err(FORGED));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_makes_one_request_in_30_seconds() {
    let (issuer, bearer) = known().await;
    let good = RSA_ONE.token("one");
    for tenths in 300..600 {
        let at = now().plus(Duration::from_millis(tenths * 100));
        let header = json!({"alg": "RS256", "kid": format!("key {tenths}")}).to_string();
        let token = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), good.split_once('.').unwrap().1);
        assert_eq!(user_at(&bearer, &token, at).await, Err(FORGED));
    }
    assert_eq!(issuer.asked(), 2, "one at the start, and one for all of them");
    assert_eq!(user_at(&bearer, &RSA_TWO.token("another"), after(60)).await, Err(FORGED));
    assert_eq!(issuer.asked(), 3);
    // A clock that is set back by a day does not close it for a day.
    let back = now().minus(Duration::from_hours(24));
    assert_eq!(user_at(&bearer, &RSA_TWO.token("another"), back).await, Err(FORGED));
    assert_eq!(issuer.asked(), 4);
}

#[tokio::test]
async fn a_token_of_an_algorithm_that_is_not_taken_makes_no_request() {
    let (issuer, bearer) = known().await;
    for algorithm in [Algorithm::HS256, Algorithm::HS512] {
        let header = Header { kid: Some("new".into()), ..Header::new(algorithm) };
        let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(b"x")).unwrap();
        assert_eq!(user_at(&bearer, &token, after(30)).await, Err(FORGED));
    }
    let header = Header { kid: Some("new".into()), ..Header::new(Algorithm::RS512) };
    assert_eq!(user_at(&bearer, &RSA_ONE.signs(&header, &claims()), after(30)).await, Err(FORGED));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn tokens_that_come_together_wait_for_one_request() {
    let (issuer, bearer) = known().await;
    issuer.heard().await;
    issuer.answers(Answer::Held(set(&[RSA_ONE.jwk("one"), EC_TWO.jwk("two")])));
    let (old, new) = (RSA_ONE.token("one"), EC_TWO.token("two"));
    let together = futures::future::join_all((0..32).map(|_| user_at(&bearer, &new, after(30))));
    let (answers, ()) = futures::join!(together, async {
        issuer.heard().await;
        assert!(user_at(&bearer, &old, after(30)).await.is_ok(), "a key that is known does not wait");
        issuer.release();
    });
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_end_the_request_for_the_others() {
    let (issuer, bearer) = known().await;
    issuer.heard().await;
    issuer.answers(Answer::Held(set(&[EC_TWO.jwk("two")])));
    let new = EC_TWO.token("two");
    tokio::select! {
        _ = user_at(&bearer, &new, after(30)) => panic!("it is held"),
        () = issuer.heard() => {}
    }
    issuer.release();
    assert!(user_at(&bearer, &new, after(31)).await.is_ok());
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn an_issuer_that_is_gone_leaves_the_last_set_in_force() {
    let (mut issuer, bearer) = known().await;
    issuer.stop().await;
    assert_eq!(user_at(&bearer, &EC_TWO.token("two"), after(30)).await, Err(FORGED));
    assert!(user_at(&bearer, &RSA_ONE.token("one"), after(31)).await.is_ok());
    let back = Issuer::start_at(issuer.address, set(&[EC_TWO.jwk("two")])).await;
    assert!(user_at(&bearer, &EC_TWO.token("two"), after(60)).await.is_ok());
    assert_eq!(back.asked(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_leaves_the_last_set_in_force() {
    let (issuer, bearer) = known().await;
    let new = set(&[EC_TWO.jwk("two")]);
    let ok = |body: &str| Answer::Body(StatusCode::OK, body.to_owned());
    let odd = [
        Answer::Body(StatusCode::INTERNAL_SERVER_ERROR, new.clone()),
        Answer::Body(StatusCode::NOT_FOUND, new.clone()),
        Answer::Body(StatusCode::NO_CONTENT, String::new()),
        Answer::Elsewhere(new.clone()),
        ok(""),
        ok("<html>"),
        ok("{}"),
        ok(r#"{"keys":7}"#),
        ok(&"[".repeat(100_000)),
        ok(&format!("{new}x")),
        ok(&format!("{new}{}", " ".repeat(MAX_KEY_SET_BYTES + 1 - new.len()))),
    ];
    let (old_token, new_token) = (RSA_ONE.token("one"), EC_TWO.token("two"));
    for (number, answer) in (1..).zip(odd) {
        issuer.answers(answer);
        assert_eq!(user_at(&bearer, &new_token, after(number * 30)).await, Err(FORGED), "{number}");
        let asked = usize::try_from(number).unwrap() + 1;
        assert_eq!(issuer.asked(), asked, "it was asked, and the answer not taken");
        assert!(user(&bearer, &old_token).await.is_ok(), "{number}");
    }
    issuer.has(format!("{new}{}", " ".repeat(MAX_KEY_SET_BYTES - new.len())));
    assert!(user(&bearer, &new_token).await.is_ok(), "1 MiB is taken");
}

#[tokio::test]
async fn an_answer_that_takes_longer_than_5_seconds_is_none() {
    let (issuer, bearer) = known().await;
    issuer.answers(Answer::Never);
    // From here on time passes at once where everybody waits.
    tokio::time::pause();
    let began = Instant::now();
    assert_eq!(user_at(&bearer, &EC_TWO.token("two"), after(30)).await, Err(FORGED));
    let took = began.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&took), "{took:?}");
    assert!(user(&bearer, &RSA_ONE.token("one")).await.is_ok());
}

#[tokio::test]
async fn before_the_issuer_was_ever_reached_a_token_is_503_and_worth_a_repeat() {
    let mut issuer = Issuer::start(String::new()).await;
    issuer.stop().await;
    let identity = Identity::new(Some(bearer_at(&issuer)), None);
    let find = |name: &str| name.parse().ok();
    let headers = |token: &str| {
        HeaderMap::from_iter([(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
    };
    let good = headers(&RSA_ONE.token("one"));
    let problem = identity.verify(&good, now(), &find).await.unwrap_err();
    assert_eq!((problem.code, problem.retry_after), (Code::Busy, Some(30)));
    assert_eq!(problem.code.status(), StatusCode::SERVICE_UNAVAILABLE);
    let problem = identity.verify(&headers("no token"), now(), &find).await.unwrap_err();
    assert_eq!(problem.code, Code::Unauthenticated, "whatever the keys are");

    let back = Issuer::start_at(issuer.address, set(&[RSA_ONE.jwk("one")])).await;
    assert_eq!(identity.verify(&good, after(29), &find).await.unwrap_err().code, Code::Busy);
    assert_eq!(back.asked(), 0, "it is not asked again yet");
    let who = identity.verify(&good, after(30), &find).await.unwrap();
    assert_eq!(who.user.as_str(), "alice");
}

#[tokio::test]
async fn the_issuer_is_asked_at_the_start_and_every_five_minutes_without_any_token() {
    let issuer = Issuer::start(set(&[RSA_ONE.jwk("one")])).await;
    let jwks = Jwks::at(&issuer.url()).unwrap();
    jwks.keep_fresh();
    issuer.heard().await;
    let bearer = bearer(jwks);
    // If the answer is still under way, this waits for it.
    assert!(user(&bearer, &RSA_ONE.token("one")).await.is_ok());
    issuer.has(set(&[EC_TWO.jwk("two")]));
    tokio::time::pause();
    tokio::time::advance(REFRESH_INTERVAL).await;
    tokio::time::resume();
    issuer.heard().await;
    assert!(user(&bearer, &EC_TWO.token("two")).await.is_ok());
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn https_is_not_spoken_to_a_server_without_tls() {
    let issuer = Issuer::start(set(&[RSA_ONE.jwk("one")])).await;
    let bearer = bearer(Jwks::at(&issuer.url().replace("http:", "https:")).unwrap());
    assert_eq!(user(&bearer, &RSA_ONE.token("one")).await, Err(TokenRefusal::NoKeys));
    assert_eq!(issuer.asked(), 0);
}

#[tokio::test]
async fn a_file_of_keys_is_read_again_when_it_changes() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, set(&[RSA_ONE.jwk("one")])).unwrap();
    let bearer = bearer(Jwks::at(file.path().to_str().unwrap()).unwrap());
    assert!(user(&bearer, &RSA_ONE.token("one")).await.is_ok());
    std::fs::write(&file, set(&[EC_TWO.jwk("two")])).unwrap();
    // The file is looked at once a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(user(&bearer, &EC_TWO.token("two")).await.is_ok());
    assert_eq!(user(&bearer, &RSA_ONE.token("one")).await, Err(FORGED));
}

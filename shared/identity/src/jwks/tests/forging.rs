//! Which tokens are good, and which forgeries are tried.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::time::Duration;

use super::*;
use crate::bearer::FORGED;

fn both() -> Bearer {
    bearer_of(&[RSA_ONE.jwk("rsa"), EC_ONE.jwk("ec")])
}

fn text(value: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value)
}

#[tokio::test]
async fn rs256_and_es256_tokens_under_keys_of_the_set_are_good() {
    let named = both();
    let unnamed = bearer_of(&[
        with(&with(&RSA_ONE.jwk("rsa"), "alg", json!(null)), "use", json!(null)),
        with(&with(&EC_ONE.jwk("ec"), "alg", json!(null)), "key_ops", json!(["verify"])),
    ]);
    for bearer in [named, unnamed] {
        assert_eq!(user(&bearer, &RSA_ONE.token("rsa")).await.as_deref(), Ok("alice"));
        assert_eq!(user(&bearer, &EC_ONE.token("ec")).await.as_deref(), Ok("alice"));
    }
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_a_shared_secret() {
    let pem = include_bytes!("keys/rsa_one.public.pem");
    let pem = pem.split_at(pem.windows(5).position(|five| five == b"-----").unwrap()).1;
    let modulus = RSA_ONE.jwk("rsa").get("n").unwrap().as_str().unwrap().to_owned();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&modulus).unwrap();
    let jwk = RSA_ONE.jwk("rsa").to_string();
    for secret in [pem, pem.trim_ascii(), modulus.as_bytes(), &bytes, jwk.as_bytes(), b""] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            for kid in [Some("rsa"), Some("ec"), None] {
                let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
                let token =
                    jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap();
                for bearer in [both(), bearer_of(&[RSA_ONE.jwk("rsa")])] {
                    assert_eq!(user(&bearer, &token).await, Err(FORGED), "{algorithm:?} {kid:?}");
                }
                // The same signature, said to be the key's own.
                let rest = token.split_once('.').unwrap().1;
                let token = format!("{}.{rest}", text(r#"{"alg":"RS256","kid":"rsa"}"#));
                assert_eq!(user(&both(), &token).await, Err(FORGED));
            }
        }
    }
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused_whatever_it_says() {
    let signature = RSA_ONE.token("rsa").rsplit('.').next().unwrap().to_owned();
    for alg in ["none", "None", "NONE", "", "RS256", "ES256", "HS256"] {
        for header in [json!({"alg": alg, "kid": "rsa"}), json!({"alg": alg}), json!({"kid": "rsa"})] {
            let unsigned = format!("{}.{}", text(&header.to_string()), text(&claims().to_string()));
            for token in [format!("{unsigned}."), unsigned.clone(), format!("{unsigned}.{signature}")] {
                assert_eq!(user(&both(), &token).await, Err(FORGED), "{header}");
            }
        }
    }
    for token in ["", ".", "..", "...", "a.b.c", "é.é.é", &"x.".repeat(10_000)] {
        assert_eq!(user(&both(), token).await, Err(FORGED));
    }
}

#[tokio::test]
async fn another_algorithm_than_the_keys_own_is_refused_though_the_key_could_do_it() {
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS512] {
        let header = Header { kid: Some("rsa".into()), ..Header::new(algorithm) };
        assert_eq!(user(&both(), &RSA_ONE.signs(&header, &claims())).await, Err(FORGED), "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_token_is_checked_with_the_key_that_it_names_and_no_other() {
    let bearer = bearer_of(&[RSA_ONE.jwk("one"), RSA_TWO.jwk("two"), EC_ONE.jwk("ec"), EC_TWO.jwk("ec2")]);
    let all = [("one", RSA_ONE), ("two", RSA_TWO), ("ec", EC_ONE), ("ec2", EC_TWO)];
    for (own, signer) in all {
        for kid in ["one", "two", "ec", "ec2", "three", "", "ONE"] {
            let expected = if kid == own { Ok("alice".to_owned()) } else { Err(FORGED) };
            assert_eq!(user(&bearer, &signer.token(kid)).await, expected, "{own} as {kid}");
        }
    }
}

#[tokio::test]
async fn a_key_that_the_token_brings_along_or_points_to_is_not_looked_at() {
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&RSA_TWO.key(), Algorithm::RS256).unwrap();
    for kid in [Some("rsa"), Some("mine"), None] {
        let header = Header {
            jwk: Some(jwk.clone()),
            jku: Some("http://127.0.0.1:9/jwks".into()),
            ..RSA_TWO.header(kid)
        };
        let token = RSA_TWO.signs(&header, &claims());
        for bearer in [both(), bearer_of(&[RSA_ONE.jwk("rsa")])] {
            assert_eq!(user(&bearer, &token).await, Err(FORGED));
        }
    }
}

#[tokio::test]
async fn a_token_that_names_no_key_is_tried_only_where_there_is_one() {
    let unnamed = |signer: Signer| signer.signs(&signer.header(None), &claims());
    let one = bearer_of(&[RSA_ONE.jwk("rsa")]);
    assert!(user(&one, &unnamed(RSA_ONE)).await.is_ok());
    assert_eq!(user(&one, &unnamed(RSA_TWO)).await, Err(FORGED));
    assert_eq!(user(&one, &unnamed(EC_ONE)).await, Err(FORGED));
    for signer in [RSA_ONE, EC_ONE] {
        assert_eq!(user(&both(), &unnamed(signer)).await, Err(FORGED), "there are two");
    }
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_or_too_weak_or_unknown_count_as_not_there() {
    let (rsa, ec) = (RSA_ONE.jwk("odd"), EC_ONE.jwk("odd"));
    let odd = [
        (RSA_SMALL, RSA_SMALL.jwk("odd")),
        (RSA_ONE, with(&rsa, "use", json!("enc"))),
        (RSA_ONE, with(&rsa, "key_ops", json!(["encrypt"]))),
        (RSA_ONE, with(&rsa, "alg", json!("RS512"))),
        (RSA_ONE, with(&rsa, "alg", json!("RSA-OAEP"))),
        (RSA_ONE, with(&rsa, "alg", json!("HS256"))),
        (RSA_ONE, with(&rsa, "alg", json!("ES256"))),
        (RSA_ONE, with(&rsa, "alg", json!(7))),
        (RSA_ONE, with(&rsa, "kty", json!("rsa"))),
        (RSA_ONE, with(&rsa, "kty", json!("AKP"))),
        (RSA_ONE, with(&rsa, "n", json!(null))),
        (RSA_ONE, with(&rsa, "n", json!("!"))),
        (RSA_ONE, with(&rsa, "n", json!("A".repeat(400)))),
        (RSA_ONE, with(&rsa, "e", json!(null))),
        (EC_ONE, with(&ec, "alg", json!("RS256"))),
        (EC_ONE, with(&ec, "crv", json!("P-384"))),
        (EC_ONE, with(&ec, "crv", json!(null))),
        (EC_ONE, with(&ec, "x", json!("AAAA"))),
        (EC_ONE, with(&ec, "y", json!(null))),
        (
            EC_ONE,
            json!({"kty": "oct", "kid": "odd", "alg": "HS256", "k": text("thirty-two bytes that are known.")}),
        ),
        (EC_ONE, json!("odd")),
        (EC_ONE, json!(null)),
    ];
    for (signer, key) in odd {
        let bearer = bearer_of(&[key.clone(), EC_TWO.jwk("good")]);
        assert_eq!(user(&bearer, &signer.token("odd")).await, Err(FORGED), "{key}");
        let unnamed = EC_TWO.signs(&EC_TWO.header(None), &claims());
        assert!(user(&bearer, &unnamed).await.is_ok(), "the only one left beside {key}");
    }
    let secret = EncodingKey::from_secret(b"thirty-two bytes that are known.");
    let header = Header { kid: Some("odd".into()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
    let key =
        json!({"kty": "oct", "kid": "odd", "alg": "HS256", "k": text("thirty-two bytes that are known.")});
    assert_eq!(user(&bearer_of(&[key, EC_TWO.jwk("good")]), &token).await, Err(FORGED));
}

#[tokio::test]
async fn another_issuer_or_audience_is_refused_and_so_is_none() {
    for signer in [RSA_ONE, EC_ONE] {
        let bearer = bearer_of(&[signer.jwk("key")]);
        for (name, value) in [
            ("iss", json!("https://evil.example")),
            ("iss", json!("https://id.example/")),
            ("iss", json!(null)),
            ("aud", json!("other")),
            ("aud", json!(["other"])),
            ("aud", json!(null)),
        ] {
            let token = signer.signs(&signer.header(Some("key")), &with(&claims(), name, value));
            assert_eq!(user(&bearer, &token).await, Err(FORGED), "{name}");
        }
    }
}

#[tokio::test]
async fn a_token_is_good_between_its_times_give_or_take_60_seconds() {
    let bearer = both();
    for token in [RSA_ONE.token("rsa"), EC_ONE.token("ec")] {
        let (early, late) = (now().minus(Duration::from_mins(5)), now().plus(Duration::from_mins(5)));
        for (at, good) in [
            (early.minus(Duration::from_secs(61)), false),
            (early.minus(Duration::from_mins(1)), true),
            (late.plus(Duration::from_secs(59)), true),
            (late.plus(Duration::from_mins(1)), false),
        ] {
            assert_eq!(user_at(&bearer, &token, at).await.is_ok(), good, "{at:?}");
        }
    }
    let expired = user_at(&bearer, &RSA_ONE.token("rsa"), now().plus(Duration::from_hours(1))).await;
    assert_eq!(expired, Err(TokenRefusal::Token("The token has expired.")));
    let unending = RSA_ONE.signs(&RSA_ONE.header(Some("rsa")), &with(&claims(), "exp", json!(null)));
    assert_eq!(user(&bearer, &unending).await, Err(FORGED));
}

#[tokio::test]
async fn a_token_whose_claims_were_changed_is_refused() {
    for token in [RSA_ONE.token("rsa"), EC_ONE.token("ec")] {
        let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
        let other = text(&with(&claims(), "roles", json!(["admin"])).to_string());
        assert_eq!(user(&both(), &format!("{header}.{other}.{signature}")).await, Err(FORGED));
    }
}

//! Who sent a request: bearer tokens, passwords, tenants.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::http::{Centre, PASSWORD, Person, Setting};

/// A request that every agent may send.
async fn asks(who: &Person) -> u16 {
    who.get("/v1/mwi").await.status
}

/// Alice with these claims over a good token.
#[expect(clippy::needless_pass_by_value, reason = "cases write the claims in place")]
fn alice(centre: &Centre, claims: Value) -> Person {
    let mut all = json!({"sub": "alice", "roles": ["agent"]});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    centre.bearer(&all)
}

/// So many seconds from now, as a token says it.
fn seconds(centre: &Centre, from_now: i64) -> i64 {
    centre.now().millis() / 1000 + from_now
}

async fn a_token_needs_an_expiry_and_clocks_may_differ_by_60_s(centre: Centre) {
    assert_eq!(asks(&alice(&centre, json!({}))).await, 200);
    for (expiry, status) in [(300, 200), (-50, 200), (-70, 401), (-86400, 401)] {
        assert_eq!(asks(&alice(&centre, json!({"exp": seconds(&centre, expiry)}))).await, status, "{expiry}");
    }
    for odd in [json!(null), json!("9999999999"), json!([])] {
        assert_eq!(asks(&alice(&centre, json!({"exp": odd}))).await, 401, "{odd}");
    }
    for (not_before, status) in [(50, 200), (70, 401)] {
        assert_eq!(asks(&alice(&centre, json!({"nbf": seconds(&centre, not_before)}))).await, status);
    }
}

async fn a_token_that_is_changed_unsigned_or_signed_otherwise_is_401(centre: Centre) {
    let good = alice(&centre, json!({})).credentials().unwrap();
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let expiry = seconds(&centre, 300);
    let admin = part(json!({"tenant": centre.tenant, "sub": "alice", "roles": ["admin"], "exp": expiry}));
    let none = part(json!({"alg": "none"}));
    let bad = [
        format!("{header}.{admin}.{signature}"),
        format!("Bearer {none}.{claims}."),
        format!("Bearer {none}.{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        good.replacen("Bearer ", "Basic ", 1),
        good.replacen("Bearer ", "", 1),
        good.replacen("Bearer ", "Token ", 1),
        format!("{good}x"),
        "Bearer".to_owned(),
        "Bearer  ".to_owned(),
        "x".to_owned(),
    ];
    for bad in bad {
        let answer = centre.authorization(&bad).get("/v1/mwi").await;
        let problem = answer.clone().refused(401, "unauthenticated");
        assert!(!problem.to_string().contains(signature), "nothing of it is repeated");
        assert!(answer.has("www-authenticate"));
    }
    for (key, algorithm) in [
        ("another secret of the same length, 32+", "HS256"),
        ("a token secret for tests alone, 32+", "HS512"),
    ] {
        let header = jsonwebtoken::Header::new(algorithm.parse().unwrap());
        let claims = json!({"tenant": centre.tenant, "sub": "alice", "roles": ["agent"], "exp": expiry});
        let key = jsonwebtoken::EncodingKey::from_secret(key.as_bytes());
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        centre.authorization(&format!("Bearer {token}")).get("/v1/mwi").await.refused(401, "unauthenticated");
    }
    let two = alice(&centre, json!({})).get("/v1/mwi").header("authorization", &good).await;
    two.refused(401, "unauthenticated");
    assert_eq!(asks(&centre.authorization(&good.replacen("Bearer", "bearer", 1))).await, 200);
}

async fn a_token_whose_sub_is_no_user_is_401(centre: Centre) {
    for sub in [json!(null), json!(""), json!("../alice"), json!("a b"), json!(7)] {
        assert_eq!(asks(&alice(&centre, json!({"sub": sub}))).await, 401, "{sub}");
    }
}

async fn any_audience_is_accepted_where_none_is_configured(centre: Centre) {
    let claims = json!({"aud": ["anyone", "else"], "iss": "https://id.example", "surprise": {"x": 1}});
    assert_eq!(asks(&alice(&centre, claims)).await, 200);
}

async fn the_tenant_may_be_named_by_its_ccid(centre: Centre) {
    centre.personal("5001", "alice").await;
    let (tenant, ccid) = (centre.tenant.clone(), format!("cc-{}", centre.tenant));
    for claims in [
        json!({"tenant": null, "ccid": ccid}),
        json!({"tenant": tenant, "ccid": ccid}),
        json!({"tenant": ccid}),
        json!({"tenant": null, "ccid": tenant}),
    ] {
        alice(&centre, claims).get("5001").await.is(200);
    }
}

async fn a_token_of_no_tenant_of_this_service_or_of_two_is_403(centre: Centre) {
    let other = format!("cc-{}", centre.neighbour().tenant);
    for claims in [
        json!({"tenant": "t1999"}),
        json!({"tenant": ""}),
        json!({"tenant": "../t0"}),
        json!({"tenant": null, "ccid": "t1999"}),
        json!({"ccid": other}),
        json!({"ccid": "t1999"}),
        json!({"tenant": null}),
    ] {
        let who = alice(&centre, claims.clone());
        for path in ["/v1/mwi", "/v1/mailboxes", "5001", "5001/messages"] {
            assert_eq!(who.get(path).await.status, 403, "{claims} {path}");
        }
    }
}

async fn a_client_without_a_tenant_may_sweep_those_that_list_it_and_do_nothing_else(centre: Centre) {
    let (ours, listed) = (
        format!("cc-{}", centre.tenant),
        json!({"tenant": null, "sub": "x", "client_id": "scheduler", "roles": ["privacy"]}),
    );
    let by_sub = json!({"tenant": null, "sub": "scheduler", "roles": ["privacy"]});
    let no_user = json!({"tenant": null, "sub": "x@clients", "client_id": "scheduler", "roles": ["privacy"]});
    for claims in [&listed, &by_sub, &no_user] {
        let client = centre.bearer(claims);
        client.post(&format!("/v1/gdpr/sweep?ccid={ours}")).await.is(200);
        client.post("/v1/gdpr/sweep").json(json!({"ccid": ours, "consumers": []})).await.is(200);
        client.post(&format!("/v1/gdpr/sweep?ccid={ours}")).json(json!({"ccid": ours})).await.is(200);
        for other in [json!({}), json!({"ccid": "nobody"}), json!({"ccid": null})] {
            client.post("/v1/gdpr/sweep").json(other).await.refused(403, "forbidden");
        }
        let two = client.post(&format!("/v1/gdpr/sweep?ccid={ours}")).json(json!({"ccid": "nobody"})).await;
        two.refused(403, "forbidden");
        for path in ["/v1/gdpr/sweep", "/v1/gdpr/sweep?ccid=", "/v1/gdpr/sweep?ccid=nobody"] {
            client.post(path).await.refused(403, "forbidden");
        }
        client.get("/v1/mwi").await.refused(403, "forbidden");
        client.get("/v1/mailboxes").await.refused(403, "forbidden");
    }
    let unlisted =
        centre.bearer(&json!({"tenant": null, "sub": "x", "client_id": "stranger", "roles": ["privacy"]}));
    unlisted.post(&format!("/v1/gdpr/sweep?ccid={ours}")).await.refused(403, "forbidden");
    let no_role = centre.bearer(&json!({"tenant": null, "sub": "scheduler", "roles": ["agent"]}));
    no_role.post(&format!("/v1/gdpr/sweep?ccid={ours}")).await.refused(403, "forbidden");
}

async fn a_ccid_that_contradicts_the_token_is_403(centre: Centre) {
    let theirs = format!("cc-{}", centre.neighbour().tenant);
    centre.privacy().post(&format!("/v1/gdpr/sweep?ccid={theirs}")).await.refused(403, "forbidden");
    centre.privacy().post("/v1/gdpr/sweep").json(json!({"ccid": theirs})).await.refused(403, "forbidden");
    for broken in ["{", "[]", "7", "{\"ccid\":7}"] {
        let sweep = |who: Person| who.post("/v1/gdpr/sweep").body("application/json", broken);
        sweep(centre.privacy()).await.refused(400, "bad-request");
        sweep(centre.admin()).await.refused(403, "forbidden");
    }
    centre.privacy().post(&format!("/v1/gdpr/sweep?ccid=cc-{}", centre.tenant)).await.is(200);
}

async fn a_user_signs_in_with_a_password_and_one_or_two_backslashes(centre: Centre) {
    centre.group("5100", "sales", &[]).await;
    for user in [format!("{}\\alice", centre.tenant), format!("{}\\\\alice", centre.tenant)] {
        for _ in 0..2 {
            centre.basic(&user, PASSWORD).get("5100").await.is(200);
        }
        centre.basic(&user, PASSWORD).delete("5100").await.refused(403, "forbidden");
    }
    centre.basic(&format!("{}\\dpo", centre.tenant), PASSWORD).post("/v1/gdpr/sweep").await.is(200);
    let alice = format!("{}\\alice", centre.tenant);
    for (user, password) in [
        (alice.as_str(), "wrong"),
        (&alice, ""),
        (&alice, &PASSWORD[1..]),
        (&format!("{}\\eve", centre.tenant), PASSWORD),
        (&format!("{}\\alice", centre.neighbour().tenant), PASSWORD),
        ("alice", PASSWORD),
        ("\\alice", PASSWORD),
    ] {
        let answer = centre.basic(user, password).get("/v1/mwi").await;
        assert!(answer.has("www-authenticate"));
        answer.refused(401, "unauthenticated");
    }
    for bad in ["Basic", "Basic !", "Basic eA=="] {
        centre.authorization(bad).get("/v1/mwi").await.refused(401, "unauthenticated");
    }
}

async fn failures_to_sign_in_are_limited_for_each_name(centre: Centre) {
    let platform = format!("{}\\platform", centre.tenant);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let answer = centre.basic(&platform, "wrong").get("/v1/mwi").await;
        assert_eq!(answer.has("retry-after"), answer.status == 429);
        statuses.push(answer.status);
    }
    assert_eq!((statuses.first(), statuses.last()), (Some(&401), Some(&429)), "{statuses:?}");
    assert!(
        centre.basic(&platform, PASSWORD).get("/v1/mwi").await.refused(429, "rate-limited")["detail"]
            .is_string()
    );
    let admin = format!("{}\\admin", centre.tenant);
    assert_eq!(asks(&centre.basic(&admin, PASSWORD)).await, 200, "others are not affected");
}

#[tokio::test]
async fn issuer_and_audience_are_checked_where_they_are_configured() {
    let setting = Setting::new(1)
        .with("VOICEMAIL_TOKEN_ISSUER", "https://id.example")
        .with("VOICEMAIL_TOKEN_AUDIENCE", "voicemail");
    let centre = Centre::of(setting).await;
    for (iss, aud, status) in [
        (json!("https://id.example"), json!("voicemail"), 200),
        (json!("https://id.example"), json!(["other", "voicemail"]), 200),
        (json!("https://evil.example"), json!("voicemail"), 401),
        (json!("https://id.example"), json!("other"), 401),
        (json!(null), json!("voicemail"), 401),
        (json!("https://id.example"), json!(null), 401),
    ] {
        let who = alice(&centre, json!({"iss": iss, "aud": aud}));
        assert_eq!(asks(&who).await, status, "{iss} {aud}");
    }
}

#[tokio::test]
async fn the_demo_says_how_to_sign_in_and_lets_its_users_in() {
    let setting = Setting::new(1).without("VOICEMAIL_TENANTS").without("VOICEMAIL_USERS");
    let demo = Centre::gateway(&Arc::new(setting)).await;
    let said = demo.process().written();
    assert!(said.contains("demo\\alice:voicemail"), "{said}");
    let mine = demo.basic("demo\\alice", "voicemail").get("/v1/mwi").await.is(200).json();
    let mailboxes = mine["mailboxes"].as_array().unwrap();
    let ids: Vec<_> = mailboxes.iter().map(|row| row["mailbox"].as_str().unwrap()).collect();
    assert_eq!(ids, ["5001", "5100"]);
    demo.basic("demo\\alice", "wrong").get("/v1/mwi").await.refused(401, "unauthenticated");
}

tests::journeys![
    a_token_needs_an_expiry_and_clocks_may_differ_by_60_s,
    a_token_that_is_changed_unsigned_or_signed_otherwise_is_401,
    a_token_whose_sub_is_no_user_is_401,
    any_audience_is_accepted_where_none_is_configured,
    the_tenant_may_be_named_by_its_ccid,
    a_token_of_no_tenant_of_this_service_or_of_two_is_403,
    a_client_without_a_tenant_may_sweep_those_that_list_it_and_do_nothing_else,
    a_ccid_that_contradicts_the_token_is_403,
    a_user_signs_in_with_a_password_and_one_or_two_backslashes,
    failures_to_sign_in_are_limited_for_each_name,
];

//! The sweep of the service erases what a case covers, and its certificate is checked by the public key set.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Caller, CaseKey, Clock as _, ManualClock, Region, Settings, Status, Tenant, TenantKey};
use erasure::{Certificate, Erasure, Forgotten, Request};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::json;
use storage::Storage as _;
use storage::fs::{Fs, Setup};
use tests::http::{Call, Centre, SUBJECT_KEY};

#[tokio::test]
async fn the_sweep_erases_a_case_within_a_day_and_its_certificate_is_checked_by_the_key_set() {
    let centre = Centre::in_process().await;
    centre.personal("5001", "alice").await;
    centre.deposit("5001", &Call::from("030 1234567")).await;
    centre.deposit("5001", &Call::from("+49 30 7654321")).await;

    let regions: [Region; 2] = ["eu-central-1", "us-east-1"].map(|region| region.parse().unwrap());
    let tenant = Tenant {
        id: centre.tenant.parse().unwrap(),
        ccid: String::new(),
        country: "DE".parse().unwrap(),
        domain: String::new(),
        master: regions[0].clone(),
        regions: regions.to_vec(),
        clients: Vec::new(),
        settings: Settings::default(),
    };
    let fs = Fs::open(&centre.front.data(), Setup::Auto, &BTreeSet::from(regions)).await.unwrap();
    let (storage, clock) = (fs.tenant(&tenant), ManualClock::at(centre.now()));
    let erasure = Erasure { tenant: &tenant, storage: &storage, clock: &clock };
    let request: Request =
        serde_json::from_value(json!({"consumers": ["sip:030-1234567@pbx.example"]})).unwrap();
    let key = TenantKey::new(SUBJECT_KEY.as_bytes(), &tenant.id);
    let callers = request.callers(tenant.country, &key).ok().flatten().unwrap();
    let day = Duration::from_hours(24);
    let forgotten = erasure.forget("1", callers.subjects(), day, &|| true).await.unwrap();
    assert!(matches!(forgotten, Forgotten::Pending(_)));
    assert_eq!(centre.counts("5001").await, [1, 0, 0, 0], "right in the very next read");

    centre.pass(Duration::from_mins(23 * 60 + 31));
    assert_eq!(centre.sweep().await["purged"], 0);
    centre.pass(Duration::from_mins(1));
    let swept = centre.sweep().await;
    assert_eq!((&swept["purged"], &swept["failed"]), (&json!(1), &json!(0)));
    assert_eq!(centre.recordings().len(), 1);

    let case = storage.index.case(&CaseKey::of(&tenant.id, "1")).await.unwrap().unwrap().value;
    assert_eq!(case.status, Status::Erased);
    let certificate = case.certificate.unwrap();
    let keys = centre.nobody().get("/.well-known/voicemail-jwks.json").await.is(200).json();
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let kid = jsonwebtoken::decode_header(&certificate).unwrap().kid.unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let public = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let says: Certificate = jsonwebtoken::decode(&certificate, &public, &validation).unwrap().claims;
    let caller = Caller::read("+49301234567", tenant.country).unwrap();
    assert_eq!((says.tenant, says.erased_at), (tenant.id.clone(), centre.now()));
    assert_eq!((says.subjects, says.regions[0].verified_absent), (vec![key.subject(&caller)], 1));
    assert!(clock.now() < says.erased_at);
}

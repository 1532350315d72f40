//! Whom the bodies of requests name.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;
use domain::Country;
use proptest::prelude::*;
use serde_json::{Value, json};

fn key() -> TenantKey {
    TenantKey::new(&[7; 32], &"t".parse().unwrap())
}

fn read(value: Value, country: &str) -> Result<Option<Callers>, RequestRefusal> {
    let body: RequestBody = serde_json::from_value(value).unwrap();
    body.callers(country.parse::<Country>().unwrap().into(), &key())
}

fn callers(numbers: &[&str], country: &str) -> Callers {
    read(json!({"consumers": numbers}), country).ok().flatten().unwrap()
}

#[test]
fn the_body_of_the_contract_and_a_bare_array_name_the_same_callers() {
    let full = json!({"caseid": "1", "ccid": "c", "more": 1, "consumers": [
        {"consumer": [{"name": "A. Caller"}, {"phone": "555551212"}, {"phone": null}], "since": 2020},
        {"consumer": [{"phone": "555556161"}, {"email": "x@example.com"}]}]});
    let full = read(full, "US").ok().flatten().unwrap();
    let bare = callers(&["555551212", "555556161"], "US");
    assert_eq!(full.subjects(), bare.subjects());
    assert_eq!(full.subjects().len(), 2);
    assert_eq!(full.read_as(), bare.read_as());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn any_spelling_finds_any_spelling() {
    for (country, spellings) in [
        (
            "DE",
            [
                "+49 30 1234567",
                "0049301234567",
                "030 1234567",
                "(030) 123-4567",
                "tel:+49-30-1234567",
                "sip:030-1234567@pbx.example;user=phone",
                "<sip:+49301234567@pbx.example>;tag=1",
            ],
        ),
        (
            "US",
            [
                "+12015550123",
                "011 1 201 555 0123",
                "201 555 0123",
                "(201) 555-0123",
                "tel:+1-201-555-0123",
                "sip:2015550123@pbx.example",
                "<sip:+12015550123@pbx.example>;tag=1",
            ],
        ),
        (
            "IT",
            [
                "+39 06 12345678",
                "003906 12345678",
                "06 12345678",
                "(06) 1234-5678",
                "tel:+39-06-12345678",
                "sip:0612345678@pbx.example",
                "<sip:+390612345678@pbx.example>;tag=1",
            ],
        ),
        (
            "FR",
            [
                "+33 1 23 45 67 89",
                "0033123456789",
                "01 23 45 67 89",
                "(01) 23.45.67.89",
                "tel:+33-123456789",
                "sip:0123456789@pbx.example",
                "<sip:+33123456789@pbx.example>;tag=1",
            ],
        ),
        (
            "AR",
            [
                "+54 9 11 2345 6789",
                "0054 9 11 2345 6789",
                "011 15-2345-6789",
                "(011) 15 2345 6789",
                "tel:+54-9-11-2345-6789",
                "sip:01115 23456789@pbx.example",
                "<sip:+5491123456789@pbx.example>;tag=1",
            ],
        ),
    ] {
        let named = callers(&spellings, country);
        assert_eq!(named.subjects().len(), 1, "{country}");
        assert_eq!(named.spellings().count(), spellings.len(), "each is answered");
    }
    assert_eq!(callers(&["Alice@PBX.example", "sip:alice@pbx.example;tag=1"], "DE").subjects().len(), 1);
}

#[test]
fn an_unusable_number_refuses_the_whole_request_and_is_named_with_what_is_wrong() {
    let long = "1".repeat(257);
    for (number, why) in [
        ("", "is empty"),
        ("  ", "is empty"),
        ("Front Desk", "in double quotes"),
        ("4,93012E+11", "neither a number"),
        ("anonymous", "withhold"),
        ("+266696687", "withhold"),
        ("030 1234567/68", "range"),
        (&long, "256 bytes"),
    ] {
        let body = json!({"consumers": ["+4930123", {"consumer": [{"name": "A"}, {"phone": number}]}]});
        let Err(RequestRefusal::Unusable(unusable)) = read(body, "DE") else { panic!("{number:?} is taken") };
        let [one] = unusable.as_slice() else { panic!("{number:?}") };
        assert_eq!((one.place.as_str(), one.number.as_str()), ("consumers[1].consumer[1].phone", number));
        assert!(one.why.contains(why), "{number:?} {}", one.why);
    }
}

#[test]
fn an_answer_says_how_each_number_was_read_and_who_else_it_may_be() {
    let named = callers(&["0151 12345678", "+49 30 123 / 0049 30 124", "\"Front Desk\""], "DE");
    let read_as = serde_json::to_value(named.read_as()).unwrap();
    let two = "+49 30 123 / 0049 30 124";
    let expected = json!({
        "0151 12345678": ["+4915112345678"], two: ["+4930123", "+4930124"], "\"Front Desk\"": ["front desk"],
    });
    assert_eq!(read_as, expected);
    assert_eq!(
        callers(&["+49 30 123 / 0049 30 123"], "DE").read_as().into_values().next().unwrap(),
        ["+4930123"]
    );
    let others: Vec<_> = named.others().into_iter().collect();
    assert_eq!(others.len(), 1, "that of the mobile telephone");
    let told = |count| named.perhaps(&[(others[0].clone(), count)].into());
    assert_eq!(told(Some(2)), [("+494915112345678".to_owned(), Some(2))].into());
    assert_eq!(told(None), [("+494915112345678".to_owned(), None)].into());
    assert!(told(Some(0)).is_empty());
    let both = callers(&["0151 12345678", "+494915112345678"], "DE");
    assert!(both.others().is_empty(), "who is named is no other");
}

#[test]
fn a_request_names_one_to_a_thousand_numbers() {
    let many = |count: usize| read(json!({"consumers": vec!["+4930123"; count]}), "DE");
    assert!(many(1000).is_ok_and(|named| named.unwrap().subjects().len() == 1));
    assert!(matches!(many(1001), Err(RequestRefusal::TooMany)));
    assert!(matches!(many(0), Err(RequestRefusal::NoNumber)));
    assert!(matches!(read(json!({"consumers": [{"consumer": []}]}), "DE"), Err(RequestRefusal::NoNumber)));
    assert!(matches!(read(json!({"caseid": "1"}), "DE"), Ok(None)));
}

proptest! {
    #[test]
    fn whatever_comes_is_refused_or_answered_under_its_own_spelling(text in "\\PC{0,40}") {
        match read(json!({"consumers": [text.clone()]}), "DE") {
            Ok(named) => {
                let named = named.unwrap();
                prop_assert_eq!(named.spellings().map(|(s, _)| s).collect::<Vec<_>>(), [text.as_str()]);
                prop_assert!((1..=2).contains(&named.subjects().len()));
            }
            Err(refused) => prop_assert!(matches!(refused, RequestRefusal::Unusable(one) if one.iter().any(|one| one.number == text))),
        }
    }
}

//! Caller IDs as platforms send them, and fields as data protection officers write them.

use super::*;

pub(super) fn read(text: &str, country: &str) -> Option<String> {
    Caller::read(text, country.parse::<Country>().unwrap()).map(|caller| caller.reveal().to_owned())
}

#[test]
fn every_spelling_of_a_number_is_one_caller() {
    let spellings = [
        "+49 30 1234567",
        "0049301234567",
        "030 1234567",
        "(030) 123-4567",
        "030/1234567",
        " +49.30.1234567 ",
        "tel:+49-30-1234567",
        "TEL:+49301234567;ext=12",
        "sip:+49301234567@pbx.example",
        "sips:+49301234567:secret@pbx.example:5061;transport=tls",
        "<sip:030-1234567@pbx.example;user=phone>;tag=1",
        "\"A. Caller\" <sip:+49301234567@pbx.example>;tag=88sja8x",
        "A. Caller <tel:+49-30-1234567>",
        "+49301234567@pbx.example",
    ];
    for spelling in spellings {
        assert_eq!(read(spelling, "DE").as_deref(), Some("+49301234567"), "{spelling}");
    }
}

#[test]
fn the_exit_code_and_the_national_prefix_are_the_tenants_own() {
    assert_eq!(read("011 49 30 1234567", "US").as_deref(), Some("+49301234567"));
    assert_eq!(read("555551212", "US").as_deref(), Some("+1555551212"));
    assert_eq!(read("(201) 555-0123", "US").as_deref(), Some("+12015550123"));
    assert_eq!(read("1 201 555 0123", "US").as_deref(), Some("+12015550123"));
    assert_eq!(read("01 23 45 67 89", "FR").as_deref(), Some("+33123456789"));
    assert_eq!(read("+39 06 12345678", "DE").as_deref(), Some("+390612345678"));
    assert_eq!(read("06 12345678", "IT").as_deref(), Some("+390612345678"));
    assert_eq!(read("011 15-2345-6789", "AR"), read("+54 9 11 2345 6789", "DE"));
}

#[test]
fn what_is_no_number_is_kept_trimmed_and_in_lower_case() {
    assert_eq!(read(" Alice@PBX.example ", "DE").as_deref(), Some("alice@pbx.example"));
    assert_eq!(read("sip:Alice@pbx.example:5060;transport=tcp", "DE").as_deref(), Some("alice@pbx.example"));
    assert_eq!(read("Front Desk", "DE").as_deref(), Some("front desk"));
    assert_eq!(read("Room 5", "DE").as_deref(), Some("room 5"));
    assert_eq!(read("+999 12 34", "DE").as_deref(), Some("+9991234"), "no such country code");
}

#[test]
fn a_withheld_caller_is_none() {
    for text in [
        "",
        "  ",
        "anonymous",
        "Anonymous",
        "RESTRICTED",
        "unavailable",
        "unknown",
        "<>",
        "\u{202a}\u{200b}",
        "sip:unknown@gw1.example",
        "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1",
        "sip:anonymous.invalid",
        "Private",
        "Blocked",
        "Withheld",
        "sip:private@unknown.invalid",
        "0000000000",
        "+0",
        "+266696687",
        "sip:+2562533@trunk",
        "<tel:+8656696>",
        "1266696687",
        "00464",
        "+10000000000",
        "Out-of-Area",
        "00266696687",
    ] {
        let country = if text.starts_with('1') { "US" } else { "DE" };
        assert_eq!(read(text, country), None, "{text:?}");
    }
    assert_eq!(read("266696687", "DE").as_deref(), Some("+49266696687"), "somebody's in Rhineland");
    assert_eq!(read("266696687", "US"), None, "no number of North America has nine digits");
    assert_eq!(read("7378742833", "US").as_deref(), Some("+17378742833"), "somebody's in Texas");
    assert_eq!(read("private@acme.example", "DE").as_deref(), Some("private@acme.example"));
    assert_eq!(read("Mr Unknown", "DE").as_deref(), Some("mr unknown"));
}

#[test]
fn bare_digits_that_begin_with_the_countrys_code_are_read_as_its_platforms_send_them() {
    for (country, digits, number) in [
        ("DE", "4915112345678", "+4915112345678"),
        ("DE", "494921123456", "+494921123456"),
        ("DE", "4921136699", "+4921136699"),
        ("DE", "15112345678", "+4915112345678"),
        ("DE", "5001", "+495001"),
        ("DE", "33123456789", "+4933123456789"),
        ("RU", "84951234567", "+74951234567"),
        ("RU", "74951234567", "+74951234567"),
        ("IT", "3906123456", "+393906123456"),
        ("IT", "390612345678", "+390612345678"),
        ("ES", "34912345678", "+34912345678"),
        ("MX", "5215512345678", "+525512345678"),
        ("DE", "+52 1 55 1234 5678", "+525512345678"),
        ("AR", "+54 9 11 2345 6789", "+5491123456789"),
        ("BR", "+55 11 91234 5678", "+5511912345678"),
    ] {
        assert_eq!(read(digits, country).as_deref(), Some(number), "{country} {digits}");
    }
}

fn as_set(digits: &str, country: &str, bare_numbers: BareNumbers) -> (String, Vec<String>) {
    let plan = NumberingPlan { country: country.parse().unwrap(), bare_numbers };
    let caller = Caller::read(digits, plan).unwrap();
    let others = caller.counterparts(plan);
    (caller.reveal().to_owned(), others.iter().map(|other| other.reveal().to_owned()).collect())
}

#[test]
fn a_tenant_says_what_bare_digits_are() {
    use BareNumbers::{Auto, International, National};
    for (country, digits, setting, number, others) in [
        ("DE", "4915112345678", Auto, "+4915112345678", &["+494915112345678"][..]),
        ("DE", "4915112345678", International, "+4915112345678", &["+494915112345678"]),
        ("DE", "4915112345678", National, "+494915112345678", &["+4915112345678"]),
        ("DE", "33123456789", International, "+33123456789", &["+4933123456789"]),
        ("DE", "33123456789", Auto, "+4933123456789", &[]),
        ("DE", "030 1234567", International, "+49301234567", &[]),
        ("DE", "5001", International, "+495001", &["+49495001"]),
        ("RU", "84951234567", International, "+84951234567", &["+74951234567"]),
        ("RU", "+74951234567", International, "+74951234567", &["+84951234567"]),
        ("RU", "+74951234567", Auto, "+74951234567", &[]),
        ("US", "12015550123", International, "+12015550123", &[]),
    ] {
        let (read, told) = as_set(digits, country, setting);
        assert_eq!(
            (read.as_str(), told),
            (number, others.iter().map(|it| (*it).to_owned()).collect()),
            "{country} {digits} {setting:?}"
        );
    }
    let reading = |digits| Reading::of(digits, "DE".parse::<Country>().unwrap().into()).unwrap();
    assert!(reading("4915112345678").has_two_readings);
    assert!(!reading("+4915112345678").has_two_readings && !reading("015112345678").has_two_readings);
}

#[test]
fn a_uri_is_read_with_its_parameters_and_escapes() {
    for (uri, caller) in [
        ("tel:1234567;phone-context=+4930", "+49301234567"),
        ("tel:030-1234567;phone-context=pbx.example", "+49301234567"),
        ("sip:%2B4930%31234567@pbx", "+49301234567"),
        ("callto:+49301234567", "+49301234567"),
        ("tel://+49301234567", "+49301234567"),
        ("/+49301234567", "+49301234567"),
        ("sip:gw1.example.com", "gw1.example.com"),
        ("sip:10.0.0.1:5060", "10.0.0.1"),
        ("sip:20.20.30.40", "20.20.30.40"),
        ("20.20.30.40", "+4920203040"),
        ("alice@2001:db8::1", "alice@[2001:db8::1]"),
        ("sip:2001:DB8::1", "[2001:db8::1]"),
        ("tel:0049301234567;phone-context=+49", "+49301234567"),
        ("100x5@acme.example", "100x5@acme.example"),
        ("sip:sip%3Asip%253Asip%25253Asip%2525253Asip%252525253Aalice@x", "alice@x"),
        ("sip:Alice@[2001:DB8::1]:5060", "alice@[2001:db8::1]"),
        ("sip:alice@[2001:db8::2]", "alice@[2001:db8::2]"),
        ("sip:alice%20smith;x=y@pbx", "alice smith@pbx"),
    ] {
        assert_eq!(read(uri, "DE").as_deref(), Some(caller), "{uri}");
    }
}

#[test]
fn of_bare_digits_in_a_request_each_valid_reading_is_known() {
    let readings = |field: &str, country: &str| -> Vec<String> {
        let callers = Caller::readings(field, country.parse::<Country>().unwrap().into());
        callers.iter().map(|caller| caller.reveal().to_owned()).collect()
    };
    assert_eq!(readings("4915112345678", "US"), ["+4915112345678"]);
    assert_eq!(readings("15123456789", "DE"), ["+15123456789", "+4915123456789"]);
    for field in ["+4915112345678", "0151 23456789", "0015123456789", "Front Desk", "\"4915112345678\""] {
        assert!(readings(field, "DE").is_empty(), "{field}");
    }
}

#[test]
fn a_deposit_in_quotes_is_read_as_without_them() {
    assert_eq!(read("\"+49 30 1234567\"", "DE").as_deref(), Some("+49301234567"));
    assert_eq!(read("\"Anonymous\"", "DE"), None);
    assert_eq!(read("\u{201e}Front Desk\u{201c}", "DE").as_deref(), Some("front desk"));
    assert_eq!(read("\"\"", "DE"), None);
    assert_eq!(read("+0049 30 1234567", "DE").as_deref(), Some("+49301234567"));
    assert_eq!(read("alice@pbx.example, bob@pbx.example", "DE").as_deref(), Some("alice@pbx.example"));
}

#[test]
fn what_is_no_number_has_no_counterparts_and_no_text_makes_a_panic() {
    let plan: NumberingPlan = "DE".parse::<Country>().unwrap().into();
    for text in ["+1;phone-context=+4930;tel:@x", "\"+1;phone-context=+4930;tel:\u{e4}\"", "+1 800 FLOWERS@x"]
    {
        for caller in Caller::requested(text, plan).unwrap_or_default() {
            assert!(caller.counterparts(plan).is_empty(), "{text}");
        }
    }
    let long = "a".repeat(256);
    assert_eq!(Caller::requested(&format!("\"{long}\""), plan), Ok(vec![Caller::read(&long, plan).unwrap()]));
    let arabic = "\u{fdfa}".repeat(20);
    let stored = Caller::read(&arabic, plan).unwrap();
    assert_eq!(
        Caller::requested(&format!("\"{}\"", stored.reveal()), plan),
        Ok(vec![stored]),
        "as it is shown"
    );
}

#[test]
fn where_bare_digits_are_international_a_number_of_russia_stays_one() {
    let plan = NumberingPlan { country: "RU".parse().unwrap(), bare_numbers: BareNumbers::International };
    let read = |text| Caller::read(text, plan).unwrap().reveal().to_owned();
    assert_eq!(read("8 (800) 817-35-66"), "+78008173566", "the library reads a number of Bangladesh");
    assert_eq!(read("84951234567"), "+84951234567");
}

pub(super) fn requested(field: &str, country: &str) -> Result<Vec<String>, Unreadable> {
    let callers = Caller::requested(field, country.parse::<Country>().unwrap().into())?;
    Ok(callers.iter().map(|caller| caller.reveal().to_owned()).collect())
}

#[test]
fn a_request_names_a_number_in_any_spelling_two_numbers_an_address_or_a_quoted_text() {
    for (field, callers) in [
        ("\u{202a}+49 30 1234567\u{202c}", &["+49301234567"][..]),
        ("+49\u{2011}30\u{2011}1234567", &["+49301234567"]),
        ("(+49) 30 1234567", &["+49301234567"]),
        ("'+49301234567", &["+49301234567"]),
        ("030/1234567", &["+49301234567"]),
        ("+49 30 1234567 / 0151 12345678", &["+49301234567", "+4915112345678"]),
        ("Tel. 030 1234567, Mobil: 0151 12345678", &["+49301234567", "+4915112345678"]),
        ("030 1234567\n0151 12345678", &["+49301234567", "+4915112345678"]),
        ("030 / 1234567", &["+49301234567"]),
        ("1234567;phone-context=+4930, +49301234568", &["+49301234567", "+49301234568"]),
        ("+49301234567,", &["+49301234567"]),
        (
            "sip:+49301234567@pbx;user=phone, sip:+49301234568@pbx;user=phone",
            &["+49301234567", "+49301234568"],
        ),
        ("<sip:+49301234567@pbx;user=phone>, <sip:+49301234568@pbx>", &["+49301234567", "+49301234568"]),
        ("tel:+49301234567;ext=5, tel:+49301234568", &["+49301234567", "+49301234568"]),
        ("030 1234567 oder 0049 151 12345678", &["+49301234567", "+4915112345678"]),
        ("Alice@PBX.example", &["alice@pbx.example"]),
        ("\"Front Desk\"", &["front desk"]),
        ("\u{201e}Front Desk\u{201c}", &["front desk"]),
        ("\"030 1234567\"", &["+49301234567"]),
    ] {
        assert_eq!(requested(field, "DE").unwrap(), callers, "{field:?}");
        let deposited = read(field.trim_matches(['"', '\u{201e}', '\u{201c}']), "DE");
        assert_eq!(deposited.as_deref(), callers.first().copied(), "{field:?}");
    }
}

#[test]
fn a_request_refuses_what_can_find_nobody_and_says_why() {
    let long = "1".repeat(257);
    for (field, why) in [
        ("", Unreadable::Empty),
        (" \u{200b}", Unreadable::Empty),
        ("\"\"", Unreadable::Empty),
        (&long, Unreadable::TooLong),
        ("anonymous", Unreadable::Withheld),
        ("\"Private\"", Unreadable::Withheld),
        ("+266696687", Unreadable::Withheld),
        ("0000", Unreadable::Withheld),
        ("anonymous@anonymous.invalid", Unreadable::Withheld),
        ("030 1234567/68", Unreadable::Range),
        ("030 1234567 / 8", Unreadable::Range),
        ("Front Desk", Unreadable::Other),
        ("+", Unreadable::Other),
        ("4,93012E+11", Unreadable::Other),
        ("1234567, 7654321", Unreadable::Other),
        ("1234567 / 7654321", Unreadable::Other),
        ("0301234567 01511234567", Unreadable::Other),
        ("sip:+49301234567@pbx +49301234568", Unreadable::Other),
        ("alice@pbx.example, bob@pbx.example", Unreadable::Other),
        ("alice@pbx.example or bob@pbx.example", Unreadable::Other),
        ("+49301234568, alice@pbx.example", Unreadable::Other),
        ("Alice <alice@pbx.example>, Bob <bob@pbx.example>", Unreadable::Other),
        ("030 1234567/68 oder 0151 12345678", Unreadable::Range),
        ("0151 12345678, 030 1234567/68", Unreadable::Range),
        ("030 1234567/68 (mobil)", Unreadable::Range),
        ("sip:0301234567/68@pbx", Unreadable::Range),
        ("+4930123, +4930124, +4930125", Unreadable::Other),
        ("sip:gw1.example.com", Unreadable::Other),
        ("@pbx.example", Unreadable::Other),
    ] {
        assert_eq!(requested(field, "DE"), Err(why), "{field:?}");
    }
    assert_eq!(read("4,93012E+11", "DE").as_deref(), Some("4,93012e+11"));
    assert_eq!(read("030 1234567/68", "DE").as_deref(), Some("+4930123456768"));
}

#[test]
fn a_caller_never_prints() {
    let caller = Caller::read("+49301234567", "DE".parse::<Country>().unwrap()).unwrap();
    assert_eq!(format!("{caller:?}"), "Caller(…)");
}

//! Every fault of the configuration is told by the variable's name.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const SECRET: &str = "a secret of thirty-two bytes, ok";

fn config(vars: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
    let vars: BTreeMap<&str, &str> = vars.iter().copied().collect();
    Config::from(&|name| vars.get(name).map(|value| (*value).to_owned()))
}

/// The details of the faults of one variable.
fn faults(vars: &[(&str, &str)], variable: &str) -> Vec<String> {
    let faults = config(vars).err().map_or(Vec::new(), |faults| faults.0);
    faults.into_iter().filter(|fault| fault.variable == variable).map(|fault| fault.detail).collect()
}

fn file(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn without_any_variable_it_is_the_demo_on_loopback() {
    let config = config(&[]).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(config.demo && config.listen.ip().is_loopback() && config.set_up);
    assert_eq!(config.listen.port(), 8080);
    let domains: Vec<_> = config.tenants.iter().map(|tenant| tenant.domain.as_str()).collect();
    assert_eq!(domains, ["demo.invalid"]);
    assert_eq!(config.erase_after, Duration::from_hours(24));
    assert_eq!(config.sweep_every, Some(Duration::from_mins(5)));
    assert_eq!(config.regions(), BTreeSet::from(["local".parse().unwrap()]));
}

#[test]
fn tenants_and_users_may_stand_in_the_variable_itself() {
    let tenants = r#" [{"tenant":"t1","country":"DE","master":"eu","regions":["eu"]}]"#;
    let config = config(&[("VOICEMAIL_TENANTS", tenants)]).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.tenants.first().map(|tenant| tenant.id.as_str()), Some("t1"));
    for variable in ["VOICEMAIL_TENANTS", "VOICEMAIL_USERS"] {
        assert_eq!(faults(&[(variable, r#"[{"tenant":1,"user":2}]"#)], variable).len(), 1);
    }
}

#[cfg(feature = "aws")]
#[test]
fn the_storage_aws_needs_a_table_a_bucket_for_each_region_and_keys() {
    let variables = [
        ("VOICEMAIL_STORAGE", "aws"),
        ("VOICEMAIL_TENANTS", r#"[{"tenant":"t1","country":"DE","master":"eu","regions":["eu","us"]}]"#),
        ("VOICEMAIL_TABLE", "voicemail"),
        ("VOICEMAIL_BUCKETS", r#"{"eu":"bucket/folder","us":"bucket"}"#),
        ("VOICEMAIL_TOKEN_SECRET", "a token secret for tests alone, 32+"),
        ("VOICEMAIL_SUBJECT_KEY", "a subject key for tests alone, 32 bytes+"),
        ("VOICEMAIL_CERTIFICATE_KEY", "any text"),
    ];
    let places = config(&variables).unwrap_or_else(|faults| panic!("{faults}")).aws.unwrap();
    assert_eq!(places.table, "voicemail");
    assert_eq!(places.buckets.keys().map(ToString::to_string).collect::<Vec<_>>(), ["eu", "us"]);
    for left_out in 2..variables.len() {
        let mut others = variables.to_vec();
        let (variable, _) = others.remove(left_out);
        assert_eq!(faults(&others, variable).len(), 1, "{variable}");
    }
    for wrong in ["bucket", r#"{"eu":"B"}"#, r#"{"eu":"bucket"}"#] {
        let mut others = variables;
        others[3] = ("VOICEMAIL_BUCKETS", wrong);
        assert_eq!(faults(&others, "VOICEMAIL_BUCKETS").len(), 1, "{wrong}");
    }
}

#[test]
fn the_demo_is_refused_where_others_can_reach_it() {
    for address in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80"] {
        assert_eq!(faults(&[("VOICEMAIL_LISTEN", address)], "VOICEMAIL_LISTEN").len(), 1, "{address}");
    }
    for address in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:8080", "localhost:8080"] {
        assert!(config(&[("VOICEMAIL_LISTEN", address)]).is_ok(), "{address}");
    }
}

#[test]
fn each_variable_that_is_wrong_is_named_and_all_at_once() {
    let wrong = [
        ("VOICEMAIL_LISTEN", "8080"),
        ("VOICEMAIL_STORAGE", "tape"),
        ("VOICEMAIL_DATA", ""),
        ("VOICEMAIL_SETUP", "always"),
        ("VOICEMAIL_TENANTS", "/nowhere/tenants.json"),
        ("VOICEMAIL_REGION", "EU West"),
        ("VOICEMAIL_TOKEN_SECRET", "short"),
        ("VOICEMAIL_TOKEN_JWKS", "ftp://id.example/jwks"),
        ("VOICEMAIL_TOKEN_ISSUER", ""),
        ("VOICEMAIL_USERS", "/nowhere/users.json"),
        ("VOICEMAIL_SUBJECT_KEY_FILE", "/nowhere/key"),
        ("VOICEMAIL_ERASE_AFTER", "25h"),
        ("VOICEMAIL_TRASH_WINDOW", "0s"),
        ("VOICEMAIL_SWEEP_EVERY", "11m"),
        ("VOICEMAIL_MAX_REQUESTS", "0"),
        ("VOICEMAIL_ORIGINS", "*"),
    ];
    for (name, value) in wrong {
        assert_eq!(faults(&[(name, value)], name).len(), 1, "{name}");
    }
    let all = config(&wrong).err().unwrap();
    let named: BTreeSet<_> = all.0.iter().map(|fault| fault.variable).collect();
    assert_eq!(named, wrong.iter().map(|(name, _)| *name).collect());
    assert!(!all.to_string().contains("short;"), "a secret is not repeated");
}

#[test]
fn a_secret_is_given_once_as_a_value_or_as_a_file_with_a_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "secret", &format!("{SECRET}\n"));
    let (value, named) = ("VOICEMAIL_TOKEN_SECRET", "VOICEMAIL_TOKEN_SECRET_FILE");
    for vars in [[(value, SECRET)], [(named, path.as_str())]] {
        let secret = config(&vars).ok().and_then(|config| config.token_secret).unwrap();
        assert_eq!(secret.reveal().as_slice(), SECRET.as_bytes());
    }
    assert_eq!(faults(&[(value, SECRET), (named, &path)], value).len(), 1);
    let short = faults(&[(value, "hunter2")], value);
    assert_eq!(short, ["has 7 bytes; it needs at least 32"]);
    assert_eq!(faults(&[(value, "")], value).len(), 1, "an empty one is a template not filled in");
}

#[test]
fn a_key_set_needs_an_issuer_and_stands_in_place_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let secret_file = file(folder.path(), "secret", SECRET);
    let (jwks, issuer) = (
        ("VOICEMAIL_TOKEN_JWKS", "http://id.example/jwks"),
        ("VOICEMAIL_TOKEN_ISSUER", "https://id.example"),
    );
    let good = config(&[jwks, issuer]).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(good.token_jwks.is_some() && good.token_secret.is_none());
    assert_eq!(faults(&[jwks], "VOICEMAIL_TOKEN_ISSUER").len(), 1);
    for secret in [("VOICEMAIL_TOKEN_SECRET", SECRET), ("VOICEMAIL_TOKEN_SECRET_FILE", secret_file.as_str())]
    {
        assert_eq!(faults(&[jwks, issuer, secret], "VOICEMAIL_TOKEN_JWKS").len(), 1);
        assert!(config(&[issuer, secret]).is_ok());
    }
}

#[test]
fn a_key_set_is_at_an_http_address_or_in_a_file_with_a_key_that_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let told = |place: &str| {
        let vars = [("VOICEMAIL_TOKEN_JWKS", place), ("VOICEMAIL_TOKEN_ISSUER", "https://id.example")];
        faults(&vars, "VOICEMAIL_TOKEN_JWKS").join("\n")
    };
    for place in ["http://id.example/jwks", "HTTPS://id.example:8443/jwks?p=1", "https://[::1]/jwks"] {
        assert_eq!(told(place), "");
    }
    let odd = [
        "ftp://id.example/jwks",
        "file:///jwks",
        "https://",
        "https:///jwks",
        "https://:443/",
        "http://a b/",
    ];
    for place in odd.into_iter().chain(["https://user:hunter2@id.example/jwks"]) {
        assert!(told(place).starts_with("is no https:// or http:// address"), "{place}: {}", told(place));
    }
    assert!(told("/nowhere/jwks.json").starts_with("/nowhere/jwks.json: cannot be read"));
    for (text, part) in [
        ("{", "line 1"),
        (r#"{"keys":"hunter2"}"#, "expected a key set"),
        (r#"{"keys":[]}"#, "no key that is for RS256 or ES256"),
        (r#"{"keys":[{"kty":"oct","k":"hunter2"}]}"#, "no key that is for RS256 or ES256"),
    ] {
        let fault = told(&file(folder.path(), "jwks.json", text));
        assert!(fault.contains(part) && !fault.contains("hunter2"), "{fault}");
    }
}

#[test]
fn durations_are_read_and_their_limits_are_kept() {
    for (text, seconds) in
        [("24h", 86_400), ("90m", 5400), ("5m", 300), ("30s", 30), ("1h30m", 5400), ("2d", 172_800)]
    {
        assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
    }
    assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
    for text in
        ["", "5", "m", "5 m", "-5m", "5M", "1.5h", "0s", "m5", "99999999999999999999h", "9999999999999999h"]
    {
        assert!(duration(text).is_err(), "{text}");
    }
    assert_eq!(config(&[("VOICEMAIL_SWEEP_EVERY", "off")]).ok().unwrap().sweep_every, None);
    assert!(config(&[("VOICEMAIL_SWEEP_EVERY", "10m"), ("VOICEMAIL_ERASE_AFTER", "24h")]).is_ok());
}

#[test]
fn origins_are_listed_and_a_star_is_none() {
    let listed = config(&[("VOICEMAIL_ORIGINS", "https://a.example, http://localhost:3000")]).ok().unwrap();
    assert_eq!(listed.origins, ["https://a.example", "http://localhost:3000"]);
    for text in ["*", "a.example", "https://a.example/", "https://", "https://A.example"] {
        assert_eq!(faults(&[("VOICEMAIL_ORIGINS", text)], "VOICEMAIL_ORIGINS").len(), 1, "{text}");
    }
}

#[test]
fn a_variable_that_is_not_known_is_found() {
    let names = ["VOICEMAIL_LISTEN", "VOICEMAIL_LISTN", "PATH"].map(str::to_owned);
    assert_eq!(Config::unknown(names), ["VOICEMAIL_LISTN"]);
}

#[test]
fn tenants_are_read_with_their_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "tenants.json",
        r#"[{"tenant":"t2026","country":"DE","master":"eu-central-1","regions":["eu-central-1","us-east-1"],
             "clients":["scheduler"],"settings":{"max_messages":7}},
            {"tenant":"t2027","ccid":"2c5ea4c0","country":"US","domain":"vm.example.com","master":"us-east-1",
             "regions":["us-east-1"]}]"#,
    );
    let config = config(&[("VOICEMAIL_TENANTS", &path), ("VOICEMAIL_LISTEN", "0.0.0.0:80")]).ok().unwrap();
    assert!(!config.demo);
    let [first, second] = config.tenants.as_slice() else { panic!("two tenants") };
    assert_eq!((first.ccid.as_str(), first.domain.as_str()), ("t2026", "t2026.invalid"));
    assert_eq!((first.settings.max_messages, first.clients.len()), (7, 1));
    assert_eq!((second.ccid.as_str(), second.domain.as_str()), ("2c5ea4c0", "vm.example.com"));
    assert_eq!(config.regions().len(), 2);
}

#[test]
fn everything_that_is_wrong_with_tenants_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(
        folder.path(),
        "tenants.json",
        r#"[{"tenant":"T!","country":"Germany","master":"m","regions":["r","r"],"domain":"a\r\nb","ccid":"",
             "settings":{"max_messages":0}},
            {"tenant":"a","ccid":"b","country":"DE","master":"r","regions":["r"]},
            {"tenant":"b","country":"DE","master":"r","regions":["r"]}]"#,
    );
    let faults = faults(&[("VOICEMAIL_TENANTS", &path)], "VOICEMAIL_TENANTS").join("\n");
    let parts = [
        "tenant: ",
        "country: ",
        "master \"m\"",
        "twice",
        "domain: ",
        "ccid: ",
        "settings.max_messages",
        "tenant 3 (b): another",
    ];
    for part in parts {
        assert!(faults.contains(part), "{part} in {faults}");
    }
}

#[test]
fn no_tenant_is_called_like_a_folder_that_a_bucket_has_beside_those_of_the_tenants() {
    for name in ["incoming", "rejected"] {
        let tenants = format!(r#"[{{"tenant":"{name}","country":"DE","master":"eu","regions":["eu"]}}]"#);
        let ConfigFaults(faults) = config(&[("VOICEMAIL_TENANTS", &tenants)]).err().unwrap();
        assert!(faults.iter().any(|fault| fault.detail.contains("folders of a bucket")), "{faults:?}");
    }
}

#[test]
fn a_tenants_file_that_is_no_list_of_tenants_is_a_fault_that_says_where() {
    let folder = tempfile::tempdir().unwrap();
    for (text, place) in
        [("[]", "no tenant"), ("{", "line 1"), (r#"[{"tenant":7}]"#, "[0].tenant"), ("[] x", "line 1")]
    {
        let path = file(folder.path(), "tenants.json", text);
        let faults = faults(&[("VOICEMAIL_TENANTS", &path)], "VOICEMAIL_TENANTS").join("\n");
        assert!(faults.contains(place), "{place} in {faults}");
    }
}

#[test]
fn a_country_must_be_one_whose_dialling_rules_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let told = |country: &str| {
        let tenant = format!(r#"[{{"tenant":"a","country":"{country}","master":"r","regions":["r"]}}]"#);
        let path = file(folder.path(), "tenants.json", &tenant);
        config(&[("VOICEMAIL_TENANTS", &path)]).err().map(|faults| format!("{faults:?}")).unwrap_or_default()
    };
    let countries = "AE AR AT AU BE BR CA CH CL CN CO CZ DE DK EG ES FI FR GB GR HK HU IE IL IN IT JP KE KR MX MY NL NO NZ PL PT \
        RO RU SA SE SG TR UA US VN XK ZA";
    let refused: Vec<_> = countries.split(' ').filter(|country| !told(country).is_empty()).collect();
    assert!(refused.is_empty(), "{refused:?}");
    for none in ["UK", "XX", "ZZ"] {
        assert!(told(none).contains("dialling rules"), "{none}: {}", told(none));
    }
}

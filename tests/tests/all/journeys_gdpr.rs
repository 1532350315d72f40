//! The command line tool against the real gateway: what it leaves in its folder, how it signs in, and what it refuses.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::http::{Call, Centre, PASSWORD, Setting, Tool, id, wav};

/// One caller in three spellings, and one who never called.
const CALLER: [&str; 3] = ["030 1234567", "+49 30 1234567", "0049301234567"];
const NOBODY: &str = "555551212";

fn about(centre: &Centre) -> Value {
    let phones = [json!({"name": "Ann Caller"}), json!({"phone": CALLER[1]}), json!({"phone": NOBODY})];
    json!({"caseid": "4711", "ccid": format!("cc-{}", centre.tenant), "consumers": [{"consumer": phones}]})
}

/// A tool for this caller, at this centre.
fn tool(centre: &Centre) -> Tool {
    Tool::new(&format!("http://{}", centre.process().address), &about(centre))
}

/// The token of the data protection officer.
fn token(centre: &Centre) -> String {
    centre.privacy().credentials().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

/// Three calls of the caller in two mailboxes, one of them in the trash, and one of another; gives ids and recordings.
async fn calls(centre: &Centre) -> Vec<(String, Vec<u8>)> {
    centre.personal("5001", "alice").await;
    centre.personal("5002", "bob").await;
    let mut all = Vec::new();
    for (n, (mailbox, caller)) in (1..).zip(["5001", "5002", "5001"].into_iter().zip(CALLER)) {
        let call = Call::from(caller).with("caller_name", "Ann Caller").audio(wav(n * 1000));
        all.push((id(&centre.deposit(mailbox, &call).await), call.bytes().to_vec()));
    }
    centre.deposit("5001", &Call::from("+49 30 7654321")).await;
    centre.admin().ask("DELETE".parse().unwrap(), &format!("5001/messages/{}", all[0].0)).await.is(200);
    all.sort();
    all
}

/// No spelling of the caller and no name is in what a run said or logged.
#[track_caller]
fn is_silent(text: &str) {
    for part in ["1234567", "555551212", "Ann", "Caller"] {
        assert!(!text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn an_export_brings_every_recording_of_a_caller_byte_for_byte_and_says_whose_it_is() {
    let centre = Centre::socket().await;
    let calls = calls(&centre).await;
    let (tool, token) = (tool(&centre), token(&centre));
    is_silent(&tool.run("exportme", &["-u", &token]).is(0));
    let names: Vec<_> = calls.iter().map(|(id, _)| format!("{id}.wav")).collect();
    let output = tool.output();
    assert_eq!(output["caseid"], "4711");
    let read_as = json!({CALLER[1]: ["+49301234567"], NOBODY: ["+49555551212"]});
    assert_eq!((&output["read_as"], &output["perhaps"]), (&read_as, &json!({})));
    let last = tool.log().lines().last().unwrap().to_owned();
    assert!(last.contains("Nothing was found for 1 of 2 numbers"), "{last}");
    assert!(
        tool.log().contains("Numbers: 2; read otherwise than written: 2; found nothing: 1;"),
        "{}",
        tool.log()
    );
    let whose = output["consumers"].as_object().unwrap();
    assert_eq!((whose.len(), &whose[NOBODY]), (2, &json!([])));
    let mut listed: Vec<_> =
        whose[CALLER[1]].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    listed.sort_unstable();
    assert_eq!(listed, names);
    for ((id, recording), name) in calls.iter().zip(&names) {
        assert_eq!(&std::fs::read(tool.path(name)).unwrap(), recording, "{name}");
        assert_eq!(output["files"][name]["message"]["id"], *id);
    }
    let mut expected = names.clone();
    expected.extend(["execution.log".to_owned(), "output.json".to_owned()]);
    assert_eq!(tool.names(), expected, "and nothing else");
    is_silent(&tool.log());
    assert!(names.iter().all(|name| tool.log().contains(name)), "{}", tool.log());

    // Again: what is whole is kept, what is not is fetched.
    let made = |name: &str| std::fs::metadata(tool.path(name)).unwrap().modified().unwrap();
    let before = made(&names[1]);
    std::fs::write(tool.path(&names[0]), "cut off").unwrap();
    std::fs::remove_file(tool.path(&names[2])).unwrap();
    let said = tool.run("exportme", &["-u", &token]).is(0);
    assert!(said.contains("Recordings: 3, already here: 1."), "{said}");
    assert_eq!(made(&names[1]), before);
    for ((_, recording), name) in calls.iter().zip(&names) {
        assert_eq!(&std::fs::read(tool.path(name)).unwrap(), recording, "{name}");
    }
}

#[tokio::test]
async fn the_folder_and_its_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let centre = Centre::socket().await;
    calls(&centre).await;
    let tool = tool(&centre);
    tool.run("exportme", &["-u", &token(&centre)]).is(0);
    let mode = |name: &str| std::fs::metadata(tool.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    assert!(tool.names().iter().all(|name| mode(name) == 0o600), "{:?}", tool.names());
}

#[tokio::test]
async fn forget_me_hides_its_undo_brings_back_and_an_undone_case_is_a_failure() {
    let centre = Centre::socket().await;
    calls(&centre).await;
    let (tool, token) = (tool(&centre), token(&centre));
    let user = ["-u", token.as_str()];
    is_silent(&tool.run("forgetme", &user).is(0));
    assert_eq!((centre.counts("5001").await, centre.counts("5002").await), ([1, 0, 0, 0], [0; 4]));
    let output = tool.output();
    assert_eq!(
        (&output["status"], &output["consumers"][CALLER[1]]["messages"]),
        (&json!("pending"), &json!(3))
    );
    tool.run("forgetme", &user).is(0);
    tool.run("exportme", &user).is(0);
    assert_eq!(tool.output()["consumers"][CALLER[1]].as_array().unwrap().len(), 3, "until they are purged");

    tool.run("status", &user).is(0);
    assert_eq!((&tool.output()["status"], &tool.output()["certificate"]), (&json!("pending"), &Value::Null));
    is_silent(&tool.run("undoforgot", &user).is(0));
    assert_eq!(tool.output()["status"], "undone");
    assert_eq!((centre.counts("5001").await, centre.counts("5002").await), ([2, 0, 0, 0], [1, 0, 0, 0]));
    tool.run("undoforget", &user).is(0);

    let said = tool.run("forgetme", &user).is(1);
    assert!(said.contains("undone") && said.contains("another caseid"), "{said}");
    assert_eq!(tool.output()["status"], "undone", "what was answered is kept");
    assert_eq!(centre.counts("5001").await, [2, 0, 0, 0]);
    is_silent(&tool.log());
}

#[tokio::test]
async fn a_case_id_of_any_printable_characters_finds_its_case() {
    let centre = Centre::socket().await;
    let (tool, token) = (tool(&centre), token(&centre));
    for caseid in ["ACME/2026 #7", "..", "a?b=c&d", "100%", "+1"] {
        tool.asks(&json!({"caseid": caseid, "consumers": [NOBODY]}));
        tool.run("forgetme", &["-u", &token]).is(0);
        tool.run("status", &["-u", &token]).is(0);
        assert_eq!(tool.output()["caseid"], caseid);
    }
}

#[tokio::test]
async fn once_all_is_erased_the_status_leaves_the_certificate_under_the_services_key() {
    let setting = Arc::new(Setting::new(1).with("VOICEMAIL_ERASE_AFTER", "2s"));
    let centre = Centre::gateway(&setting).await;
    calls(&centre).await;
    let (tool, token) = (tool(&centre), token(&centre));
    let user = ["-u", token.as_str()];
    tool.run("forgetme", &user).is(0);
    let begun = Instant::now();
    loop {
        centre.sweep().await;
        tool.run("status", &user).is(0);
        if tool.output()["status"] == "erased" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{}", tool.output());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let kept = std::fs::read_to_string(tool.path("certificate.jws")).unwrap();
    assert_eq!(tool.output()["certificate"], kept);
    let says: Value = serde_json::from_slice(&std::fs::read(tool.path("certificate.json")).unwrap()).unwrap();
    assert_eq!((&says["caseid"], &says["tenant"]), (&json!("4711"), &json!(centre.tenant)));
    let payload = BASE64_URL_SAFE_NO_PAD.decode(kept.split('.').nth(1).unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), says);
    let found: u64 =
        says["regions"].as_array().unwrap().iter().map(|region| region["found"].as_u64().unwrap()).sum();
    assert_eq!(found, 3);
    is_silent(&says.to_string());
    // After it there is nothing to export.
    tool.run("exportme", &user).is(0);
    assert_eq!(tool.output()["consumers"], json!({CALLER[1]: [], NOBODY: []}));
}

#[tokio::test]
async fn a_user_signs_in_with_a_token_or_a_password_from_an_option_a_file_or_the_environment() {
    let centre = Centre::socket().await;
    let (tool, token) = (tool(&centre), token(&centre));
    let password = format!("{}\\dpo:{PASSWORD}", centre.tenant);
    let file = format!("@{}", tool.beside("token", &format!("{token}\n")));
    for more in [
        vec!["-u", &token],
        vec!["--user", &file],
        vec!["--basic", "-u", &password],
        vec!["--basic", "-u", &BASE64_STANDARD.encode(&password)],
    ] {
        tool.run("exportme", &more).is(0);
    }
    let by_environment = tool.command("exportme").env("GDPR_USER", &token).spawn().unwrap();
    Tool::ended(by_environment).is(0);

    let wrong = format!("{}\\dpo:hunter2", centre.tenant);
    for more in [["--basic", "-u", &wrong].as_slice(), &["-u", "hunter2"]] {
        let said = tool.run("exportme", more).is(1);
        assert!(said.contains("sign-in") && !said.contains("hunter2"), "{said}");
        assert!(!tool.path("output.json").exists(), "that of an earlier run is gone");
    }
    let agent = centre.agent("alice").credentials().unwrap();
    let said = tool.run("exportme", &["-u", agent.strip_prefix("Bearer ").unwrap()]).is(1);
    assert!(said.contains("forbidden"), "{said}");
    let late = centre.bearer(&json!({"roles": ["privacy"], "exp": 1_700_000_000})).credentials().unwrap();
    let said = tool.run("forgetme", &["-u", late.strip_prefix("Bearer ").unwrap()]).is(1);
    assert!(said.contains("expired"), "{said}");
    let log = tool.log();
    assert!(!log.contains("hunter2") && !log.contains(&token) && !log.contains(PASSWORD), "{log}");
}

#[tokio::test]
async fn a_scheduler_signs_in_with_client_credentials_and_must_name_the_tenant() {
    let demo = Setting::new(1).without("VOICEMAIL_TENANTS").without("VOICEMAIL_USERS");
    let centre = Centre::gateway(&Arc::new(demo)).await;
    let url = format!("http://{}", centre.process().address);
    let phones = json!([{"consumer": [{"phone": CALLER[0]}]}]);
    let input = json!({"caseid": "4711", "ccid": "demo", "consumers": phones});
    let tool = Tool::new(&url, &input);
    let platform = centre.basic("demo\\platform", "voicemail");
    platform.deposit("5001", &Call::from(CALLER[0])).await.is(201);
    let run = |operation: &str, client: &str| {
        Tool::ended(tool.command(operation).env("GWS_URL", &url).args(["-c", client]).spawn().unwrap())
    };
    for client in ["scheduler:voicemail", &BASE64_STANDARD.encode("scheduler:voicemail")] {
        run("exportme", client).is(0);
        assert_eq!(tool.output()["consumers"][CALLER[0]].as_array().unwrap().len(), 1);
    }
    for operation in ["forgetme", "status", "undoforget"] {
        run(operation, "scheduler:voicemail").is(0);
    }
    let said = run("exportme", "scheduler:hunter2").is(1);
    assert!(said.contains("client") && !said.contains("hunter2"), "{said}");
    let at_another_path =
        tool.command("exportme").env("GWS_URL", &url).args(["-c", "a:b", "--token-path", "/no"]).spawn();
    let said = Tool::ended(at_another_path.unwrap()).is(1);
    assert!(said.contains("404"), "{said}");

    tool.asks(&json!({"caseid": "4711", "consumers": phones}));
    let said = run("exportme", "scheduler:voicemail").is(2);
    assert!(said.contains("ccid"), "{said}");
    tool.asks(&json!({"caseid": "4711", "ccid": "another", "consumers": phones}));
    run("forgetme", "scheduler:voicemail").is(1);
    let said = tool.run("exportme", &["-c", "scheduler:voicemail"]).is(2);
    assert!(said.contains("ccid") || said.contains("GWS_URL"), "{said}");
}

#[tokio::test]
async fn only_the_demo_gives_tokens() {
    let centre = Centre::socket().await;
    let asked = centre.basic("scheduler", "voicemail").post("/auth/v3/oauth/token");
    asked
        .body("application/x-www-form-urlencoded", "grant_type=client_credentials")
        .await
        .refused(404, "not-found");
}

#[tokio::test]
async fn a_region_that_is_down_is_named_and_nothing_is_done() {
    let setting = Arc::new(Setting::new(1));
    let centre = Centre::gateway(&setting).await;
    calls(&centre).await;
    let tool = tool(&centre);
    let region = centre.front.data().join("recordings/us-east-1");
    let away = region.with_extension("away");
    std::fs::rename(&region, &away).unwrap();
    let token = token(&centre);
    let said = tool.run("forgetme", &["-u", &token, "--retries", "0"]).is(1);
    assert!(said.contains("us-east-1") && said.contains("region-unavailable"), "{said}");
    assert_eq!(centre.counts("5002").await, [1, 0, 0, 0]);
    assert!(!tool.path("output.json").exists());
    std::fs::rename(&away, &region).unwrap();
    tool.run("forgetme", &["-u", &token]).is(0);
}

#[tokio::test]
async fn the_pipelines_file_runs_each_of_its_operations() {
    let centre = Centre::socket().await;
    calls(&centre).await;
    let (tool, token) = (tool(&centre), token(&centre));
    let folder = tool.path("").parent().unwrap().to_owned();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/gdpr-pipeline.yml");
    let file = std::fs::read_to_string(file).unwrap();
    let line = file.lines().find_map(|line| line.strip_prefix("    - target/release/gdpr ")).unwrap();
    let options = file.lines().find_map(|line| line.trim().strip_prefix("options: [")).unwrap();
    let mut options: Vec<_> = options.trim_end_matches(']').split(", ").collect();
    // A case has a status once it is opened.
    options.sort_by_key(|option| *option != "forgetme");
    assert_eq!(options.len(), 4);
    for option in options {
        let mut step = Command::new("sh");
        step.arg("-c").arg(format!("exec \"$0\" {line}")).arg(tool.command(option).get_program());
        step.env("OPERATION", option).env("GDPR_REQUEST", folder.join("input.json")).env("GDPR_USER", &token);
        step.env("VOICEMAIL_URL", &tool.url).current_dir(&folder).stdin(Stdio::null());
        let ran = step.output().unwrap();
        assert!(ran.status.success(), "{option}: {ran:?}");
        assert!(folder.join("answer/output.json").exists(), "what the job keeps");
    }
    assert!(file.contains("paths: [answer]"));
}

#[tokio::test]
async fn what_the_service_refuses_is_one_sentence_without_the_number() {
    let centre = Centre::socket().await;
    let (tool, token) = (tool(&centre), token(&centre));
    tool.run("forgetme", &["-u", &token]).is(0);
    let other = json!({"caseid": "4711", "consumers": [{"consumer": [{"phone": "+49 30 9999999"}]}]});
    tool.asks(&other);
    let said = tool.run("forgetme", &["-u", &token]).is(1);
    assert!(said.contains("case-conflict") && said.lines().count() == 1, "{said}");
    let unusable = json!({"caseid": "4712", "consumers": [{"consumer": [{"phone": "Ann Caller"}]}]});
    tool.asks(&unusable);
    let said = tool.run("forgetme", &["-u", &token]).is(1);
    assert!(
        said.contains("phone") && said.contains("unusable-number") && said.lines().count() == 1,
        "{said}"
    );
    is_silent(&said);
    tool.asks(&json!({"caseid": "no such case"}));
    assert!(tool.run("status", &["-u", &token]).is(1).contains("not-found"));
    is_silent(&tool.log());
}

#[test]
fn wrong_usage_is_2_and_asks_nobody() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.set_nonblocking(true).unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    let tool = Tool::new(&url, &json!({"consumers": []}));
    for more in [
        vec![],
        vec!["-u", "a", "-c", "b:c"],
        vec!["-c", "b:c", "--basic"],
        vec!["-u", ""],
        vec!["-u", "two words"],
        vec!["--basic", "-u", "nocolon"],
        vec!["-c", "nocolon"],
        vec!["-u", "@/no/such/file"],
        vec!["-u", "a", "--no-such-option"],
    ] {
        tool.run("exportme", &more).is(2);
    }
    tool.run("sing", &["-u", "a"]).is(2);
    assert!(tool.run("status", &["-u", "a"]).is(2).contains("caseid"));
    for url in ["ftp://127.0.0.1", "127.0.0.1", "http://user:secret@127.0.0.1", "http://127.0.0.1?a=b"] {
        let tool = Tool::new(url, &json!({"consumers": []}));
        let said = tool.run("exportme", &["-u", "a"]).is(2);
        assert!(said.contains("--url") && !said.contains("secret"), "{said}");
    }
    for input in ["{", "[]", "\"+49301234567\""] {
        tool.beside("input.json", input);
        is_silent(&tool.run("exportme", &["-u", "a"]).is(2));
    }
    assert!(nobody.accept().is_err(), "nobody was asked");
}

//! The command line tool where something fails: the network, the disk, the service's patience, the person's.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::http::{Between, Call, Centre, Does, Setting, Tool, id, wav};

/// As long as a connection may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A centre with three recordings of a caller, a tool that is to export them, and its token.
async fn export() -> (Centre, Tool, String, Vec<(String, Vec<u8>)>) {
    let centre = Centre::socket().await;
    centre.personal("5001", "alice").await;
    let mut calls = Vec::new();
    for n in 1..=3 {
        let call = Call::from("030 1234567").audio(wav(n * 4000));
        let message = centre.deposit("5001", &call).await;
        calls.push((format!("{}.wav", id(&message)), call.bytes().to_vec()));
    }
    calls.sort();
    let input = json!({"caseid": "1", "consumers": [{"consumer": [{"phone": "030 1234567"}]}]});
    let tool = Tool::new(&format!("http://{}", centre.process().address), &input);
    let token = centre.privacy().credentials().unwrap();
    (centre, tool, token.strip_prefix("Bearer ").unwrap().to_owned(), calls)
}

/// An answer that is not the service's.
fn answer(status: &str, headers: &str, body: &[u8]) -> Does {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
    Does::Answer([head.as_bytes(), body].concat())
}

fn is_file(head: &str) -> bool {
    head.contains("/v1/gdpr/files/")
}

/// What lies under the final name of a recording is the recording.
#[track_caller]
fn none_is_half(tool: &Tool, calls: &[(String, Vec<u8>)]) -> usize {
    let there = calls.iter().filter(|(name, _)| tool.path(name).exists());
    there
        .inspect(|(name, recording)| {
            assert_eq!(&std::fs::read(tool.path(name)).unwrap(), recording, "{name}");
        })
        .count()
}

/// A run without faults brings the rest.
#[track_caller]
fn goes_on(tool: &Tool, token: &str, calls: &[(String, Vec<u8>)]) {
    let here = none_is_half(tool, calls);
    let said = tool.run("exportme", &["-u", token]).is(0);
    assert!(said.contains(&format!("Recordings: 3, already here: {here}.")), "{said}");
    assert_eq!(none_is_half(tool, calls), 3);
    assert!(tool.names().iter().all(|name| !name.ends_with("part")), "{:?}", tool.names());
    assert_eq!(tool.output()["consumers"]["030 1234567"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_recording_that_is_cut_off_is_fetched_again() {
    let (centre, tool, token, calls) = export().await;
    let mut cuts = vec![Does::Cut(20_000), Does::Cut(600), Does::Cut(0)];
    let between = Between::before(&centre.process().address, move |head| {
        if is_file(head) { cuts.pop().unwrap_or(Does::Pass) } else { Does::Pass }
    });
    let address = tool.url.clone();
    let tool = tool.at(&between.url);
    let said = tool.run("exportme", &["-u", &token]).is(0);
    assert_eq!(said.matches("Trying again").count(), 3, "{said}");
    assert_eq!(none_is_half(&tool, &calls), 3);
    goes_on(&tool.at(&address), &token, &calls);
}

#[tokio::test]
async fn an_export_that_gave_up_goes_on_with_what_is_missing() {
    let (centre, tool, token, calls) = export().await;
    let mut files = 0;
    let between = Between::before(&centre.process().address, move |head| {
        files += usize::from(is_file(head));
        if files > 1 { Does::Cut(30_000) } else { Does::Pass }
    });
    let address = tool.url.clone();
    let tool = tool.at(&between.url);
    let said = tool.run("exportme", &["-u", &token, "--retries", "0"]).is(1);
    assert!(said.lines().last().unwrap().contains("cut off"), "{said}");
    assert!(!tool.path("output.json").exists(), "it is there when all that it names is");
    assert_eq!(none_is_half(&tool, &calls), 1);
    goes_on(&tool.at(&address), &token, &calls);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again_and_the_case_is_one() {
    let (centre, tool, token, _) = export().await;
    let mut first = true;
    let between = Between::before(&centre.process().address, move |_| {
        if std::mem::take(&mut first) { Does::Cut(0) } else { Does::Pass }
    });
    let tool = tool.at(&between.url);
    tool.run("forgetme", &["-u", &token]).is(0);
    assert_eq!(between.heads().len(), 2);
    assert_eq!(tool.output()["consumers"]["030 1234567"]["messages"], 3);
}

#[tokio::test]
async fn ctrl_c_is_one_sentence_and_leaves_nothing_half() {
    is_interrupted_by("-INT").await;
}

#[tokio::test]
async fn a_pipeline_that_is_cancelled_is_one_sentence_and_leaves_nothing_half() {
    is_interrupted_by("-TERM").await;
}

async fn is_interrupted_by(signal: &str) {
    let (centre, tool, token, calls) = export().await;
    let mut files = 0;
    let between = Between::before(&centre.process().address, move |head| {
        files += usize::from(is_file(head));
        if files > 1 { Does::Stall(30_000) } else { Does::Pass }
    });
    let address = tool.url.clone();
    let tool = tool.at(&between.url);
    let child = tool.command("exportme").args(["-u", &token]).spawn().unwrap();
    let begun = Instant::now();
    let has_begun = || {
        calls.iter().any(|(name, _)| {
            std::fs::metadata(tool.path(&format!("{name}.part"))).is_ok_and(|part| part.len() > 0)
        })
    };
    while between.heads().iter().filter(|head| is_file(head)).count() < 2 || !has_begun() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", between.heads());
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap();
    assert!(told.success());
    let said = Tool::ended(child).is(1);
    let sentence = said.lines().last().unwrap();
    assert!(sentence.starts_with("gdpr: Interrupted. ") && sentence.contains("once more"), "{said}");
    assert!(std::fs::read_to_string(tool.path("execution.log")).unwrap().contains("Interrupted. "));
    assert_eq!(none_is_half(&tool, &calls), 1);
    assert!(!tool.path("output.json").exists());
    goes_on(&tool.at(&address), &token, &calls);
}

#[tokio::test]
async fn a_disk_that_is_full_is_one_sentence_and_leaves_nothing_half() {
    let (_centre, tool, token, calls) = export().await;
    let command = tool.command("exportme");
    // As a disk without room: no file can grow beyond 100 KiB, which is one recording and a half.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "sh"]).arg(command.get_program());
    limited.args(command.get_args()).args(["-u", &token]);
    limited.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let said = Tool::ended(limited.spawn().unwrap()).is(1);
    let last = said.lines().last().unwrap();
    assert!(last.contains(".wav cannot be written: File too large"), "{said}");
    assert!(!tool.path("output.json").exists());
    assert!(none_is_half(&tool, &calls) < 3);
    assert!(tool.names().iter().all(|name| !name.ends_with("part")), "{:?}", tool.names());
    goes_on(&tool, &token, &calls);
}

/// How mounts of one's own are asked for: by root, or by anybody in a namespace of users.
fn may_mount() -> Option<&'static str> {
    let may = |how: &str| {
        let tried = Command::new("unshare").args([how, "mount", "-t", "tmpfs", "none", "/tmp"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    ["-m", "-rm"].into_iter().find(|how| may(how))
}

#[tokio::test]
async fn a_volume_of_a_mebibyte_that_fills_up_is_one_sentence_and_goes_on_once_there_is_room() {
    let Some(how) = may_mount() else {
        println!("SKIPPED: nothing may be mounted here, so that no small volume can fill up");
        return;
    };
    let (_centre, tool, token, calls) = export().await;
    let (command, volume) = (tool.command("exportme"), tool.path(""));
    std::fs::create_dir(&volume).unwrap();
    // Room for one recording and a half; then for all. What is on the volume goes with the process.
    let script = "mount -t tmpfs -o size=1m none \"$0\" && head -c 900k /dev/zero >\"$0/ballast\" || exit 99
        \"$@\"; full=$?; ls \"$0\"; rm \"$0/ballast\"; echo; \"$@\"; room=$?; ls \"$0\"; exit $full$room";
    let mut on_it = Command::new("unshare");
    on_it.args([how, "sh", "-c", script]).arg(&volume).arg(command.get_program()).args(command.get_args());
    on_it.args(["-u", &token]).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let ran = Tool::ended(on_it.spawn().unwrap());
    let said = ran.said.clone();
    assert_eq!(ran.code, Some(10), "{said}");
    assert!(said.contains(".wav cannot be written: No space left on device"), "{said}");
    let (full, room) = said.split_once("\n\n").unwrap();
    assert!(!full.contains("output.json") && !full.contains(".part\n"), "{full}");
    assert!(calls.iter().filter(|(name, _)| full.contains(&format!("\n{name}"))).count() < 3, "{full}");
    assert!(calls.iter().all(|(name, _)| room.contains(&format!("\n{name}"))), "{room}");
    assert!(room.contains("\noutput.json") && !room.contains(".part"), "{room}");
}

#[tokio::test]
async fn a_redirect_is_followed_without_the_token() {
    let (centre, tool, token, calls) = export().await;
    // A storage that takes a link alone: it answers for the recording itself, whoever asks.
    let recordings = calls.clone();
    let storage = Between::before(&centre.process().address, move |head| {
        if head.contains("\nauthorization:") {
            return answer("400 Bad Request", "", b"");
        }
        let (_, recording) = recordings.iter().find(|(name, _)| head.contains(name)).unwrap();
        answer("200 OK", "", recording)
    });
    let link = storage.url.clone();
    let between = Between::before(&centre.process().address, move |head| {
        if !is_file(head) {
            return Does::Pass;
        }
        let name = head.split("/v1/gdpr/files/").nth(1).unwrap().split(['?', ' ']).next().unwrap();
        let location = format!("location: {link}/bucket/{name}?signature=abc\r\n");
        answer("307 Temporary Redirect", &location, b"")
    });
    let tool = tool.at(&between.url);
    let said = tool.run("exportme", &["-u", &token]).is(0);
    let asked = storage.heads();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|head| head.contains("signature=abc") && !head.contains(&token)), "{asked:?}");
    assert!(between.heads().iter().all(|head| head.contains("authorization: Bearer ")));
    assert!(!said.contains("signature") && !tool.log().contains("signature"), "a link lets its bearer in");
    assert_eq!(none_is_half(&tool, &calls), 3);
}

#[tokio::test]
async fn a_clients_token_that_expires_on_the_way_is_asked_for_again() {
    let demo = Setting::new(1).without("VOICEMAIL_TENANTS").without("VOICEMAIL_USERS");
    let centre = Centre::gateway(&Arc::new(demo)).await;
    let platform = centre.basic("demo\\platform", "voicemail");
    platform.deposit("5001", &Call::from("030 1234567")).await.is(201);
    for refusals in [1, 2] {
        let mut left = refusals;
        let between = Between::before(&centre.process().address, move |head| {
            if !is_file(head) || left == 0 {
                return Does::Pass;
            }
            left -= 1;
            answer("401 Unauthorized", "www-authenticate: Bearer\r\n", b"")
        });
        let input = json!({"caseid": "1", "ccid": "demo", "consumers": ["030 1234567"]});
        let tool = Tool::new(&between.url, &input);
        let mut command = tool.command("exportme");
        command.env("GWS_URL", &between.url).env("GDPR_CLIENT", "scheduler:voicemail");
        let ran = Tool::ended(command.spawn().unwrap());
        assert_eq!(ran.code, Some(refusals - 1), "a fresh token that is refused is no expiry: {}", ran.said);
        let asked = between.heads().iter().filter(|head| head.contains("/oauth/token")).count();
        assert_eq!(asked, 2);
    }
}

#[tokio::test]
async fn a_busy_service_is_asked_again_when_it_says_and_not_for_ever() {
    let (centre, tool, token, _) = export().await;
    let busy = |after: u32| {
        let body = br#"{"code":"busy","detail":"Too much at once.","instance":"r"}"#;
        answer("503 Service Unavailable", &format!("retry-after: {after}\r\n"), body)
    };
    let mut left = 1;
    let between = Between::before(&centre.process().address, move |_| {
        let is_busy = left > 0;
        left -= i32::from(is_busy);
        if is_busy { busy(3) } else { Does::Pass }
    });
    let address = tool.url.clone();
    let tool = tool.at(&between.url);
    let begun = Instant::now();
    let said = tool.run("exportme", &["-u", &token]).is(0);
    assert!(begun.elapsed() >= Duration::from_secs(3) && said.contains("Trying again in 3 s"), "{said}");

    let (always, never) =
        (Between::before(&address, move |_| busy(0)), Between::before(&address, move |_| busy(3600)));
    let tool = tool.at(&always.url);
    let said = tool.run("exportme", &["-u", &token, "--retries", "5"]).is(1);
    assert_eq!(always.heads().len(), 6, "{said}");
    let tool = tool.at(&never.url);
    tool.run("exportme", &["-u", &token, "--retries", "5"]).is(1);
    assert_eq!(never.heads().len(), 1, "an hour is not waited for");
}

#[tokio::test]
async fn without_a_network_it_is_one_sentence() {
    let (_centre, tool, token, _) = export().await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [format!("http://{nobody}"), format!("https://{nobody}"), "http://no-such-host.invalid".into()]
    {
        let tool = Tool::new(&url, &json!({"caseid": "1", "consumers": []}));
        let said = tool.run("forgetme", &["-u", &token, "--retries", "0"]).is(1);
        assert!(said.lines().count() == 1 && said.contains("The connection to"), "{said}");
    }
    // What speaks no TLS gets no token.
    let address = tool.url.replace("http:", "https:");
    let said = tool.at(&address).run("forgetme", &["-u", &token, "--retries", "0"]).is(1);
    assert!(said.contains("no safe connection"), "{said}");
}

#[tokio::test]
async fn a_credential_is_in_no_list_of_processes() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let input = json!({"caseid": "1", "ccid": "c", "consumers": []});
    for more in [
        ["-u", "secret-of-mine"],
        ["-c", "me:secret-of-mine"],
        ["-usecret-of-mine", "--retries=0"],
        ["--client=me:secret-of-mine", "--retries=0"],
    ] {
        let tool = Tool::new(&url, &input);
        let mut child = tool.command("forgetme").env("GWS_URL", &url).args(more).spawn().unwrap();
        // It asks, so it has started as it stays.
        let _asked = silent.accept().unwrap();
        let shown = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        child.kill().unwrap();
        assert!(shown.contains("forgetme") && !shown.contains("secret-of-mine"), "{shown}");
        let said = Tool::ended(child).said;
        assert!(!said.contains("secret-of-mine") && !tool.log().contains("secret-of-mine"));
    }
}

#[tokio::test]
async fn two_runs_do_not_write_into_one_folder() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let tool = Tool::new(&url, &json!({"caseid": "1", "consumers": []}));
    let mut first = tool.command("forgetme").args(["-u", "a"]).spawn().unwrap();
    let _asked = silent.accept().unwrap();
    let said = tool.run("forgetme", &["-u", "a"]).is(1);
    assert!(said.contains("Another run"), "{said}");
    first.kill().unwrap();
    first.wait().unwrap();
}

#[tokio::test]
async fn a_certificate_that_was_changed_on_its_way_is_not_kept() {
    let (centre, tool, token, _) = export().await;
    let case = json!({"caseid": "1", "status": "erased", "certificate": "e30.e30.e30"});
    let between = Between::before(&centre.process().address, move |head| {
        if !head.contains("/v1/gdpr/cases/1") {
            return Does::Pass;
        }
        answer("200 OK", "", case.to_string().as_bytes())
    });
    let tool = tool.at(&between.url);
    let said = tool.run("status", &["-u", &token]).is(1);
    assert!(said.contains("cannot be trusted"), "{said}");
    assert_eq!(tool.names(), ["execution.log"]);
}

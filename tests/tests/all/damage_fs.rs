//! Files that cannot be read any more, on the file system: what each request and each sweep makes of one of them.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use axum::http::Method;
use serde_json::{Value, json};
use tests::faults::World;
use tests::faults::damage::{FORMS, Files, Form, busy, damage, path};
use tests::faults::folder::files;
use tests::faults::settle::{start, tidy_time};
use tests::faults::world::{GROUP, MAILBOX, OTHER};
use tests::fixture::{DAY, HOUR};
use tests::http::{Answer, Call, wav};

/// What was logged.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged() -> String {
    String::from_utf8_lossy(&std::mem::take(&mut *LOG.lock().unwrap())).into_owned()
}

/// Damaged files, and what comes of them.
struct Case {
    name: &'static str,
    files: Vec<String>,
    /// The requests that are about them, which answer 500. All others answer as if nothing were damaged.
    broken: Vec<String>,
    /// What no listing shows any more: a message, a mailbox or a group.
    hidden: Option<String>,
    /// The forms in which a sweep cannot do its work, and says so. In the others it does all of it.
    failing: &'static [Form],
    /// Whether the log names them; not where the name alone says all, or where nothing here needs what is in them.
    is_told: bool,
}

/// The message that is in the trash.
const DELETED: usize = 2;
const OF_A_MESSAGE: [&str; 7] =
    ["message", "play", "undo", "mark read", "mark unread", "delete", "undo again"];
const LISTS: [&str; 5] =
    ["list", "list?folder=new", "list?folder=old", "list?folder=trash", "list in the end"];

fn about(messages: &[usize]) -> Vec<String> {
    messages.iter().flat_map(|n| OF_A_MESSAGE.map(|request| format!("{request} {n}"))).collect()
}

fn cases(world: &World, files: Files) -> Vec<Case> {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let whole = |name, file: String| Case {
        name,
        files: vec![file],
        broken: Vec::new(),
        hidden: None,
        failing: &[],
        is_told: true,
    };
    let in_the_box = [about(&[0, 1, 2]), names(&LISTS)].concat();
    let [first, deleted] = [0, DELETED].map(|n| Some(world.ids[n].clone()));
    vec![
        Case { broken: about(&[0]), hidden: first.clone(), failing: &FORMS, ..whole("facts", files.facts) },
        Case {
            broken: about(&[0]),
            hidden: first.clone(),
            failing: &FORMS,
            ..whole("read mark", files.read)
        },
        Case { broken: about(&[0]), hidden: first, failing: &FORMS, ..whole("taking", files.taken) },
        Case { is_told: false, ..whole("caller marker", files.caller) },
        // Tidied before it is due, and then purged like any other.
        Case {
            broken: about(&[DELETED]),
            hidden: deleted.clone(),
            failing: &FORMS,
            ..whole("facts of what is due", files.deleted.clone())
        },
        Case { is_told: false, ..whole("hold", files.hold) },
        whole("entry of what is due", files.due.clone()),
        Case {
            files: vec![files.due, files.deleted],
            broken: about(&[DELETED]),
            hidden: deleted,
            failing: &FORMS,
            ..whole("entry and facts of what is due", String::new())
        },
        // One that is no JSON is what a crash leaves: it is cleared, and what its attempt left with it.
        Case { failing: &[Form::Later], ..whole("attempt that was cut off", files.arriving) },
        Case { failing: &[Form::Later], ..whole("attempt that was fenced", files.dead) },
        Case {
            broken: [in_the_box.clone(), names(&["mailbox", "mwi", "mwi in the end", "deposit"])].concat(),
            hidden: Some(MAILBOX.to_owned()),
            failing: &FORMS,
            ..whole("mailbox", files.mailbox)
        },
        Case {
            broken: [in_the_box, names(&["group"])].concat(),
            hidden: Some(GROUP.to_owned()),
            ..whole("group", files.group)
        },
        Case {
            broken: names(&["deposit of a forgotten caller"]),
            failing: &FORMS,
            ..whole("case", files.case)
        },
    ]
}

/// Every request, about each thing; by what it is called here.
async fn requests(world: &World) -> BTreeMap<String, Answer> {
    let (alice, admin, platform) = (world.alice(), world.admin(), world.platform());
    let mut said = BTreeMap::new();
    for folder in ["", "?folder=new", "?folder=old", "?folder=trash"] {
        said.insert(format!("list{folder}"), alice.get(&format!("{MAILBOX}/messages{folder}")).await);
    }
    said.insert("list other".into(), alice.get(&format!("{OTHER}/messages")).await);
    for (name, path) in [
        ("mailboxes", "/v1/mailboxes".to_owned()),
        ("mailbox", MAILBOX.to_owned()),
        ("other mailbox", OTHER.to_owned()),
        ("groups", "/v1/groups".to_owned()),
        ("group", format!("/v1/groups/{GROUP}")),
        ("mwi", format!("{MAILBOX}/mwi")),
        ("other mwi", format!("{OTHER}/mwi")),
    ] {
        said.insert(name.into(), admin.get(&path).await);
    }
    said.insert("my mwi".into(), alice.get("/v1/mwi").await);
    for (n, id) in world.ids.iter().enumerate() {
        let message = format!("{}/messages/{id}", if n == 3 { OTHER } else { MAILBOX });
        said.insert(format!("message {n}"), alice.get(&message).await);
        said.insert(format!("play {n}"), alice.get(&format!("{message}/audio")).await);
    }
    for (n, id) in world.ids.iter().enumerate() {
        let message = format!("{}/messages/{id}", if n == 3 { OTHER } else { MAILBOX });
        said.insert(format!("undo {n}"), alice.post(&format!("{message}/undo")).await);
        said.insert(format!("mark read {n}"), alice.put(&format!("{message}/read")).await);
        let unread = alice.ask(Method::DELETE, &format!("{message}/read")).await;
        said.insert(format!("mark unread {n}"), unread);
        said.insert(format!("delete {n}"), alice.ask(Method::DELETE, &message).await);
        if n != DELETED {
            said.insert(format!("undo again {n}"), alice.post(&format!("{message}/undo")).await);
        }
    }
    // Named, so that its id is the same in each world.
    let named = |caller: &str| {
        Call::from(caller).with("call_id", caller).with("received_at", world.now().to_string())
    };
    let call = |caller: &str| named(caller).audio(wav(10)).with("urgent", true);
    let deposit = async |mailbox: &str, caller| platform.deposit(mailbox, &call(caller)).await;
    said.insert("deposit".into(), deposit(MAILBOX, "+49301110000").await);
    said.insert("deposit other".into(), deposit(OTHER, "+49301110002").await);
    said.insert("deposit of a forgotten caller".into(), deposit(OTHER, "+49301110003").await);
    said.insert("mwi in the end".into(), admin.get(&format!("{MAILBOX}/mwi")).await);
    said.insert("list in the end".into(), alice.get(&format!("{MAILBOX}/messages")).await);
    said
}

/// What an answer says, but for what is damaged: not listed, and not counted as urgent.
fn told(request: &str, answer: &Answer, case: &Case) -> Value {
    let mut told = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!(answer.body.to_vec()));
    for list in ["messages", "mailboxes", "groups"] {
        if let Some(list) = told.get_mut(list).and_then(Value::as_array_mut) {
            let is_hidden = |name: &Value| case.hidden.as_deref().is_some_and(|hidden| name == hidden);
            // The group's mailbox is the member's only as far as the group can be read.
            let is_mailbox = |row: &Value| request == "my mwi" && row["mailbox"] == MAILBOX;
            list.retain(|row| {
                let of_the_group = case.name == "group" && is_mailbox(row);
                !(is_hidden(&row["id"]) || is_mailbox(row) && is_hidden(&row["mailbox"]) || of_the_group)
            });
            for row in list {
                count(row, request, case);
            }
        }
    }
    if told.get("new").is_some() {
        count(&mut told, request, case);
    }
    told
}

fn count(row: &mut Value, request: &str, case: &Case) {
    if case.name == "facts" {
        row["urgent_new"].take();
        row["urgent_old"].take();
        // It tells whether they are urgent, too.
        row["changed"].take();
    }
    if request == "mwi in the end" && !case.broken.is_empty() {
        // What could not be marked before is where it was.
        *row = json!(row["new"].as_u64().unwrap() + row["old"].as_u64().unwrap());
    }
}

/// Two days of sweeps: what they did, and every file in the end.
async fn course(world: &World) -> (BTreeMap<String, u64>, BTreeMap<PathBuf, Vec<u8>>) {
    let mut times = vec![start().plus(HOUR * 2), start().plus(DAY + HOUR)];
    for day in [1, 2] {
        times.extend([tidy_time(MAILBOX, day).await, tidy_time(OTHER, day).await]);
    }
    times.sort();
    let mut done: BTreeMap<String, u64> = BTreeMap::new();
    for then in times {
        world.pass_until(then);
        let swept = world.sweep().await.is(200).json();
        for (what, number) in swept.as_object().unwrap() {
            *done.entry(what.clone()).or_default() += number.as_u64().unwrap();
        }
    }
    let files = files(world.root()).into_iter().map(|file| {
        let content = std::fs::read(&file).unwrap();
        (file.strip_prefix(world.root()).unwrap().to_owned(), content)
    });
    (done, files.collect())
}

async fn each_request(case: &Case, form: Form, world: &World, sound: &BTreeMap<String, Answer>) {
    let context = format!("{} {form:?}", case.name);
    for (request, answer) in requests(world).await {
        if case.broken.contains(&request) {
            answer.refused(500, "internal");
            continue;
        }
        let right = &sound[&request];
        assert_eq!(answer.status, right.status, "{context}: {request}");
        assert_eq!(told(&request, &answer, case), told(&request, right, case), "{context}: {request}");
    }
}

async fn each_sweep(case: &Case, form: Form, world: &World, sound: &World) {
    let context = format!("{} {form:?}", case.name);
    let place = |file: &String| path(world, file).strip_prefix(world.root()).unwrap().to_owned();
    let damaged: Vec<_> = case.files.iter().map(|file| std::fs::read(path(world, file)).unwrap()).collect();
    let before: Vec<_> = case.files.iter().map(|file| std::fs::read(path(sound, file)).unwrap()).collect();
    let (done, files) = course(world).await;
    let (right, right_files) = course(sound).await;
    assert_eq!((right["failed"], right["purged"], right["orphans"]), (0, 1, 2));
    assert_eq!(done["failed"] > 0, case.failing.contains(&form), "{context}: {done:?}");
    let is_lost = case.files.len() > 1;
    assert_eq!(done["purged"], u64::from(!is_lost), "{context}: {done:?}");
    // What is not purged has no claim, and a case that cannot be read is not closed.
    let never_made: &[&str] = match case.name {
        "case" => &["cases", "certificates"],
        _ if is_lost => &["purging"],
        _ => &[],
    };
    let is_made = |file: &&PathBuf| !file.iter().any(|name| never_made.iter().any(|never| name == *never));
    for file in right_files.keys().filter(is_made) {
        assert!(files.contains_key(file), "{context}: {} is gone", file.display());
    }
    let is_left = files.len() > right_files.len();
    assert!(
        !is_left || case.failing.contains(&form),
        "{context}: {:?} for {:?}",
        files.keys(),
        right_files.keys()
    );
    for ((file, damaged), before) in case.files.iter().zip(damaged).zip(before) {
        let (end, right) = (files.get(&place(file)), right_files.get(&place(file)));
        let is_kept = right == Some(&before) || is_lost || (right.is_none() && case.failing.contains(&form));
        let expected = if is_kept { Some(&damaged) } else { right };
        assert_eq!(end, expected, "{context}: {file}");
    }
}

#[tokio::test]
async fn a_damaged_file_breaks_what_is_about_it_and_nothing_else_and_is_never_removed_for_that() {
    tracing_subscriber::fmt().with_writer(|| Log).json().init();
    let (world, files) = busy().await;
    let sound = requests(&world.copy().await).await;
    let mut damaged = 0;
    for case in cases(&world, files) {
        for form in FORMS {
            let [asked, swept] = [world.copy().await, world.copy().await];
            for file in &case.files {
                damage(&asked, file, form);
                damage(&swept, file, form);
            }
            logged();
            each_request(&case, form, &asked, &sound).await;
            each_sweep(&case, form, &swept, &world.copy().await).await;
            let log = logged();
            let is_named =
                |file: &String| log.lines().any(|line| line.contains("ERROR") && line.contains(file));
            let is_cleared = |file: &String| log.contains(&format!("\"file\":\"{file}\""));
            let names = |file: &String| is_named(file) || is_cleared(file);
            assert_eq!(case.files.iter().all(names), case.is_told, "{} {form:?}: {log}", case.name);
            assert!(
                !log.contains("4930111") && !log.contains("nobody wrote"),
                "it shows what is in it: {log}"
            );
            damaged += 1;
        }
    }
    println!("{damaged} damages, each with {} requests and two days of sweeps", sound.len());
}

//! An export of more recordings than one answer tells of: in bounded memory, killed on its way, and whole in the end.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use serde_json::json;
use tests::http::{Call, Centre, Setting, Tool, id, is_long, wav};

const CALLER: &str = "+49 30 1234567";
/// How long the longest run may take.
const PATIENCE: Duration = Duration::from_mins(4);
/// How much more memory the service may take than it has, whatever it exports: the names, a page of 1,000 messages, and
/// both once more as text.
const MOST: u64 = 64 << 20;

/// The most memory that a process had so far; `None`: it has ended.
fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024)
}

/// Watches a run until this many recordings are there, or it ends; the most memory that it had.
fn watched(child: &Child, tool: &Tool, recordings: usize) -> u64 {
    let (begun, mut most) = (Instant::now(), 0);
    let there = || std::fs::read_dir(tool.path("")).map_or(0, Iterator::count);
    while let Some(now) = peak(child) {
        most = most.max(now);
        if there() >= recordings {
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    most
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_many_pages_that_is_killed_on_its_way_goes_on_in_bounded_memory_and_ends_whole() {
    let many = if is_long() { 10_000 } else { 1_001 };
    let centre = Centre::gateway(&Arc::new(Setting::new(1))).await;
    centre.personal("5001", "alice").await;
    centre.settings("5001", json!({"max_messages": many})).await;
    let calls = (0..many).map(|n| Call::from(CALLER).audio(wav(10 + n % 7)));
    let deposits = calls.map(|call| {
        let centre = &centre;
        async move { (format!("{}.wav", id(&centre.deposit("5001", &call).await)), call.bytes().clone()) }
    });
    let recordings: BTreeMap<_, _> = stream::iter(deposits).buffer_unordered(16).collect().await;

    let about = json!({"caseid": "1", "ccid": "cc-t0", "consumers": [CALLER]});
    let tool = Tool::new(&format!("http://{}", centre.process().address), &about);
    let token = centre.privacy().credentials().unwrap();
    let export =
        || tool.command("exportme").args(["-u", token.strip_prefix("Bearer ").unwrap()]).spawn().unwrap();
    let before = centre.process().forget_peak();
    let mut killed = export();
    let first = watched(&killed, &tool, recordings.len() / 3);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let is_whole = |name: &String| std::fs::read(tool.path(name)).is_ok_and(|it| it == recordings[name]);
    let whole = recordings.keys().filter(|name| is_whole(name)).count();
    let there = recordings.keys().filter(|name| tool.path(name).exists()).count();
    assert!(0 < whole && whole < recordings.len() && whole == there, "{whole} of {there}");
    let resumed = export();
    let second = watched(&resumed, &tool, usize::MAX);
    let said = Tool::ended(resumed).is(0);
    assert!(said.contains(&format!("Recordings: {}, already here: {whole}", recordings.len())), "{said}");
    assert!(recordings.keys().all(is_whole));
    let output = tool.output();
    assert_eq!(output["consumers"][CALLER].as_array().unwrap().len(), recordings.len());
    assert_eq!(output["files"].as_object().unwrap().len(), recordings.len());

    let more = centre.process().peak().saturating_sub(before);
    let megabytes = |bytes: u64| bytes >> 20;
    println!(
        "{} recordings: the service takes {} MiB more than the {} that it has, the tool {} MiB",
        recordings.len(),
        megabytes(more),
        megabytes(before),
        megabytes(first.max(second)),
    );
    assert!(more < MOST, "{more} bytes more");
}

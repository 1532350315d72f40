//! What is waiting in a mailbox of 20 messages, 8 of them read: the gateway's answer against a plain one of the same
//! token and the same folders.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::LazyLock;

use axum::Json;
use axum::http::Request;
use bytes::Bytes;
use http_body_util::Full;
use identity::Principal;
use serde_json::{Value, json};
use web::Problem;

use super::deposit::recording;
use super::service::{Running, request};
use super::{Plan, Row, in_turns, median};

const MAILBOX: &str = "5020";
const MESSAGES: usize = 20;
const READ: usize = 8;

/// The folder of the mailbox, in the process of the service.
static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let data = std::env::var("VOICEMAIL_DATA").unwrap_or_default();
    format!("{data}/tenants/t0/mailboxes/{MAILBOX}")
});

/// The plain route: the token, then the folders, on a thread that may wait, as whoever uses `std::fs` in a server does.
pub(super) async fn plain(_who: Principal) -> Result<Json<Value>, Problem> {
    let counted = tokio::task::spawn_blocking(|| count(FOLDER.as_ref()));
    let (new, old) = counted.await.unwrap().unwrap();
    Ok(Json(json!({
        "mailbox": MAILBOX, "name": MAILBOX, "kind": "personal", "messages_waiting": new > 0,
        "new": new, "old": old, "urgent_new": 0, "urgent_old": 0,
    })))
}

/// New and old messages.
fn count(folder: &Path) -> std::io::Result<(usize, usize)> {
    let (marks, holds) = (names(&folder.join("marks"))?, names(&folder.join("holds"))?);
    let (claims, messages) = (names(&folder.join("purging"))?, names(&folder.join("messages"))?);
    let read: HashSet<&str> = marks.iter().filter_map(|name| name.strip_suffix(".r")).collect();
    let held: HashSet<&str> = holds.iter().filter_map(|name| name.get(..36)).collect();
    let claimed: HashSet<&str> = claims.iter().map(String::as_str).collect();
    let is_shown = |id: &&String| !held.contains(id.as_str()) && !claimed.contains(id.as_str());
    let shown = messages.iter().filter(is_shown);
    let (old, new): (Vec<&String>, Vec<&String>) = shown.partition(|id| read.contains(id.as_str()));
    Ok((new.len(), old.len()))
}

fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default())).collect(),
    }
}

/// With one client and with eight.
pub(super) fn measure(service: &Running, plan: &Plan) -> Vec<Row> {
    service.make(MAILBOX);
    let mut one = service.clients(1);
    for number in 0..MESSAGES {
        let path = format!("/v1/mailboxes/{MAILBOX}/messages");
        let answer = one.one(request("POST", &path, "deposit", recording(1)));
        let message: Value = serde_json::from_slice(answer.body()).unwrap();
        if number < READ {
            let path = format!("{path}/{}/read", message["id"].as_str().unwrap());
            one.one(request("PUT", &path, "agent", "".into()));
        }
    }
    let path = format!("/v1/mailboxes/{MAILBOX}/mwi");
    let asked = [path.as_str(), "/mwi", "/empty"].map(|path| request("GET", path, "agent", "".into()));
    let [ours, other]: [Value; 2] = [(service.clients(1), &asked[0]), (service.plain_clients(1), &asked[1])]
        .map(|(mut client, request)| serde_json::from_slice(client.one(request.clone()).body()).unwrap());
    for count in ["new", "old", "urgent_new", "urgent_old", "messages_waiting"] {
        assert_eq!(ours[count], other[count], "{count}: both answer the same");
    }
    [1, 8].into_iter().flat_map(|clients| compare(service, plan, &asked, clients)).collect()
}

fn compare(service: &Running, plan: &Plan, asked: &[Request<Full<Bytes>>; 3], clients: usize) -> [Row; 2] {
    let mut of = [service.clients(clients), service.plain_clients(clients), service.plain_clients(clients)];
    let rounds = in_turns::<3>(plan.rounds, |which| of[which].rate(plan.time, &asked[which]));
    let [ours, bare, empty] = [0, 1, 2].map(|which| median(rounds.iter().map(|rates| rates[which])));
    let ratio = |which: usize| median(rounds.iter().map(|rates| rates[0] / rates[which]));
    let figures = |other: f64| [format!("{ours:.0}/s"), format!("{other:.0}/s")];
    let by = format!("{clients} client{}", if clients == 1 { "" } else { "s" });
    let against_plain = Row {
        what: format!("mwi-count of 20 messages, {by}, against std::fs alone"),
        figures: figures(bare),
        ratio: ratio(1),
        floor: Some(("at least 0.7", ratio(1) >= 0.7)),
    };
    let what = format!("mwi-count of 20 messages, {by}, against an empty route");
    [against_plain, Row { what, figures: figures(empty), ratio: ratio(2), floor: None }]
}

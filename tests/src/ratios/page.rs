//! The first page of 50 of a mailbox of 10,000 messages, against that of one of 100.

use std::fs;
use std::time::{Duration, Instant};

use domain::{Clock as _, MessageId, SystemClock, SystemRandom};
use serde_json::Value;

use super::deposit::recording;
use super::service::{Running, request};
use super::{Plan, Row, in_turns, median};

/// How long the page of the large mailbox may take.
const MOST: Duration = Duration::from_millis(10);

pub(super) fn measure(service: &Running, plan: &Plan) -> Vec<Row> {
    let asked = [("large", plan.messages), ("small", 100)].map(|(mailbox, messages)| {
        fill(service, mailbox, messages);
        request("GET", &format!("/v1/mailboxes/{mailbox}/messages?limit=50"), "agent", "".into())
    });
    let mut client = service.clients(1);
    for request in &asked {
        let page: Value = serde_json::from_slice(client.one(request.clone()).body()).unwrap();
        assert_eq!(page["messages"].as_array().map(Vec::len), Some(50));
    }
    let rounds = in_turns::<2>(plan.rounds, |which| {
        median((0..plan.pages).map(|_| {
            let begun = Instant::now();
            client.one(asked[which].clone());
            begun.elapsed().as_secs_f64() * 1000.0
        }))
    });
    let [large, small] = [0, 1].map(|which| median(rounds.iter().map(|took| took[which])));
    vec![Row {
        what: format!("a page of 50 of {} messages, against one of 100", plan.messages),
        figures: [large, small].map(|ms| format!("{ms:.2} ms")),
        ratio: median(rounds.iter().map(|[large, small]| small / large)),
        floor: Some(("less than 10 ms", Duration::from_secs_f64(large / 1000.0) < MOST)),
    }]
}

/// Fills a mailbox with copies of one deposited message, a second of it apart, every second of them read: its files, under
/// other ids, without waiting for the volume and without recordings, which a page does not look at.
fn fill(service: &Running, mailbox: &str, messages: usize) {
    service.make(mailbox);
    let mut client = service.clients(1);
    let path = format!("/v1/mailboxes/{mailbox}/messages");
    let answer = client.one(request("POST", &path, "deposit", recording(1)));
    let first: Value = serde_json::from_slice(answer.body()).unwrap();
    let first = first["id"].as_str().unwrap();
    client.one(request("PUT", &format!("{path}/{first}/read"), "agent", "".into()));
    let folder = service.folder(mailbox);
    let facts = fs::read_to_string(folder.join("messages").join(first)).unwrap();
    let mark = fs::read(folder.join(format!("marks/{first}.r"))).unwrap();
    for number in 1..messages {
        let taken_at = SystemClock.now().minus(Duration::from_secs(number as u64));
        let id = MessageId::random(taken_at, &SystemRandom).to_string();
        fs::write(folder.join("messages").join(&id), facts.replace(first, &id)).unwrap();
        if number % 2 == 0 {
            fs::write(folder.join(format!("marks/{id}.r")), &mark).unwrap();
        }
    }
}

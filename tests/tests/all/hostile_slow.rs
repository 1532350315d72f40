//! Clients that send a byte a second: each is let go in time, and nobody else waits for them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use tests::http::{Call, Centre, Gateway, Person, Reply, Setting};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a client may go on so: a head has 10 s and a body 20 s, the rest is for a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// Whoever is let go sooner was not waited for at all.
const AT_LEAST: Duration = Duration::from_secs(5);
/// How many rounds show how fast the service is without them.
const ROUNDS: usize = 50;
/// How many times slower it may be beside them.
const SLOWER: u32 = 5;

/// Sends `start` at once and then a byte a second, until the service ends the connection.
async fn trickle(gateway: Arc<Gateway>, start: Vec<u8>) -> Reply {
    let begun = Instant::now();
    let mut connection: TcpStream = gateway.connect().await;
    connection.write_all(&start).await.unwrap();
    let (mut from, mut to) = connection.into_split();
    let mut came = Vec::new();
    let sends = async {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        _ = from.read_to_end(&mut came) => {}
        () = async { sends.await; std::future::pending().await } => {}
    }
    Reply::read(&came, begun.elapsed())
}

/// How long a deposit and a count take, again and again for as long as `goes_on` says so.
async fn rounds(centre: &Centre, agent: &Person, goes_on: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut rounds = Vec::new();
    while goes_on(rounds.len()) {
        let begun = Instant::now();
        centre.deposit("5001", &Call::new()).await;
        agent.get("5001/mwi").await.is(200);
        rounds.push(begun.elapsed());
    }
    rounds.sort();
    rounds
}

/// The one in the middle.
fn median(sorted: &[Duration]) -> Duration {
    *sorted.get(sorted.len() / 2).unwrap()
}

#[tokio::test]
async fn two_hundred_clients_of_a_byte_a_second_are_let_go_within_30_s_and_nobody_waits_for_them() {
    let centre = Centre::gateway(&Arc::new(Setting::new(1))).await;
    centre.personal("5001", "alice").await;
    centre.settings("5001", serde_json::json!({"max_messages": 100_000})).await;
    let (gateway, platform, alice) = (Arc::clone(centre.process()), centre.platform(), centre.agent("alice"));
    let deposit = |lines: &str| platform.raw_head(&gateway, "POST /v1/mailboxes/5001/messages", lines);
    let form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n";
    let bulk = alice.raw_head(&gateway, "POST /v1/mailboxes/5001/messages/read", "Content-Length: 1000\r\n");
    let kinds = [
        ("a head", 50, b"GET /healthz HTTP/1.1\r\nX: ".to_vec(), [0, 408]),
        ("nothing that is HTTP", 50, Vec::new(), [0, 408]),
        ("a recording", 50, deposit("Content-Length: 1000000\r\n"), [408, 408]),
        ("a form", 25, deposit(form), [408, 408]),
        ("a list of messages", 25, bulk, [408, 408]),
    ];
    let slow = kinds.iter().map(|(what, count, start, statuses)| {
        let clients = (0..*count).map(|_| trickle(Arc::clone(&gateway), start.clone()));
        async move { (*what, *count, statuses, join_all(clients).await) }
    });
    let before = rounds(&centre, &alice, |done| done < ROUNDS).await;
    let ended = Cell::new(false);
    let slow = async {
        let replies = join_all(slow).await;
        ended.set(true);
        replies
    };
    let (slow, beside) = tokio::join!(slow, rounds(&centre, &alice, |_| !ended.get()));
    let after = rounds(&centre, &alice, |done| done < ROUNDS).await;

    for (what, count, statuses, replies) in slow {
        assert_eq!(replies.len(), count);
        for reply in &replies {
            assert!(reply.took > AT_LEAST && reply.took < LIMIT, "{what}: {reply:?}");
            assert!(statuses.contains(&reply.status), "{what}: {reply:?}");
        }
        println!("{what}: {:?} at most", replies.iter().map(|reply| reply.took).max().unwrap());
    }
    // A machine that is busy with something else is so before or after, too.
    let (alone, middle) = (median(&before).max(median(&after)), median(&beside));
    let longest = beside.last().unwrap();
    println!(
        "a deposit and a count: {alone:?} alone; beside 200 slow clients {middle:?}, {longest:?} at most, {} times",
        beside.len()
    );
    assert!(middle <= alone * SLOWER, "{middle:?} beside slow clients, {alone:?} without");
    // Whoever had to wait for one of them would wait for its end.
    assert!(*longest < AT_LEAST, "{longest:?} for a deposit and a count");
    // What they began left nothing.
    let [new, ..] = centre.counts("5001").await;
    assert_eq!(new, (before.len() + beside.len() + after.len()) as u64);
    assert_eq!(centre.recordings().len() as u64, new);
}

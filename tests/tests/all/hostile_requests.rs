//! Requests that nobody sends by accident: each is refused, stores nothing, takes little memory, and leaves the service
//! as it was.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the figures of the architecture page")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tests::http::{Call, Centre, Gateway, Person, Reply, Setting, id, wav};

/// What a request may take of memory, in bytes.
const MEMORY: u64 = 64 << 20;
/// What a refusal may take on a machine that does much else, built without optimisation.
const TIME: Duration = Duration::from_secs(10);
const BOUNDARY: &str = "multipart/form-data; boundary=x";
const MESSAGE: &str = "--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n";
const AUDIO: &str = "\r\n--x\r\nContent-Disposition: form-data; name=\"audio\"\r\n\r\n";
const DEPOSIT: &str = "POST /v1/mailboxes/5001/messages";

/// A gateway with a mailbox, 5001, that holds a message, and all of its files.
struct Victim {
    centre: Centre,
    message: String,
    files: Vec<PathBuf>,
}

impl Victim {
    async fn new() -> Self {
        let centre = Centre::gateway(&Arc::new(Setting::new(1))).await;
        centre.personal("5001", "alice").await;
        let message = id(&centre.deposit("5001", &Call::from("+49301234567")).await);
        // What each kind of request takes once is not what a hostile one takes.
        centre.platform().deposit_form("5001", &Call::new().audio("no audio")).await.is(415);
        centre.agent("alice").post("5001/messages/read").json(Value::Null).await.is(400);
        let files = centre.files();
        Self { centre, message, files }
    }

    fn gateway(&self) -> &Gateway {
        self.centre.process()
    }

    fn platform(&self) -> Person {
        self.centre.platform()
    }

    /// A deposit of this body.
    fn deposit(&self, content_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
        self.platform().raw_request(self.gateway(), DEPOSIT, content_type, body.as_ref())
    }

    /// Sends it, whatever it is answered, and looks that nothing happened.
    async fn survives(&self, what: &str, request: &[u8]) -> Reply {
        let before = self.gateway().forget_peak();
        let reply = self.gateway().exchange(request).await;
        let taken = self.gateway().peak().saturating_sub(before);
        println!("{what}: {}, {} KiB, {:?}", reply.status, taken / 1024, reply.took);
        assert!(taken < MEMORY, "{what}: {taken} bytes");
        assert_eq!(self.centre.files(), self.files, "{what}: {reply:?}");
        let path = format!("5001/messages/{}", self.message);
        assert_eq!(self.centre.agent("alice").get(&path).await.is(200).json()["folder"], "new", "{what}");
        reply
    }

    /// Sends it, and it must be refused with a problem of this status.
    async fn refuses(&self, what: &str, status: u16, request: &[u8]) {
        let reply = self.survives(what, request).await;
        assert_eq!(reply.status, status, "{what}: {reply:?}");
        let (head, body) = reply.text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("application/problem+json"), "{what}: {reply:?}");
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status, "{what}: {problem}");
        assert!(reply.took < TIME, "{what}: {:?}", reply.took);
    }

    /// Sends what is no HTTP: some 4xx and the end of the connection, or the end alone.
    async fn hangs_up(&self, what: &str, request: &[u8]) {
        let reply = self.survives(what, request).await;
        assert!((400..500).contains(&reply.status), "{what}: {reply:?}");
        assert_eq!(reply.text.matches("HTTP/1.1 ").count(), 1, "{what}: {reply:?}");
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_in_every_path_and_body() {
    let victim = Victim::new().await;
    let (alice, admin, gateway) = (victim.centre.agent("alice"), victim.centre.admin(), victim.gateway());
    let long = "5".repeat(10_000);
    let bad = [
        "..",
        "%2e%2e",
        ".%2e",
        "a%2Fb",
        "..%2F..%2Fkeys",
        "5001%00",
        "%00",
        "5001%0d%0aX:1",
        &long,
        "5001%5c",
    ];
    for bad in bad {
        for (who, status, request) in [
            (&admin, 400, format!("PUT /v1/mailboxes/{bad}")),
            (&admin, 400, format!("PUT /v1/groups/{bad}")),
            (&admin, 404, format!("DELETE /v1/mailboxes/{bad}")),
            (&victim.platform(), 404, format!("POST /v1/mailboxes/{bad}/messages")),
            (&alice, 404, format!("GET /v1/mailboxes/{bad}/mwi")),
            (&alice, 404, format!("GET /v1/mailboxes/5001/messages/{bad}/audio")),
            (&alice, 404, format!("DELETE /v1/mailboxes/5001/messages/{bad}")),
        ] {
            let body: &[u8] = b"{\"kind\":\"personal\",\"user\":\"alice\",\"members\":[]}";
            let what = format!("{request:.80}");
            victim
                .refuses(&what, status, &who.raw_request(gateway, &request, "application/json", body))
                .await;
        }
        let body = serde_json::json!({"ids": [bad]}).to_string();
        for operation in ["read", "delete"] {
            let request = format!("POST /v1/mailboxes/5001/messages/{operation}");
            let request = alice.raw_request(gateway, &request, "application/json", body.as_bytes());
            let reply = victim.survives("an id in a body", &request).await;
            assert!(reply.text.contains("\"not-found\""), "{reply:?}");
        }
        for body in [
            format!(r#"{{"kind":"personal","user":"{bad}"}}"#),
            format!(r#"{{"kind":"group","group":"{bad}"}}"#),
        ] {
            let request =
                admin.raw_request(gateway, "PUT /v1/mailboxes/5002", "application/json", body.as_bytes());
            victim.refuses("an owner", 400, &request).await;
        }
    }
    let not_utf_8 = alice.raw_request(gateway, "GET /v1/mailboxes/%FF%FE/mwi", "text/plain", b"");
    victim.refuses("a path that is no UTF-8", 404, &not_utf_8).await;
    let not_encoded = alice.raw_request(gateway, "GET /v1/mailboxes/%zz%/mwi", "text/plain", b"");
    victim.refuses("a path that is not encoded", 404, &not_encoded).await;
}

#[tokio::test]
async fn a_head_that_lies_is_refused() {
    let victim = Victim::new().await;
    let (gateway, platform, audio) = (victim.gateway(), victim.platform(), wav(100));
    let length = format!("Content-Length: {}\r\n", audio.len());
    let with = |lines: &str| {
        [&platform.raw_head(gateway, DEPOSIT, &format!("{length}{lines}")), &audio[..]].concat()
    };
    for (name, one, other) in [
        ("Caller-Id", "+49301", "+49302"),
        ("Caller-Name", "Ann", "Eve"),
        ("Urgent", "true", "false"),
        ("Received-At", "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"),
        ("Call-Id", "a", "b"),
    ] {
        let twice = format!("Voicemail-{name}: {one}\r\nVoicemail-{name}: {other}\r\n");
        victim.refuses(name, 400, &with(&twice)).await;
    }
    for line in
        ["Voicemail-Urgent: \u{0}true", "Voicemail-Received-At: 9999999999999", "Voicemail-Call-Id: \u{ff}"]
    {
        let reply = victim.survives(line, &with(&format!("{line}\r\n"))).await;
        assert_eq!(reply.status, 400, "{line}: {reply:?}");
    }
    for coding in ["gzip", "gzip, br", "nonsense"] {
        victim.refuses(coding, 400, &with(&format!("Content-Encoding: {coding}\r\n"))).await;
    }
    let of_length =
        |length: &str| platform.raw_head(gateway, DEPOSIT, &format!("Content-Length: {length}\r\n"));
    victim.refuses("99,999,999,999 bytes to come", 413, &of_length("99999999999")).await;
    victim.refuses("the most bytes that there can be", 413, &of_length("18446744073709551613")).await;
    for length in ["18446744073709551616", "-1", "+5", "5, 6", "0x10", "5\r\nContent-Length: 6"] {
        victim.hangs_up(length, &of_length(length)).await;
    }
    let chunked = |chunks: &str| {
        let lines = "Transfer-Encoding: chunked\r\n";
        [&platform.raw_head(gateway, DEPOSIT, lines), chunks.as_bytes()].concat()
    };
    for chunks in ["ffffffffffffffffff\r\nx", "-1\r\nx\r\n0\r\n\r\n", "xyz\r\n", "3\r\nabcdef\r\n0\r\n\r\n"] {
        let reply = victim.survives(chunks, &chunked(chunks)).await;
        assert!((400..500).contains(&reply.status), "{chunks}: {reply:?}");
    }
    let endless_extension = chunked(&format!("1;{}", "x".repeat(1 << 20)));
    assert!((400..500).contains(&victim.survives("an endless extension", &endless_extension).await.status));
    for coding in ["gzip", "chunked, gzip", "identity"] {
        let lines = format!("Transfer-Encoding: {coding}\r\n");
        victim.hangs_up(coding, &platform.raw_head(gateway, DEPOSIT, &lines)).await;
    }
    victim.hangs_up("a head of 1 MB", &with(&format!("X: {}\r\n", "x".repeat(1 << 20)))).await;
    victim.hangs_up("1,000 lines", &with(&"X: x\r\n".repeat(1000))).await;
    victim
        .hangs_up("a path of 1 MB", &platform.raw_head(gateway, &format!("GET /{}", "x".repeat(1 << 20)), ""))
        .await;
    for line in ["X : x", "X\u{0}: x", ": x", "X: x\r\n folded: y\u{0}", "no colon"] {
        victim.hangs_up(line, &with(&format!("{line}\r\n"))).await;
    }
    // To HTTP/2 there is no answer that its client would understand.
    victim.survives("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    for no_http in
        ["GET / HTTP/9.9\r\n\r\n", "\u{0}\u{0}\u{0}\u{0}\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n"]
    {
        victim.hangs_up(no_http, no_http.as_bytes()).await;
    }
}

#[tokio::test]
async fn a_length_said_twice_over_is_the_end_of_the_connection() {
    let victim = Victim::new().await;
    let (gateway, alice) = (victim.gateway(), victim.centre.agent("alice"));
    // What a proxy before us might take for one request and we for two, or the other way round.
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        let head = String::from_utf8(alice.raw_head(gateway, "POST /v1/mailboxes/5001/messages/read", lines))
            .unwrap();
        let request = format!(
            "{}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            head.replace("Connection: close\r\n", "")
        );
        let reply = victim.survives("both lengths", request.as_bytes()).await;
        assert_eq!((reply.status, reply.text.matches("HTTP/1.1 ").count()), (400, 1), "{reply:?}");
    }
    let body_of_a_get =
        alice.raw_request(gateway, "GET /v1/mailboxes/5001/mwi", "text/plain", &vec![b'x'; 1 << 20]);
    let reply = victim.survives("a body of a GET", &body_of_a_get).await;
    assert_eq!((reply.status, reply.text.matches("HTTP/1.1 ").count()), (200, 1), "{reply:?}");
}

#[tokio::test]
async fn a_recording_that_claims_more_than_it_is_is_refused() {
    let victim = Victim::new().await;
    let whole = wav(100);
    let with = |at: usize, claim: &[u8]| {
        let mut bytes = whole.to_vec();
        bytes[at..at + claim.len()].copy_from_slice(claim);
        bytes
    };
    let samples = 1_000_000_000_000_u64.to_le_bytes();
    let rf64 =
        [b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0", &samples[..], &samples, &samples, &[0; 4], &whole[12..]];
    let xing = [b"\xff\xfb\x90\x04", &[0; 32][..], b"Xing\0\0\0\x01\xff\xff\xff\xff", &[0; 369]];
    for (what, status, recording) in [
        ("a WAV of 2 GB", 422, with(40, &0x7FFD_0000_u32.to_le_bytes())),
        ("a RIFF of 2 GB", 422, with(4, &0x7FFD_0000_u32.to_le_bytes())),
        ("a WAV whose format has 4 GB", 422, with(16, &[0xff; 4])),
        ("a WAV of 10^12 samples", 415, rf64.concat()),
        (
            "an AU of 4 GB",
            422,
            [b".snd\0\0\0\x18\xff\xff\xff\xf0\0\0\0\x01\0\0\x1f\x40\0\0\0\x01", &[0; 800][..]].concat(),
        ),
        (
            "an AU whose audio is far off",
            422,
            [b".snd\xff\xff\xff\xf0\0\0\0\x64\0\0\0\x01\0\0\x1f\x40\0\0\0\x01", &[0; 800][..]].concat(),
        ),
        ("an ID3 tag of 256 MiB", 422, [b"ID3\x04\0\0\x7f\x7f\x7f\x7f", &[0; 800][..]].concat()),
        ("a million ID3 tags", 422, b"ID3\x04\0\0\0\0\0\0".repeat(1 << 20)),
        ("an MP3 of 4 billion frames", 422, xing.concat()),
        ("a WAV of a million chunks", 422, [&whole[..36], &b"junk\0\0\0\0".repeat(1 << 20)].concat()),
        (
            "an Ogg whose checksum is wrong",
            422,
            [b"OggS\0\x02", &[0xff; 20][..], b"\x01\x13OpusHead", &[1; 11]].concat(),
        ),
        ("an Ogg of empty pages", 422, [b"OggS\0\x02", &[0; 21][..]].concat().repeat(1 << 18)),
        ("zeros", 415, vec![0; 30 << 20]),
    ] {
        victim.refuses(what, status, &victim.deposit("audio/wav", &recording)).await;
        let form = [MESSAGE.as_bytes(), b"{}", AUDIO.as_bytes(), &recording, b"\r\n--x--\r\n"].concat();
        victim.refuses(what, status, &victim.deposit(BOUNDARY, form)).await;
    }
}

#[tokio::test]
async fn json_that_is_nested_100_000_deep_is_refused() {
    let victim = Victim::new().await;
    let (alice, admin, gateway) = (victim.centre.agent("alice"), victim.centre.admin(), victim.gateway());
    let (lists, objects) = ("[".repeat(100_000), "{\"ids\":".repeat(100_000));
    let closed = format!("{lists}{}", "]".repeat(100_000));
    for nested in [&lists, &objects, &closed] {
        for name in ["", "ids", "read", "members", "kind", "settings", "caller_id", "urgent"] {
            let body = if name.is_empty() { nested.clone() } else { format!("{{\"{name}\":{nested}") };
            for (who, request) in [
                (&alice, "POST /v1/mailboxes/5001/messages/read"),
                (&alice, "POST /v1/mailboxes/5001/messages/delete"),
                (&admin, "PUT /v1/mailboxes/5002"),
                (&admin, "PUT /v1/groups/sales"),
            ] {
                let request_bytes = who.raw_request(gateway, request, "application/json", body.as_bytes());
                victim.refuses(request, 400, &request_bytes).await;
            }
            let short = &body[..body.len().min(60_000)];
            for facts in [&body, short] {
                let form = format!("{MESSAGE}{facts}{AUDIO}RIFF\r\n--x--\r\n");
                victim.refuses("a form", 400, &victim.deposit(BOUNDARY, form)).await;
            }
        }
    }
    // A field that is not known is ignored, whatever is in it.
    let ignored = format!("{{\"surprise\":{closed},\"ids\":[\"x\"]}}");
    let request = "POST /v1/mailboxes/5001/messages/delete";
    let ignored = alice.raw_request(gateway, request, "application/json", ignored.as_bytes());
    assert_eq!(victim.survives("ignored", &ignored).await.status, 200);
}

#[tokio::test]
async fn a_form_that_lies_is_refused() {
    let victim = Victim::new().await;
    let audio = String::from_utf8_lossy(b"RIFF").into_owned();
    let good = format!("{MESSAGE}{{}}{AUDIO}{audio}\r\n--x--\r\n");
    let part = |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nx\r\n");
    let long = "x".repeat(1 << 20);
    for (what, form) in [
        ("1,000 parts more", good.replace("--x--", &format!("{}--x--", part("more").repeat(1000)))),
        ("1,000 parts before", format!("{}{good}", part("more").repeat(1000))),
        ("two recordings", good.replace("--x--", &format!("{}--x--", part("audio")))),
        ("two messages", format!("{MESSAGE}{{}}\r\n{good}")),
        ("a message behind", good.replace("--x--", &format!("{}--x--", part("message")))),
        ("no end", good.replace("--x--", "")),
        ("no parts", "--x--\r\n".to_owned()),
        ("another boundary", good.replace("--x", "--y")),
        ("no boundary at all", long.clone()),
        ("a head of 1 MB", good.replacen("\r\n\r\n", &format!("\r\nX: {long}\r\n\r\n"), 1)),
        ("a name of 1 MB", good.replace("\"audio\"", &format!("\"{long}\""))),
        ("a head without end", good.replacen("\r\n\r\n", &format!("\r\nX: {long}"), 1)),
        ("1,000 lines", good.replacen("\r\n\r\n", &format!("\r\n{}\r\n", "X: x\r\n".repeat(1000)), 1)),
        ("a preamble of 1 MB", format!("{long}\r\n{good}")),
        ("facts of 1 MB", good.replace("{}", &format!("{{\"x\":\"{long}\"}}"))),
        ("facts that are no JSON", good.replace("{}", "\u{0}")),
        ("a part without a name", good.replace("; name=\"audio\"", "")),
        ("a NUL in a name", good.replace("\"audio\"", "\"audio\u{0}\"")),
    ] {
        victim.refuses(what, 400, &victim.deposit(BOUNDARY, form)).await;
    }
    for content_type in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"",
        &format!("multipart/form-data; boundary={}", "x".repeat(1000)),
    ] {
        victim.refuses(content_type, 400, &victim.deposit(content_type, &good)).await;
    }
    victim
        .refuses("a recording that is none", 415, &victim.deposit(BOUNDARY, good.replace("RIFF", "none")))
        .await;
    victim.refuses("a form that is none", 415, &victim.deposit("audio/wav", &good)).await;
}

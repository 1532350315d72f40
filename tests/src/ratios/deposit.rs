//! The deposit of 30 s of µ-law by 16 clients, against as many threads that write the same bytes into files of one
//! folder: write, fsync, rename, fsync of the folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::service::{Running, request};
use super::{Plan, Row, in_turns, median};

const CLIENTS: usize = 16;
const SECONDS: u32 = 30;

/// A WAV file of so many seconds of G.711 µ-law, of which no two samples in a row are the same.
pub(super) fn recording(seconds: u32) -> Bytes {
    let length = seconds * 8000;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(50 + length).to_le_bytes());
    // G.711 µ-law is format 7: one channel, 8000 samples and 8000 bytes a second, 1 byte a block, 8 bits.
    file.extend_from_slice(b"WAVEfmt \x12\0\0\0\x07\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0\0\0");
    file.extend_from_slice(b"fact\x04\0\0\0");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend((0..length).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]));
    file.into()
}

/// Each round in a mailbox and in a folder of its own, each deposit from a caller who never called before.
pub(super) fn measure(service: &Running, plan: &Plan) -> Vec<Row> {
    let audio = recording(SECONDS);
    let mut clients = service.clients(CLIENTS);
    let mut turn = 0;
    let rounds = in_turns::<2>(plan.rounds, |which| {
        turn += 1;
        let took = if which == 0 {
            let mailbox = format!("deposits-{turn}");
            service.make(&mailbox);
            let one = |client: usize, number: usize| {
                let mut request =
                    request("POST", &format!("/v1/mailboxes/{mailbox}/messages"), "deposit", audio.clone());
                let caller = format!("+4930{turn:03}{client:02}{number:02}").parse().unwrap();
                request.headers_mut().insert("voicemail-caller-id", caller);
                request
            };
            let of = |client| (0..plan.deposits).map(|number| one(client, number)).collect();
            clients.all((0..CLIENTS).map(of).collect())
        } else {
            let folder = service.data().join(format!("plain-{turn}"));
            fs::create_dir(&folder).unwrap();
            plain(&folder, &audio, plan.deposits)
        };
        f64::from(u32::try_from(CLIENTS * plan.deposits).unwrap()) / took.as_secs_f64()
    });
    let ratio = median(rounds.iter().map(|[ours, plain]| ours / plain));
    vec![Row {
        what: format!("deposit of {SECONDS} s of µ-law, {CLIENTS} clients, against {CLIENTS} threads"),
        figures: [0, 1].map(|which| format!("{:.0}/s", median(rounds.iter().map(|rates| rates[which])))),
        ratio,
        floor: Some(("at least 0.4", ratio >= 0.4)),
    }]
}

fn plain(folder: &Path, bytes: &[u8], files: usize) -> Duration {
    let begun = Instant::now();
    thread::scope(|scope| {
        for thread in 0..CLIENTS {
            scope.spawn(move || {
                for number in 0..files {
                    let name = folder.join(format!("{thread}-{number}"));
                    let temporary = name.with_extension("tmp");
                    let mut file = File::create_new(&temporary).unwrap();
                    file.write_all(bytes).unwrap();
                    file.sync_all().unwrap();
                    fs::rename(&temporary, &name).unwrap();
                    File::open(folder).unwrap().sync_all().unwrap();
                }
            });
        }
    });
    begun.elapsed()
}

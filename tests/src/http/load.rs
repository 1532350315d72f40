//! What clients do under load, and what they must find afterwards.

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::{Random as _, SeededRandom, SystemRandom};
use serde_json::Value;

use super::ask::Ask;
use super::call::wav;
use super::centre::{Centre, Person, id};

/// The seed of a run's chances, where a failure is to be repeated.
const SEED: &str = "VOICEMAIL_TESTS_SEED";
/// `long`: the long form of what has one.
const FORM: &str = "VOICEMAIL_TESTS";

/// Whether the long form is wanted.
pub fn is_long() -> bool {
    std::env::var(FORM).is_ok_and(|form| form == "long")
}

/// Chances that a seed repeats.
#[derive(Debug)]
pub struct Chance(SeededRandom);

impl Chance {
    /// The seed that the environment names, else a fresh one; printed, so that a failure can be repeated.
    #[expect(clippy::print_stderr, reason = "shown where the test fails")]
    pub fn seed() -> u64 {
        let named = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a seed is a number"));
        let seed = named.unwrap_or_else(|| number(SystemRandom.bytes()));
        eprintln!("{SEED}={seed}");
        seed
    }

    /// The chances of one of several who draw.
    pub fn of(seed: u64, who: usize) -> Self {
        Self(SeededRandom::new(seed.wrapping_add(who as u64)))
    }

    /// A number below this one, which is not 0.
    pub fn below(&self, bound: u64) -> u64 {
        number(self.0.bytes()) % bound
    }

    /// One of them; there is one.
    pub fn pick<T: Copy>(&self, among: &[T]) -> T {
        among[usize::try_from(self.below(among.len() as u64)).unwrap()]
    }
}

fn number(bytes: [u8; 10]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What an agent does to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Mark it read.
    Read,
    /// Mark it new.
    Unread,
    /// Delete it.
    Delete,
    /// Take the delete back.
    Undo,
}

impl Act {
    /// What takes it back.
    pub fn opposite(self) -> Self {
        match self {
            Self::Read => Self::Unread,
            Self::Unread => Self::Read,
            Self::Delete => Self::Undo,
            Self::Undo => Self::Delete,
        }
    }

    /// The request.
    pub fn ask(self, who: &Person, mailbox: &str, message: &str) -> Ask {
        let path = format!("{mailbox}/messages/{message}");
        match self {
            Self::Read => who.put(&format!("{path}/read")),
            Self::Unread => who.delete(&format!("{path}/read")),
            Self::Delete => who.delete(&path),
            Self::Undo => who.post(&format!("{path}/undo")),
        }
    }
}

/// What agents can change of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    read: bool,
    deleted: bool,
}

impl State {
    /// What can be done to it; some of it changes nothing.
    pub fn acts(self) -> &'static [Act] {
        if self.deleted {
            &[Act::Undo, Act::Delete]
        } else {
            &[Act::Read, Act::Unread, Act::Delete, Act::Undo]
        }
    }

    /// The state after an act.
    pub fn after(self, act: Act) -> Self {
        match act {
            Act::Read => Self { read: true, ..self },
            Act::Unread => Self { read: false, ..self },
            Act::Delete => Self { deleted: true, ..self },
            Act::Undo => Self { deleted: false, ..self },
        }
    }

    /// The folder that shows it.
    pub fn folder(self) -> &'static str {
        match self {
            Self { deleted: true, .. } => "trash",
            Self { read: true, .. } => "old",
            Self { .. } => "new",
        }
    }

    /// Whether a listing of this folder shows it; `""`: without a folder.
    pub fn is_in(self, folder: &str) -> bool {
        if folder.is_empty() { !self.deleted } else { self.folder() == folder }
    }

    /// The state that a message shows.
    pub fn of(message: &Value) -> Self {
        let state = Self { read: message["read_at"].is_string(), deleted: message["purge_at"].is_string() };
        assert_eq!(message["folder"], state.folder(), "{message}");
        state
    }
}

/// A recording of so many milliseconds that no other number has.
pub fn numbered(number: u64, millis: u32) -> Bytes {
    let mut file = wav(millis).to_vec();
    let samples = file.len() - 8;
    file[samples..].copy_from_slice(&number.to_le_bytes());
    file.into()
}

/// Every message that a folder shows, page by page; each page is asked by whoever `who` gives.
pub async fn pages(who: impl Fn() -> Person, mailbox: &str, folder: &str, limit: u64) -> Vec<Value> {
    let (mut messages, mut cursor) = (Vec::<Value>::new(), String::new());
    loop {
        let folder = if folder.is_empty() { String::new() } else { format!("&folder={folder}") };
        let page =
            who().get(&format!("{mailbox}/messages?limit={limit}{folder}{cursor}")).await.is(200).json();
        messages.extend(page["messages"].as_array().unwrap().iter().cloned());
        let newest_first = messages.is_sorted_by(|one, next| id(one) > id(next));
        assert!(newest_first, "{:?}", messages.iter().map(id).collect::<Vec<_>>());
        let Some(next) = page["next"].as_str() else { return messages };
        cursor = format!("&cursor={next}");
    }
}

impl Centre {
    /// That there are the recordings and the callers of these messages alone, and nothing of any other deposit.
    #[track_caller]
    pub fn keeps_only(&self, messages: &BTreeSet<String>) {
        let below = |folder: &str| {
            let mut names = Vec::new();
            for path in self.files() {
                let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
                if parts.contains(&folder) && !parts.contains(&".tmp") {
                    names.push(parts[parts.len() - 1].to_owned());
                }
            }
            names
        };
        for folder in ["arriving", "dead"] {
            assert_eq!(below(folder), [""; 0], "{folder}");
        }
        // A caller's part of a name comes before the message.
        for (folder, id) in [("recordings", 0), ("callers", 1)] {
            let id_of = |name: &String| name.split('.').nth(id).unwrap().to_owned();
            let mut of: Vec<_> = below(folder).iter().map(id_of).collect();
            of.sort();
            // A second file of a message is one too many, too.
            let is_left = |n: &usize| !messages.contains(&of[*n]) || (*n > 0 && of[*n - 1] == of[*n]);
            let left: Vec<_> = (0..of.len()).filter(is_left).map(|n| &of[n]).collect();
            let lost: Vec<_> = messages.iter().filter(|id| of.binary_search(id).is_err()).collect();
            assert!(left.is_empty() && lost.is_empty(), "{folder}: left over {left:?}, lost {lost:?}");
        }
    }
}

//! Export Me: the list in pages, then each recording that is not here yet, and at last what belongs to whom.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value, json};

use crate::download::Recording;
use crate::ended::Ended;
use crate::input::Input;
use crate::numbers::say_numbers;
use crate::output::{OUTPUT, Output};
use crate::service::Service;
use crate::web::path;

/// The files of the folder that are no recordings.
const OWN_FILES: [&str; 4] = ["output.json", "execution.log", "certificate.jws", "certificate.json"];

/// How often a list is read that changes while it is.
const MAX_READINGS: usize = 3;

/// Exports, and writes `output.json` when all that it names is there.
pub(crate) fn run(service: &mut Service, input: &Input, output: &mut Output) -> Result<(), Ended> {
    let (answer, files) = read(service, input, output)?;
    let mut wanted = Vec::new();
    for (name, file) in &files {
        let bytes = file.get("bytes").and_then(Value::as_u64);
        let bytes = bytes.filter(|_| is_file_name(name)).ok_or_else(nonsense)?;
        // With its mailbox the service finds it in one look.
        let mailbox = file.pointer("/message/mailbox").and_then(Value::as_str);
        let query = [("mailbox", mailbox), ("ccid", input.ccid())];
        wanted.push(Recording { name, path: path(&["v1", "gdpr", "files", name], &query), bytes });
    }
    let is_fetched = |it: &Recording<'_>| {
        fs::metadata(output.path(it.name)).is_ok_and(|is| is.is_file() && is.len() == it.bytes)
    };
    let (fetched, missing): (Vec<_>, Vec<_>) = wanted.into_iter().partition(is_fetched);
    let count = |these: &[Recording<'_>]| these.iter().map(|it| it.bytes).sum::<u64>();
    let (mut there, all) = (count(&fetched), count(&fetched) + count(&missing));
    output.say(&format!("Recordings: {}, already here: {}.", files.len(), fetched.len()))?;
    output.begin(all);
    for recording in &missing {
        recording.fetch(service, output, there)?;
        there += recording.bytes;
        output.note(&format!("{} is here, {} bytes.", recording.name, recording.bytes))?;
    }
    output.end();
    output.write_json(OUTPUT, &answer)?;
    let nothing = say_numbers(&answer, output)?;
    output.say(&format!("Export Me is done: {all} bytes.{nothing}"))
}

/// All pages: the answer as it is kept, and its files.
fn read(
    service: &mut Service,
    input: &Input,
    output: &mut Output,
) -> Result<(Value, Map<String, Value>), Ended> {
    for _ in 0..MAX_READINGS {
        let (mut files, mut cursor) = (Map::new(), None::<String>);
        let mut answer = loop {
            let mut page = service.ask(output, "/v1/gdpr/exportme", Some(&input.body(cursor.as_deref())))?;
            if let Some(Value::Object(some)) = page.get_mut("files").map(Value::take) {
                files.extend(some);
            }
            let next = page.get("next").and_then(Value::as_str).map(str::to_owned);
            if next.is_none() {
                break page;
            }
            if next == cursor {
                return Err(nonsense());
            }
            cursor = next;
        };
        let named = named(&answer).ok_or_else(nonsense)?;
        // What was purged, or came, between two pages is in one of them only.
        if named.iter().all(|name| files.contains_key(name)) {
            files.retain(|name, _| named.contains(name));
            if let Some(fields) = answer.as_object_mut() {
                fields.remove("next");
                fields.insert("files".into(), described(&files));
            }
            return Ok((answer, files));
        }
    }
    Err(Ended::Failed("The messages of these callers change all the time; try again later.".into()))
}

/// The names that the numbers have.
fn named(answer: &Value) -> Option<BTreeSet<String>> {
    let consumers = answer.get("consumers")?.as_object()?;
    let lists: Option<Vec<_>> = consumers.values().map(Value::as_array).collect();
    lists?.into_iter().flatten().map(|name| name.as_str().map(str::to_owned)).collect()
}

/// What is kept of each: not where the service had it.
fn described(files: &Map<String, Value>) -> Value {
    let kept = |file: &Value| json!({"bytes": file.get("bytes"), "message": file.get("message")});
    files.iter().map(|(name, file)| (name.clone(), kept(file))).collect::<Map<_, _>>().into()
}

/// Whether this can be a file of the output folder and none of our own.
fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_taken = OWN_FILES.contains(&name);
    (1..=200).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with('.') && !is_taken
}

fn nonsense() -> Ended {
    Ended::Failed("The service's list of recordings makes no sense; is --url right?".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_service_stays_in_the_folder_and_takes_no_file_of_ours() {
        assert!(is_file_name("0198b2f0-5a10-7c3e-8f11-2a4b6c8d0e1f.wav"));
        for name in
            ["", ".", "..", "../x", "a/b", ".ssh", "a\\b", "a b", "output.json", "execution.log", "\u{e4}"]
        {
            assert!(!is_file_name(name), "{name:?}");
        }
        assert!(!is_file_name(&"x".repeat(201)));
    }

    #[test]
    fn names_are_those_of_all_numbers_and_anything_else_is_no_answer() {
        let answer = json!({"consumers": {"1": ["a.wav", "b.wav"], "2": [], "3": ["a.wav"]}});
        assert_eq!(named(&answer), Some(["a.wav".to_owned(), "b.wav".to_owned()].into()));
        for wrong in [
            json!({}),
            json!({"consumers": []}),
            json!({"consumers": {"1": {}}}),
            json!({"consumers": {"1": [7]}}),
        ] {
            assert_eq!(named(&wrong), None, "{wrong}");
        }
    }
}

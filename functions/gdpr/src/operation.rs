//! What the tool does, from its command line to its output.

use serde_json::Value;

use crate::args::{Args, Operation};
use crate::credential::Credential;
use crate::ended::Ended;
use crate::input::Input;
use crate::numbers::say_numbers;
use crate::output::{OUTPUT, Output};
use crate::service::Service;
use crate::web::path;
use crate::{certificate, export};

/// Does what was asked for.
pub(crate) fn run(args: &Args) -> Result<(), Ended> {
    let given = args.given(|name| std::env::var(name).ok())?;
    let credential = Credential::read(&given, args.basic)?;
    let input = Input::read(&args.input)?;
    if matches!(credential, Credential::Client(_)) && input.ccid().is_none() {
        return Err(Ended::Usage("With client credentials the input must hold the ccid.".into()));
    }
    let caseid = input.caseid();
    let mut service = Service::new(args, credential)?;
    let mut output = Output::open(&args.output)?;
    output.note(&format!("{} begins, version {}.", args.operation.name(), env!("CARGO_PKG_VERSION")))?;
    let done = match (args.operation, caseid) {
        (Operation::Forgetme, _) => forget(&mut service, &input, &mut output),
        (Operation::Undoforget, _) => undo(&mut service, &input, &mut output),
        (Operation::Exportme, _) => export::run(&mut service, &input, &mut output),
        (Operation::Status, Some(caseid)) => status(&mut service, &input, caseid, &mut output),
        (Operation::Status, None) => {
            Err(Ended::Usage("For the status of a case the input must hold its caseid.".into()))
        }
    };
    if let Err(Ended::Usage(sentence) | Ended::Failed(sentence)) = &done {
        output.end();
        // Where the disk is full, only the terminal can tell.
        let _ = output.note(sentence);
    }
    done
}

fn forget(service: &mut Service, input: &Input, output: &mut Output) -> Result<(), Ended> {
    let answer = service.ask(output, "/v1/gdpr/forgetme", Some(&input.body(None)))?;
    output.write_json(OUTPUT, &answer)?;
    match text(&answer, "status") {
        "" => Err(Ended::Failed("The answer is about no case: is --url that of the service?".into())),
        "undone" => Err(Ended::Failed(
            "This case was undone, so nothing is forgotten; a closed case is never opened again: take another caseid.".into(),
        )),
        status => {
            let (undo, purge) = (text(&answer, "undo_until"), text(&answer, "purge_at"));
            let nothing = say_numbers(&answer, output)?;
            output.say(&format!(
                "Forget Me is {status}. Messages: {}. Undo works until {undo}; all is gone by {purge}.{nothing}",
                messages(&answer)
            ))
        }
    }
}

fn undo(service: &mut Service, input: &Input, output: &mut Output) -> Result<(), Ended> {
    let answer = service.ask(output, "/v1/gdpr/undoforget", Some(&input.body(None)))?;
    output.write_json(OUTPUT, &answer)?;
    say_numbers(&answer, output)?;
    output.say(&format!("Undo is done. Messages: {}.", messages(&answer)))
}

/// Tells how a case stands, and keeps its certificate once it is checked.
fn status(service: &mut Service, input: &Input, caseid: &str, output: &mut Output) -> Result<(), Ended> {
    let case = path(&["v1", "gdpr", "cases", caseid], &[("ccid", input.ccid())]);
    let answer = service.ask(output, &case, None)?;
    if let Some(jws) = answer.get("certificate").and_then(Value::as_str) {
        let keys = service.ask(output, "/.well-known/voicemail-jwks.json", None)?;
        let said = certificate::check(jws, &keys, caseid).map_err(|why| {
            Ended::Failed(format!("The certificate of this case cannot be trusted: {why}."))
        })?;
        output.write("certificate.jws", jws.as_bytes())?;
        output.write_json("certificate.json", &said)?;
        output.say("The certificate is signed by the service, and is kept.")?;
    }
    output.write_json(OUTPUT, &answer)?;
    output.say(&format!("The case is {}.", text(&answer, "status")))
}

/// How many messages an answer is about, by region: never by number.
fn messages(answer: &Value) -> String {
    let regions = answer.get("regions").and_then(Value::as_array);
    let regions: Vec<_> = regions
        .into_iter()
        .flatten()
        .map(|region| {
            let count = region.get("messages").and_then(Value::as_u64).unwrap_or_default();
            let reached = region.get("reached").and_then(Value::as_bool) != Some(false);
            format!(
                "{count} in {}{}",
                text(region, "region"),
                if reached { "" } else { ", which was not reached" }
            )
        })
        .collect();
    if regions.is_empty() { "0".to_owned() } else { regions.join(", ") }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

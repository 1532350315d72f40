//! Whether a mailbox takes a recording.

use axum::body::Bytes;
use domain::Mailbox;
use web::{Code, Fault, Problem};

use crate::intake::inspect;

/// Whether the mailbox takes this recording.
pub(crate) async fn admit(
    mailbox: Option<&Mailbox>,
    audio: Result<Bytes, Problem>,
) -> Result<(&Mailbox, Bytes, audio::Recording), Problem> {
    let mailbox = mailbox.ok_or_else(|| Problem::not_found("mailbox"))?;
    open(mailbox)?;
    let audio = audio?;
    let recording = inspect(&audio).await?.map_err(|refusal| {
        let detail = refusal.to_string();
        match refusal {
            audio::Refusal::Unsupported(_) => Problem::new(Code::UnsupportedAudio, detail),
            audio::Refusal::Broken(_) => {
                let errors = vec![Fault::new("audio", detail.as_str())];
                Problem { errors, ..Problem::new(Code::BrokenAudio, detail) }
            }
        }
    })?;
    let seconds = mailbox.settings.max_message_seconds;
    if recording.duration.as_secs_f64() > f64::from(seconds) {
        return Err(Problem::new(
            Code::TooLong,
            format!("The mailbox takes messages of up to {seconds} seconds."),
        ));
    }
    Ok((mailbox, audio, recording))
}

/// Refuses where the mailbox is disabled.
pub(crate) fn open(mailbox: &Mailbox) -> Result<(), Problem> {
    if mailbox.enabled {
        return Ok(());
    }
    Err(Problem::new(Code::MailboxDisabled, "The mailbox takes no messages; an administrator can enable it."))
}

/// Refuses where the mailbox is full.
pub(crate) fn within(mailbox: &Mailbox, stored: u32) -> Result<(), Problem> {
    if stored < mailbox.settings.max_messages {
        return Ok(());
    }
    Err(Problem::new(Code::MailboxFull, "The mailbox holds as many messages as it may; delete some."))
}

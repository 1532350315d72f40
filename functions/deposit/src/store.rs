//! One deposit, whatever brought it.

use axum::body::Bytes;
use domain::{Attempt, AudioKey, Facts, Mailbox, MailboxId, Message, MessageId, READER, Reading, Region};
use host::{App, Tenancy};
use privacy::erasure;
use storage::{ArriveOutcome, Deposit, InsertOutcome, Lookup, MessageRef, Recordings};
use web::{Code, Problem};

use crate::admit::{admit, within};
use crate::call::Call;

/// What became of a deposit.
#[derive(Debug)]
pub enum DepositOutcome {
    /// A new message.
    Created(Box<Message>),
    /// The message that an earlier delivery of the call made.
    Repeat(Box<Message>),
}

/// Stores a recording in a region. A repeat of a call is looked for first, so that it is answered by its message even where the
/// mailbox is full, disabled or gone by now, and whatever audio comes with it.
///
/// # Errors
/// The refusal of what is not taken, or 503 where the storage does not answer.
pub async fn store(
    app: &App,
    tenancy: &Tenancy,
    region: &Region,
    mailbox_id: MailboxId,
    mailbox: Option<Mailbox>,
    call: Call,
    audio: Result<Bytes, Problem>,
) -> Result<DepositOutcome, Problem> {
    let (key, now) = (tenancy.key().await?, app.clock.now());
    let taken_at = call.received_at.unwrap_or(now);
    let id = match &call.call_id {
        Some(call_id) => MessageId::of_call(taken_at, &mailbox_id, call_id, key),
        None => MessageId::random(taken_at, app.random.as_ref()),
    };
    let (mailbox, audio, recording) = match admit(mailbox.as_ref(), audio).await {
        Ok(admitted) => admitted,
        Err(refusal) => {
            let call = call.call_id.map(|_| id);
            return refused(tenancy, &mailbox_id, mailbox.as_ref(), call, refusal).await;
        }
    };
    let attempt = Attempt::draw(app.random.as_ref());
    let reading = call.caller_id.and_then(|received| Reading::of(&received, tenancy.tenant.numbering));
    let has_two_readings = reading.as_ref().is_some_and(|reading| reading.has_two_readings);
    let caller = reading.map(|reading| reading.caller);
    let facts = Facts {
        id,
        attempt: attempt.clone(),
        mailbox: mailbox_id.clone(),
        generation: mailbox.generation,
        subject: caller.as_ref().map(|caller| key.subject(caller)),
        caller,
        reader: READER,
        caller_name: call.caller_name,
        // The platform's clock may be ahead; what a case covers is told by ours.
        received_at: taken_at.min(now),
        duration_ms: u64::try_from(recording.duration.as_millis()).unwrap_or(u64::MAX),
        media_type: recording.kind.media_type().to_owned(),
        bytes: audio.len() as u64,
        urgent: call.urgent,
        region: region.clone(),
        audio: AudioKey::new(now, id, attempt, mailbox_id, recording.kind.extension()),
    };
    let deposited = commit(tenancy, mailbox, &Deposit { facts, begun_at: now }, audio).await?;
    if let DepositOutcome::Created(message) = &deposited {
        if has_two_readings {
            metrics::counter!("voicemail_ambiguous_numbers_total").increment(1);
        }
        erasure(app, tenancy).schedule_deletion_if_hidden(message).await;
    }
    Ok(deposited)
}

/// How a deposit is answered that is not taken: a repeat by its message, and a full mailbox as full whatever is wrong
/// with the recording.
async fn refused(
    tenancy: &Tenancy,
    mailbox_id: &MailboxId,
    mailbox: Option<&Mailbox>,
    call: Option<MessageId>,
    refusal: Problem,
) -> Result<DepositOutcome, Problem> {
    if let Some(id) = call {
        match tenancy.metadata().message(mailbox_id, id).await? {
            Lookup::Nothing => {}
            found => return repeat(found),
        }
    }
    let is_of_audio =
        matches!(refusal.code, Code::UnsupportedAudio | Code::BrokenAudio | Code::TooLong | Code::TooLarge);
    if let Some(mailbox) = mailbox.filter(|_| is_of_audio) {
        within(mailbox, tenancy.metadata().counts(mailbox_id).await?.counts.stored())?;
    }
    Err(refusal)
}

/// Two steps to the storage: everything that carries the attempt, then the commit.
async fn commit(
    tenancy: &Tenancy,
    mailbox: &Mailbox,
    deposit: &Deposit,
    audio: Bytes,
) -> Result<DepositOutcome, Problem> {
    let Deposit { facts, .. } = deposit;
    let recordings = tenancy.storage.recordings_in(&facts.region)?;
    let put = recordings.put(&facts.audio, audio, &facts.media_type, facts.subject.as_ref());
    let arrived = match tenancy.metadata().arrive(deposit, put).await {
        Ok(ArriveOutcome::Arrived(stored)) => within(mailbox, stored),
        Ok(ArriveOutcome::Taken(found)) => return repeat(found),
        Err(error) => Err(error.into()),
    };
    if let Err(refusal) = arrived {
        take_back(tenancy, recordings, facts).await;
        return Err(refusal);
    }
    // Where this fails it is not known who was created: nothing is taken back, the sweep finds out.
    let outcome = match tenancy.metadata().insert(deposit).await? {
        InsertOutcome::Created(message) => {
            metrics::counter!("voicemail_deposits_total").increment(1);
            return Ok(DepositOutcome::Created(message));
        }
        InsertOutcome::Taken(found) => repeat(found),
        InsertOutcome::Forgotten => repeat(Lookup::Gone),
        InsertOutcome::Fenced => {
            let detail = "The storage was too slow. Nothing is stored; repeat the deposit.";
            Err(Problem::new(Code::StorageUnavailable, detail))
        }
    };
    take_back(tenancy, recordings, facts).await;
    outcome
}

/// Takes back what this attempt made and nothing else. Cut off or failed, the sweep does it later.
async fn take_back(tenancy: &Tenancy, recordings: &dyn Recordings, facts: &Facts) {
    let taken = async {
        recordings.delete(&facts.audio).await?;
        tenancy.metadata().withdraw(&MessageRef::from(facts)).await
    };
    if let Err(error) = taken.await {
        tracing::warn!(error = storage::causes(&error), "an attempt is left for the sweep to take back");
    }
}

/// How a repeat is answered: by the message where a folder shows it, else so that the platform stops and sees nothing.
fn repeat(found: Lookup) -> Result<DepositOutcome, Problem> {
    found.shown().map(Box::new).map(DepositOutcome::Repeat).ok_or_else(|| {
        Problem::new(Code::Gone, "This call was deposited before and is gone; do not send it again.")
    })
}

//! Changes that an SDK sends again, as their answers were lost, when others have changed the same message since.

use domain::TakeOutcome;

use crate::fixture::{Call, Namespace, after, taken_by};
use crate::proxy::{Proxy, Weather};

/// A give-back whose answer is lost, and which comes again when somebody has taken the message since: that one keeps it. `direct`:
/// the same tenant past the proxy; `write`: the request that changes a message.
pub async fn a_give_back_that_is_sent_again_takes_nothing_from_the_next_holder(
    space: &Namespace,
    direct: &Namespace,
    proxy: &Proxy,
    write: &'static str,
) {
    let mailbox = space.mailbox("5001").await;
    let facts = space.deposit(&Call::to(&mailbox)).await.facts;
    space.taken(&facts, "alice").await;
    let mut sent = 0;
    proxy.forecast(move |request| {
        sent += usize::from(request == write);
        match sent {
            1 if request == write => Weather::AnswerLost,
            2 if request == write => Weather::Held,
            _ => Weather::Fair,
        }
    });
    let next = async {
        while direct.stored(&facts).await.taking.mark().is_some() {}
        let taken = direct.taken(&facts, "bob").await;
        proxy.let_through();
        taken
    };
    let (given_back, taken) = futures::join!(space.give_back(&facts), next);
    assert_eq!(given_back.as_ref(), Some(&taken), "the message as it stands by then");
    direct.assert_unchanged(&taken).await;
}

/// A take-over whose answer is lost, that of its write number `write_number`: it is done once, and still tells from whom.
pub async fn a_take_over_whose_answer_is_lost_is_done_once_and_tells_from_whom(
    space: &Namespace,
    proxy: &Proxy,
    write: &'static str,
    write_number: usize,
) {
    let mailbox = space.mailbox("5001").await;
    let facts = space.deposit(&Call::to(&mailbox)).await.facts;
    space.taken(&facts, "alice").await;
    let mut sent = 0;
    proxy.forecast(move |request| {
        sent += usize::from(request == write);
        if request == write && sent == write_number { Weather::AnswerLost } else { Weather::Fair }
    });
    let outcome = space.take(&facts, &taken_by("bob", after(2)), true).await;
    let TakeOutcome::Taken { message, from: Some(from) } = outcome else { panic!("{outcome:?}") };
    assert_eq!((from.as_str(), message.taking.number()), ("alice", 3));
    space.assert_unchanged(&message).await;
}

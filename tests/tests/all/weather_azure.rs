//! Answers of Blob Storage that are lost.

use tests::azurite::{behind_a_proxy, past_the_proxy};
use tests::sent_again;

const WRITE: &str = "SetBlobMetadata";

#[tokio::test]
async fn a_give_back_that_is_sent_again_takes_nothing_from_the_next_holder() {
    let (space, proxy) = behind_a_proxy().await;
    let direct = past_the_proxy(&space).await;
    sent_again::a_give_back_that_is_sent_again_takes_nothing_from_the_next_holder(
        &space, &direct, &proxy, WRITE,
    )
    .await;
}

#[tokio::test]
async fn a_take_over_whose_answer_is_lost_is_done_once_and_tells_from_whom() {
    let (space, proxy) = behind_a_proxy().await;
    sent_again::a_take_over_whose_answer_is_lost_is_done_once_and_tells_from_whom(&space, &proxy, WRITE, 1)
        .await;
}

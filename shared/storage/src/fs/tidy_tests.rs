use super::super::testing::*;
use crate::{Arrival, Index as _};

#[tokio::test]
async fn a_message_that_was_deposited_is_listed() {
    let store = Store::new().await;
    let deposit = store.born("030 1").await;
    assert_eq!(store.index.counts(&mailbox()).await.unwrap().urgent_new, 1);
    assert!(matches!(store.arrive(&again(deposit.facts.id, "030 1")).await.unwrap(), Arrival::Taken(_)));
}

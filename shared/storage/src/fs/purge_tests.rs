use super::super::testing::*;
use super::*;
use crate::Index as _;

#[tokio::test]
async fn a_message_of_another_try_is_not_buried() {
    let store = Store::new().await;
    let born = store.born("030 1").await;
    let loser = Remains::from(&again(born.facts.id, "030 1").facts);
    store.index.claim(&mailbox(), loser.id, &Claim::Case(case("k", "1", at(0)).key)).await.unwrap();
    store.index.bury(&loser, at(500)).await.unwrap();
    let row = Row::read(&store.index.tree().disk, &mailbox(), loser.id).unwrap();
    assert!(row.is_of(&born.facts.attempt));
}

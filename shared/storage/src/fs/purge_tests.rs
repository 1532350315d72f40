use domain::{Folder, Hold, Release, Released};

use super::super::testing::*;
use super::*;
use crate::{Found, Index as _};

fn trash() -> Hold {
    Hold::Trash { purge_at: at(500) }
}

/// What the sweep does with what is due.
async fn sweep(store: &Store) -> crate::Result<()> {
    for due in store.index.due(at(500), None, 100).await? {
        let Remains { mailbox, id, .. } = &due.remains;
        match store.index.claim(mailbox, *id, &Claim::Due(due.hold.clone())).await? {
            Claimed::Claimed => store.purge(&due.remains, at(500)).await?,
            Claimed::Gone => store.index.bury(&due.remains, at(500)).await?,
            Claimed::Undone => {}
        }
        store.index.settle(&due).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_deletion_cut_off_after_any_step_is_undone_or_finished_by_its_repeat() {
    let store = Store::new().await;
    let faults = &store.index.tree().disk.faults;
    for steps in 0.. {
        let id = store.born("030 1").await.facts.id;
        faults.stop_after(steps);
        let _ = store.index.hold(&mailbox(), id, &trash()).await;
        let was_cut_off = faults.heal();
        let Found::Message(message) = store.index.message(&mailbox(), id).await.unwrap() else {
            panic!("lost")
        };
        if message.folder() == Some(Folder::Trash) {
            let due = store.index.due(at(500), None, 100).await.unwrap();
            assert!(due.iter().any(|due| due.remains.id == id), "held for ever after {steps} steps");
        }
        let held = store.index.hold(&mailbox(), id, &trash()).await.unwrap().unwrap();
        assert_eq!((held.folder(), held.purge_at()), (Some(Folder::Trash), Some(at(500))));
        let released = store.index.release(&mailbox(), id, &Release::Trash).await.unwrap();
        assert!(matches!(released, Released::Back(back) if back.folder() == Some(Folder::New)));
        if !was_cut_off {
            break;
        }
    }
}

#[tokio::test]
async fn a_purge_cut_off_after_any_step_is_finished_by_the_next_sweep() {
    let store = Store::new().await;
    let faults = &store.index.tree().disk.faults;
    for steps in 0.. {
        let id = store.born("030 1").await.facts.id;
        store.index.hold(&mailbox(), id, &trash()).await.unwrap();
        faults.stop_after(steps);
        let _ = sweep(&store).await;
        let was_cut_off = faults.heal();
        sweep(&store).await.unwrap();
        assert_eq!(store.index.message(&mailbox(), id).await.unwrap(), Found::Gone);
        let left = store.files_of(id);
        assert!(
            left.len() == 2 && left.iter().all(|path| !path.contains("marks") && !path.contains("holds")),
            "{steps}: {left:#?}"
        );
        assert_eq!(store.index.due(at(500), None, 100).await.unwrap(), []);
        if !was_cut_off {
            assert!(steps > 20, "or nothing was cut off");
            break;
        }
    }
}

#[tokio::test]
async fn an_undo_cut_off_after_any_step_leaves_the_message_whole() {
    let store = Store::new().await;
    let faults = &store.index.tree().disk.faults;
    for steps in 0.. {
        let id = store.born("030 1").await.facts.id;
        store.index.hold(&mailbox(), id, &trash()).await.unwrap();
        faults.stop_after(steps);
        let _ = store.index.release(&mailbox(), id, &Release::Trash).await;
        let was_cut_off = faults.heal();
        let released = store.index.release(&mailbox(), id, &Release::Trash).await.unwrap();
        assert!(matches!(released, Released::Back(back) if back.is_visible()), "after {steps} steps");
        sweep(&store).await.unwrap();
        assert_eq!(store.files_of(id).len(), 4, "the sweep found it undone");
        if !was_cut_off {
            break;
        }
    }
}

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

#[tokio::test]
async fn a_damaged_entry_does_not_keep_the_others_from_the_sweep() {
    let store = Store::new().await;
    let (damaged, whole) = (store.born("030 1").await.facts.id, store.born("030 2").await.facts.id);
    for id in [damaged, whole] {
        store.index.hold(&mailbox(), id, &trash()).await.unwrap();
    }
    let entry = store.files_of(damaged).into_iter().find(|path| path.contains("/due/")).unwrap();
    std::fs::write(store.folder.path().join(entry), "{").unwrap();
    sweep(&store).await.unwrap();
    assert!(matches!(store.index.message(&mailbox(), damaged).await, Ok(Found::Message(_))));
    assert!(matches!(store.index.message(&mailbox(), whole).await, Ok(Found::Gone)));
}

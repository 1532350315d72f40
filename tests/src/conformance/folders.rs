//! Read marks, pages and counts.
#![expect(missing_docs, reason = "the name of a case is its documentation")]

use domain::{Counts, Folder, Release};
use futures::StreamExt as _;
use storage::{Lookup, PageOf};

use crate::fixture::{ALICE, Call, Namespace, after, ids, mark, trash};

pub async fn marking_read_moves_a_message_from_new_to_old_and_back(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let alice = mark("alice", after(1));
    let read = space.read(&message.facts, &alice).await.unwrap();
    assert_eq!((read.folder(), &read.read), (Some(Folder::Old), &Some(alice)));
    assert_eq!(space.stored(&message.facts).await, read);
    assert_eq!(space.walk(&mailbox, Some(Folder::Old), 9).await, [read]);
    assert_eq!(space.walk(&mailbox, Some(Folder::New), 9).await, []);
    assert_eq!(space.unread(&message.facts).await, Some(message.clone()));
    assert_eq!(space.walk(&mailbox, Some(Folder::New), 9).await, std::slice::from_ref(&message));
    space.assert_unchanged(&message).await;
}

pub async fn whoever_marked_it_read_first_stays(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    let first = mark("alice", after(1));
    space.read(&message.facts, &first).await;
    let again = space.read(&message.facts, &mark("bob", after(2))).await.unwrap();
    assert_eq!(again.read, Some(first.clone()));
    assert_eq!(space.stored(&message.facts).await.read, Some(first));
    space.unread(&message.facts).await;
    let bob = mark("bob", after(3));
    assert_eq!(space.read(&message.facts, &bob).await.unwrap().read, Some(bob));
}

pub async fn marking_unread_what_is_unread_changes_nothing(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let message = space.deposit(&Call::to(&mailbox)).await;
    assert_eq!(space.unread(&message.facts).await, Some(message.clone()));
    space.assert_unchanged(&message).await;
}

pub async fn what_is_not_visible_cannot_be_marked(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let absent = space.attempt(&Call::to(&mailbox)).facts;
    let deleted = space.deposit(&Call::to(&mailbox)).await.facts;
    space.hold(&deleted, &trash(after(9))).await;
    let hidden = space.deposit(&Call::to(&mailbox).by("+4930999")).await.facts;
    space.read(&hidden, &mark("alice", after(1))).await;
    space.forget("1", &["+4930999"], after(1)).await;
    let purged = space.deposit(&Call::to(&mailbox)).await.facts;
    space.erase(&purged, after(9)).await;
    for facts in [absent, deleted, hidden, purged] {
        let before = space.look(&facts).await;
        assert_eq!(space.read(&facts, &mark("bob", after(2))).await, None);
        assert_eq!(space.unread(&facts).await, None);
        assert_eq!(space.look(&facts).await, before);
    }
}

pub async fn a_page_is_newest_first(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut expected = Vec::new();
    for second in [3, 1, 4, 5, 9, 2, 6] {
        expected.push(space.deposit(&Call::to(&mailbox).at(after(second))).await.facts.id);
    }
    expected.sort_by(|a, b| b.cmp(a));
    assert_eq!(space.listed(&mailbox).await, expected);
}

pub async fn a_page_of_one_folder_shows_that_folder_and_one_of_none_shows_new_and_old(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let trashed = space.deposit(&Call::to(&mailbox).at(after(1))).await.facts;
    let old = space.deposit(&Call::to(&mailbox).at(after(2))).await.facts;
    let new = space.deposit(&Call::to(&mailbox).at(after(3))).await.facts;
    space.read(&old, &mark("alice", after(4))).await;
    space.hold(&trashed, &trash(after(9))).await;
    let shown = async |folder| ids(&space.walk(&mailbox, folder, 9).await);
    assert_eq!(shown(Some(Folder::New)).await, [new.id]);
    assert_eq!(shown(Some(Folder::Old)).await, [old.id]);
    assert_eq!(shown(Some(Folder::Trash)).await, [trashed.id]);
    assert_eq!(shown(None).await, [new.id, old.id]);
}

pub async fn the_last_page_has_no_next(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for second in 0..4 {
        space.deposit(&Call::to(&mailbox).at(after(second))).await;
    }
    let all = space.listed(&mailbox).await;
    let page = async |before, limit| {
        let of = PageOf { folder: None, before, limit };
        space.metadata().page(&mailbox, of).await.unwrap()
    };
    let first = page(None, 2).await;
    assert_eq!((ids(&first.messages), first.next), (all[..2].to_vec(), Some(all[1])));
    let second = page(first.next, 2).await;
    assert_eq!((ids(&second.messages), second.next), (all[2..].to_vec(), None));
    assert_eq!(page(None, 4).await.next, None);
    assert_eq!(page(Some(all[3]), 4).await.messages, []);
}

pub async fn a_mailbox_that_was_never_made_is_empty(space: Namespace) {
    let mailbox = "5001".parse().unwrap();
    for folder in [None, Some(Folder::New), Some(Folder::Old), Some(Folder::Trash)] {
        assert_eq!(space.walk(&mailbox, folder, 9).await, []);
    }
    assert_eq!(space.counts(&mailbox).await, Counts::default());
}

pub async fn pages_walk_many_messages_each_exactly_once(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let calls = (0..300).map(|n| space.attempt(&Call::to(&mailbox).withheld().at(after(n % 40))));
    let deposits: Vec<_> = calls.collect();
    let mut created: Vec<_> = futures::stream::iter(&deposits)
        .map(|deposit| async { space.created(deposit).await.facts.id })
        .buffer_unordered(16)
        .collect()
        .await;
    created.sort_by(|a, b| b.cmp(a));
    for limit in [1, 7, 100, 299, 300, 301] {
        assert_eq!(ids(&space.walk(&mailbox, None, limit).await), created, "pages of {limit}");
    }
    assert_eq!(space.counts(&mailbox).await.new, 300);
}

pub async fn what_stays_visible_is_shown_once_while_messages_come_and_go_between_pages(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let mut stays = Vec::new();
    let mut goes = Vec::new();
    for second in 10..30 {
        let facts = space.deposit(&Call::to(&mailbox).at(after(second))).await.facts;
        if second % 3 == 0 { goes.push(facts) } else { stays.push(facts) }
    }
    let (mut shown, mut before) = (Vec::new(), None);
    loop {
        let page = space.metadata().page(&mailbox, PageOf { folder: None, before, limit: 3 }).await.unwrap();
        shown.extend(ids(&page.messages));
        if page.next.is_none() {
            break;
        }
        before = page.next;
        space.deposit(&Call::to(&mailbox).at(after(60))).await;
        space.deposit(&Call::to(&mailbox).at(after(1))).await;
        if let Some(facts) = goes.pop() {
            space.hold(&facts, &trash(after(99))).await;
        }
        if let Some(facts) = stays.first() {
            space.read(facts, &mark("alice", after(61))).await;
        }
    }
    for facts in &stays {
        assert_eq!(shown.iter().filter(|id| **id == facts.id).count(), 1, "{}", facts.id);
    }
    let mut once = shown.clone();
    once.dedup();
    assert_eq!(once, shown, "shown twice");
}

pub async fn a_page_goes_on_where_its_cursor_was_purged(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    for second in 0..4 {
        space.deposit(&Call::to(&mailbox).at(after(second))).await;
    }
    let all = space.walk(&mailbox, None, 9).await;
    space.erase(&all[1].facts, after(9)).await;
    let of = PageOf { folder: None, before: Some(all[1].facts.id), limit: 9 };
    assert_eq!(space.metadata().page(&mailbox, of).await.unwrap().messages, all[2..]);
}

pub async fn counts_follow_every_step(space: Namespace) {
    let mailbox = space.mailbox("5001").await;
    let counts = |new, old, urgent_new, urgent_old| Counts { new, old, urgent_new, urgent_old };
    let urgent = space.deposit(&Call::to(&mailbox).urgent()).await.facts;
    let calm = space.deposit(&Call::to(&mailbox)).await.facts;
    assert_eq!(space.counts(&mailbox).await, counts(2, 0, 1, 0));
    space.read(&urgent, &mark("alice", after(1))).await;
    assert_eq!(space.counts(&mailbox).await, counts(1, 1, 0, 1));
    space.hold(&urgent, &trash(after(9))).await;
    assert_eq!(space.counts(&mailbox).await, counts(1, 0, 0, 0));
    space.release(&urgent, &Release::Trash).await;
    assert_eq!(space.counts(&mailbox).await, counts(1, 1, 0, 1));
    let case = space.forget("1", &[ALICE], after(1)).await;
    assert_eq!(space.counts(&mailbox).await, counts(0, 0, 0, 0));
    space.undo(&case, after(2)).await;
    assert_eq!(space.counts(&mailbox).await, counts(1, 1, 0, 1));
    space.unread(&urgent).await;
    assert_eq!(space.counts(&mailbox).await, counts(2, 0, 1, 0));
    space.erase(&urgent, after(9)).await;
    assert_eq!(space.counts(&mailbox).await, counts(1, 0, 0, 0));
    space.erase(&calm, after(9)).await;
    assert_eq!(space.counts(&mailbox).await, counts(0, 0, 0, 0));
    assert_eq!(space.look(&calm).await, Lookup::Gone);
}

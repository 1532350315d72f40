//! Who else the digits of a request may mean: counted and told, never touched.

use std::collections::{BTreeMap, BTreeSet};

use domain::Subject;
use futures::{StreamExt as _, stream};
use storage::{CallerMarker, StorageError};

use crate::pass::{InTime, MAX_CONCURRENT_MESSAGES};
use crate::tenant::Erasure;

/// How many messages of each are counted at most.
const MAX_COUNTED: usize = 200;

/// How many messages each has; `None`: not counted, as the time was over or something could not be read.
pub type Perhaps = BTreeMap<Subject, Option<u64>>;

/// What else a number may mean is told beside the request, which does not fail for it.
fn passed_over(error: &StorageError) {
    let error = storage::causes(error);
    tracing::warn!(error, "who else the digits of a request may mean could not be counted");
}

impl Erasure<'_> {
    /// Counts the messages of each, hidden ones too: in two trips as a pass takes them, eight lists and eight messages at once.
    pub async fn perhaps(&self, others: &BTreeSet<Subject>, in_time: InTime<'_>) -> Perhaps {
        let mut counted: Perhaps = others.iter().map(|subject| (subject.clone(), Some(0))).collect();
        let list = |subject: Subject| async move {
            let markers = if in_time() {
                let markers = self.metadata().by_caller(&subject, None, MAX_COUNTED).await;
                markers.map_err(|error| passed_over(&error)).ok()
            } else {
                None
            };
            // Of a caller who could not be listed nothing is looked at, which tells it.
            let looks: Vec<_> = match markers {
                Some(markers) => markers.into_iter().map(|marker| (subject.clone(), Some(marker))).collect(),
                None => vec![(subject, None)],
            };
            stream::iter(looks)
        };
        let look = |(subject, marker): (Subject, Option<CallerMarker>)| async move {
            let Some(marker) = marker.filter(|_| in_time()) else { return (subject, None) };
            let found = self.message_of(&marker.message_ref).await.map_err(|error| passed_over(&error)).ok();
            (subject, found.map(|found| found.is_some_and(|message| !message.claimed)))
        };
        let listed = stream::iter(others.iter().cloned()).map(list).buffer_unordered(MAX_CONCURRENT_MESSAGES);
        let mut looked = listed.flatten().map(look).buffer_unordered(MAX_CONCURRENT_MESSAGES);
        while let Some((subject, is_message)) = looked.next().await {
            let count = counted.entry(subject).or_default();
            *count = count.zip(is_message).map(|(count, is_message)| count + u64::from(is_message));
        }
        counted
    }
}

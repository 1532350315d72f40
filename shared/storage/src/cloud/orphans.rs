//! The search for recordings that no message has, by the hour of their put.

use domain::{AudioKey, Region};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Cloud, MAX_CONCURRENT_REQUESTS, RegionRecordings};
use crate::{Deposits as _, FenceOutcome, MessageRef, Result};

/// Searches the hours of a region before `end`, but for those that were searched before. Up to where they are over is kept, so
/// that hours without a sweep are searched later. Another sweep may note an earlier hour, which is searched once more then.
pub(super) async fn search(cloud: &impl Cloud, region: &Region, end: &str, over: &str) -> Result<u64> {
    let mut done = cloud.searched_until(region).await?;
    if done.as_str() >= end {
        return Ok(0);
    }
    let recordings = cloud.recordings(region)?;
    let (mut told, mut removed) = (recordings.by_hour(&done, end), 0);
    while let Some((keys, until)) = told.try_next().await? {
        removed += remove_untold(cloud, region, recordings, keys).await?;
        // Each time, so that a run that is ended goes on there.
        let until = until.as_str().min(over);
        if until > done.as_str() {
            cloud.note_searched(region, until).await?;
            until.clone_into(&mut done);
        }
    }
    Ok(removed)
}

async fn remove_untold(
    cloud: &impl Cloud,
    region: &Region,
    recordings: &dyn RegionRecordings,
    keys: Vec<AudioKey>,
) -> Result<u64> {
    let attempt = |audio: AudioKey| MessageRef {
        mailbox: audio.mailbox.clone(),
        id: audio.id,
        attempt: audio.attempt.clone(),
        subject: None,
        audio,
        region: region.clone(),
    };
    // What a journal tells is left to whoever takes attempts back.
    let untold = cloud.untold(keys.into_iter().map(attempt).collect()).await?;
    let removed = stream::iter(untold).map(|attempt| remove_orphan(cloud, recordings, attempt));
    removed.buffer_unordered(MAX_CONCURRENT_REQUESTS).try_fold(0, async |sum, one| Ok(sum + one)).await
}

async fn remove_orphan(
    cloud: &impl Cloud,
    recordings: &dyn RegionRecordings,
    mut attempt: MessageRef,
) -> Result<u64> {
    let Some(caller) = recordings.caller(&attempt.audio).await? else { return Ok(0) };
    attempt.subject = caller.and_then(|caller| caller.parse().ok());
    if cloud.fence(&attempt).await? == FenceOutcome::Created {
        return Ok(0);
    }
    recordings.delete(&attempt.audio).await?;
    cloud.withdraw(&attempt).await?;
    Ok(1)
}

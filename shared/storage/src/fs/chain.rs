//! Values with versions: a folder of numbered files, none of which is ever changed. The newest number counts, and whoever
//! makes the next number is the one who changed the value.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use domain::Timestamp;

use super::blocking::FsResult;
use super::disk::{Disk, PublishOutcome, nonce};
use super::layout;
use super::stored::{corrupt, encode, read};
use crate::{Expect, Versioned, WriteOutcome};

/// What a version says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State<T> {
    /// This is the value.
    Value(T),
    /// There is none any more.
    Deleted {
        /// Until when what belonged to it is held.
        purge_at: Option<Timestamp>,
    },
}

/// A version's file. The nonce tells a writer whose answer was lost that the file is its own.
#[derive(Serialize, Deserialize)]
struct Link<T> {
    write: String,
    #[serde(flatten)]
    state: State<T>,
}

/// The newest version and its number.
pub(super) fn newest<T: DeserializeOwned>(disk: &Disk, folder: &str) -> FsResult<Option<(u64, State<T>)>> {
    let names = disk.list(folder)?;
    let Some(number) = names.iter().filter_map(|name| layout::version_number(name)).max() else {
        return Ok(None);
    };
    Ok(Some((number, at(disk, folder, number)?)))
}

/// The version of this number, which is there.
pub(super) fn at<T: DeserializeOwned>(disk: &Disk, folder: &str, number: u64) -> FsResult<State<T>> {
    let path = layout::version(folder, number);
    let link: Link<T> = read(disk, &path)?.ok_or_else(|| corrupt(&path))?;
    Ok(link.state)
}

/// The value, if there is one.
pub(super) fn value<T: DeserializeOwned>(disk: &Disk, folder: &str) -> FsResult<Option<Versioned<T>>> {
    Ok(match newest(disk, folder)? {
        Some((version, State::Value(value))) => Some(Versioned { value, version }),
        _ => None,
    })
}

/// Writes the version of this number, unless somebody else did.
pub(super) fn append<T: Serialize>(
    disk: &Disk,
    folder: &str,
    number: u64,
    state: State<T>,
) -> FsResult<WriteOutcome> {
    let content = encode(&Link { write: nonce(), state })?;
    Ok(match disk.publish(&layout::version(folder, number), &content)? {
        PublishOutcome::Done => WriteOutcome::Version(number),
        PublishOutcome::There(_) => WriteOutcome::Conflict,
    })
}

/// Writes the next version if the newest is as expected; what was deleted is absent.
pub(super) fn put<T: Serialize + DeserializeOwned>(
    disk: &Disk,
    folder: &str,
    state: State<T>,
    expect: Expect,
) -> FsResult<WriteOutcome> {
    let (newest, there) = match newest::<T>(disk, folder)? {
        Some((version, State::Value(_))) => (version, Some(version)),
        Some((version, State::Deleted { .. })) => (version, None),
        None => (0, None),
    };
    if there != expect.version() {
        return Ok(WriteOutcome::Conflict);
    }
    append(disk, folder, newest + 1, state)
}

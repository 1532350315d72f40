//! Two processes on one folder keep the contracts together: each call goes to the other one, so that every operation by
//! one process is seen by the other at once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use storage::Storage as _;
use storage::fs::{Fs, Setup};
use tests::fixture::{Namespace, regions};
use tests::wrap;

async fn open() -> Namespace {
    let folder = tempfile::tempdir().unwrap();
    let first = Fs::open(folder.path(), Setup::Auto, &regions()).await.unwrap();
    let second = Fs::open(folder.path(), Setup::Auto, &regions()).await.unwrap();
    let both = |tenant: &_| wrap::in_turn(&[&first.tenant(tenant), &second.tenant(tenant)]);
    Namespace::new(both, folder)
}

tests::conformance!(open);

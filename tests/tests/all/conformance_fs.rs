//! The file system keeps the contracts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use storage::Storage as _;
use storage::fs::{Fs, Setup};
use tests::fixture::{Namespace, regions};

async fn open() -> Namespace {
    let folder = tempfile::tempdir().unwrap();
    let fs = Fs::open(folder.path(), Setup::Auto, &regions()).await.unwrap();
    Namespace::new(|tenant| fs.tenant(tenant), folder)
}

tests::conformance!(open);

//! Round trips on the file system.

use storage::Storage as _;
use storage::fs::{Fs, Setup};
use tests::fixture::{Namespace, regions};

#[tokio::test]
async fn each_operation_takes_its_round_trips() {
    let folder = tempfile::tempdir().unwrap();
    let fs = Fs::open(folder.path(), Setup::Auto, &regions()).await.unwrap();
    let space = Namespace::new(|tenant| fs.tenant(tenant), folder);
    tests::round_trips::each_operation_takes_its_round_trips(space).await;
}

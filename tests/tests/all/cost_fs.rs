//! What Forget Me costs on the file system.

use storage::Storage as _;
use storage::fs::{Fs, Setup};
use tempfile::TempDir;
use tests::cost::{Crowd, add_to_files, asks_no_more_of_what_stores_more};
use tests::fixture::{Namespace, regions};
use tests::http::is_long;

#[tokio::test]
async fn forget_me_asks_the_storage_no_more_where_a_hundred_times_as_much_is_stored() {
    let sizes: &[u64] = if is_long() { &[1_000, 100_000, 1_000_000] } else { &[1_000, 100_000] };
    let (mut crowds, mut folders) = (Vec::new(), Vec::new());
    for size in sizes {
        let folder = TempDir::new().unwrap();
        let fs = Fs::open(folder.path(), Setup::Auto, &regions()).await.unwrap();
        let space = Namespace::new(|tenant| fs.tenant(tenant), ());
        let crowd = Crowd::new(&space).await;
        add_to_files(&space, folder.path(), *size).await;
        crowds.push((*size, crowd));
        folders.push(folder);
    }
    asks_no_more_of_what_stores_more(&mut crowds, 15).await;
}

//! What Forget Me costs on the file system.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use storage::Storage as _;
use storage::fs::{Fs, Setup};
use tempfile::TempDir;
use tests::cost::{Crowd, add_to_files};
use tests::fixture::{Namespace, regions};
use tests::http::is_long;

#[tokio::test]
async fn forget_me_asks_the_storage_no_more_where_a_hundred_times_as_much_is_stored() {
    let sizes: &[u64] = if is_long() { &[1_000, 100_000, 1_000_000] } else { &[1_000, 100_000] };
    let mut crowds = Vec::new();
    for size in sizes {
        let folder = TempDir::new().unwrap();
        let fs = Fs::open(folder.path(), Setup::Auto, &regions()).await.unwrap();
        let space = Namespace::new(|tenant| fs.tenant(tenant), ());
        let crowd = Crowd::new(&space).await;
        add_to_files(&space, folder.path(), *size).await;
        crowds.push((crowd, folder, Vec::new()));
    }
    let mut asked = Vec::new();
    for _ in 0..15 {
        for (crowd, _, times) in &mut crowds {
            let (took, calls) = crowd.forget().await;
            times.push(took);
            asked.push(calls);
        }
    }
    assert!(asked.windows(2).all(|two| two[0] == two[1]), "{asked:?}");
    let mut middles = Vec::new();
    for (size, (_, _, times)) in sizes.iter().zip(&mut crowds) {
        times.sort();
        middles.push(times[times.len() / 2]);
        println!("ten of {size}: {} calls, {:?} in the middle", asked[0].len(), times[times.len() / 2]);
    }
    // Times are told where somebody waits for them, alone on the machine.
    if is_long() {
        assert!(middles.iter().all(|middle| *middle <= middles[0].mul_f64(1.5)), "{middles:?}");
    }
}

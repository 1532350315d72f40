//! What Forget Me costs on AWS.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use tests::cost::{Crowd, add};
use tests::http::is_long;
use tests::ministack::open;

#[tokio::test]
async fn forget_me_asks_the_storage_no_more_where_five_times_as_much_is_stored() {
    let sizes = if is_long() { [1_000, 5_000] } else { [100, 500] };
    let mut crowds = Vec::new();
    for size in sizes {
        let space = open().await;
        let crowd = Crowd::new(&space).await;
        add(&space, size).await;
        crowds.push((crowd, Vec::new()));
    }
    let mut asked = Vec::new();
    for _ in 0..9 {
        for (crowd, times) in &mut crowds {
            let (took, calls) = crowd.forget().await;
            times.push(took);
            asked.push(calls);
        }
    }
    assert!(asked.windows(2).all(|two| two[0] == two[1]), "{asked:?}");
    for (size, (_, times)) in sizes.iter().zip(&mut crowds) {
        times.sort();
        println!("ten of {size}: {} calls, {:?} in the middle", asked[0].len(), times[times.len() / 2]);
    }
}

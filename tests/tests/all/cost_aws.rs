//! What Forget Me costs on AWS.

use tests::cost::asks_no_more_where_five_times_as_much_is_stored;
use tests::ministack::open;

#[tokio::test]
async fn forget_me_asks_the_storage_no_more_where_five_times_as_much_is_stored() {
    asks_no_more_where_five_times_as_much_is_stored(open).await;
}

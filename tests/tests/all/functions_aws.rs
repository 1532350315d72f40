//! The function `deposit` as Lambda invokes it: by an event of a bucket and on a schedule.

use tests::cloud::AWS;

tests::triggers!(AWS);

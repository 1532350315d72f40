//! Data protection requests with recordings in three regions, one of which is down or dies meanwhile, on AWS.

use tests::cloud::AWS;

tests::regions!(AWS);

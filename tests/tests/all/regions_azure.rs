//! Data protection requests with recordings in three regions, one of which is down or dies meanwhile, on Azure.

use tests::cloud::AZURE;

tests::regions!(AZURE);

//! Custom handlers of Azure Functions and a gateway on one installation at once, and what they answer while the storage is
//! away.

use tests::cloud::AZURE;

tests::together!(AZURE);

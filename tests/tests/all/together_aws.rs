//! Functions of AWS Lambda and a gateway on one installation at once, and what they answer while the storage is away.

use tests::cloud::AWS;

tests::together!(AWS);

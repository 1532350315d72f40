//! The model keeps the contracts: what a backend is compared with is held to the same sentences.

use tests::fixture::Namespace;

async fn open() -> Namespace {
    Namespace::new(|_| tests::model::storage(), ())
}

tests::conformance!(open);

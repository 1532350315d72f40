//! What a world lies on: the storage below the contracts, which a test can copy, and look at past the contracts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{MailboxId, MessageId};
use host::config::Config;
use sha2::{Digest as _, Sha256};
use storage::TenantStorage;

use super::breaker::Breaker;

/// All that is stored: what lies where.
pub type Contents = BTreeMap<String, String>;

/// Bytes as contents tell them: text as it is, all else by its hash.
pub fn content(bytes: &[u8]) -> String {
    let hash = |_| URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
    std::str::from_utf8(bytes).map_or_else(hash, str::to_owned)
}

/// A storage of its own.
#[async_trait]
pub trait Ground: Send + Sync {
    /// An empty one of the same kind.
    async fn fresh(&self) -> Arc<dyn Ground>;

    /// One of the same kind with the same contents.
    async fn copy(&self) -> Arc<dyn Ground>;

    /// The tenant's storage: whole, and such that this counts and breaks the steps below the contracts.
    async fn open(&self, config: &Config, steps: &Arc<Breaker>) -> [TenantStorage; 2];

    /// All that is stored.
    async fn contents(&self) -> Contents;

    /// The ids under which the mailbox has something, tombstones too.
    fn messages(&self, contents: &Contents, mailbox: &MailboxId) -> Vec<MessageId>;

    /// What no message and no record explains. At every moment a recording and a caller marker belong to a message, to
    /// one that is still due, or to an attempt that is still journalled; once time has passed, nothing is there but messages
    /// and records.
    fn leavings(&self, contents: &Contents, is_settled: bool) -> Vec<String>;

    /// Lets time pass for what is told by its age.
    fn age(&self, by: Duration);

    /// The folder of its files, where it has some.
    fn root(&self) -> &Path {
        panic!("there are no files")
    }
}

//! Whether the subject key is the one before: under another no caller of the messages that are there would be found any
//! more, and a Forget Me would find nothing.

use axum::BoxError;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use identity::Secret;
use sha2::Sha256;
use storage::StorageError;
use tokio::sync::OnceCell;
use web::{Code, Problem};

use crate::backend::Backend;

/// The name under which the storage keeps what tells one subject key from another.
const KEPT_NAME: &str = "subject-key-check";
/// What is wrong.
const OTHER_KEY: &str = "VOICEMAIL_SUBJECT_KEY is not the key that this storage was used with; without that key no caller is found";

/// What tells the key, until the storage has said whether it is the one.
pub(crate) struct KeyCheck {
    backend: Backend,
    check: String,
    is_same: OnceCell<bool>,
}

impl KeyCheck {
    pub(crate) fn new(backend: Backend, key: &Secret) -> Result<Self, BoxError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.reveal())?;
        mac.update(b"which subject key is this");
        let check = BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        Ok(Self { backend, check, is_same: OnceCell::new() })
    }

    /// Asks at the start. A storage that does not answer is asked again before the key is used.
    ///
    /// # Errors
    /// It is another key.
    pub(crate) async fn at_start(&self) -> Result<(), BoxError> {
        match self.is_same().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(OTHER_KEY.into()),
            Err(error @ StorageError::Unavailable { .. }) => {
                let error = storage::causes(&error);
                tracing::warn!(error, "VOICEMAIL_SUBJECT_KEY is not compared yet with the key before");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks before the key is used.
    ///
    /// # Errors
    /// 500: it is another key; 503: the storage does not answer.
    pub(crate) async fn passed(&self) -> Result<(), Problem> {
        if self.is_same().await? {
            return Ok(());
        }
        let detail = "The service is not set up as before. The log says what differs.";
        Err(Problem::new(Code::Internal, detail).caused_by(OTHER_KEY))
    }

    async fn is_same(&self) -> Result<bool, StorageError> {
        let ask = async || Ok(self.backend.kept(KEPT_NAME, &self.check).await? == self.check);
        self.is_same.get_or_try_init(ask).await.copied()
    }
}

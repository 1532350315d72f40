//! What a request to play asks for.

use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlayQuery {
    /// `1`: as a file to keep, with `Content-Disposition`.
    download: Option<String>,
    /// `1`: answers a link in place of the bytes.
    link: Option<String>,
    /// Of a link: its tenant, its end in milliseconds since 1970, and its signature.
    #[param(ignore)]
    pub(crate) tenant: Option<String>,
    #[param(ignore)]
    pub(crate) expires: Option<String>,
    #[param(ignore)]
    pub(crate) signature: Option<String>,
}

impl PlayQuery {
    /// Whether the answer is a file to keep.
    pub(crate) fn asks_file(&self) -> bool {
        is_set(self.download.as_deref())
    }

    /// Whether the answer is a link in place of the bytes.
    pub(crate) fn asks_link(&self) -> bool {
        is_set(self.link.as_deref())
    }
}

fn is_set(flag: Option<&str>) -> bool {
    matches!(flag, Some("1" | "true"))
}

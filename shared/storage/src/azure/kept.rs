//! Values of the installation, of all its tenants.

use bytes::Bytes;

use super::blobs::{Blobs, If, With};
use crate::Result;

/// Keeps a value under a name of the installation's, unless one is kept: what is kept.
pub(super) async fn keep(blobs: &Blobs, name: &str, value: &str) -> Result<String> {
    let context = "keeping a value of the installation";
    let bytes = Bytes::copy_from_slice(value.as_bytes());
    if blobs.put(context, name, bytes, With::default(), If::Nothing).await? {
        return Ok(value.to_owned());
    }
    Ok(kept(blobs, name).await?.unwrap_or_else(|| value.to_owned()))
}

/// What is kept under a name of the installation's.
pub(super) async fn kept(blobs: &Blobs, name: &str) -> Result<Option<String>> {
    let found = blobs.read("reading a value of the installation", name, None).await?;
    Ok(found.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()))
}

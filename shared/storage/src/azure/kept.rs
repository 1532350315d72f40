//! Values of the installation, of all its tenants.

use bytes::Bytes;

use super::blobs::{BlobProperties, Blobs, Precondition};
use crate::Result;

/// What is kept under a name of the installation's. Where nothing is, it is this value, which is kept from now on if `keeps`.
pub(super) async fn kept(blobs: &Blobs, name: &str, value: &str, keeps: bool) -> Result<String> {
    let bytes = Bytes::copy_from_slice(value.as_bytes());
    let context = "keeping a value of the installation";
    if keeps && blobs.put(context, name, bytes, BlobProperties::default(), Precondition::Nothing).await? {
        return Ok(value.to_owned());
    }
    let found = blobs.read("reading a value of the installation", name, None).await?;
    Ok(found.map_or_else(|| value.to_owned(), |(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()))
}

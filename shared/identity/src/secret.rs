//! Secrets: bytes that never print, and leave memory with their owner.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::reloaded::Reloaded;

/// How many bytes the token secret and the subject key have at least: the output of SHA-256, which both feed (RFC 7518, 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// A secret from the configuration: a value, or a file that is read again when it changes.
#[derive(Clone)]
pub struct Secret(Arc<Reloaded<Zeroizing<Vec<u8>>>>);

impl Secret {
    /// A secret of at least `least` bytes, taken as it is less a final line end.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub fn value(bytes: &[u8], least: usize) -> Result<Self, String> {
        Ok(Self(Arc::new(Reloaded::given(checked(bytes, least)?))))
    }

    /// A secret that is kept in a file; the same rules.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub fn file(path: &Path, least: usize) -> Result<Self, String> {
        Ok(Self(Arc::new(Reloaded::file(path, move |bytes| checked(bytes, least))?)))
    }

    /// The secret itself.
    pub fn reveal(&self) -> Zeroizing<Vec<u8>> {
        self.0.get().as_ref().clone()
    }
}

fn checked(bytes: &[u8], least: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    let bytes = bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
    if bytes.len() < least {
        return Err(format!("has {} bytes; it needs at least {least}", bytes.len()));
    }
    Ok(Zeroizing::new(bytes.to_vec()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"a secret of thirty-two bytes, ok";

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::value(TEXT, MIN_SECRET_BYTES).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.reveal().as_slice(), TEXT);
    }

    #[test]
    fn a_secret_is_taken_as_it_is_less_one_final_line_end() {
        for (given, taken) in
            [(&b"x"[..], &b"x"[..]), (b"x\n", b"x"), (b"x\r\n", b"x"), (b"x\n\n", b"x\n"), (b" x ", b" x ")]
        {
            assert_eq!(Secret::value(given, 1).unwrap().reveal().as_slice(), taken);
        }
    }

    #[test]
    fn a_short_secret_is_refused_and_not_repeated() {
        let fault = Secret::value(b"hunter2", MIN_SECRET_BYTES).unwrap_err();
        assert_eq!(fault, "has 7 bytes; it needs at least 32");
        let line_end_counts_not = [TEXT.split_at(1).1, b"\n"].concat();
        assert!(Secret::value(&line_end_counts_not, MIN_SECRET_BYTES).is_err());
    }

    #[test]
    fn a_secret_in_a_file_is_taken_less_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, [TEXT, b"\r\n"].concat()).unwrap();
        assert_eq!(Secret::file(&path, MIN_SECRET_BYTES).unwrap().reveal().as_slice(), TEXT);
    }
}

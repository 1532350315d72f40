//! The key that signs certificates of erasure, and the key set by which anybody may check them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::Random;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyOperations, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};

use crate::random;

/// What stands before the 32 bytes of a private key in PKCS#8 (RFC 8410, 7).
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// An Ed25519 key.
#[derive(Clone)]
pub struct CertificateKey {
    public: Jwk,
}

impl CertificateKey {
    /// Reads a PKCS#8 PEM.
    ///
    /// # Errors
    /// What is wrong, without the key.
    pub fn read(pem: &[u8]) -> Result<Self, &'static str> {
        let wrong = "is no Ed25519 key in PKCS#8 PEM; `openssl genpkey -algorithm ed25519` makes one";
        let key = EncodingKey::from_ed_pem(pem).map_err(|_| wrong)?;
        let mut public = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(|_| wrong)?;
        // RFC 7638: whoever holds the key gets the same name for it, so certificates name it without a register.
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(|_| wrong)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_operations = Some(vec![KeyOperations::Verify]);
        Ok(Self { public })
    }

    /// A fresh key, as PKCS#8 PEM.
    pub(crate) fn make(random: &dyn Random) -> Vec<u8> {
        let der: Vec<u8> = PKCS8_ED25519.into_iter().chain(random::bytes(random, 32)).collect();
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n").into_bytes()
    }

    /// The public keys (RFC 7517).
    pub(crate) fn key_set(&self) -> JwkSet {
        JwkSet { keys: vec![self.public.clone()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::SeededRandom;

    /// RFC 8037, appendix A: the private key, the public key and its thumbprint.
    #[test]
    fn the_key_set_shows_the_public_key_under_its_thumbprint() {
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
            0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let der = [PKCS8_ED25519.as_slice(), &seed].concat();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            BASE64_STANDARD.encode(der)
        );
        let set = serde_json::to_value(CertificateKey::read(pem.as_bytes()).unwrap().key_set()).unwrap();
        let shown = |member: &str| set.pointer(&format!("/keys/0/{member}")).and_then(|text| text.as_str());
        assert_eq!(shown("x"), Some("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
        assert_eq!(shown("kid"), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        assert_eq!(shown("d"), None, "the private key stays here");
    }

    #[test]
    fn a_key_that_was_made_reads_back_and_another_is_made_each_time() {
        let random = SeededRandom::new(1);
        let (one, other) = (CertificateKey::make(&random), CertificateKey::make(&random));
        assert!(CertificateKey::read(&one).is_ok());
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let fault =
            CertificateKey::read(b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n").err();
        assert!(fault.is_some_and(|fault| !fault.contains("c2VjcmV0")));
    }
}

//! The key that signs certificates of erasure, and the key set by which anybody may check them.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use domain::Random;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations,
    OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse, ThumbprintHash,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use web::random;

/// What stands before the 32 bytes of a private key in PKCS#8 (RFC 8410, 7).
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// What stands before the 32 bytes of a public key in its PEM (RFC 8410, 4).
const SPKI_ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const WRONG: &str = "is no Ed25519 key in PKCS#8 PEM; `openssl genpkey -algorithm ed25519` makes one";

/// An Ed25519 key, and the public halves of those that were used before it.
#[derive(Clone)]
pub struct CertificateKey {
    key: EncodingKey,
    public: Jwk,
    retired: Vec<Jwk>,
}

impl CertificateKey {
    /// Reads PEM: the key that signs first, in PKCS#8; after it the retired ones, of which the public half suffices.
    ///
    /// # Errors
    /// What is wrong, without the key.
    pub fn read(pem: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(pem).map_err(|_| WRONG)?;
        let mut keys = text.split("-----BEGIN ").skip(1);
        let (key, public) = private_key(keys.next().ok_or(WRONG)?)?;
        let retired = keys.map(|block| match block.strip_prefix("PUBLIC KEY-----") {
            Some(rest) => public_half(rest),
            None => private_key(block).map(|(_, public)| public),
        });
        Ok(Self { key, public, retired: retired.collect::<Result<_, _>>()? })
    }

    /// Signs as a compact JWS (RFC 7515, RFC 8037) that names the key.
    ///
    /// # Errors
    /// What is said cannot be written as JSON.
    pub(crate) fn sign(&self, says: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let kid = self.public.common.key_id.clone();
        let header = Header { typ: None, kid, ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, says, &self.key)
    }

    /// A fresh key, as PKCS#8 PEM.
    pub(crate) fn make(random: &dyn Random) -> Vec<u8> {
        let der: Vec<u8> = PKCS8_ED25519.into_iter().chain(random::bytes(random, 32)).collect();
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n").into_bytes()
    }

    /// The public keys (RFC 7517).
    pub(crate) fn key_set(&self) -> JwkSet {
        JwkSet { keys: std::iter::once(&self.public).chain(&self.retired).cloned().collect() }
    }
}

/// A private key and its public half.
fn private_key(block: &str) -> Result<(EncodingKey, Jwk), &'static str> {
    let key = EncodingKey::from_ed_pem(format!("-----BEGIN {block}").as_bytes()).map_err(|_| WRONG)?;
    let public = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(|_| WRONG)?;
    Ok((key, named(public)?))
}

/// The public half alone, from what stands in its PEM after the first line.
fn public_half(rest: &str) -> Result<Jwk, &'static str> {
    let (body, _) = rest.split_once("-----END").ok_or(WRONG)?;
    let body: String = body.split_whitespace().collect();
    let der = BASE64_STANDARD.decode(body).map_err(|_| WRONG)?;
    let x = der.strip_prefix(&SPKI_ED25519).filter(|x| x.len() == 32).ok_or(WRONG)?;
    named(Jwk {
        common: CommonParameters { key_algorithm: Some(KeyAlgorithm::EdDSA), ..CommonParameters::default() },
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: BASE64_URL_SAFE_NO_PAD.encode(x),
        }),
    })
}

/// A public key under its thumbprint (RFC 7638): whoever holds the key gets the same name for it, so certificates name it
/// without a register.
fn named(mut public: Jwk) -> Result<Jwk, &'static str> {
    public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(|_| WRONG)?);
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    public.common.key_operations = Some(vec![KeyOperations::Verify]);
    Ok(public)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::SeededRandom;
    use jsonwebtoken::{DecodingKey, Validation};

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

    /// `openssl genpkey -algorithm ed25519`, and `openssl pkey -pubout` of it.
    const RETIRED: [&str; 2] = [
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIG8EGvZRMkwB40UiAue1Rk4eUb25f6acjjmhV07LFmjM\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEABWbvgK8w0EDQgUnm4BnARBMUoGesCHuHsKuH4RqtT68=\n-----END PUBLIC KEY-----\n",
    ];

    #[test]
    fn what_is_signed_is_checked_by_the_key_set_also_when_its_key_is_retired() {
        let random = SeededRandom::new(1);
        let old = RETIRED[0].as_bytes().to_vec();
        let signed = CertificateKey::read(&old).unwrap().sign(&serde_json::json!({"caseid": "1"})).unwrap();
        for retired in RETIRED {
            let pem = [CertificateKey::make(&random), retired.as_bytes().to_vec()].concat();
            let key = CertificateKey::read(&pem).unwrap();
            let newer = key.sign(&serde_json::json!({"caseid": "2"})).unwrap();
            let set = key.key_set();
            for (jws, caseid) in [(&signed, "1"), (&newer, "2")] {
                let header = jsonwebtoken::decode_header(jws).unwrap();
                assert_eq!(header.alg, Algorithm::EdDSA);
                let public = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
                let mut validation = Validation::new(Algorithm::EdDSA);
                validation.required_spec_claims.clear();
                validation.validate_exp = false;
                let said = jsonwebtoken::decode::<serde_json::Value>(jws, &public, &validation).unwrap();
                assert_eq!(said.claims, serde_json::json!({ "caseid": caseid }));
                let other = set.keys.iter().filter(|other| other.common.key_id != header_kid(jws));
                for other in other {
                    let other = DecodingKey::from_jwk(other).unwrap();
                    assert!(jsonwebtoken::decode::<serde_json::Value>(jws, &other, &validation).is_err());
                }
            }
            let shown = serde_json::to_string(&set).unwrap();
            assert!(set.keys.len() == 2 && !shown.contains("\"d\""), "private keys stay here");
        }
        let only_public = CertificateKey::read(RETIRED[1].as_bytes());
        assert!(only_public.is_err(), "it cannot sign");
    }

    fn header_kid(jws: &str) -> Option<String> {
        jsonwebtoken::decode_header(jws).unwrap().kid
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let fault =
            CertificateKey::read(b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n").err();
        assert!(fault.is_some_and(|fault| !fault.contains("c2VjcmV0")));
    }
}

//! Key pairs, signatures and certificates. All keys are P-256, except exchange keys, which are
//! X25519.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SerialNumber,
    SigningKey,
};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use time::OffsetDateTime;
use x25519_dalek::{PublicKey, StaticSecret};

use super::Error;

/// A clock may be this many seconds behind the authority's.
const TOLERANCE: u64 = 2 * 86_400;
/// An authority's certificate lasts as long as the domain may: a hundred years.
const AUTHORITY_LIFE: u64 = 36_525 * 86_400;

/// `N` random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::Crypto {
        what: "get random bytes",
        why: "the system has none".into(),
    })?;
    Ok(bytes)
}

/// A new key pair for signatures.
pub fn new_pair() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(because("make a key pair"))
}

/// A new secret to agree on keys with.
pub fn new_exchange() -> Result<StaticSecret, Error> {
    Ok(StaticSecret::from(random::<32>()?))
}

/// The public half of an exchange secret.
pub fn exchange_public(secret: &StaticSecret) -> [u8; 32] {
    PublicKey::from(secret).to_bytes()
}

/// `text` signed by `pair`.
pub fn sign(pair: &KeyPair, text: &[u8]) -> Result<Vec<u8>, Error> {
    pair.sign(text).map_err(because("sign the member list"))
}

/// Whether the holder of `public` signed `text`.
pub fn is_signed(public: &[u8], text: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public).verify(text, signature).is_ok()
}

/// The certificate of a domain's authority, signed by itself.
pub fn authority_certificate(domain: &str, pair: &KeyPair, now: u64) -> Result<String, Error> {
    let mut params = authority_params(domain);
    params.not_before = date(now.saturating_sub(TOLERANCE));
    params.not_after = date(now.saturating_add(AUTHORITY_LIFE));
    let certificate =
        params.self_signed(pair).map_err(because("make the authority's certificate"))?;
    Ok(certificate.pem())
}

/// A certificate for the holder of `public` (a point on P-256).
pub fn member_certificate(
    domain: &str,
    computer: &str,
    public: &[u8],
    authority: &KeyPair,
    now: u64,
    expires: u64,
) -> Result<String, Error> {
    let what = "make a certificate";
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(computer);
    params.distinguished_name.push(DnType::OrganizationName, domain);
    params.not_before = date(now.min(expires).saturating_sub(TOLERANCE));
    params.not_after = date(expires);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    // A positive number of 16 bytes, as the standard asks.
    let mut serial = random::<16>()?;
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let issuer = Issuer::new(authority_params(domain), authority);
    let certificate = params.signed_by(&Point(public), &issuer).map_err(because(what))?;
    Ok(certificate.pem())
}

/// What an authority's certificate says, apart from its time.
fn authority_params(domain: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&format!("mailslot domain {domain}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn date(seconds: u64) -> OffsetDateTime {
    // Certificates can't tell of years beyond 9999.
    let seconds = seconds.min(253_402_300_799);
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A public key on P-256 of which only the point is known.
struct Point<'a>(&'a [u8]);

impl PublicKeyData for Point<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

pub(super) fn because<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> Error {
    move |e| Error::Crypto { what, why: e.to_string() }
}

/// Bytes as hexadecimal digits in files.
pub mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// As digits.
    pub fn encode(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From digits, if they are.
    pub fn decode(digits: &str) -> Option<Vec<u8>> {
        if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        (0..digits.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&digits[i..i + 2], 16).ok())
            .collect()
    }

    /// For serde.
    pub fn serialize<S: Serializer>(bytes: &impl AsRef<[u8]>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&encode(bytes.as_ref()))
    }

    /// For serde.
    pub fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(
        from: D,
    ) -> Result<T, D::Error> {
        let digits = String::deserialize(from)?;
        decode(&digits)
            .and_then(|bytes| T::try_from(bytes).ok())
            .ok_or_else(|| de::Error::custom("not the right number of hexadecimal digits"))
    }
}

//! This computer's place in a domain, and how it renews it without anybody's hands.
//!
//! A computer renews with new keys: first it keeps them as pending, then asks the authority. Each of
//! the two halves of the answer, the list that names its new exchange key and the certificate for
//! its new key pair, may come alone or again; each is taken when it comes.

use serde::{Deserialize, Serialize};
use x25519_dalek::StaticSecret;

use super::Error;
use super::keys::{self, because, hex};
use super::members::{Member, MemberList};
use rcgen::KeyPair;

/// Renew when less than this is left, in seconds: 30 days of 90. Invitations last shorter, so who
/// joins renews at once, and the keys in the invitation become worthless.
pub const RENEW_BEFORE: u64 = 30 * 86_400;

/// This computer as a member of a domain.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The domain.
    pub domain: String,
    /// This computer's name in it.
    pub computer: String,
    /// When it joined: seconds since 1970.
    pub joined: u64,
    /// The authority's public key.
    #[serde(with = "hex")]
    pub authority_public: Vec<u8>,
    /// The authority's certificate, which the others' are checked with.
    pub authority_certificate: String,
    /// This computer's certificate.
    pub certificate: String,
    /// The key that belongs to it.
    pub key: String,
    /// The secret half of the exchange key.
    #[serde(with = "hex")]
    pub exchange: [u8; 32],
    /// Until when the certificate lasts: seconds since 1970.
    pub expires: u64,
    /// Keys that the authority has been asked to accept.
    pub pending: Option<Pending>,
}

/// Keys that the authority has been asked to accept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    key: String,
    #[serde(with = "hex")]
    exchange: [u8; 32],
}

/// What a computer sends to the authority to be renewed: its new public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewalRequest {
    /// For the certificate.
    #[serde(with = "hex")]
    pub public: Vec<u8>,
    /// For the list.
    #[serde(with = "hex")]
    pub exchange: [u8; 32],
}

impl RenewalRequest {
    /// Reads a request, which is JSON.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let request: Self = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        // A point on P-256, uncompressed.
        if request.public.len() != 65 || request.public[0] != 4 {
            return Err("its public key is not a point on P-256".into());
        }
        Ok(request)
    }

    /// As JSON.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("text is always JSON")
    }
}

/// The authority's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// The new certificate.
    pub certificate: String,
    /// Until when it lasts.
    pub expires: u64,
    /// The signed list that names the new exchange key.
    pub members: String,
}

impl Identity {
    /// The secret that this computer agrees on keys with.
    pub fn secret(&self) -> StaticSecret {
        StaticSecret::from(self.exchange)
    }

    pub(super) fn as_member(&self, joined: bool) -> Member {
        Member {
            computer: self.computer.clone(),
            exchange: keys::exchange_public(&self.secret()),
            expires: self.expires,
            joined,
        }
    }

    /// Whether the secret half of this exchange key is here, pending or not.
    pub fn has(&self, exchange: &[u8; 32]) -> bool {
        let secrets = [Some(self.exchange), self.pending.as_ref().map(|pending| pending.exchange)];
        let mut secrets = secrets.into_iter().flatten();
        secrets.any(|secret| keys::exchange_public(&StaticSecret::from(secret)) == *exchange)
    }

    /// Whether it is time to renew.
    pub fn is_due(&self, now: u64) -> bool {
        self.pending.is_some() || self.expires < now.saturating_add(RENEW_BEFORE)
    }

    /// What to ask the authority for. The keys are kept in `self.pending`, so the same are asked
    /// for until they are accepted. The caller saves the identity before it sends the request.
    pub fn request(&mut self) -> Result<RenewalRequest, Error> {
        if self.pending.is_none() {
            let key = keys::new_pair()?.serialize_pem();
            self.pending = Some(Pending { key, exchange: keys::random()? });
        }
        let pending = self.pending.as_ref().expect("was made just now");
        let pair = KeyPair::from_pem(&pending.key).map_err(because("read the pending key"))?;
        Ok(RenewalRequest {
            public: pair.public_key_raw().to_vec(),
            exchange: keys::exchange_public(&StaticSecret::from(pending.exchange)),
        })
    }

    /// If `list` names the pending exchange key, that is the one to use. Whether it did.
    pub fn follow(&mut self, list: &MemberList) -> bool {
        let (Some(pending), Some(me)) = (&self.pending, list.find(&self.computer)) else {
            return false;
        };
        let secret = pending.exchange;
        if me.exchange != keys::exchange_public(&StaticSecret::from(secret))
            || self.exchange == secret
        {
            return false;
        }
        self.exchange = secret;
        true
    }

    /// Takes the new certificate, for the key that is pending. Whether anything was.
    pub fn accept(&mut self, renewal: &Renewal) -> bool {
        let Some(pending) = self.pending.take() else { return false };
        self.key = pending.key;
        self.exchange = pending.exchange;
        self.certificate = renewal.certificate.clone();
        self.expires = renewal.expires;
        true
    }
}

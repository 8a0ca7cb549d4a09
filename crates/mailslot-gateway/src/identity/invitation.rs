//! The file that makes a computer a member.
//!
//! It holds the computer's first keys, so whoever has the file can be that computer, until the
//! invitation expires or the computer has joined and reached the authority's gateway: then it
//! renews with keys of its own, and those in the file are worth nothing.

use serde::{Deserialize, Serialize};

use super::keys::hex;
use super::members::SignedList;
use super::{Error, Identity, name};

const FORMAT: &str = "mailslot invitation 1";
/// No invitation is longer: a list and some keys.
const MAX_BYTES: usize = super::members::MAX_BYTES * 2;

/// What a computer needs to join a domain.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    format: String,
    /// The domain.
    pub domain: String,
    /// The computer's name in it.
    pub computer: String,
    /// Until when it can be accepted: seconds since 1970.
    pub expires: u64,
    #[serde(with = "hex")]
    authority_public: Vec<u8>,
    authority_certificate: String,
    certificate: String,
    key: String,
    #[serde(with = "hex")]
    exchange: [u8; 32],
    members: String,
}

impl Invitation {
    pub(super) fn new(identity: &Identity, list: &SignedList) -> Self {
        let identity = identity.clone();
        Self {
            format: FORMAT.to_owned(),
            domain: identity.domain,
            computer: identity.computer,
            expires: identity.expires,
            authority_public: identity.authority_public,
            authority_certificate: identity.authority_certificate,
            certificate: identity.certificate,
            key: identity.key,
            exchange: identity.exchange,
            members: list.text().to_owned(),
        }
    }

    /// Reads an invitation.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let refuse = |why: String| Error::NoInvitation(why);
        if text.len() > MAX_BYTES {
            return Err(refuse(format!("it is longer than {MAX_BYTES} bytes")));
        }
        let this: Self = serde_json::from_slice(text).map_err(|e| refuse(e.to_string()))?;
        if this.format != FORMAT {
            return Err(refuse(format!("its format is {:?}, not {FORMAT:?}", this.format)));
        }
        name::check_domain(&this.domain)?;
        name::check_computer(&this.computer)?;
        this.list()?;
        Ok(this)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("text is always JSON");
        text.push('\n');
        text
    }

    /// Accepts it: this computer's identity, and who else belongs to the domain.
    pub fn accept(self, now: u64) -> Result<(Identity, SignedList), Error> {
        if self.expires <= now {
            let text = |seconds| {
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
                humantime::format_rfc3339_seconds(time).to_string()
            };
            let (at, now) = (text(self.expires), text(now));
            return Err(Error::Expired { computer: self.computer, domain: self.domain, at, now });
        }
        let list = self.list()?;
        let identity = Identity {
            domain: self.domain,
            computer: self.computer,
            joined: now,
            authority_public: self.authority_public,
            authority_certificate: self.authority_certificate,
            certificate: self.certificate,
            key: self.key,
            exchange: self.exchange,
            expires: self.expires,
            pending: None,
        };
        let me = identity.as_member(false);
        if list.list().find(&me.computer).is_none_or(|member| member.exchange != me.exchange) {
            return Err(Error::NoInvitation("its member list does not name its computer".into()));
        }
        Ok((identity, list))
    }

    fn list(&self) -> Result<SignedList, Error> {
        SignedList::parse(self.members.as_bytes(), &self.domain, &self.authority_public)
            .map_err(|why| Error::NoInvitation(format!("its member list is no good: {why}")))
    }
}

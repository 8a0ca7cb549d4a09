//! What only the computer that holds the authority's key can do: invite, revoke, renew.

use rcgen::KeyPair;

use super::invitation::Invitation;
use super::keys::{self, because};
use super::member::{Renewal, RenewalRequest};
use super::members::{MOST_MEMBERS, Member, MemberList, SignedList};
use super::{Error, Identity, name};
use mailslot_wire::name::fold_case;

/// How long a certificate lasts from its renewal on, in seconds: 90 days.
pub const MEMBER_LIFE: u64 = 90 * 86_400;

/// The key of a domain.
pub struct Authority {
    domain: String,
    pair: KeyPair,
    certificate: String,
}

impl Authority {
    /// Makes a new domain: its authority, the first computer's identity, and the list with it.
    pub fn create(
        domain: &str,
        computer: &str,
        now: u64,
    ) -> Result<(Self, Identity, SignedList), Error> {
        name::check_domain(domain)?;
        name::check_computer(computer)?;
        if fold_case(domain) == fold_case(computer) {
            let why = "its computer is called that; choose another with --computer, or name the \
                       domain otherwise";
            return Err(Error::Name { what: "domain", name: domain.to_owned(), why });
        }
        let pair = keys::new_pair()?;
        let certificate = keys::authority_certificate(domain, &pair, now)?;
        let authority = Self { domain: domain.to_owned(), pair, certificate };
        let expires = now + MEMBER_LIFE;
        let identity = authority.new_identity(computer, now, expires)?;
        let mut list = MemberList::new(domain, computer);
        list.serial = 1;
        list.members.push(identity.as_member(true));
        let list = list.sign(&authority.pair)?;
        Ok((authority, identity, list))
    }

    /// The authority of `identity`'s domain, from its key.
    pub fn from_key(identity: &Identity, key: &str) -> Result<Self, Error> {
        let pair = KeyPair::from_pem(key).map_err(because("read the authority's key"))?;
        if pair.public_key_raw() != identity.authority_public {
            return Err(Error::Crypto {
                what: "use the authority's key",
                why: "it is not the one that this computer's identity names".into(),
            });
        }
        Ok(Self {
            domain: identity.domain.clone(),
            pair,
            certificate: identity.authority_certificate.clone(),
        })
    }

    /// The key, to be kept.
    pub fn key(&self) -> String {
        self.pair.serialize_pem()
    }

    /// Makes room for `computer`, and the file that lets it in within `lifetime` seconds.
    pub fn invite(
        &self,
        list: &SignedList,
        computer: &str,
        lifetime: u64,
        now: u64,
    ) -> Result<(Invitation, SignedList), Error> {
        name::check_computer(computer)?;
        if fold_case(computer) == fold_case(&self.domain) {
            let why = "its domain is called that";
            return Err(Error::Name { what: "computer", name: computer.to_owned(), why });
        }
        let mut list = self.pruned(list, now);
        if list.find(computer).is_some_and(|member| member.joined) {
            let (domain, computer) = (self.domain.clone(), computer.to_owned());
            return Err(Error::ComputerExists { domain, computer });
        }
        // An earlier invitation that nobody has accepted is void now.
        remove(&mut list, computer);
        if list.members.len() >= MOST_MEMBERS {
            return Err(Error::TooMany { domain: self.domain.clone(), most: MOST_MEMBERS });
        }
        let identity = self.new_identity(computer, now, now.saturating_add(lifetime))?;
        list.members.push(identity.as_member(false));
        let list = list.sign(&self.pair)?;
        Ok((Invitation::new(&identity, &list), list))
    }

    /// Takes `computer` out of the domain.
    pub fn revoke(&self, list: &SignedList, computer: &str, now: u64) -> Result<SignedList, Error> {
        let mut list = self.pruned(list, now);
        if !remove(&mut list, computer) {
            let (domain, computer) = (self.domain.clone(), computer.to_owned());
            return Err(Error::NoSuchComputer { domain, computer });
        }
        list.sign(&self.pair)
    }

    /// Gives `computer`, which has proven to be that, a certificate for its new keys. From the new
    /// list on it proves itself by its new exchange key.
    pub fn renew(
        &self,
        list: &SignedList,
        computer: &str,
        request: &RenewalRequest,
        now: u64,
    ) -> Result<(Renewal, SignedList), Error> {
        let mut list = self.pruned(list, now);
        let folded = fold_case(computer);
        let member = list.members.iter_mut().find(|m| fold_case(&m.computer) == folded);
        let Some(member) = member else {
            let (domain, computer) = (self.domain.clone(), computer.to_owned());
            return Err(Error::NoSuchComputer { domain, computer });
        };
        let expires = now + MEMBER_LIFE;
        let computer = member.computer.clone();
        *member = Member { computer, exchange: request.exchange, expires, joined: true };
        let computer = &member.computer;
        let public = &request.public;
        let certificate =
            keys::member_certificate(&self.domain, computer, public, &self.pair, now, expires)?;
        let list = list.sign(&self.pair)?;
        Ok((Renewal { certificate, expires, members: list.text().to_owned() }, list))
    }

    /// The certificate and key of a router, which passes records on but is no member.
    pub fn router(
        &self,
        computer: &str,
        lifetime: u64,
        now: u64,
    ) -> Result<(String, String), Error> {
        name::check_computer(computer)?;
        let pair = keys::new_pair()?;
        let expires = now.saturating_add(lifetime);
        let public = pair.public_key_raw();
        let certificate =
            keys::member_certificate(&self.domain, computer, public, &self.pair, now, expires)?;
        Ok((certificate, pair.serialize_pem()))
    }

    fn new_identity(&self, computer: &str, now: u64, expires: u64) -> Result<Identity, Error> {
        let pair = keys::new_pair()?;
        let public = pair.public_key_raw();
        let certificate =
            keys::member_certificate(&self.domain, computer, public, &self.pair, now, expires)?;
        Ok(Identity {
            domain: self.domain.clone(),
            computer: computer.to_owned(),
            joined: now,
            authority_public: self.pair.public_key_raw().to_vec(),
            authority_certificate: self.certificate.clone(),
            certificate,
            key: pair.serialize_pem(),
            exchange: keys::new_exchange()?.to_bytes(),
            expires,
            pending: None,
        })
    }

    /// The next list, as it is before the change: without invitations that have expired.
    fn pruned(&self, list: &SignedList, now: u64) -> MemberList {
        let mut list = list.list().clone();
        list.serial += 1;
        list.members.retain(|member| member.joined || member.expires > now);
        list
    }
}

fn remove(list: &mut MemberList, computer: &str) -> bool {
    let (folded, before) = (fold_case(computer), list.members.len());
    list.members.retain(|member| fold_case(&member.computer) != folded);
    list.members.len() < before
}

//! The member list: which computers belong to a domain, as its authority says.
//!
//! It travels and lies in files as a line with the signature in hexadecimal digits, and then the
//! list in JSON, which is what is signed.

use serde::{Deserialize, Serialize};

use super::keys::{self, hex};
use super::{Error, name};
use mailslot_wire::name::fold_case;
use rcgen::KeyPair;

/// The most computers in a domain.
pub const MOST_MEMBERS: usize = 4096;
/// The most bytes that a signed list has.
pub const MAX_BYTES: usize = 1 << 20;
const VERSION: u32 = 1;

/// One computer of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name, as people write it.
    pub computer: String,
    /// Its exchange key, by which it proves who it is.
    #[serde(with = "hex")]
    pub exchange: [u8; 32],
    /// Until when it is one, unless renewed: seconds since 1970.
    pub expires: u64,
    /// Whether it has accepted its invitation, as far as the authority knows.
    pub joined: bool,
}

/// Which computers belong to a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberList {
    version: u32,
    /// The domain.
    pub domain: String,
    /// The computer that renews the others' certificates.
    pub authority: String,
    /// Higher with each change. Of two lists the one with the higher number is true.
    pub serial: u64,
    /// The computers.
    pub members: Vec<Member>,
}

impl MemberList {
    /// A domain with nobody in it.
    pub fn new(domain: &str, authority: &str) -> Self {
        let (domain, authority) = (domain.to_owned(), authority.to_owned());
        Self { version: VERSION, domain, authority, serial: 0, members: Vec::new() }
    }

    /// The computer of that name, in any letter case.
    pub fn find(&self, computer: &str) -> Option<&Member> {
        let folded = fold_case(computer);
        self.members.iter().find(|member| fold_case(&member.computer) == folded)
    }

    /// Signs the list.
    pub fn sign(self, authority: &KeyPair) -> Result<SignedList, Error> {
        let json = serde_json::to_string(&self).map_err(keys::because("write the member list"))?;
        let signature = hex::encode(&keys::sign(authority, json.as_bytes())?);
        Ok(SignedList { list: self, text: format!("{signature}\n{json}") })
    }

    fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("its version is {}, not {VERSION}", self.version));
        }
        if self.members.len() > MOST_MEMBERS {
            return Err(format!("it has more than {MOST_MEMBERS} computers"));
        }
        name::check_domain(&self.domain).map_err(|e| e.to_string())?;
        let mut names = std::collections::HashSet::new();
        for member in &self.members {
            name::check_computer(&member.computer).map_err(|e| e.to_string())?;
            if !names.insert(fold_case(&member.computer)) {
                return Err(format!("it has {} twice", member.computer));
            }
        }
        Ok(())
    }
}

/// A list with its signature, which holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedList {
    list: MemberList,
    text: String,
}

impl SignedList {
    /// Reads a list of `domain`; the signature must be that of the holder of `authority`.
    pub fn parse(text: &[u8], domain: &str, authority: &[u8]) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
        let (signature, json) = text.split_once('\n').ok_or("it has no second line")?;
        let signature = hex::decode(signature).ok_or("its first line is not hexadecimal")?;
        if !keys::is_signed(authority, json.as_bytes(), &signature) {
            return Err("the authority has not signed it".into());
        }
        let list: MemberList = serde_json::from_str(json).map_err(|e| e.to_string())?;
        list.check()?;
        if fold_case(&list.domain) != fold_case(domain) {
            return Err(format!("it is for domain {}", list.domain));
        }
        Ok(Self { list, text: text.to_owned() })
    }

    /// The list.
    pub fn list(&self) -> &MemberList {
        &self.list
    }

    /// List and signature, as [`parse`](Self::parse) reads them.
    pub fn text(&self) -> &str {
        &self.text
    }
}

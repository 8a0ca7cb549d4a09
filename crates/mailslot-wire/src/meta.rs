//! A slot's metadata: the small text file that says whose it is and what it is called.
//!
//! ```text
//! mailslot 2
//! name=\\.\mailslot\Taxes\Sue
//! max-record=4096
//! quota=67108864
//! access=users:1000,1001
//! network=domains
//! uid=1000
//! pid=1234
//! created=1700000000000000000
//! inheritable=no
//! ```
//!
//! A gateway's slot has one more, the name of this computer among others: `computer=JOE`.
//!
//! The fields may come in any order, each exactly once. Another user wrote the file, so reading it
//! is strict: anything unknown, doubled, missing or merely spelled otherwise is refused.

use std::fmt::Write;

use crate::computer::NetworkAccess;
use crate::limits::Limits;
use crate::name::SlotName;

mod error;
mod parse;
#[cfg(test)]
mod tests;

pub use error::MetaError;

const FIRST_LINE: &str = "mailslot 2";

/// What a slot's file says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The slot's name in the letter case of its creator. It must be a local one.
    pub name: SlotName,
    /// The largest record and the quota.
    pub limits: Limits,
    /// Who may write.
    pub access: Access,
    /// Which records from other computers it takes.
    pub network: NetworkAccess,
    /// The user who made the slot.
    pub uid: u32,
    /// The process that made the slot.
    pub pid: u32,
    /// When it was made: Unix time in nanoseconds.
    pub created: u64,
    /// Whether the read handle may be handed to another program.
    pub inheritable: bool,
    /// The name that this computer has among others, if this is a gateway's slot.
    pub computer: Option<String>,
}

/// Who may write to a slot. Its own user and root always may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The user who made it.
    SameUser,
    /// The members of a group too.
    Group(u32),
    /// Everyone.
    Everyone,
    /// These users too, at most [`Metadata::MAX_USERS`].
    Users(Vec<u32>),
}

impl Metadata {
    /// The largest file, in bytes. Whatever [`parse`](Self::parse) accepts fits.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// The most users an [`Access::Users`] may list.
    pub const MAX_USERS: usize = 256;

    /// The file. [`parse`](Self::parse) reads it back if the name is local, the list of users not
    /// too long, and names of computers are such.
    pub fn encode(&self) -> String {
        format!(
            "{FIRST_LINE}\n\
             name={}\n\
             max-record={}\n\
             quota={}\n\
             access={}\n\
             network={}\n\
             uid={}\n\
             pid={}\n\
             created={}\n\
             inheritable={}\n\
             {}",
            self.name,
            self.limits.max_record,
            self.limits.quota,
            self.access.encode(),
            self.network.encode(),
            self.uid,
            self.pid,
            self.created,
            if self.inheritable { "yes" } else { "no" },
            self.computer.as_ref().map_or(String::new(), |name| format!("computer={name}\n")),
        )
    }

    /// Reads a file.
    pub fn parse(file: &[u8]) -> Result<Metadata, MetaError> {
        parse::file(file)
    }
}

impl Access {
    fn encode(&self) -> String {
        match self {
            Access::SameUser => "user".to_owned(),
            Access::Group(gid) => format!("group:{gid}"),
            Access::Everyone => "everyone".to_owned(),
            Access::Users(uids) => {
                let mut out = String::from("users:");
                for (i, uid) in uids.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{comma}{uid}");
                }
                out
            }
        }
    }
}

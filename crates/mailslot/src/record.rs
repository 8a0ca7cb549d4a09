//! What a read gives, and what a slot says about itself.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Who wrote a record, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Sender {
    /// The process that opened the slot (as numbered in the reader's namespace; 0 if it is in
    /// another).
    pub pid: u32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

impl Sender {
    /// The name of the sender's user in the system's user database, if it has one. The look-up may
    /// read files or ask a directory service.
    pub fn user_name(&self) -> Option<String> {
        user_name(self.uid)
    }
}

/// Whose record it is, if it came from another computer.
///
/// This computer's gateway says so, and the domain vouches for the computer: it has proved with its
/// certificate that it is that one. User and process are what that computer says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Origin {
    /// The writer's computer.
    pub computer: String,
    /// The domain that vouches for the computer.
    pub domain: String,
    /// The writer's user, by name; empty if it has none.
    pub user: String,
    /// The writer's process on its computer; 0 if that is not known.
    pub pid: u32,
}

impl Origin {
    /// A writer on `computer`, for which `domain` vouches.
    pub fn new(
        computer: impl Into<String>,
        domain: impl Into<String>,
        user: impl Into<String>,
        pid: u32,
    ) -> Self {
        Self { computer: computer.into(), domain: domain.into(), user: user.into(), pid }
    }
}

/// How it is known: `computer JOE, authenticated by domain WORKGROUP`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "computer {}, authenticated by domain {}", self.computer, self.domain)
    }
}

impl From<mailslot_wire::message::Origin<'_>> for Origin {
    fn from(found: mailslot_wire::message::Origin<'_>) -> Self {
        Self::new(found.computer, found.domain, found.user, found.pid)
    }
}

impl Origin {
    pub(crate) fn message(&self) -> Option<Vec<u8>> {
        let Origin { computer, domain, user, pid } = self;
        mailslot_wire::message::Origin { computer, domain, user, pid: *pid }.encode()
    }
}

pub(crate) fn user_name(uid: u32) -> Option<String> {
    uzers::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned())
}

/// A user for error messages: by name where it has one.
pub(crate) fn describe_user(uid: u32) -> String {
    user_name(uid).map_or_else(|| format!("user {uid}"), |name| format!("user {name}"))
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sender: Sender,
    pub(crate) origin: Option<Arc<Origin>>,
    pub(crate) written: SystemTime,
}

impl Record {
    /// The record's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The record's bytes, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Who wrote it here: for a record from another computer, this computer's gateway.
    pub fn sender(&self) -> Sender {
        self.sender
    }

    /// Who wrote it on another computer, if it came from there.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    /// When the write began, by the writer's word (its clock is the reader's; a hostile writer can
    /// claim any time for its own records).
    pub fn written(&self) -> SystemTime {
        self.written
    }
}

impl Deref for Record {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl AsRef<[u8]> for Record {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A slot's limits and what waits in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The largest record in bytes as given to the creator's options: 0 and `u32::MAX` both mean no
    /// limit but the quota.
    pub max_record_size: u32,
    /// Bytes of the record that the next read gives, if one waits.
    pub next_size: Option<usize>,
    /// Records waiting.
    pub waiting: u64,
    /// Bytes of the records waiting.
    pub waiting_bytes: u64,
    /// How long a read waits for a record: `None` for ever.
    pub read_timeout: Option<Duration>,
    /// Bytes that may wait, for each writer.
    pub quota: u64,
}

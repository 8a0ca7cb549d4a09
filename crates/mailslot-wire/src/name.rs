//! Slot names: what people type, what makes two names the same slot, and what the registry calls it.
//!
//! | typed | reaches |
//! |---|---|
//! | `\\.\mailslot\taxes\sue`, `\\?\mailslot\taxes\sue` | the slot on this computer |
//! | `\\JOE\mailslot\taxes\sue` | the slot on computer JOE, or on every computer of domain JOE |
//! | `\\*\mailslot\taxes\sue` | the slot on every computer of the primary domain |
//! | `taxes/sue` | the slot on this computer ([`SlotName::parse_short`] only) |
//!
//! Letter case never matters, and `/` may stand for `\`. As on Windows, repeated separators
//! collapse, `.` vanishes, `..` removes the part before it, and dots and spaces at the very end
//! go; after `\\?\` none of this happens.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

mod error;
mod file_name;
pub(crate) mod fold;
mod host;
mod parse;
#[cfg(test)]
mod tests;

pub use error::NameError;
pub use file_name::FILE_PREFIX;
pub use fold::fold as fold_case;
pub use host::Host;

/// The name of a slot: never empty, never too long, without control characters.
///
/// Two names are equal iff they reach the same slot on the same host; letter case does not count.
#[derive(Clone)]
pub struct SlotName {
    host: Host,
    /// What follows `\mailslot\`, with `\` between the parts.
    path: String,
    /// `path` with the letter case folded.
    key: String,
}

impl SlotName {
    /// The longest path, the part after `\mailslot\`, in characters.
    pub const MAX_CHARS: usize = 255;

    /// Reads a name as Win32 does. The prefix must be there: `\\.\mailslot\`, `\\?\mailslot\`,
    /// `\\HOST\mailslot\` or `\\*\mailslot\`.
    pub fn parse(s: &str) -> Result<SlotName, NameError> {
        parse::full(s)
    }

    /// Reads what the command line takes: what [`parse`](Self::parse) takes, or a bare
    /// `taxes/sue`, which means `\\.\mailslot\taxes\sue`.
    pub fn parse_short(s: &str) -> Result<SlotName, NameError> {
        parse::short(s)
    }

    /// Where the slot is.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whether the name reaches a slot of this computer, and nothing else.
    pub fn is_local(&self) -> bool {
        matches!(self.host, Host::Local)
    }

    /// What follows `\mailslot\`: `taxes\sue`, in the letter case that was typed.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path with its letter case folded: on one host, two names are the same slot iff their
    /// keys are equal.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The slot's directory entry in the registry. It means something for local names only.
    ///
    /// [`FILE_PREFIX`], then the key: `a`–`z`, digits, `-`, `_` and `.` as they are (a leading `.`
    /// excepted), any other byte as `%XX`. Where that would exceed 80 bytes, [`FILE_PREFIX`],
    /// `%h` and 32 digits of FNV-1a 128 of the key stand instead. Escaped entries never clash;
    /// hashed ones do if somebody wants them to, so compare the name in the slot's metadata.
    pub fn file_name(&self) -> String {
        file_name::of_key(&self.key)
    }

    /// Whether [`file_name`](Self::file_name) holds a hash in place of the name.
    pub fn file_name_is_hashed(&self) -> bool {
        file_name::is_hashed(&self.key)
    }
}

impl FromStr for SlotName {
    type Err = NameError;

    fn from_str(s: &str) -> Result<SlotName, NameError> {
        SlotName::parse(s)
    }
}

impl TryFrom<&str> for SlotName {
    type Error = NameError;

    fn try_from(s: &str) -> Result<SlotName, NameError> {
        SlotName::parse(s)
    }
}

impl TryFrom<String> for SlotName {
    type Error = NameError;

    fn try_from(s: String) -> Result<SlotName, NameError> {
        SlotName::parse(&s)
    }
}

impl TryFrom<&String> for SlotName {
    type Error = NameError;

    fn try_from(s: &String) -> Result<SlotName, NameError> {
        SlotName::parse(s)
    }
}

impl From<&SlotName> for SlotName {
    fn from(name: &SlotName) -> SlotName {
        name.clone()
    }
}

/// The full form, which [`SlotName::parse`] reads back: `\\.\mailslot\taxes\sue`.
impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path like `a.` came in through `\\?\`, and is only `a.` there.
        if self.is_local() && !parse::is_normal(&self.path) {
            write!(f, r"\\?\mailslot\{}", self.path)
        } else {
            write!(f, r"\\{}\mailslot\{}", self.host, self.path)
        }
    }
}

impl fmt::Debug for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotName({self})")
    }
}

impl PartialEq for SlotName {
    fn eq(&self, other: &SlotName) -> bool {
        self.key == other.key && self.host == other.host
    }
}

impl Eq for SlotName {}

impl Ord for SlotName {
    fn cmp(&self, other: &SlotName) -> Ordering {
        (&self.key, &self.host).cmp(&(&other.key, &other.host))
    }
}

impl PartialOrd for SlotName {
    fn partial_cmp(&self, other: &SlotName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for SlotName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        self.host.hash(state);
    }
}

//! The computer, or the computers, that a name reaches.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::fold::{fold_char, same};

/// The computer, or the computers, that a name reaches. Compares without regard to letter case.
#[derive(Clone, Debug)]
pub enum Host {
    /// This computer: `\\.\mailslot\…` and `\\?\mailslot\…`.
    Local,
    /// A computer or a domain, as typed: `\\JOE\mailslot\…`, `\\JOE.WORKGROUP\mailslot\…`.
    Named(String),
    /// Every computer of the primary domain: `\\*\mailslot\…`.
    Primary,
}

impl Host {
    /// The longest computer or domain name, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// What stands between `\\` and the next separator, or why it cannot. (`?` is not a host: it
    /// asks for another reading of the whole name.)
    pub(crate) fn parse(typed: &str) -> Result<Host, &'static str> {
        match typed {
            "." => Ok(Host::Local),
            "*" => Ok(Host::Primary),
            "" => Err("it is empty (exactly two separators come before it)"),
            _ if typed.len() > Self::MAX_BYTES => Err("it is longer than 255 bytes"),
            _ if typed.chars().any(char::is_control) => Err("it contains a control character"),
            _ if typed.contains(FORBIDDEN) => Err(r#"it contains one of / \ : * ? " < > |"#),
            _ if typed.starts_with(' ') || typed.ends_with(' ') => {
                Err("it starts or ends with a space")
            }
            _ if typed.bytes().all(|b| b == b'.') => Err("it consists of dots only"),
            _ => Ok(Host::Named(typed.to_owned())),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Host::Local => 0,
            Host::Named(_) => 1,
            Host::Primary => 2,
        }
    }

    fn name(&self) -> &str {
        match self {
            Host::Local => ".",
            Host::Named(name) => name,
            Host::Primary => "*",
        }
    }
}

const FORBIDDEN: [char; 9] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|'];

/// As it stands in a name: `.`, `JOE`, `*`.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        self.rank() == other.rank() && same(self.name(), other.name())
    }
}

impl Eq for Host {}

impl Ord for Host {
    fn cmp(&self, other: &Host) -> Ordering {
        let folded = |host: &Host| host.name().chars().map(fold_char).collect::<String>();
        self.rank().cmp(&other.rank()).then_with(|| folded(self).cmp(&folded(other)))
    }
}

impl PartialOrd for Host {
    fn partial_cmp(&self, other: &Host) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        for c in self.name().chars().map(fold_char) {
            c.hash(state);
        }
    }
}

//! A slot's limits, and how a writer learns them without a round trip.
//!
//! A slot binds its socket inside a private directory and only then gives that directory its
//! public name. The kernel keeps the address that was bound, and tells it to whoever connects. So
//! what the private name says, every writer knows at once:
//!
//! `/run/mailslot/.mailslot-4d2-00000000deadbeef-m1000-q4000000/s`

#[cfg(test)]
mod tests;

use crate::text::hexadecimal;

/// What the name of every private directory starts with.
pub const PRIVATE_PREFIX: &str = ".mailslot-";

/// The gateway's entry in the registry. No slot's can be called so.
pub const GATEWAY_DIR: &str = "mailslot-gateway";

/// The socket's name in its directory.
const SOCKET_NAME: &[u8] = b"s";

/// What a slot takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The largest record, in bytes. 0 and `u32::MAX` both mean no limit but the quota; which of
    /// them was asked for is kept, because `GetMailslotInfo` answers it.
    pub max_record: u32,
    /// How many bytes of unread records may wait.
    pub quota: u64,
}

impl Limits {
    /// What a gateway takes whose socket a service manager has made, which knows no limits: it is
    /// bound under its public name.
    pub const GATEWAY: Limits = Limits { max_record: 32 << 20, quota: 64 << 20 };

    /// `m1000-q4000000`: hexadecimal, lower case, without leading zeros.
    pub fn encode(&self) -> String {
        format!("m{:x}-q{:x}", self.max_record, self.quota)
    }

    /// Reads what [`encode`](Self::encode) writes, and nothing else.
    pub fn parse(text: &str) -> Option<Limits> {
        let (max_record, quota) = text.split_once('-')?;
        Limits::from_fields(max_record.as_bytes(), quota.as_bytes())
    }

    fn from_fields(max_record: &[u8], quota: &[u8]) -> Option<Limits> {
        Some(Limits {
            max_record: u32::try_from(hexadecimal(max_record.strip_prefix(b"m")?)?).ok()?,
            quota: hexadecimal(quota.strip_prefix(b"q")?)?,
        })
    }

    /// The largest record that can be written: no limit lets it exceed the quota.
    pub fn largest_record(&self) -> u64 {
        match self.max_record {
            0 | u32::MAX => self.quota,
            max => self.quota.min(u64::from(max)),
        }
    }

    /// Reads the limits out of a slot's socket address, the path that its socket was bound to.
    pub fn from_address(path: &[u8]) -> Option<Limits> {
        // From the right: the directories above are the user's, and may look like anything.
        let path = path.strip_suffix(SOCKET_NAME)?.strip_suffix(b"/")?;
        let (_, dir) = rsplit(path, b'/').unwrap_or((&[], path));
        if dir == GATEWAY_DIR.as_bytes() {
            return Some(Limits::GATEWAY);
        }
        let name = dir.strip_prefix(PRIVATE_PREFIX.as_bytes())?;
        let (name, quota) = rsplit(name, b'-')?;
        let (_unique, max_record) = rsplit(name, b'-')?;
        Limits::from_fields(max_record, quota)
    }
}

/// What is before and behind the last `separator`.
fn rsplit(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|&byte| byte == separator)?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

/// The name under which process `pid` builds a slot. `nonce` tells its attempts apart.
pub fn private_dir_name(pid: u32, nonce: u64, limits: Limits) -> String {
    format!("{PRIVATE_PREFIX}{pid:x}-{nonce:016x}-{}", limits.encode())
}

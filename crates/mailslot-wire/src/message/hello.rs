//! What a connection is for, where that does not go without saying.

use super::{Field, HEADER_LEN, KIND_ORIGIN, KIND_TARGET, MessageError, header, require};
use crate::computer::is_computer_name;
use crate::name::SlotName;

/// Flags of a target message.
const CONFIRMED: u8 = 1;

/// The largest number that the first record of a confirmed connection may have.
pub const FIRST_MAX: u64 = 1 << 62;

/// How the records of a confirmed connection are known, so that one that is repeated can be told
/// from a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The write handle's name for itself.
    pub handle: [u8; 16],
    /// The number of the connection's first record, [`FIRST_MAX`] at most.
    pub first: u64,
}

/// The one way so far in which a sender can be known.
const BY_DOMAIN: u8 = 1;

/// The longest text of an origin, in bytes.
pub const ORIGIN_TEXT_MAX: usize = 255;

/// The longest origin message.
pub const ORIGIN_MAX: usize = HEADER_LEN + 8 + 3 * (1 + ORIGIN_TEXT_MAX);

/// Whose records a gateway forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The writer's computer.
    pub computer: &'a str,
    /// The domain that vouches for the computer.
    pub domain: &'a str,
    /// The writer's user by name, as its computer says; empty if it has none.
    pub user: &'a str,
    /// The writer's process on its computer; 0 if that is not known.
    pub pid: u32,
}

impl Origin<'_> {
    /// The message, or `None` if one of the texts can't be in one.
    pub fn encode(&self) -> Option<Vec<u8>> {
        if !self.is_sound() {
            return None;
        }
        let mut datagram = header(KIND_ORIGIN, 0).to_vec();
        datagram.extend([BY_DOMAIN, 0, 0, 0]);
        datagram.extend(self.pid.to_le_bytes());
        for text in [self.computer, self.domain, self.user] {
            datagram.push(u8::try_from(text.len()).ok()?);
            datagram.extend(text.as_bytes());
        }
        Some(datagram)
    }

    fn is_sound(&self) -> bool {
        is_computer_name(self.computer)
            && is_computer_name(self.domain)
            && self.user.len() <= ORIGIN_TEXT_MAX
            && !self.user.chars().any(char::is_control)
    }
}

/// A target message, whole.
pub fn target(name: &SlotName, confirmed: Option<Confirmed>) -> Vec<u8> {
    let mut datagram = header(KIND_TARGET, 0).to_vec();
    match confirmed {
        None => datagram.push(0),
        Some(Confirmed { handle, first }) => {
            datagram.push(CONFIRMED);
            datagram.extend(handle);
            datagram.extend(first.to_le_bytes());
        }
    }
    datagram.extend(name.to_string().as_bytes());
    datagram
}

pub(super) fn parse_target(body: &[u8]) -> Result<(Option<Confirmed>, &str), MessageError> {
    let len = HEADER_LEN.saturating_add(body.len()) as u64;
    let too_short = |expected| wrong(Field::Length, expected, len);
    let Some((&flags, rest)) = body.split_first() else {
        return Err(too_short("at least 17 for a target message"));
    };
    require(Field::Flags, flags & !CONFIRMED, 0, "0x0 or 0x1")?;
    let (confirmed, name) = if flags == CONFIRMED {
        let (handle, rest) = rest
            .split_first_chunk()
            .ok_or_else(|| too_short("at least 41 for a confirmed target message"))?;
        let (first, name) = rest
            .split_first_chunk()
            .ok_or_else(|| too_short("at least 41 for a confirmed target message"))?;
        let first = u64::from_le_bytes(*first);
        if first > FIRST_MAX {
            return Err(wrong(Field::First, "0x4000000000000000 at most", first));
        }
        (Some(Confirmed { handle: *handle, first }), name)
    } else {
        (None, rest)
    };
    let wrong_name = || wrong(Field::Name, "the full name of a remote slot", name.len() as u64);
    let text = str::from_utf8(name).map_err(|_| wrong_name())?;
    let parsed = SlotName::parse(text).map_err(|_| wrong_name())?;
    if parsed.is_local() || parsed.to_string() != text {
        return Err(wrong_name());
    }
    Ok((confirmed, text))
}

pub(super) fn parse_origin(body: &[u8]) -> Result<Origin<'_>, MessageError> {
    let too_short = || wrong(Field::Length, "27 bytes or more of an origin", body.len() as u64);
    let (&[known, p0, p1, p2, i0, i1, i2, i3], rest) =
        body.split_first_chunk::<8>().ok_or_else(too_short)?;
    require(Field::Known, known, BY_DOMAIN, "0x1 (by its domain)")?;
    require(Field::Padding, u32::from_le_bytes([p0, p1, p2, 0]), 0, "0x0")?;
    let (computer, rest) = text(rest)?;
    let (domain, rest) = text(rest)?;
    let (user, rest) = text(rest)?;
    if !rest.is_empty() {
        return Err(wrong(Field::Length, "nothing after the user of an origin", rest.len() as u64));
    }
    let pid = u32::from_le_bytes([i0, i1, i2, i3]);
    let origin = Origin { computer, domain, user, pid };
    if !origin.is_sound() {
        return Err(wrong(Field::Text, "names of a computer, a domain and a user", 0));
    }
    Ok(origin)
}

/// A text after its length, and what follows it.
fn text(bytes: &[u8]) -> Result<(&str, &[u8]), MessageError> {
    let cut = || wrong(Field::Length, "three texts in an origin", bytes.len() as u64);
    let (&len, rest) = bytes.split_first().ok_or_else(cut)?;
    let (text, rest) = rest.split_at_checked(usize::from(len)).ok_or_else(cut)?;
    let text = str::from_utf8(text)
        .map_err(|error| wrong(Field::Text, "UTF-8 in an origin", error.valid_up_to() as u64))?;
    Ok((text, rest))
}

fn wrong(field: Field, expected: &'static str, found: u64) -> MessageError {
    MessageError { field, expected, found }
}

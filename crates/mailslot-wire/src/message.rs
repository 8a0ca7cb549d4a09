//! What a writer sends on the slot's `SOCK_SEQPACKET` socket: one message, one datagram.
//!
//! All numbers are little-endian. The header:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 2 | magic | `0x534D`: the bytes `MS` |
//! | 2 | 1 | version | 1 |
//! | 3 | 1 | kind | 1 record, 2 attach, 3 target, 4 origin |
//! | 4 | 4 | reserved | 0 |
//! | 8 | 8 | stamp | record: when its write began, `CLOCK_MONOTONIC` in nanoseconds; else 0 |
//!
//! *Record* (1): the rest of the datagram is the record, 0 to [`INLINE_MAX`] bytes.
//!
//! *Attach* (2): the writer moves to a ring, whose memory comes with the datagram. Its body:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 16 | 1 | base shift | the ring's first size, as a power of two |
//! | 17 | 1 | growth shift | how much larger each level is, as a power of two |
//! | 18 | 1 | levels | how often it may grow |
//! | 19 | 5 | padding | 0 |
//!
//! *Target* (3): the first message to a gateway's slot, and to no other: where the records go. Its
//! body:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 16 | 1 | flags | bit 0: confirmed |
//! | 17 | 16 | handle | only if confirmed: random, the same in all connections of a write handle |
//! | 33 | 8 | first | only if confirmed: the number of the connection's first record, at most 2^62 |
//! | 17 or 41 | | name | the remote slot's full name, such as `\\JOE\mailslot\taxes\sue`, in UTF-8 |
//!
//! On a confirmed connection every record, on the socket and in the ring, begins with 4 bytes: how
//! many milliseconds the writer waits for the gateway's [`answer`](crate::answer). A record whose
//! gateway has gone is repeated to the next one under the same handle and number.
//!
//! *Origin* (4): the first message of a gateway to an ordinary slot: whose records it forwards. A
//! reader believes it only of whoever may be this computer's gateway. Its body:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 16 | 1 | known | how: 1 its domain vouches for the computer |
//! | 17 | 3 | padding | 0 |
//! | 20 | 4 | pid | the writer's process on its computer; 0 if not known |
//! | 24 | | computer, domain, user | three texts in UTF-8, each after a byte with its length |
//!
//! Anything else is refused. Whether a ring's three numbers make sense is for the ring to judge.

use thiserror::Error;

mod hello;
#[cfg(test)]
mod tests;

pub use hello::{Confirmed, FIRST_MAX, ORIGIN_MAX, ORIGIN_TEXT_MAX, Origin, target};

/// The largest record that travels in a datagram.
pub const INLINE_MAX: usize = 32 * 1024;

/// The length of the header.
pub const HEADER_LEN: usize = 16;

/// The length of an attach message.
pub const ATTACH_LEN: usize = 24;

pub(crate) const MAGIC: [u8; 2] = *b"MS";
pub(crate) const VERSION: u8 = 1;
const KIND_RECORD: u8 = 1;
const KIND_ATTACH: u8 = 2;
const KIND_TARGET: u8 = 3;
const KIND_ORIGIN: u8 = 4;

/// One datagram from a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A record.
    Record {
        /// When its write began, or so the writer says.
        stamp: u64,
        /// The record.
        bytes: &'a [u8],
    },
    /// The writer moves to a ring.
    Attach {
        /// The ring's first size, as a power of two.
        base_shift: u8,
        /// How much larger each level is, as a power of two.
        growth_shift: u8,
        /// How often the ring may grow.
        levels: u8,
    },
    /// Where the writer's records go.
    Target {
        /// Set if the writer wants to know what becomes of each.
        confirmed: Option<Confirmed>,
        /// The full name of the remote slot, which [`SlotName::parse`] accepts.
        ///
        /// [`SlotName::parse`]: crate::name::SlotName::parse
        name: &'a str,
    },
    /// Whose records these are.
    Origin(Origin<'a>),
}

impl<'a> Message<'a> {
    /// Reads a whole datagram.
    pub fn parse(datagram: &'a [u8]) -> Result<Message<'a>, MessageError> {
        let Some((header, body)) = datagram.split_first_chunk::<HEADER_LEN>() else {
            return Err(wrong_length(datagram, "at least 16"));
        };
        let [m0, m1, version, kind, r0, r1, r2, r3, stamp @ ..] = *header;
        let magic = u16::from_le_bytes([m0, m1]);
        let reserved = u32::from_le_bytes([r0, r1, r2, r3]);
        let stamp = u64::from_le_bytes(stamp);
        require(Field::Magic, magic, u16::from_le_bytes(MAGIC), "0x534d")?;
        require(Field::Version, version, VERSION, "0x1")?;
        require(Field::Reserved, reserved, 0, "0x0")?;
        match kind {
            KIND_RECORD if body.len() > INLINE_MAX => {
                Err(wrong_length(datagram, "at most 32784 for a record"))
            }
            KIND_RECORD => Ok(Message::Record { stamp, bytes: body }),
            KIND_ATTACH => {
                let Ok(&[base_shift, growth_shift, levels, ref padding @ ..]) =
                    <&[u8; 8]>::try_from(body)
                else {
                    return Err(wrong_length(datagram, "24 for an attach message"));
                };
                require(Field::Stamp, stamp, 0, "0x0 in an attach message")?;
                let [p0, p1, p2, p3, p4] = *padding;
                let padding = u64::from_le_bytes([p0, p1, p2, p3, p4, 0, 0, 0]);
                require(Field::Padding, padding, 0, "0x0")?;
                Ok(Message::Attach { base_shift, growth_shift, levels })
            }
            KIND_TARGET => {
                require(Field::Stamp, stamp, 0, "0x0 in a target message")?;
                let (confirmed, name) = hello::parse_target(body)?;
                Ok(Message::Target { confirmed, name })
            }
            KIND_ORIGIN => {
                require(Field::Stamp, stamp, 0, "0x0 in an origin message")?;
                hello::parse_origin(body).map(Message::Origin)
            }
            _ => Err(MessageError {
                field: Field::Kind,
                expected: "0x1 (record), 0x2 (attach), 0x3 (target) or 0x4 (origin)",
                found: u64::from(kind),
            }),
        }
    }
}

/// The header of a record. The record follows it in the same datagram.
pub fn record_header(stamp: u64) -> [u8; HEADER_LEN] {
    header(KIND_RECORD, stamp)
}

/// An attach message, whole.
pub fn attach(base_shift: u8, growth_shift: u8, levels: u8) -> [u8; ATTACH_LEN] {
    let body = [base_shift, growth_shift, levels, 0, 0, 0, 0, 0];
    let mut datagram = [0; ATTACH_LEN];
    for (to, from) in datagram.iter_mut().zip(header(KIND_ATTACH, 0).into_iter().chain(body)) {
        *to = from;
    }
    datagram
}

pub(crate) fn header(kind: u8, stamp: u64) -> [u8; HEADER_LEN] {
    let [m0, m1] = MAGIC;
    let [s0, s1, s2, s3, s4, s5, s6, s7] = stamp.to_le_bytes();
    [m0, m1, VERSION, kind, 0, 0, 0, 0, s0, s1, s2, s3, s4, s5, s6, s7]
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // The module's tables say what each is.
pub enum Field {
    Length,
    Magic,
    Version,
    Kind,
    Reserved,
    Stamp,
    Padding,
    Flags,
    First,
    Name,
    Known,
    Text,
}

/// Why a datagram is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a mailslot message: {}", self.sentence())]
pub struct MessageError {
    /// The first field that is wrong.
    pub field: Field,
    /// What it may be.
    pub expected: &'static str,
    /// What it is.
    pub found: u64,
}

impl MessageError {
    fn sentence(&self) -> String {
        let MessageError { field, expected, found } = self;
        let name = match field {
            Field::Length => return format!("its length is {found} bytes, expected {expected}"),
            Field::Magic => "magic",
            Field::Version => "version",
            Field::Kind => "kind",
            Field::Reserved => "reserved field",
            Field::Stamp => "stamp",
            Field::Padding => "padding",
            Field::Flags => "flags",
            Field::First => "first record's number",
            Field::Name => return format!("its name of {found} bytes is not {expected}"),
            Field::Known => "way of being known",
            Field::Text => return format!("its texts are not {expected}"),
        };
        format!("its {name} is {found:#x}, expected {expected}")
    }
}

fn require<T: Into<u64> + PartialEq>(
    field: Field,
    found: T,
    wanted: T,
    expected: &'static str,
) -> Result<(), MessageError> {
    if found == wanted {
        return Ok(());
    }
    let found = found.into();
    Err(MessageError { field, expected, found })
}

fn wrong_length(datagram: &[u8], expected: &'static str) -> MessageError {
    MessageError {
        field: Field::Length,
        expected,
        found: u64::try_from(datagram.len()).unwrap_or(u64::MAX),
    }
}

//! What gateways send each other: one frame, one message of the transport between them.
//!
//! `docs/gateway-protocol.md` says what the frames mean. All numbers are little-endian. The header:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 2 | magic | the bytes `MG` |
//! | 2 | 1 | version | 1 |
//! | 3 | 1 | kind | see below |
//! | 4 | 4 | reserved | 0 |
//! | 8 | 8 | id | open, accept: a token; data, ack, reset: a connection; ask, answer: a question |
//!
//! | kind | name | body |
//! |---|---|---|
//! | 1 | open | none |
//! | 2 | accept | connection: 8 bytes |
//! | 3 | data | number: 8 bytes; then items, at least one |
//! | 4 | ack | next: 8 bytes; then 0 to [`ACK_MAP_MAX`] bytes of bit map |
//! | 5 | reset | none |
//! | 6 | ask | what: 1 byte (1 ping, 2 slots) |
//! | 7 | answer | part: 2 bytes; parts: 2 bytes, 1 to [`ANSWER_PARTS_MAX`]; then bytes |
//!
//! An item begins with one byte that says what it is:
//!
//! | byte | name | fields |
//! |---|---|---|
//! | 1 | define | channel 4, flags 1 (1 confirmed, 2 wide), pid 4, writer 16, user (length 1, UTF-8), path (length 2, UTF-8) |
//! | 2 | run | channel 4, first 8, length 4; then that many bytes of records, each: length 4, bytes |
//! | 3 | fragment | channel 4, sequence 8, total 4, offset 4, length 4, bytes |
//! | 4 | close | channel 4 |
//! | 5 | result | writer 16, sequence 8, outcome 1 |
//! | 6 | missed | writer 16, count 8 |
//!
//! Outcomes are numbered as in an [`answer`](crate::answer).
//!
//! Anything else is refused, and with one wrong item the whole frame.

use thiserror::Error;

pub use crate::answer::Outcome;
use crate::name::{Host, SlotName};

mod build;
mod parse;
#[cfg(test)]
mod tests;

pub use build::{Items, accept, ack, answer, ask, data_header, open, reset};

/// The length of a frame's header.
pub const HEADER_LEN: usize = 16;

/// The length of a data frame's header and number. Items follow.
pub const DATA_HEADER_LEN: usize = 24;

/// Bytes of the largest bit map in an ack.
pub const ACK_MAP_MAX: usize = 128;

/// The largest number of parts in an answer.
pub const ANSWER_PARTS_MAX: u16 = 64;

/// Bytes of a run item besides its records.
pub const RUN_HEADER_LEN: usize = 17;

/// Bytes of a fragment item besides its bytes.
pub const FRAGMENT_HEADER_LEN: usize = 25;

/// Bytes of the largest define item.
pub const DEFINE_MAX: usize = 27 + USER_MAX + 2 + PATH_MAX;

/// The longest user name, in bytes.
pub const USER_MAX: usize = 255;

/// The longest path: [`SlotName::MAX_CHARS`] characters of four bytes.
const PATH_MAX: usize = SlotName::MAX_CHARS * 4;

/// The largest sequence number. What follows it is a number, too.
pub const SEQUENCE_MAX: u64 = u64::MAX >> 1;

/// Tells a writer from all others, of all computers: random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriterId(pub [u8; 16]);

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Asks for a new connection.
    Open {
        /// Chosen by the asker.
        token: u64,
    },
    /// Gives a connection.
    Accept {
        /// That of the open frame.
        token: u64,
        /// Chosen by the giver.
        connection: u64,
    },
    /// Carries items.
    Data {
        /// The connection.
        connection: u64,
        /// The frame's number in it, from 0.
        number: u64,
        /// What it carries.
        items: Vec<Item<'a>>,
    },
    /// Says what has arrived.
    Ack {
        /// The connection.
        connection: u64,
        /// All frames below this number were dealt with.
        next: u64,
        /// Bit `b` of byte `i`: the frame `next + 1 + 8 * i + b` has come and waits.
        map: &'a [u8],
    },
    /// Says that a connection is unknown.
    Reset {
        /// The connection.
        connection: u64,
    },
    /// Asks something that needs no connection.
    Ask {
        /// Chosen by the asker.
        question: u64,
        /// What is asked.
        what: Question,
    },
    /// Answers a question.
    Answer {
        /// That of the ask frame.
        question: u64,
        /// Which part this is, from 0.
        part: u16,
        /// How many there are.
        parts: u16,
        /// The part.
        body: &'a [u8],
    },
}

/// What a gateway may ask another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Are you there?
    Ping,
    /// Which slots may I write to?
    Slots,
}

/// A part of a data frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// Gives a channel, of one writer to one slot, its meaning.
    Define {
        /// A number that stands for the rest.
        channel: u32,
        /// Who writes to what.
        definition: Definition,
    },
    /// Records of one writer, in order.
    Run {
        /// The channel.
        channel: u32,
        /// The sequence number of the first record. The others follow without a gap.
        first: u64,
        /// The records.
        records: Records<'a>,
    },
    /// A part of a large record. Parts of one record come in order, without a gap, and none of
    /// another record of the same channel between them.
    Fragment {
        /// The channel.
        channel: u32,
        /// The record's sequence number.
        sequence: u64,
        /// The record's length.
        total: u32,
        /// Where the part begins.
        offset: u32,
        /// The part.
        bytes: &'a [u8],
    },
    /// The channel has ended.
    Close {
        /// The channel.
        channel: u32,
    },
    /// What became of a record that asked for confirmation, in the other direction.
    Result {
        /// Its writer.
        writer: WriterId,
        /// Its sequence number.
        sequence: u64,
        /// What became of it.
        outcome: Outcome,
    },
    /// Records that no slot took, in the other direction.
    Missed {
        /// Their writer.
        writer: WriterId,
        /// How many, since the last item of this kind.
        count: u64,
    },
}

/// Who writes to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The writer.
    pub writer: WriterId,
    /// It wants to hear what becomes of each record.
    pub confirmed: bool,
    /// The name that it opened reaches several computers.
    pub wide: bool,
    /// The writer's process.
    pub pid: u32,
    /// Its user, as the other computer calls it: no control characters.
    pub user: String,
    /// The slot, as a name of the receiving computer.
    pub slot: SlotName,
}

/// Records one after the other, each with its length before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    /// Reads what a run carries. `None` if it isn't records, whole, at least one.
    pub fn parse(bytes: &'a [u8]) -> Option<Records<'a>> {
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = split_record(rest)?;
        }
        (!bytes.is_empty()).then_some(Records(bytes))
    }

    /// As they stand in the frame.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (record, rest) = split_record(self.0)?;
        self.0 = rest;
        Some(record)
    }
}

fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a gateway's frame: at byte {at}, {expected} was expected")]
pub struct EnvelopeError {
    /// Where the first thing begins that is wrong.
    pub at: usize,
    /// What should be there.
    pub expected: &'static str,
}

impl<'a> Frame<'a> {
    /// Reads a whole frame.
    pub fn parse(bytes: &'a [u8]) -> Result<Frame<'a>, EnvelopeError> {
        parse::frame(bytes)
    }
}

/// The slot of a path in a frame, if the path is one.
fn slot(path: &str) -> Option<SlotName> {
    let name = SlotName::parse(&format!(r"\\?\mailslot\{path}")).ok()?;
    (name.path() == path && *name.host() == Host::Local).then_some(name)
}

//! What a gateway tells a writer on the socket of its connection: one answer, one datagram.
//!
//! The header is that of a [`message`](crate::message), all numbers are little-endian:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 2 | magic | `0x534D`: the bytes `MS` |
//! | 2 | 1 | version | 1 |
//! | 3 | 1 | kind | 17 target, 18 lost, 19 outcomes |
//! | 4 | 4 | reserved | 0 |
//! | 8 | 8 | number | target: 0; lost: how many records; outcomes: of which record, counted from 0 |
//!
//! *Target* (17): one byte: 1 the gateway knows the target, 2 it knows no such computer, 3 it
//! refuses it to this writer.
//!
//! *Lost* (18): no body. Counts all records of the connection that will never arrive.
//!
//! *Outcomes* (19): a byte that is 1 if this is all there is to say about the record, else 0; then
//! for each computer its outcome (1 accepted, 2 no such slot, 3 full, 4 denied, 5 too large, 6 no
//! answer), the length of its name, and its name. A computer's later outcome replaces its earlier.
//!
//! On an ordinary slot's socket the reader sends single bytes: [`ROOM`] says that there is room, and
//! [`MOVE`] that it has all that was sent and needs the descriptor of this connection: further
//! records go on a new one. A gateway's slot sends the former, too.

use std::fmt;

use crate::computer::is_computer_name;
use crate::message::{HEADER_LEN, MAGIC, VERSION};

#[cfg(test)]
mod tests;

/// The longest answer.
pub const ANSWER_MAX: usize = 32 * 1024;

/// What a reader says when it has made room in a ring.
pub const ROOM: u8 = 1;

/// What a reader says before it closes a connection without a ring whose record it has.
pub const MOVE: u8 = 2;

const KIND_TARGET: u8 = 17;
const KIND_LOST: u8 = 18;
const KIND_OUTCOMES: u8 = 19;

/// One datagram from a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// What becomes of the target's name.
    Target(TargetState),
    /// So many of the connection's records will never arrive.
    Lost(u64),
    /// What became of a confirmed record.
    Outcomes {
        /// Which record of the connection, counted from 0.
        record: u64,
        /// Nothing more follows about it.
        last: bool,
        /// Computers and their outcomes.
        outcomes: Outcomes<'a>,
    },
}

/// What a gateway knows about a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetState {
    /// There is such a computer, or domain.
    Known,
    /// There is none.
    Unknown,
    /// This user may not write there through this gateway.
    Denied,
}

/// What became of a confirmed record on one computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It is queued in the slot there.
    Accepted,
    /// There is no such slot there.
    NoSuchSlot,
    /// The slot there is full, or the way to it.
    Full,
    /// The slot there doesn't take it from this writer.
    Denied,
    /// The slot there takes no records of this size.
    TooLarge,
    /// Nothing was heard from there in time. The record may have arrived or not.
    NoAnswer,
}

/// Entries of an [`Answer::Outcomes`], known to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcomes<'a> {
    entries: &'a [u8],
}

impl<'a> Iterator for Outcomes<'a> {
    type Item = (Outcome, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (found, rest) = entry(self.entries)?;
        self.entries = rest;
        Some(found)
    }
}

impl<'a> Answer<'a> {
    /// Reads a whole datagram; `None` if it is no answer.
    pub fn parse(datagram: &'a [u8]) -> Option<Answer<'a>> {
        if datagram.len() > ANSWER_MAX {
            return None;
        }
        let (header, body) = datagram.split_first_chunk::<HEADER_LEN>()?;
        let [m0, m1, version, kind, 0, 0, 0, 0, number @ ..] = *header else {
            return None;
        };
        if [m0, m1] != MAGIC || version != VERSION {
            return None;
        }
        let number = u64::from_le_bytes(number);
        match (kind, body) {
            (KIND_TARGET, [state]) if number == 0 => TargetState::of(*state).map(Answer::Target),
            (KIND_LOST, []) => Some(Answer::Lost(number)),
            (KIND_OUTCOMES, [last @ 0..=1, entries @ ..]) => {
                let mut rest = entries;
                while !rest.is_empty() {
                    (_, rest) = entry(rest)?;
                }
                let outcomes = Outcomes { entries };
                Some(Answer::Outcomes { record: number, last: *last == 1, outcomes })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Accepted => "accepted",
            Outcome::NoSuchSlot => "no such slot",
            Outcome::Full => "full",
            Outcome::Denied => "denied",
            Outcome::TooLarge => "too large",
            Outcome::NoAnswer => "no answer",
        })
    }
}

impl TargetState {
    const ALL: [TargetState; 3] = [TargetState::Known, TargetState::Unknown, TargetState::Denied];

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.byte() == byte)
    }

    fn byte(self) -> u8 {
        match self {
            TargetState::Known => 1,
            TargetState::Unknown => 2,
            TargetState::Denied => 3,
        }
    }
}

impl Outcome {
    const ALL: [Outcome; 6] = [
        Outcome::Accepted,
        Outcome::NoSuchSlot,
        Outcome::Full,
        Outcome::Denied,
        Outcome::TooLarge,
        Outcome::NoAnswer,
    ];

    pub(crate) fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.byte() == byte)
    }

    pub(crate) fn byte(self) -> u8 {
        match self {
            Outcome::Accepted => 1,
            Outcome::NoSuchSlot => 2,
            Outcome::Full => 3,
            Outcome::Denied => 4,
            Outcome::TooLarge => 5,
            Outcome::NoAnswer => 6,
        }
    }
}

/// A target answer, whole.
pub fn target(state: TargetState) -> Vec<u8> {
    let mut datagram = header(KIND_TARGET, 0);
    datagram.push(state.byte());
    datagram
}

/// A lost answer, whole.
pub fn lost(records: u64) -> Vec<u8> {
    header(KIND_LOST, records)
}

/// The answers that tell what became of `record`: as many as it takes, at least one. A computer
/// whose name can't be one is left out.
pub fn outcomes<'a>(
    record: u64,
    last: bool,
    entries: impl IntoIterator<Item = (Outcome, &'a str)>,
) -> Vec<Vec<u8>> {
    let start = || {
        let mut datagram = header(KIND_OUTCOMES, record);
        datagram.push(0);
        datagram
    };
    let mut full = Vec::new();
    let mut datagram = start();
    for (outcome, computer) in entries.into_iter().filter(|(_, name)| is_computer_name(name)) {
        let Ok(len) = u8::try_from(computer.len()) else { continue };
        if datagram.len().saturating_add(computer.len()).saturating_add(2) > ANSWER_MAX {
            full.push(std::mem::replace(&mut datagram, start()));
        }
        datagram.extend([outcome.byte(), len]);
        datagram.extend(computer.as_bytes());
    }
    if let Some(flag) = datagram.get_mut(HEADER_LEN) {
        *flag = u8::from(last);
    }
    full.push(datagram);
    full
}

fn header(kind: u8, number: u64) -> Vec<u8> {
    crate::message::header(kind, number).to_vec()
}

/// The first entry, and what follows it.
fn entry(bytes: &[u8]) -> Option<((Outcome, &str), &[u8])> {
    let (&[outcome, len], rest) = bytes.split_first_chunk::<2>()?;
    let (name, rest) = rest.split_at_checked(usize::from(len))?;
    let name = str::from_utf8(name).ok().filter(|name| is_computer_name(name))?;
    Some(((Outcome::of(outcome)?, name), rest))
}

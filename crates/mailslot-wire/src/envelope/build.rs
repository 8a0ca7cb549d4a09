//! Frames to bytes.

use super::parse::{FLAG_CONFIRMED, FLAG_WIDE, MAGIC, VERSION, item, kind};
use super::*;

fn header(kind: u8, id: u64) -> Vec<u8> {
    let [m0, m1] = MAGIC;
    let mut frame = vec![m0, m1, VERSION, kind, 0, 0, 0, 0];
    frame.extend(id.to_le_bytes());
    frame
}

/// An open frame.
pub fn open(token: u64) -> Vec<u8> {
    header(kind::OPEN, token)
}

/// An accept frame.
pub fn accept(token: u64, connection: u64) -> Vec<u8> {
    let mut frame = header(kind::ACCEPT, token);
    frame.extend(connection.to_le_bytes());
    frame
}

/// The beginning of a data frame. [`Items`] follow.
pub fn data_header(connection: u64, number: u64) -> [u8; DATA_HEADER_LEN] {
    let [m0, m1] = MAGIC;
    let [c0, c1, c2, c3, c4, c5, c6, c7] = connection.to_le_bytes();
    let [n0, n1, n2, n3, n4, n5, n6, n7] = number.to_le_bytes();
    [
        m0,
        m1,
        VERSION,
        kind::DATA,
        0,
        0,
        0,
        0, //
        c0,
        c1,
        c2,
        c3,
        c4,
        c5,
        c6,
        c7, //
        n0,
        n1,
        n2,
        n3,
        n4,
        n5,
        n6,
        n7,
    ]
}

/// An ack frame.
pub fn ack(connection: u64, next: u64, map: &[u8]) -> Vec<u8> {
    let mut frame = header(kind::ACK, connection);
    frame.extend(next.to_le_bytes());
    frame.extend(map);
    frame
}

/// A reset frame.
pub fn reset(connection: u64) -> Vec<u8> {
    header(kind::RESET, connection)
}

/// An ask frame.
pub fn ask(question: u64, what: Question) -> Vec<u8> {
    let mut frame = header(kind::ASK, question);
    frame.push(match what {
        Question::Ping => 1,
        Question::Slots => 2,
    });
    frame
}

/// An answer frame.
pub fn answer(question: u64, part: u16, parts: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = header(kind::ANSWER, question);
    frame.extend(part.to_le_bytes());
    frame.extend(parts.to_le_bytes());
    frame.extend(body);
    frame
}

/// Items being put together. The caller sees to it that they fit a frame.
#[derive(Debug, Default)]
pub struct Items {
    bytes: Vec<u8>,
    /// The last item if it is a run: its channel, what sequence number comes next in it, and where
    /// its length stands.
    run: Option<(u32, u64, usize)>,
}

impl Items {
    /// None so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// None so far, with memory for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), run: None }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The items.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes [`record`](Self::record) would add.
    pub fn cost_of_record(&self, channel: u32, sequence: u64, len: usize) -> usize {
        let header = if self.continues(channel, sequence) { 4 } else { RUN_HEADER_LEN + 4 };
        len.saturating_add(header)
    }

    fn continues(&self, channel: u32, sequence: u64) -> bool {
        self.run.is_some_and(|(c, next, _)| c == channel && next == sequence)
    }

    fn item(&mut self, kind: u8) {
        self.run = None;
        self.bytes.push(kind);
    }

    fn sized(&mut self, bytes: &[u8]) {
        self.bytes.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.bytes.extend(bytes);
    }

    /// Adds a definition. A user's name that is too long is cut.
    pub fn define(&mut self, channel: u32, definition: &Definition) {
        self.item(item::DEFINE);
        self.bytes.extend(channel.to_le_bytes());
        let confirmed = if definition.confirmed { FLAG_CONFIRMED } else { 0 };
        self.bytes.push(confirmed | if definition.wide { FLAG_WIDE } else { 0 });
        self.bytes.extend(definition.pid.to_le_bytes());
        self.bytes.extend(definition.writer.0);
        let mut user = String::new();
        for c in definition.user.chars().filter(|c| !c.is_control()) {
            if user.len().saturating_add(c.len_utf8()) > USER_MAX {
                break;
            }
            user.push(c);
        }
        self.bytes.push(u8::try_from(user.len()).unwrap_or(u8::MAX));
        self.bytes.extend(user.as_bytes());
        let path = definition.slot.path();
        self.bytes.extend(u16::try_from(path.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.bytes.extend(path.as_bytes());
    }

    /// Adds a record, to the last run if it continues it.
    pub fn record(&mut self, channel: u32, sequence: u64, record: &[u8]) {
        if !self.continues(channel, sequence) {
            self.item(item::RUN);
            self.bytes.extend(channel.to_le_bytes());
            self.bytes.extend(sequence.to_le_bytes());
            self.run = Some((channel, sequence, self.bytes.len()));
            self.bytes.extend([0; 4]);
        }
        self.sized(record);
        if let Some((_, next, at)) = &mut self.run {
            *next = next.saturating_add(1);
            let start = at.saturating_add(4);
            let len = u32::try_from(self.bytes.len().saturating_sub(start)).unwrap_or(u32::MAX);
            if let Some(place) = self.bytes.get_mut(*at..start) {
                place.copy_from_slice(&len.to_le_bytes());
            }
        }
    }

    /// Adds a part of a record of `total` bytes.
    pub fn fragment(&mut self, channel: u32, sequence: u64, total: u32, offset: u32, part: &[u8]) {
        self.item(item::FRAGMENT);
        self.bytes.extend(channel.to_le_bytes());
        self.bytes.extend(sequence.to_le_bytes());
        self.bytes.extend(total.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.sized(part);
    }

    /// Adds the end of a channel.
    pub fn close(&mut self, channel: u32) {
        self.item(item::CLOSE);
        self.bytes.extend(channel.to_le_bytes());
    }

    /// Adds what became of a record.
    pub fn result(&mut self, writer: WriterId, sequence: u64, outcome: Outcome) {
        self.item(item::RESULT);
        self.bytes.extend(writer.0);
        self.bytes.extend(sequence.to_le_bytes());
        self.bytes.push(outcome.byte());
    }

    /// Adds a number of records that were missed.
    pub fn missed(&mut self, writer: WriterId, count: u64) {
        self.item(item::MISSED);
        self.bytes.extend(writer.0);
        self.bytes.extend(count.to_le_bytes());
    }
}

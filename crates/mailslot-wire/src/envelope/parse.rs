//! Bytes to frames.

use super::*;

pub(super) const MAGIC: [u8; 2] = *b"MG";
pub(super) const VERSION: u8 = 1;

pub(super) mod kind {
    pub(in crate::envelope) const OPEN: u8 = 1;
    pub(in crate::envelope) const ACCEPT: u8 = 2;
    pub(in crate::envelope) const DATA: u8 = 3;
    pub(in crate::envelope) const ACK: u8 = 4;
    pub(in crate::envelope) const RESET: u8 = 5;
    pub(in crate::envelope) const ASK: u8 = 6;
    pub(in crate::envelope) const ANSWER: u8 = 7;
}

pub(super) mod item {
    pub(in crate::envelope) const DEFINE: u8 = 1;
    pub(in crate::envelope) const RUN: u8 = 2;
    pub(in crate::envelope) const FRAGMENT: u8 = 3;
    pub(in crate::envelope) const CLOSE: u8 = 4;
    pub(in crate::envelope) const RESULT: u8 = 5;
    pub(in crate::envelope) const MISSED: u8 = 6;
}

pub(super) const FLAG_CONFIRMED: u8 = 1;
pub(super) const FLAG_WIDE: u8 = 2;

pub(super) fn frame(bytes: &[u8]) -> Result<Frame<'_>, EnvelopeError> {
    let mut reader = Reader { whole: bytes.len(), rest: bytes };
    if reader.array("the magic bytes MG")? != MAGIC {
        return Err(EnvelopeError { at: 0, expected: "the magic bytes MG" });
    }
    if reader.array("version 1")? != [VERSION] {
        return Err(EnvelopeError { at: 2, expected: "version 1" });
    }
    let [kind] = reader.array("the frame's kind")?;
    if reader.array("four zero bytes")? != [0; 4] {
        return Err(EnvelopeError { at: 4, expected: "four zero bytes" });
    }
    let id = reader.u64("the frame's id")?;
    let frame = match kind {
        kind::OPEN => Frame::Open { token: id },
        kind::ACCEPT => Frame::Accept { token: id, connection: reader.u64("a connection")? },
        kind::DATA => {
            let number = reader.u64("a number")?;
            reader.check(number <= SEQUENCE_MAX, "a smaller number")?;
            let mut items = vec![reader.item()?];
            while !reader.rest.is_empty() {
                items.push(reader.item()?);
            }
            Frame::Data { connection: id, number, items }
        }
        kind::ACK => {
            let next = reader.u64("the next number")?;
            reader.check(next <= SEQUENCE_MAX, "a smaller number")?;
            let map = reader.bytes(reader.rest.len(), "a bit map")?;
            reader.check(map.len() <= ACK_MAP_MAX, "a shorter bit map")?;
            Frame::Ack { connection: id, next, map }
        }
        kind::RESET => Frame::Reset { connection: id },
        kind::ASK => {
            let what = match reader.array("a question")? {
                [1] => Question::Ping,
                [2] => Question::Slots,
                _ => return Err(reader.error("a question, 1 or 2, before here")),
            };
            Frame::Ask { question: id, what }
        }
        kind::ANSWER => {
            let (part, parts) = (reader.u16("a part's number")?, reader.u16("the parts")?);
            reader.check(part < parts && parts <= ANSWER_PARTS_MAX, "a right number of parts")?;
            let body = reader.bytes(reader.rest.len(), "the part")?;
            Frame::Answer { question: id, part, parts, body }
        }
        _ => return Err(EnvelopeError { at: 3, expected: "a kind from 1 to 7" }),
    };
    reader.check(reader.rest.is_empty(), "the frame's end")?;
    Ok(frame)
}

struct Reader<'a> {
    whole: usize,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn error(&self, expected: &'static str) -> EnvelopeError {
        EnvelopeError { at: self.whole.saturating_sub(self.rest.len()), expected }
    }

    fn check(&self, right: bool, expected: &'static str) -> Result<(), EnvelopeError> {
        if right { Ok(()) } else { Err(self.error(expected)) }
    }

    fn bytes(&mut self, len: usize, expected: &'static str) -> Result<&'a [u8], EnvelopeError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(self.error(expected))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], EnvelopeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(self.error(expected))?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn u16(&mut self, expected: &'static str) -> Result<u16, EnvelopeError> {
        self.array(expected).map(u16::from_le_bytes)
    }

    fn u32(&mut self, expected: &'static str) -> Result<u32, EnvelopeError> {
        self.array(expected).map(u32::from_le_bytes)
    }

    fn u64(&mut self, expected: &'static str) -> Result<u64, EnvelopeError> {
        self.array(expected).map(u64::from_le_bytes)
    }

    fn sequence(&mut self) -> Result<u64, EnvelopeError> {
        let sequence = self.u64("a sequence number")?;
        self.check(sequence <= SEQUENCE_MAX, "a smaller sequence number before here")?;
        Ok(sequence)
    }

    fn sized(&mut self, expected: &'static str) -> Result<&'a [u8], EnvelopeError> {
        let len = self.u32(expected)?;
        self.bytes(usize::try_from(len).unwrap_or(usize::MAX), expected)
    }

    fn text(&mut self, len: usize, expected: &'static str) -> Result<&'a str, EnvelopeError> {
        let at = self.error(expected);
        str::from_utf8(self.bytes(len, expected)?).map_err(|_| at)
    }

    fn item(&mut self) -> Result<Item<'a>, EnvelopeError> {
        match self.array("an item")? {
            [item::DEFINE] => self.define(),
            [item::RUN] => {
                let (channel, first) = (self.u32("a channel")?, self.sequence()?);
                let bytes = self.sized("records")?;
                let records = Records::parse(bytes);
                let records = records.ok_or(self.error("the end of whole records"))?;
                let count = u64::try_from(records.count()).unwrap_or(u64::MAX);
                let last = first.saturating_add(count);
                self.check(last <= SEQUENCE_MAX, "a smaller sequence number before here")?;
                Ok(Item::Run { channel, first, records })
            }
            [item::FRAGMENT] => {
                let (channel, sequence) = (self.u32("a channel")?, self.sequence()?);
                let (total, offset) = (self.u32("a length")?, self.u32("an offset")?);
                let bytes = self.sized("a part of a record")?;
                let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let within = offset.checked_add(len).is_some_and(|end| end <= total);
                self.check(within && len > 0, "the end of a part within its record")?;
                Ok(Item::Fragment { channel, sequence, total, offset, bytes })
            }
            [item::CLOSE] => Ok(Item::Close { channel: self.u32("a channel")? }),
            [item::RESULT] => {
                let writer = WriterId(self.array("a writer")?);
                let sequence = self.sequence()?;
                let [outcome] = self.array("an outcome")?;
                let outcome =
                    Outcome::of(outcome).ok_or(self.error("an outcome from 1 to 6 before here"))?;
                Ok(Item::Result { writer, sequence, outcome })
            }
            [item::MISSED] => {
                let writer = WriterId(self.array("a writer")?);
                Ok(Item::Missed { writer, count: self.u64("a count")? })
            }
            _ => Err(self.error("an item from 1 to 6 before here")),
        }
    }

    fn define(&mut self) -> Result<Item<'a>, EnvelopeError> {
        let channel = self.u32("a channel")?;
        let [flags] = self.array("flags")?;
        self.check(flags & !(FLAG_CONFIRMED | FLAG_WIDE) == 0, "flags 0 to 3 before here")?;
        let pid = self.u32("a process")?;
        let writer = WriterId(self.array("a writer")?);
        let [len] = self.array("the length of a user's name")?;
        let user = self.text(usize::from(len), "a user's name")?.to_owned();
        let plain = !user.chars().any(char::is_control);
        self.check(plain, "a user's name without control characters before here")?;
        let len = self.u16("the length of a slot's path")?;
        let path = self.text(usize::from(len), "a slot's path")?;
        let slot = slot(path).ok_or(self.error("a slot's path before here"))?;
        let confirmed = flags & FLAG_CONFIRMED != 0;
        let wide = flags & FLAG_WIDE != 0;
        let definition = Definition { writer, confirmed, wide, pid, user, slot };
        Ok(Item::Define { channel, definition })
    }
}

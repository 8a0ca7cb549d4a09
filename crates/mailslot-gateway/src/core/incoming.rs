//! Frames from one computer: put in order, each once, and taken apart.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use mailslot_wire::envelope::{ACK_MAP_MAX, Definition, Frame, Item, Records};

use super::memory::{CHANNELS_MAX, Memory};
use super::outbox::ASSEMBLY_MAX;
use super::random::Random;
use super::types::{RECORD_MAX, Run};

/// Bytes of frames that wait for an earlier one. More than a sender has on the way.
const WAITING_MAX: usize = 8 * 1024 * 1024;

/// Part of a large record.
#[derive(Debug)]
struct Partial {
    sequence: u64,
    total: usize,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Channel {
    definition: Definition,
    delivery: u64,
    partial: Option<Partial>,
}

#[derive(Debug)]
struct Current {
    token: u64,
    connection: u64,
    next: u64,
    waiting: BTreeMap<u64, Arc<Vec<u8>>>,
    waiting_bytes: usize,
    channels: HashMap<u32, Channel>,
    /// Bytes of large records that are being put together.
    assembling: usize,
}

/// What a frame brought.
#[derive(Debug)]
pub(super) enum Event {
    Defined {
        delivery: u64,
        definition: Definition,
    },
    /// Records from `first` on, none of which came before.
    Records {
        delivery: u64,
        first: u64,
        records: Run,
    },
    /// A record of which the outcome is asked again.
    Again {
        delivery: u64,
        sequence: u64,
    },
    Duplicates(u64),
    Closed {
        delivery: u64,
    },
    Result {
        writer: super::WriterId,
        sequence: u64,
        outcome: super::Outcome,
    },
    Missed {
        writer: super::WriterId,
        count: u64,
    },
}

/// A frame that breaks a rule.
#[derive(Debug)]
pub(super) struct Broken;

#[derive(Debug, Default)]
pub(super) struct Incoming {
    current: Option<Current>,
    /// A connection that was given, and not used yet: its token, and itself.
    given: Option<(u64, u64)>,
    pub(super) memory: Memory,
    ack: bool,
    reset: Option<u64>,
}

impl Incoming {
    /// The connection for a token.
    pub(super) fn open(&mut self, token: u64, random: &mut Random) -> u64 {
        if let Some(current) = &self.current
            && current.token == token
        {
            return current.connection;
        }
        match self.given {
            Some((known, connection)) if known == token => connection,
            _ => {
                let connection = random.next();
                self.given = Some((token, connection));
                connection
            }
        }
    }

    /// A data frame came: `items` is what it carries.
    pub(super) fn data(
        &mut self,
        (connection, number): (u64, u64),
        items: Vec<Item<'_>>,
        frame: &Arc<Vec<u8>>,
        deliveries: &mut u64,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        if let Some((token, given)) = self.given
            && given == connection
        {
            self.given = None;
            self.end(events);
            self.current = Some(Current {
                token,
                connection,
                next: 0,
                waiting: BTreeMap::new(),
                waiting_bytes: 0,
                channels: HashMap::new(),
                assembling: 0,
            });
        }
        let Some(current) = self.current.as_mut().filter(|c| c.connection == connection) else {
            self.reset = Some(connection);
            return Ok(());
        };
        self.ack = true;
        let Some(ahead) = number.checked_sub(current.next) else { return Ok(()) };
        if ahead > 0 {
            let fits = current.waiting_bytes + frame.len() <= WAITING_MAX;
            if ahead > ACK_MAP_MAX as u64 * 8 || !fits {
                return Err(Broken);
            }
            if !current.waiting.contains_key(&number) {
                current.waiting_bytes += frame.len();
                current.waiting.insert(number, frame.clone());
            }
            return Ok(());
        }
        let mut result = self.take(items, frame, deliveries, events);
        while result.is_ok()
            && let Some(current) = &mut self.current
            && let Some(frame) = current.waiting.remove(&current.next)
        {
            current.waiting_bytes -= frame.len();
            if let Ok(Frame::Data { items, .. }) = Frame::parse(&frame) {
                result = self.take(items, &frame, deliveries, events);
            }
        }
        if result.is_err() {
            // What follows can't be trusted to mean what it says.
            self.reset = Some(connection);
            self.end(events);
        }
        result
    }

    /// The connection is over.
    pub(super) fn end(&mut self, events: &mut Vec<Event>) {
        self.ack = false;
        for channel in self.current.take().into_iter().flat_map(|c| c.channels.into_values()) {
            self.memory.close(channel.definition.writer);
            events.push(Event::Closed { delivery: channel.delivery });
        }
    }

    /// What is to be told of the connection: its number, the next frame, and which wait.
    pub(super) fn ack(&mut self) -> Option<(u64, u64, Vec<u8>)> {
        let current = self.current.as_ref()?;
        if !std::mem::take(&mut self.ack) {
            return None;
        }
        let mut map = Vec::new();
        for number in current.waiting.keys() {
            let bit = usize::try_from(number - current.next - 1).unwrap_or(usize::MAX);
            if bit / 8 >= ACK_MAP_MAX {
                break;
            }
            map.resize(bit / 8 + 1, 0);
            map[bit / 8] |= 1 << (bit % 8);
        }
        Some((current.connection, current.next, map))
    }

    /// A connection that the other side uses, and that doesn't exist.
    pub(super) fn reset(&mut self) -> Option<u64> {
        self.reset.take()
    }

    /// Takes the next frame apart, of which `items` are.
    fn take(
        &mut self,
        items: Vec<Item<'_>>,
        frame: &Arc<Vec<u8>>,
        deliveries: &mut u64,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        let Self { current: Some(current), memory, .. } = self else { return Ok(()) };
        current.next += 1;
        for item in items {
            match item {
                Item::Define { channel, definition } => {
                    current.define(channel, definition, memory, deliveries, events)?;
                }
                Item::Run { channel, first, records } => {
                    let channel = current.channels.get(&channel).ok_or(Broken)?;
                    channel.run(first, records, frame, memory, events)?;
                }
                Item::Fragment { channel, sequence, total, offset, bytes } => {
                    let part =
                        Part { sequence, total: total as usize, offset: offset as usize, bytes };
                    current.fragment(channel, part, memory, events)?;
                }
                Item::Close { channel } => current.close(channel, memory, events)?,
                Item::Result { writer, sequence, outcome } => {
                    events.push(Event::Result { writer, sequence, outcome });
                }
                Item::Missed { writer, count } => events.push(Event::Missed { writer, count }),
            }
        }
        Ok(())
    }
}

/// A fragment of a large record.
struct Part<'a> {
    sequence: u64,
    total: usize,
    offset: usize,
    bytes: &'a [u8],
}

impl Current {
    fn define(
        &mut self,
        channel: u32,
        definition: Definition,
        memory: &mut Memory,
        deliveries: &mut u64,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        if let Some(known) = self.channels.get(&channel) {
            return if known.definition == definition { Ok(()) } else { Err(Broken) };
        }
        if self.channels.len() >= CHANNELS_MAX {
            return Err(Broken);
        }
        *deliveries += 1;
        let delivery = *deliveries;
        memory.open(definition.writer);
        events.push(Event::Defined { delivery, definition: definition.clone() });
        self.channels.insert(channel, Channel { definition, delivery, partial: None });
        Ok(())
    }

    fn fragment(
        &mut self,
        channel: u32,
        part: Part<'_>,
        memory: &mut Memory,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        let channel = self.channels.get_mut(&channel).ok_or(Broken)?;
        let Part { sequence, total, offset, bytes } = part;
        if total > RECORD_MAX {
            return Err(Broken);
        }
        let partial =
            channel.partial.get_or_insert_with(|| Partial { sequence, total, bytes: Vec::new() });
        let continues =
            partial.sequence == sequence && partial.total == total && partial.bytes.len() == offset;
        self.assembling += bytes.len();
        if !continues || self.assembling > ASSEMBLY_MAX {
            return Err(Broken);
        }
        partial.bytes.extend(bytes);
        if partial.bytes.len() == total
            && let Some(whole) = channel.partial.take()
        {
            self.assembling -= total;
            if memory.advance(channel.definition.writer, sequence, 1) > 0 {
                repeated(channel, sequence, 1, events);
            } else {
                let records = Run::One(whole.bytes);
                let (delivery, first) = (channel.delivery, sequence);
                events.push(Event::Records { delivery, first, records });
            }
        }
        Ok(())
    }

    fn close(
        &mut self,
        channel: u32,
        memory: &mut Memory,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        let channel = self.channels.remove(&channel).ok_or(Broken)?;
        self.assembling -= channel.partial.as_ref().map_or(0, |partial| partial.bytes.len());
        memory.close(channel.definition.writer);
        events.push(Event::Closed { delivery: channel.delivery });
        Ok(())
    }
}

impl Channel {
    /// Records with consecutive numbers; those that came before are left out.
    fn run(
        &self,
        first: u64,
        records: Records<'_>,
        frame: &Arc<Vec<u8>>,
        memory: &mut Memory,
        events: &mut Vec<Event>,
    ) -> Result<(), Broken> {
        if self.partial.is_some() {
            return Err(Broken);
        }
        let count = records.count() as u64;
        let seen = memory.advance(self.definition.writer, first, count);
        repeated(self, first, seen, events);
        if seen < count {
            let skip = usize::try_from(seen).unwrap_or(usize::MAX);
            let before: usize = records.take(skip).map(|r| r.len() + 4).sum();
            let rest = records.as_bytes().get(before..).ok_or(Broken)?;
            let (delivery, first) = (self.delivery, first + seen);
            let records = Run::Some { frame: frame.clone(), place: place_in(frame, rest) };
            events.push(Event::Records { delivery, first, records });
        }
        Ok(())
    }
}

/// Where `part` stands in `whole`, of which it is a part.
fn place_in(whole: &[u8], part: &[u8]) -> Range<usize> {
    let begin = part.as_ptr().addr() - whole.as_ptr().addr();
    begin..begin + part.len()
}

/// Records came again: who wants to know of each is told again.
fn repeated(channel: &Channel, first: u64, count: u64, events: &mut Vec<Event>) {
    if count > 0 {
        events.push(Event::Duplicates(count));
    }
    // One run can hold more, if it breaks the rules: bounded by a frame's length.
    if channel.definition.confirmed {
        let delivery = channel.delivery;
        events.extend((first..first + count).map(|sequence| Event::Again { delivery, sequence }));
    }
}

//! Out of the outbox: what goes next, what has arrived, what goes again, and what is given up.

use mailslot_wire::envelope::FRAGMENT_HEADER_LEN;

use super::*;

/// What has to be done before the next payload.
enum Prepared {
    /// Nothing.
    Nothing,
    /// Another payload has to go.
    First(Payload),
    /// The other side knows as many channels as it may.
    Blocked,
}

impl Outbox {
    /// The next payload to send. What goes again is first, then small records and large ones take
    /// turns, if it may be one of those.
    pub(in crate::core) fn next(&mut self, now: Time, large: bool) -> Option<Payload> {
        for (writer, count) in std::mem::take(&mut self.missed) {
            self.begin(25, now, now + self.keep);
            self.open.missed(writer, count);
        }
        let first = self.replay.is_empty() && std::mem::replace(&mut self.lane_next, false);
        if first
            && large
            && let Some(part) = self.next_of_lanes()
        {
            return Some(part);
        }
        if self.replay.is_empty() && self.ready.is_empty() && !self.open.is_empty() {
            self.finish();
        }
        match self.prepare() {
            Prepared::First(control) => return Some(control),
            Prepared::Blocked => return None,
            Prepared::Nothing => {}
        }
        match self.replay.pop_front() {
            Some(Replay::Payload(payload)) => {
                self.enliven(&payload);
                return Some(payload);
            }
            Some(Replay::Large { large, begun }) => {
                let (part, end) = self.fragment(&large, begun);
                if end < large.bytes.len() {
                    self.replay.push_front(Replay::Large { large, begun: end });
                }
                return Some(part);
            }
            None => {}
        }
        self.lane_next = true;
        let Some(payload) = self.ready.pop_front() else {
            return if large { self.next_of_lanes() } else { None };
        };
        self.no_longer_waiting(&payload);
        self.enliven(&payload);
        Some(payload)
    }

    fn no_longer_waiting(&mut self, payload: &Payload) {
        let Contents::Records(entries) = &payload.contents else { return };
        for entry in entries {
            if let Some(channel) = self.channels.get_mut(&entry.channel) {
                channel.waiting = channel.waiting.saturating_sub(1);
            }
        }
    }

    /// The other side will know the payload's channels.
    fn enliven(&mut self, payload: &Payload) {
        let Contents::Records(entries) = &payload.contents else { return };
        for entry in entries {
            if let Some(channel) = self.channels.get_mut(&entry.channel)
                && std::mem::replace(&mut channel.live, self.generation) != self.generation
            {
                self.live += 1;
            }
        }
    }

    /// Sees to it that the other side knows the channels of the next payload, and not too many. A
    /// payload may have been put together for an earlier connection than it is sent in.
    fn prepare(&mut self) -> Prepared {
        let next = match self.replay.front() {
            Some(Replay::Payload(payload)) => &payload.contents,
            Some(Replay::Large { .. }) => return Prepared::Nothing,
            None => match self.ready.front() {
                Some(payload) => &payload.contents,
                None => return Prepared::Nothing,
            },
        };
        let Contents::Records(entries) = next else { return Prepared::Nothing };
        let unknown = |entry: &&Entry| {
            let channel = self.channels.get(&entry.channel);
            channel.is_some_and(|channel| channel.live != self.generation)
        };
        let unknown: Vec<Entry> = entries.iter().filter(unknown).copied().collect();
        if self.live + unknown.len() > CHANNELS_MAX {
            return self.park().map_or(Prepared::Blocked, Prepared::First);
        }
        let mut items = Items::new();
        let mut noted: Vec<Entry> = Vec::new();
        for entry in unknown.iter().filter(|entry| !entry.defines) {
            let Some(channel) = self.channels.get_mut(&entry.channel) else { continue };
            if items.len() + DEFINE_MAX <= self.room && channel.live != self.generation {
                channel.defined = self.generation;
                channel.live = self.generation;
                channel.pending += 1;
                self.live += 1;
                items.define(entry.channel, &channel.definition);
                noted.push(Entry { records: 0, defines: true, closes: false, ..*entry });
            }
        }
        if noted.is_empty() {
            return Prepared::Nothing;
        }
        Prepared::First(self.control(items, noted))
    }

    /// Ends some channels at the other side that have nothing on the way. They are defined again
    /// when they have.
    fn park(&mut self) -> Option<Payload> {
        let quiet = |(_, channel): &(&u32, &Channel)| {
            channel.live == self.generation && channel.pending == channel.waiting && !channel.closed
        };
        let mut numbers: Vec<u32> =
            self.channels.iter().filter(quiet).map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.truncate(256);
        let mut items = Items::new();
        let mut noted = Vec::new();
        for number in numbers {
            let Some(channel) = self.channels.get_mut(&number) else { continue };
            channel.live = 0;
            channel.defined = 0;
            channel.pending += 1;
            items.close(number);
            noted.push(Entry { channel: number, records: 0, defines: false, closes: true });
        }
        (!noted.is_empty()).then(|| self.control(items, noted))
    }

    fn control(&mut self, items: Items, noted: Vec<Entry>) -> Payload {
        let contents = Contents::Records(noted);
        let payload = Payload { items: items.into_bytes(), contents, expires: Time::MAX };
        self.bytes += payload.cost();
        payload
    }

    fn next_of_lanes(&mut self) -> Option<Payload> {
        for _ in 0..self.lanes.len() {
            let number = self.lanes.pop_front()?;
            let Some(channel) = self.channels.get_mut(&number) else { continue };
            let unknown = channel.live != self.generation;
            let waiting = channel.waiting > 0 || (unknown && self.live >= CHANNELS_MAX);
            let (large, begun) = match channel.lane.front() {
                None => continue,
                Some(Queued::Close) if waiting => {
                    self.lanes.push_back(number);
                    continue;
                }
                Some(Queued::Close) => {
                    channel.lane.pop_front();
                    let mut items = Items::new();
                    self.define_now(number, &mut items);
                    items.close(number);
                    let closes = Entry { channel: number, records: 0, defines: true, closes: true };
                    return Some(self.control(items, vec![closes]));
                }
                Some(Queued::Record { large, begun }) => (large.clone(), *begun),
            };
            let room = self.assembling == 0 || self.assembling + large.bytes.len() <= ASSEMBLY_MAX;
            if waiting || (begun == 0 && !room) {
                self.lanes.push_back(number);
                continue;
            }
            let (part, end) = self.fragment(&large, begun);
            if let Some(channel) = self.channels.get_mut(&number) {
                match channel.lane.front_mut() {
                    Some(Queued::Record { begun, .. }) if end < large.bytes.len() => *begun = end,
                    _ => drop(channel.lane.pop_front()),
                }
                if !channel.lane.is_empty() {
                    self.lanes.push_back(number);
                }
            }
            return Some(part);
        }
        None
    }

    /// The part of a record that begins at `begun`, and where it ends. A small record, which waited
    /// behind a large one, goes whole.
    fn fragment(&mut self, large: &Arc<Large>, begun: usize) -> (Payload, usize) {
        let mut items = Items::new();
        self.define_now(large.channel, &mut items);
        let len = large.bytes.len();
        if begun == 0 {
            self.assembling += len;
        }
        let end = if len <= self.room - RECORD_ROOM {
            items.record(large.channel, large.sequence, &large.bytes);
            len
        } else {
            let end = len.min(begun + self.room - items.len() - FRAGMENT_HEADER_LEN);
            let part = &large.bytes[begun..end];
            // Both are below `RECORD_MAX`.
            let (total, offset) = (len as u32, begun as u32);
            items.fragment(large.channel, large.sequence, total, offset, part);
            end
        };
        let contents = Contents::Fragment { large: large.clone(), last: end == len };
        (Payload { items: items.into_bytes(), contents, expires: large.expires }, end)
    }

    /// Defines a channel, of which a payload is sent now, if the other side doesn't know it.
    fn define_now(&mut self, number: u32, items: &mut Items) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.pending += 1;
        if std::mem::replace(&mut channel.live, self.generation) != self.generation {
            channel.defined = self.generation;
            self.live += 1;
            items.define(number, &channel.definition);
        }
    }

    /// The other side has dealt with a payload.
    pub(in crate::core) fn done(&mut self, payload: &Payload) {
        self.bytes = self.bytes.saturating_sub(payload.cost());
        match &payload.contents {
            Contents::Records(entries) => {
                for entry in entries {
                    self.live = self.live.saturating_sub(usize::from(entry.closes));
                    self.settle(entry.channel);
                }
            }
            Contents::Fragment { large, last } => {
                if *last {
                    self.assembling = self.assembling.saturating_sub(large.bytes.len());
                    self.large_gone(large);
                }
                self.settle(large.channel);
            }
        }
    }

    /// A record of a lane waits no more.
    fn large_gone(&mut self, large: &Large) {
        self.bytes = self.bytes.saturating_sub(large.cost());
        self.large_bytes = self.large_bytes.saturating_sub(large.cost());
    }

    fn settle(&mut self, number: u32) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.pending = channel.pending.saturating_sub(1);
        self.forget(number);
    }

    /// Forgets a channel that has ended.
    fn forget(&mut self, number: u32) {
        let Some(channel) = self.channels.get(&number) else { return };
        let again = |entry: &Replay| matches!(entry, Replay::Large { large, .. } if large.channel == number);
        if channel.closed
            && channel.pending == 0
            && channel.lane.is_empty()
            && !self.replay.iter().any(again)
        {
            self.channels.remove(&number);
        }
    }

    /// The connection is over, and `flight` was on the way in it, in this order. All of it goes
    /// again, large records from their beginning.
    pub(in crate::core) fn again(&mut self, flight: impl Iterator<Item = Payload>) {
        self.generation += 1;
        self.live = 0;
        self.assembling = 0;
        let later = std::mem::take(&mut self.replay);
        for entry in flight.map(Replay::Payload).chain(later) {
            let large = match &entry {
                Replay::Payload(Payload { contents: Contents::Records(_), .. }) => {
                    self.replay.push_back(entry);
                    continue;
                }
                Replay::Payload(Payload { contents: Contents::Fragment { large, .. }, .. }) => {
                    if let Some(channel) = self.channels.get_mut(&large.channel) {
                        channel.pending = channel.pending.saturating_sub(1);
                    }
                    large.clone()
                }
                Replay::Large { large, .. } => large.clone(),
            };
            // One that is in its lane still begins again there.
            let lane = self.channels.get(&large.channel).map(|channel| &channel.lane);
            let in_lane = matches!(lane.and_then(VecDeque::front),
                Some(Queued::Record { large: first, .. }) if Arc::ptr_eq(first, &large));
            let listed = |entry: &Replay| matches!(entry, Replay::Large { large: known, .. } if Arc::ptr_eq(known, &large));
            if !in_lane && !self.replay.iter().any(listed) {
                self.replay.push_back(Replay::Large { large, begun: 0 });
            }
        }
        for number in &self.lanes {
            let lane = self.channels.get_mut(number).map(|channel| &mut channel.lane);
            if let Some(Queued::Record { begun, .. }) = lane.and_then(VecDeque::front_mut) {
                *begun = 0;
            }
        }
    }

    /// When those large records expire of which a part is on the way.
    pub(in crate::core) fn begun(&self) -> impl Iterator<Item = Time> {
        let replay = self.replay.iter().filter_map(|entry| match entry {
            Replay::Large { large, begun: 1.. } => Some(large.expires),
            _ => None,
        });
        let lanes = self.lanes.iter().filter_map(|number| {
            match self.channels.get(number)?.lane.front()? {
                Queued::Record { large, begun: 1.. } => Some(large.expires),
                _ => None,
            }
        });
        replay.chain(lanes)
    }

    /// When the first of what waits expires.
    pub(in crate::core) fn deadline(&self) -> Option<Time> {
        let replay = self.replay.iter().filter_map(|entry| match entry {
            Replay::Payload(payload) => Some(payload.expires),
            Replay::Large { large, begun: 0 } => Some(large.expires),
            Replay::Large { .. } => None,
        });
        let lanes = self.lanes.iter().filter_map(|number| self.channels.get(number));
        let lanes = lanes.filter_map(|channel| not_begun(&channel.lane));
        let lanes = lanes.map(|(_, large)| large.expires);
        let ready = self.ready.front().map(|payload| payload.expires);
        let open = (!self.open.is_empty()).then_some(self.open_expires);
        replay.chain(lanes).chain(ready).chain(open).min()
    }

    /// Gives up what has expired, or everything, but for large records that have begun.
    pub(in crate::core) fn expire(&mut self, now: Time) -> Dropped {
        let mut dropped = Dropped::new();
        let mut kept = VecDeque::new();
        for entry in std::mem::take(&mut self.replay) {
            match entry {
                Replay::Payload(payload) if payload.expires <= now => {
                    self.drop_payload(&payload, now, &mut dropped);
                }
                Replay::Large { large, begun: 0 } if large.expires <= now => {
                    self.drop_large(&large, &mut dropped);
                }
                other => kept.push_back(other),
            }
        }
        self.replay = kept;
        if !self.open.is_empty() && self.open_expires <= now {
            self.finish();
        }
        while self.ready.front().is_some_and(|payload| payload.expires <= now)
            && let Some(payload) = self.ready.pop_front()
        {
            self.no_longer_waiting(&payload);
            self.drop_payload(&payload, now, &mut dropped);
        }
        for number in self.lanes.clone() {
            while let Some(channel) = self.channels.get_mut(&number)
                && let Some((at, large)) = not_begun(&channel.lane)
                && large.expires <= now
            {
                let large = large.clone();
                channel.lane.remove(at);
                self.drop_large(&large, &mut dropped);
            }
        }
        let channels = &self.channels;
        self.lanes.retain(|number| channels.get(number).is_some_and(|c| !c.lane.is_empty()));
        dropped
    }

    fn drop_payload(&mut self, payload: &Payload, now: Time, dropped: &mut Dropped) {
        self.bytes = self.bytes.saturating_sub(payload.cost());
        let Contents::Records(entries) = &payload.contents else { return };
        for entry in entries {
            let number = entry.channel;
            self.count(number, entry.records, dropped);
            let channel = self.channels.get(&number);
            if entry.closes && channel.is_some_and(|channel| channel.live == self.generation) {
                // The other side knows it, and would keep it.
                self.begin(5, now, now + self.keep);
                self.open.close(number);
                self.note(number, 0).closes = true;
            }
            self.settle(number);
        }
    }

    fn drop_large(&mut self, large: &Large, dropped: &mut Dropped) {
        self.large_gone(large);
        self.count(large.channel, 1, dropped);
        self.forget(large.channel);
    }

    fn count(&self, number: u32, records: u64, dropped: &mut Dropped) {
        if let Some(channel) = self.channels.get(&number)
            && records > 0
        {
            dropped.push((channel.writer, records));
        }
    }
}

/// The first record of a lane of which no part is on the way, and its place. What has begun keeps its own.
fn not_begun(lane: &VecDeque<Queued>) -> Option<(usize, &Arc<Large>)> {
    let at = usize::from(matches!(lane.front(), Some(Queued::Record { begun: 1.., .. })));
    match lane.get(at) {
        Some(Queued::Record { large, begun: 0 }) => Some((at, large)),
        _ => None,
    }
}

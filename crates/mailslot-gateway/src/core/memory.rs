//! What a gateway remembers of another computer's writers, so that nothing arrives twice.
//!
//! Inside one connection frames have numbers, and duplicates can't get past them. This memory is
//! for records that are sent again in a new connection. The other side has records of at most
//! [`CHANNELS_MAX`] writers on the way at once; so it is enough to remember, besides the writers of
//! the channels that are open, those of the last [`RETIRED_MAX`] that have ended.

use std::collections::{HashMap, VecDeque};

use mailslot_wire::answer::Outcome;
use mailslot_wire::envelope::WriterId;

use super::types::Restored;

/// The most channels that one connection may have at once.
pub(super) const CHANNELS_MAX: usize = 4096;

const RETIRED_MAX: usize = 3 * CHANNELS_MAX;

/// How many outcomes of a writer are remembered: as many as may be outstanding at once.
pub(super) const OUTCOMES_MAX: usize = 64;

#[derive(Debug, Default)]
struct Remembered {
    /// Records below were dealt with.
    next: u64,
    /// The outcomes of the last of them, for a writer that wants to know.
    outcomes: VecDeque<(u64, Outcome)>,
    /// Open channels.
    channels: u32,
    /// How often it stands among the retired.
    retired: u32,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    writers: HashMap<WriterId, Remembered>,
    retired: VecDeque<WriterId>,
}

impl Memory {
    /// A channel of this writer begins.
    pub(super) fn open(&mut self, writer: WriterId) {
        self.writers.entry(writer).or_default().channels += 1;
    }

    /// A channel of this writer has ended.
    pub(super) fn close(&mut self, writer: WriterId) {
        if let Some(known) = self.writers.get_mut(&writer) {
            known.channels = known.channels.saturating_sub(1);
        }
        self.retire(writer);
    }

    /// Remembers what an earlier start of this gateway dealt with.
    pub(super) fn restore(&mut self, restored: Restored) {
        let known = self.writers.entry(restored.writer).or_default();
        known.next = known.next.max(restored.next);
        known.outcomes.extend(restored.last);
        self.retire(restored.writer);
    }

    fn retire(&mut self, writer: WriterId) {
        let Some(known) = self.writers.get_mut(&writer) else { return };
        known.retired += 1;
        self.retired.push_back(writer);
        while self.retired.len() > RETIRED_MAX {
            let Some(oldest) = self.retired.pop_front() else { break };
            if let Some(known) = self.writers.get_mut(&oldest) {
                known.retired -= 1;
                if known.channels == 0 && known.retired == 0 {
                    self.writers.remove(&oldest);
                }
            }
        }
    }

    /// How many of the `count` records from `first` on were dealt with before. The others are now.
    pub(super) fn advance(&mut self, writer: WriterId, first: u64, count: u64) -> u64 {
        let known = self.writers.entry(writer).or_default();
        let seen = known.next.saturating_sub(first).min(count);
        known.next = known.next.max(first.saturating_add(count));
        seen
    }

    /// Remembers what became of a record.
    pub(super) fn keep(&mut self, writer: WriterId, sequence: u64, outcome: Outcome) {
        let Some(known) = self.writers.get_mut(&writer) else { return };
        known.outcomes.push_back((sequence, outcome));
        if known.outcomes.len() > OUTCOMES_MAX {
            known.outcomes.pop_front();
        }
    }

    /// What became of a record that was dealt with before.
    pub(super) fn outcome(&self, writer: WriterId, sequence: u64) -> Outcome {
        let kept = self.writers.get(&writer).map(|known| &known.outcomes);
        kept.and_then(|kept| kept.iter().find(|(number, _)| *number == sequence))
            .map_or(Outcome::NoAnswer, |(_, outcome)| *outcome)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.writers.len()
    }
}

//! Records for slots of this computer.

use mailslot::gateway::{ForwardingWriter, Moment};
use mailslot::{MailslotWriter, OpenError, Origin, WriteError};
use mailslot_wire::answer::Outcome;
use mailslot_wire::envelope::WriterId;

use crate::core::{Delivery, NumberMap, Run};
use crate::transport::PeerId;

/// Handles that stay open. Each costs up to three descriptors.
const HANDLES_MAX: usize = 256;

#[derive(Debug)]
enum Handle {
    Forwarding(ForwardingWriter),
    /// For a slot that takes records of this computer only, from this computer.
    Own(MailslotWriter),
}

impl Handle {
    fn write(&mut self, record: &[u8], moment: Moment) -> Result<(), WriteError> {
        match self {
            Handle::Forwarding(writer) => writer.write_at(record, moment),
            Handle::Own(writer) => writer.try_write(record),
        }
    }
}

impl Handle {
    /// Whether the slot's reader is still there: a write notices only somewhat later that it isn't.
    fn is_alive(&mut self) -> bool {
        match self {
            Handle::Forwarding(writer) => writer.check().is_ok(),
            Handle::Own(writer) => writer.check().is_ok(),
        }
    }
}

#[derive(Debug)]
struct Out {
    delivery: Delivery,
    handle: Option<Handle>,
    used: u64,
}

#[derive(Debug, Default)]
pub(super) struct Forwarder {
    deliveries: NumberMap<u64, Out>,
    /// How many handles are open.
    handles: usize,
    /// Counts uses, to find the handle that was not used for longest.
    uses: u64,
}

impl Forwarder {
    pub(super) fn open(&mut self, delivery: Delivery) {
        self.deliveries.insert(delivery.delivery, Out { delivery, handle: None, used: 0 });
    }

    pub(super) fn close(&mut self, delivery: u64) {
        if let Some(out) = self.deliveries.remove(&delivery) {
            self.handles -= usize::from(out.handle.is_some());
        }
    }

    /// Whose records these are, if they can come again after a restart of this gateway.
    pub(super) fn journaled(&self, delivery: u64) -> Option<(Option<PeerId>, WriterId)> {
        let delivery = &self.deliveries.get(&delivery)?.delivery;
        let comes_again = delivery.from.is_some() || delivery.confirmed;
        comes_again.then(|| (delivery.from.clone(), delivery.writer))
    }

    /// Gives records to a slot, and tells what became of each.
    pub(super) fn deliver(&mut self, delivery: u64, records: &Run) -> Vec<Outcome> {
        self.uses += 1;
        let uses = self.uses;
        let Some(out) = self.deliveries.get_mut(&delivery) else {
            return records.records().map(|_| Outcome::NoAnswer).collect();
        };
        out.used = uses;
        let was_open = out.handle.is_some();
        let mut absent = None;
        let moment = Moment::now();
        let mut outcomes: Vec<_> = records
            .records()
            .map(|record| {
                // Looked for once for all records that came together.
                if let Some(outcome) = absent {
                    return outcome;
                }
                let outcome = out.write(record, moment);
                if out.handle.is_none() {
                    absent = Some(outcome);
                }
                outcome
            })
            .collect();
        if out.handle.as_mut().is_some_and(|handle| !handle.is_alive()) {
            // The reader has read them or not, and nobody will know.
            out.handle = None;
            let accepted = outcomes.iter_mut().filter(|outcome| **outcome == Outcome::Accepted);
            accepted.for_each(|outcome| *outcome = Outcome::NoAnswer);
        }
        let is_open = out.handle.is_some();
        self.handles = self.handles + usize::from(is_open) - usize::from(was_open);
        if self.handles > HANDLES_MAX {
            self.close_oldest();
        }
        outcomes
    }

    /// Closing loses nothing: what a slot has taken survives its writer.
    fn close_oldest(&mut self) {
        let open = self.deliveries.values_mut().filter(|out| out.handle.is_some());
        let mut open: Vec<_> = open.collect();
        open.sort_unstable_by_key(|out| out.used);
        for out in open.into_iter().take(HANDLES_MAX / 4) {
            out.handle = None;
            self.handles -= 1;
        }
    }
}

impl Out {
    fn write(&mut self, record: &[u8], moment: Moment) -> Outcome {
        // A slot whose reader has gone may have another by now.
        for _ in 0..2 {
            let handle = match &mut self.handle {
                Some(handle) => handle,
                None => match open(&self.delivery) {
                    Ok(handle) => self.handle.insert(handle),
                    Err(error) => return of_open(&error),
                },
            };
            match handle.write(record, moment) {
                Ok(()) => return Outcome::Accepted,
                Err(WriteError::Full { .. }) => return Outcome::Full,
                Err(WriteError::TooLarge { .. }) => return Outcome::TooLarge,
                Err(WriteError::Open(error)) => {
                    self.handle = None;
                    return of_open(&error);
                }
                Err(_) => self.handle = None,
            }
        }
        Outcome::NoSuchSlot
    }
}

fn open(delivery: &Delivery) -> Result<Handle, OpenError> {
    let domain = if delivery.domain.is_empty() { "localhost" } else { &delivery.domain };
    let origin = Origin::new(&delivery.computer, domain, &delivery.user, delivery.pid);
    match ForwardingWriter::open(delivery.slot.clone(), &origin) {
        Err(OpenError::NetworkRefused { .. }) if delivery.from.is_none() => {
            MailslotWriter::open(delivery.slot.clone()).map(Handle::Own)
        }
        other => other.map(Handle::Forwarding),
    }
}

fn of_open(error: &OpenError) -> Outcome {
    match error {
        OpenError::NoSuchSlot(_) | OpenError::Name(_) => Outcome::NoSuchSlot,
        OpenError::AccessDenied { .. } | OpenError::NetworkRefused { .. } => Outcome::Denied,
        // The slot's backlog, or what the system has none of: nothing was written, and it may work
        // later.
        _ => Outcome::Full,
    }
}

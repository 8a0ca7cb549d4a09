//! Which of this computer's slots others may write to.

use std::time::{Duration, Instant};

use mailslot::SlotEntry;

/// How long a look at the registry is good for, so that questions can't keep the gateway busy.
const FRESH: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct OpenSlots {
    known: Vec<SlotEntry>,
    looked: Option<Instant>,
}

impl OpenSlots {
    pub(super) fn changed(&mut self) {
        self.looked = None;
    }

    fn look(&mut self) -> &[SlotEntry] {
        if self.looked.is_none_or(|at| at.elapsed() > FRESH) {
            self.looked = Some(Instant::now());
            // Without a registry there are no slots.
            self.known = mailslot::list().unwrap_or_default();
            self.known.retain(|slot| slot.alive);
        }
        &self.known
    }

    /// Those that this computer may write to.
    pub(super) fn open_to(&mut self, computer: &str, domain: &str) -> Vec<String> {
        let slots = self.look().iter();
        let open = slots.filter(|slot| slot.network.allows(computer, domain));
        open.map(|slot| slot.name.path().to_owned()).collect()
    }

    pub(super) fn all(&mut self) -> Vec<String> {
        self.look().iter().map(|slot| slot.name.path().to_owned()).collect()
    }

    /// Those that take records from some other computer.
    pub(super) fn open(&mut self) -> Vec<String> {
        let slots = self.look().iter();
        let open = slots.filter(|slot| slot.network != mailslot::NetworkAccess::ThisComputer);
        open.map(|slot| slot.name.path().to_owned()).collect()
    }
}

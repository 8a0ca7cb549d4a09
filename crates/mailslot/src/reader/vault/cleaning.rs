//! Keeping the vault small: departed peers' deposits go.

use std::io;
use std::os::fd::AsFd;

use rustix::net::RecvFlags;
use rustix::process::{Resource, getrlimit};

use super::peeking::{peek, rewind};
use super::{
    DEPOSIT_LEN, DEPOSITS, ENTRIES, ENTRY_WORDS, FLAGS, HAS_RING, ID, Kind, MAX_DESCRIPTORS,
    MAX_PEERS, SLOT_DESCRIPTORS, Vault,
};

/// Deposits beyond those of living peers before the vault is cleaned out.
const MAX_STALE: u64 = 40;

impl Vault {
    /// How many deposits must stay, and how many descriptors are in them.
    pub(super) fn living(&self) -> (u64, u64) {
        let (mut deposits, mut descriptors) = (0, SLOT_DESCRIPTORS as u64);
        for index in 0..MAX_PEERS {
            let entry = ENTRIES + index * ENTRY_WORDS;
            if self.table.get(entry + ID) != 0 {
                let ring = u64::from(self.table.get(entry + FLAGS) & HAS_RING != 0);
                deposits += 1 + ring;
                descriptors += 1 + 2 * ring;
            }
        }
        (deposits, descriptors)
    }

    /// Takes the deposits of departed peers out of the vault once there are many. What stays is
    /// put in anew behind before it is taken out in front: a holder that dies between leaves it
    /// there twice.
    pub(super) fn clean_out(&self) -> io::Result<()> {
        let total = self.table.get(DEPOSITS);
        let (living, descriptors) = self.living();
        let stale = total.saturating_sub(living);
        // These are in flight, too, with two descriptors at most.
        if stale == 0 || (stale <= MAX_STALE && descriptors + 2 * stale < in_flight()) {
            return Ok(());
        }
        for _ in 0..total {
            rewind(&self.receiver)?;
            let Some(front) = peek::<MAX_DESCRIPTORS>(&self.receiver)? else {
                break;
            };
            if self.entry(front.id).is_some() {
                let ring = front.kind == Kind::Ring as u8;
                let kind = if ring { Kind::Ring } else { Kind::Socket };
                let descriptors: Vec<_> =
                    front.descriptors.iter().flatten().map(AsFd::as_fd).collect();
                if descriptors.len() != 1 + usize::from(ring) {
                    // This process has no descriptors left to take it by: another time.
                    return Err(io::Error::from(rustix::io::Errno::MFILE));
                }
                self.deposit(kind, front.id, front.shifts, &descriptors)?;
            }
            let mut taken = [0; DEPOSIT_LEN];
            rustix::net::recv(&self.receiver, &mut taken, RecvFlags::DONTWAIT)?;
            self.table.set(DEPOSITS, self.table.get(DEPOSITS).saturating_sub(1));
        }
        self.changed();
        Ok(())
    }
}

/// How many descriptors the vault may have in flight: the kernel lets an ordinary user have as many
/// as a process may have open, and some of them are the writers'.
pub(super) fn in_flight() -> u64 {
    getrlimit(Resource::Nofile).current.map_or(u64::MAX, |most| most - most / 4)
}

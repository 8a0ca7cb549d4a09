//! Memory that writers keep for more records goes back when none have come for a while.

use super::Core;

impl Core {
    /// True if [`Core::rest`] may give memory back.
    pub(crate) fn may_give_back(&self) -> bool {
        !self.resting.is_empty()
    }

    /// Gives back what the rings keep in which a look has found nothing, and that are still empty.
    #[cold]
    pub(crate) fn rest(&mut self) {
        for place in std::mem::take(&mut self.resting) {
            if let Some(peer) = self.peers[place as usize].as_mut() {
                peer.close_ring();
            }
        }
    }
}

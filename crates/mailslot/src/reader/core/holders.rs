//! Keeping in step with other holders of the same read handle.

use std::io;

use mailslot_ring::Geometry;
use rustix::net::{RecvFlags, Shutdown};

use super::super::intake::{Refusal, attach};
use super::super::peer::Peer;
use super::super::vault::{Deposit, Vault};
use super::Core;

impl Core {
    /// Makes a peer gone for all holders. Those have its socket too: closing it is not enough.
    pub(super) fn depart(&mut self, peer: &Peer) {
        self.tell_closed(peer);
        if let Some(vault) = &self.vault {
            vault.remove_peer(peer.id);
            if let Some(socket) = &peer.socket {
                let _ = rustix::net::shutdown(socket, Shutdown::Both);
                // The vault keeps the socket for a while. Descriptors in what was not taken would
                // stay with it: another connection to this slot, say, which so would never end.
                while rustix::net::recv(socket, &mut [0; 1], RecvFlags::DONTWAIT)
                    .is_ok_and(|(len, _)| len > 0)
                {}
            }
        }
    }

    /// Takes note of what other holders have done since this process last held the lock.
    pub(crate) fn catch_up(&mut self) -> io::Result<()> {
        let Some(vault) = self.vault.clone() else {
            return Ok(());
        };
        if vault.is_same_holder() && !vault.has_changed() {
            return Ok(());
        }
        self.run = None;
        self.heap.clear();
        if vault.has_changed() {
            self.catch_up_with_peers(&vault)?;
        }
        for peer in self.peers.iter_mut().flatten() {
            if let (Some(ring), Some(cursor)) = (&mut peer.ring, vault.cursor(peer.id)) {
                ring.set_cursor(cursor);
            }
            if peer.origin.is_none() {
                peer.origin = vault.origin(peer.id);
            }
            if peer.inline.is_some() && vault.inline_is_read(peer.id) {
                peer.inline = None;
                peer.unread = true;
            }
        }
        Ok(())
    }

    fn catch_up_with_peers(&mut self, vault: &Vault) -> io::Result<()> {
        for place in 0..self.peers.len() as u32 {
            if self.peer(place).is_some_and(|peer| !vault.is_living(peer.id)) {
                self.active.retain(|&other| other != place);
                self.remove(place);
            }
        }
        let mut deposits = vault.deposits()?;
        // A holder that died cleaning out may have left a ring in front of its socket.
        deposits.sort_by_key(|deposit| matches!(deposit, Deposit::Ring { .. }));
        for deposit in deposits {
            match deposit {
                Deposit::Socket { id, socket } if self.place_of(id).is_none() => {
                    let peer = self.new_peer(socket, id);
                    self.settle(peer);
                }
                Deposit::Ring { id, shifts: [base, growth, levels], memory, bell } => {
                    let geometry = Geometry::new(base, growth, levels);
                    let place = self.place_of(id);
                    let peer =
                        place.and_then(|place| self.peer(place)).filter(|peer| peer.bell.is_none());
                    let (Some(place), Some(peer), Some(geometry)) = (place, peer, geometry) else {
                        continue;
                    };
                    let cursor = vault.cursor(id).unwrap_or_default();
                    peer.spoke = true;
                    let attached = if peer.is_deaf() {
                        peer.bell = Some(bell);
                        Ok(())
                    } else {
                        attach(peer, geometry, &memory, bell, cursor)
                    };
                    match attached {
                        Ok(()) => peer.elsewhere = false,
                        Err(Refusal::Broken) => peer.dead = true,
                        Err(Refusal::NoRoom) => vault.forget(),
                    }
                    self.watch_late_bell(place);
                    self.activate(place);
                }
                Deposit::Socket { .. } => {}
            }
        }
        if vault.has_changed() {
            // There was no room for some of it. Each time the lock is taken it is tried again.
            if self.make_room() {
                return self.catch_up_with_peers(vault);
            }
            self.try_later();
        }
        Ok(())
    }

    fn place_of(&self, id: u64) -> Option<u32> {
        let found = self.peers.iter().position(|peer| peer.as_ref().is_some_and(|p| p.id == id));
        found.map(|place| place as u32)
    }

    fn watch_late_bell(&mut self, place: u32) {
        if let Some(mut peer) = self.peers[place as usize].take() {
            peer.dead |= !self.watch_bell(place, &peer);
            self.peers[place as usize] = Some(peer);
        }
    }
}

//! What a gateway wants to know beside records.

use std::io;
use std::time::Duration;

use super::super::peer::{Next, Peer};
use super::{Core, EventQueue, GatewayEvent, GatewayRecord};

/// How the record of a confirmed connection begins: how long its writer waits, in milliseconds.
pub(crate) const TIMEOUT_LEN: usize = 4;

impl Core {
    /// Openings and closings that have not been given out.
    pub(crate) fn events(&mut self) -> &mut EventQueue {
        &mut self.gateway_events
    }

    /// The record that [`Core::next`] gave, which it leaves behind. `None` if it can't be one.
    pub(crate) fn take_for_gateway(
        &mut self,
        place: u32,
        next: &Next,
    ) -> io::Result<Option<GatewayRecord>> {
        let Some((peer, connection)) =
            self.peer(place).and_then(|peer| peer.connection.clone().map(|c| (peer, c)))
        else {
            self.pop(place, next);
            return Ok(None);
        };
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(next.len)
            .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        bytes.resize(next.len, 0);
        peer.copy(next, &mut bytes);
        let number = connection.first() + peer.given;
        peer.given += 1;
        let mut timeout = None;
        let mut sound = true;
        if connection.is_confirmed() {
            match bytes.first_chunk::<TIMEOUT_LEN>() {
                Some(head) => {
                    let milliseconds = u32::from_le_bytes(*head);
                    timeout = Some(Duration::from_millis(milliseconds.into()));
                    bytes.drain(..TIMEOUT_LEN);
                }
                None => {
                    peer.dead = true;
                    sound = false;
                }
            }
        }
        let stamp = next.stamp;
        self.pop(place, next);
        Ok(sound.then_some(GatewayRecord { connection, number, bytes, timeout, stamp }))
    }

    /// Leaves the records of a connection where they are, or takes them again.
    pub(crate) fn hold(&mut self, connection: u64, yes: bool) {
        let is_it = |peer: &Option<Peer>| {
            let known = peer.as_ref().and_then(|peer| peer.connection.as_ref());
            known.is_some_and(|known| known.id() == connection)
        };
        let Some(place) = self.peers.iter().position(is_it) else { return };
        if let Some(peer) = &mut self.peers[place] {
            peer.held = yes;
        }
        if !yes {
            self.activate(place as u32);
        }
    }

    pub(super) fn tell_opened(&mut self, peer: &Peer) {
        let opened = peer.connection.clone().map(GatewayEvent::Opened);
        self.gateway_events.0.extend(opened);
    }

    pub(super) fn tell_closed(&mut self, peer: &Peer) {
        let closed = peer.connection.clone().map(GatewayEvent::Closed);
        self.gateway_events.0.extend(closed);
    }
}

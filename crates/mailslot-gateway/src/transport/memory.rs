//! A network inside this process, for tests of what uses a [`Transport`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{EventSink, PeerId, SendError, Traffic, Transport, Way};

/// A network. Clones are the same network.
#[derive(Clone, Debug, Default)]
pub struct Network(Arc<Mutex<HashMap<PeerId, EventSink>>>);

impl Network {
    /// Connects a computer: `sink` gets what the others send, and hears of them as they come and
    /// go. It is cut off when the returned transport is dropped.
    pub fn connect(&self, own: PeerId, sink: EventSink) -> MemoryTransport {
        let mut computers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (other, of_other) in computers.iter() {
            if other.domain() == own.domain() {
                of_other.up(own.clone());
                sink.up(other.clone());
            }
        }
        computers.insert(own.clone(), sink);
        MemoryTransport { network: self.clone(), own }
    }
}

/// One computer's connection to a [`Network`].
#[derive(Debug)]
pub struct MemoryTransport {
    network: Network,
    own: PeerId,
}

impl Transport for MemoryTransport {
    fn send(&self, to: &PeerId, frame: Vec<u8>) -> Result<(), SendError> {
        let computers = self.network.0.lock().unwrap_or_else(PoisonError::into_inner);
        let to = computers.get(to).filter(|_| to.domain() == self.own.domain());
        to.ok_or(SendError::Unreachable)?.frame(self.own.clone(), frame);
        Ok(())
    }

    fn largest_frame(&self) -> usize {
        64 * 1024
    }

    fn way(&self, to: &PeerId) -> Option<Way> {
        let computers = self.network.0.lock().unwrap_or_else(PoisonError::into_inner);
        computers.contains_key(to).then_some(Way::Direct)
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

impl Drop for MemoryTransport {
    fn drop(&mut self) {
        let mut computers = self.network.0.lock().unwrap_or_else(PoisonError::into_inner);
        computers.remove(&self.own);
        for (other, sink) in computers.iter() {
            if other.domain() == self.own.domain() {
                sink.down(self.own.clone());
            }
        }
    }
}

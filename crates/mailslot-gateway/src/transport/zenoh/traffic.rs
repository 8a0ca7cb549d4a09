//! How many frames have taken which way.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::transport;

#[derive(Default)]
pub(super) struct Traffic {
    direct_sent: AtomicU64,
    direct_received: AtomicU64,
    zenoh_sent: AtomicU64,
    zenoh_received: AtomicU64,
}

impl Traffic {
    pub(super) fn direct_sent(&self) {
        self.direct_sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn direct_received(&self, frames: usize) {
        self.direct_received.fetch_add(frames as u64, Ordering::Relaxed);
    }

    pub(super) fn zenoh_sent(&self) {
        self.zenoh_sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn zenoh_received(&self) {
        self.zenoh_received.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> transport::Traffic {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        transport::Traffic {
            direct_sent: of(&self.direct_sent),
            direct_received: of(&self.direct_received),
            relayed_sent: of(&self.zenoh_sent),
            relayed_received: of(&self.zenoh_received),
        }
    }
}

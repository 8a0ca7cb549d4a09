//! What waits to be sent to one computer. Each has a thread of its own, so a slow or frozen one
//! keeps nobody else waiting.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use zenoh::Wait;
use zenoh::bytes::ZBytes;
use zenoh::pubsub::Publisher;

use super::seal::Channel;

/// The bytes that may wait.
const MOST_BYTES: usize = 1 << 20;
/// What a frame costs besides its bytes.
const COST: usize = 128;

/// Something to send.
pub(super) enum Parcel {
    /// As it is.
    Open(Vec<u8>),
    /// Sealed on its way out, under this number.
    Sealed(Arc<Channel>, u64, Vec<u8>),
}

impl Parcel {
    fn cost(&self) -> usize {
        let (Self::Open(bytes) | Self::Sealed(_, _, bytes)) = self;
        bytes.len() + COST
    }

    fn payload(self) -> ZBytes {
        match self {
            Self::Open(bytes) => bytes.into(),
            Self::Sealed(channel, counter, mut frame) => {
                channel.seal(counter, &mut frame);
                let mut payload = ZBytes::writer();
                let head = [&[super::wire::SEALED], &counter.to_be_bytes()[..]].concat();
                payload.append(head.into());
                payload.append(frame.into());
                payload.finish()
            }
        }
    }
}

/// The sender's end. Dropping it ends the thread, with what still waits unsent.
pub(super) struct Outbox(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Default)]
struct State {
    parcels: VecDeque<Parcel>,
    bytes: usize,
    closed: bool,
    /// Somebody was turned away and wants to know when there is room.
    refused: bool,
    /// The thread waits for the bell.
    sleeps: bool,
}

impl Outbox {
    /// Starts the thread. `ready` is called when there is room after somebody was turned away.
    pub(super) fn start(
        publisher: Publisher<'static>,
        ready: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), bell: Condvar::new() });
        let outbox = Self(shared.clone());
        let run = move || {
            while let Some((parcel, room)) = shared.next() {
                if room {
                    ready();
                }
                // An error means that the session is closing, or that the frame is lost.
                let _ = publisher.put(parcel.payload()).wait();
            }
        };
        thread::Builder::new().name("outbox".into()).spawn(run)?;
        Ok(outbox)
    }

    /// Takes `parcel` if there is room.
    pub(super) fn push(&self, parcel: Parcel) -> bool {
        let mut state = self.0.lock();
        if state.bytes + parcel.cost() > MOST_BYTES && !state.parcels.is_empty() {
            state.refused = true;
            return false;
        }
        state.bytes += parcel.cost();
        state.parcels.push_back(parcel);
        // Each ring is a call to the system.
        let sleeps = std::mem::take(&mut state.sleeps);
        drop(state);
        if sleeps {
            self.0.bell.notify_one();
        }
        true
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.bell.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next parcel, and tells whether there is room for those that were turned away.
    fn next(&self) -> Option<(Parcel, bool)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(parcel) = state.parcels.pop_front() {
                state.bytes -= parcel.cost();
                let room = state.refused && state.bytes <= MOST_BYTES / 2;
                state.refused &= !room;
                return Some((parcel, room));
            }
            state.sleeps = true;
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

//! The record ring under the `mailslot` library, and the shared memory it lives in.
//!
//! One writer, one reader, possibly hostile to each other, meet in a memfd that the *writer*
//! made: it pays for its unread records and can read nobody else's. The tour:
//!
//! * [`Region`]: the memfd and its mapping. All raw memory access of the project is here.
//! * [`Geometry`]: a ring is a row of levels, each larger than the one before. Work that the reader
//!   keeps up with stays in level 0, which fits the cache; a burst moves on to larger levels and
//!   gives their memory back once read.
//! * [`Producer`] and [`Consumer`]: the two halves. Each keeps its own position in private memory
//!   and treats what the other says as a claim.
//! * [`Memory`]: what the halves need of memory, so that they also run over the heap and in loom.
//! * [`SharedTable`], [`set_peek_offset`] and [`fork_generation`]: what it takes to share a read
//!   handle between processes.
//!
//! A record is published by one store to the tail. Before the reader sleeps it raises a flag in the
//! ring and looks once more; a writer that sees the flag after publishing lowers it and rings a
//! bell (which bell is the caller's business). While both run, neither makes a system call.

mod consumer;
#[cfg(not(loom))]
mod fork;
#[cfg(not(loom))]
#[doc(hidden)]
pub mod fuzz_checks;
mod geometry;
#[cfg(any(test, not(loom)))]
mod heap;
mod item;
mod memory;
#[cfg(not(loom))]
mod peer;
mod producer;
#[cfg(not(loom))]
mod region;
#[cfg(not(loom))]
mod shared;
mod sync;

#[cfg(test)]
mod tests;

pub use consumer::{Broken, Consumer, Cursor, Front, Room};
#[cfg(not(loom))]
pub use fork::fork_generation;
pub use geometry::{Geometry, HEADER_BYTES, MAX_QUOTA};
pub use item::MAX_RECORD;
pub use memory::{Header, Memory};
#[cfg(not(loom))]
pub use peer::{Credentials, Inherited, close_all, peer_credentials};
pub use producer::{Producer, PushError, Wake};
#[cfg(not(loom))]
pub use region::{Region, RegionError};
#[cfg(not(loom))]
pub use shared::{SharedGuard, SharedTable, set_peek_offset};

#[cfg(not(loom))]
mod closing;
#[cfg(not(loom))]
mod fork;
#[cfg(not(loom))]
mod geometry;
#[cfg(not(loom))]
mod hostile;
#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod model;
#[cfg(not(loom))]
mod protocol;
#[cfg(not(loom))]
mod region;
#[cfg(not(loom))]
mod ring;
#[cfg(not(loom))]
mod scarce;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod threads;

use std::io::IoSlice;

#[cfg(not(loom))]
use crate::Consumer;
use crate::{Memory, Producer, PushError, Wake};

/// Pushes `bytes` as one part.
fn push<M: Memory>(
    producer: &mut Producer<M>,
    stamp: u64,
    bytes: &[u8],
) -> Result<Wake, PushError> {
    producer.push(stamp, &[IoSlice::new(bytes)], bytes.len() as u64)
}

/// The record that is next among those seen, as (stamp, bytes).
#[cfg(not(loom))]
fn read<M: Memory>(consumer: &mut Consumer<M>) -> Option<(u64, Vec<u8>)> {
    let front = consumer.front().unwrap()?;
    let mut bytes = vec![0; front.len as usize];
    consumer.copy(&front, &mut bytes);
    Some((front.stamp, bytes))
}

/// Looks, reads, pops and releases until nothing is left; gives the stamps.
#[cfg(not(loom))]
fn drain<M: Memory>(consumer: &mut Consumer<M>) -> Vec<u64> {
    let mut stamps = Vec::new();
    consumer.look().unwrap();
    while let Some((stamp, _)) = read(consumer) {
        stamps.push(stamp);
        let _ = consumer.pop();
    }
    let _ = consumer.release();
    stamps
}

/// Bytes by which a record of this stamp and length is recognised.
#[cfg(not(loom))]
fn pattern(stamp: u64, len: usize) -> Vec<u8> {
    let seed = stamp.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..len as u64)
        .map(|i| (seed.wrapping_add(i.wrapping_mul(0x0101_0101_0101_0107)) >> 24) as u8)
        .collect()
}

//! The yardstick: what memory allows. One ring of shared memory per writer; memcpy in, memcpy out,
//! looking in a loop on both sides. No stamps, no order between writers, no wake-up, no trust issues,
//! no room for bursts, nobody notices when the other side dies.

use std::fs::{File, OpenOptions};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use rustix::mm::{MapFlags, ProtFlags};

use super::{Address, Peer, Rx, Tx, pause};

/// Bytes of a ring. Of 64 KiB to 4 MiB this was the best or within the noise of it at all sizes.
const CAPACITY: usize = 1024 * 1024;
const HEADER: usize = 4096;
const TAIL: usize = 0;
const HEAD: usize = 256;

/// The reader lets the writer have room in steps of this, so that the line with the head moves
/// between the processors now and then only.
const RELEASE_EVERY: u64 = CAPACITY as u64 / 16;

const PAD: u64 = u64::MAX;

pub(crate) struct Rings;

impl Peer for Rings {
    type Rx = Readers;
    type Tx = Writer;
}

struct Map(NonNull<u8>);

impl Map {
    fn new(file: &File) -> Result<Self> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: the kernel chooses an unused range, of a file that nobody shrinks.
        let base = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), HEADER + CAPACITY, prot, flags, file, 0)?
        };
        Ok(Self(NonNull::new(base.cast()).context("mapping a ring")?))
    }

    #[inline]
    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: `at` is TAIL, HEAD, or the 8-aligned place of an item's length: inside the
        // mapping, which is never unmapped.
        unsafe { AtomicU64::from_ptr(self.0.as_ptr().add(at).cast()) }
    }

    #[inline]
    fn data(&self, position: u64) -> usize {
        HEADER + position as usize % CAPACITY
    }
}

fn footprint(len: usize) -> u64 {
    (8 + len.next_multiple_of(8)) as u64
}

pub(crate) struct Writer {
    map: Map,
    tail: u64,
    head: u64,
}

impl Writer {
    #[inline]
    fn has_room(&mut self, need: u64) -> bool {
        if self.tail + need - self.head > CAPACITY as u64 {
            self.head = self.map.word(HEAD).load(Ordering::Acquire);
        }
        self.tail + need - self.head <= CAPACITY as u64
    }

    #[inline]
    fn put(&mut self, record: &[u8], size: u64, left: u64) {
        if left < size {
            self.map.word(self.map.data(self.tail)).store(PAD, Ordering::Relaxed);
            self.tail += left;
        }
        let at = self.map.data(self.tail);
        self.map.word(at).store(record.len() as u64, Ordering::Relaxed);
        // SAFETY: the item lies in the ring's data (`left` was checked), and the reader keeps off
        // it until the tail says otherwise.
        unsafe {
            let into = self.map.0.as_ptr().add(at + 8);
            std::ptr::copy_nonoverlapping(record.as_ptr(), into, record.len());
        }
        self.tail += size;
        self.map.word(TAIL).store(self.tail, Ordering::Release);
    }

    #[inline]
    fn need(&self, size: u64) -> (u64, u64) {
        let left = (CAPACITY - self.tail as usize % CAPACITY) as u64;
        (if left < size { left + size } else { size }, left)
    }
}

impl Tx for Writer {
    fn connect(at: &Address, writer: usize) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(at.path(writer))?;
        Ok(Self { map: Map::new(&file)?, tail: 0, head: 0 })
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        let size = footprint(record.len());
        let (need, left) = self.need(size);
        let mut looks = 0;
        while !self.has_room(need) {
            pause(&mut looks);
        }
        self.put(record, size, left);
        Ok(())
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        let size = footprint(record.len());
        let (need, left) = self.need(size);
        let room = self.has_room(need);
        if room {
            self.put(record, size, left);
        }
        Ok(room)
    }
}

struct Reader {
    map: Map,
    tail: u64,
    head: u64,
    released: u64,
}

impl Reader {
    #[inline]
    fn look(&mut self) -> bool {
        if self.head == self.tail {
            self.tail = self.map.word(TAIL).load(Ordering::Acquire);
        }
        self.head != self.tail
    }

    #[inline]
    fn release(&mut self) {
        self.released = self.head;
        self.map.word(HEAD).store(self.head, Ordering::Release);
    }

    /// Takes the record that [`Reader::look`] saw.
    #[inline]
    fn take(&mut self, into: &mut [u8]) -> usize {
        let mut at = self.map.data(self.head);
        if self.map.word(at).load(Ordering::Relaxed) == PAD {
            self.head += (HEADER + CAPACITY - at) as u64;
            at = self.map.data(self.head);
        }
        let len = self.map.word(at).load(Ordering::Relaxed) as usize;
        let into = &mut into[..len];
        // SAFETY: the writer, which is trusted here, has put `len` bytes there.
        unsafe {
            let from = self.map.0.as_ptr().add(at + 8);
            std::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), len);
        }
        self.head += footprint(len);
        if self.head - self.released >= RELEASE_EVERY {
            self.release();
        }
        len
    }
}

pub(crate) struct Readers {
    rings: Vec<Reader>,
    current: usize,
}

impl Rx for Readers {
    fn listen(at: &Address) -> Result<Self> {
        let open = |writer| {
            let path = at.path(writer);
            let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
            file.set_len((HEADER + CAPACITY) as u64)?;
            Ok(Reader { map: Map::new(&file)?, tail: 0, head: 0, released: 0 })
        };
        Ok(Self { rings: (0..at.writers).map(open).collect::<Result<_>>()?, current: 0 })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut looks = 0;
        loop {
            for _ in 0..self.rings.len() {
                let ring = &mut self.rings[self.current];
                if ring.look() {
                    return Ok(ring.take(into));
                }
                if ring.released != ring.head {
                    ring.release();
                }
                self.current =
                    if self.current + 1 == self.rings.len() { 0 } else { self.current + 1 };
            }
            pause(&mut looks);
        }
    }
}

//! The yardstick for bursts: what memory costs. A bare memfd as large as the burst, memcpy in, memcpy
//! out, its memory taken and given back in the steps in which mailslot does. It can do nothing else:
//! nobody waits, and nothing is used twice.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise};

use super::{Address, Peer, Rx, Tx};

/// Bytes of a huge page; the data begins with one, behind the position.
const HUGE_PAGE: usize = 2 * 1024 * 1024;

/// How much memory is asked for at a time.
const STEP: usize = 256 * 1024;

/// How much is given back at a time.
const BLOCK: usize = HUGE_PAGE;

pub(crate) struct Memory;

impl Peer for Memory {
    type Rx = Reader;
    type Tx = Writer;
}

struct Map {
    base: NonNull<u8>,
    len: usize,
}

impl Map {
    fn new(file: &File, len: usize) -> Result<Self> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses an unused range, and the file takes a part of it that begins
        // with a huge page; nobody shrinks it.
        let base = unsafe {
            let (none, flags) = (ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE);
            let found =
                rustix::mm::mmap_anonymous(std::ptr::null_mut(), len + HUGE_PAGE, none, flags)?;
            let base = found.add(found.cast::<u8>().align_offset(HUGE_PAGE));
            rustix::mm::mmap(base, len, prot, MapFlags::SHARED | MapFlags::FIXED, file, 0)?
        };
        Ok(Self { base: NonNull::new(base.cast()).context("mapping the memory")?, len })
    }

    /// The position before which all is written.
    fn tail(&self) -> &AtomicU64 {
        // SAFETY: the first word of the mapping, which is never unmapped.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().cast()) }
    }

    /// Where `len` bytes stand.
    #[inline]
    fn at(&self, position: usize, len: usize) -> *mut u8 {
        assert!(HUGE_PAGE + position + len <= self.len, "more than the burst");
        // SAFETY: inside the mapping, as was just checked.
        unsafe { self.base.as_ptr().add(HUGE_PAGE + position) }
    }

    fn advise(&self, position: usize, len: usize, advice: Advice) -> rustix::io::Result<()> {
        // SAFETY: the range lies in the mapping, and whoever gives memory back has read it.
        unsafe { madvise(self.at(position, len).cast(), len, advice) }
    }
}

/// Bytes of an item: as many as mailslot takes.
fn footprint(len: usize) -> usize {
    (16 + len).next_multiple_of(16)
}

pub(crate) struct Reader {
    map: Map,
    /// The writer opens it by way of this process.
    _file: File,
    position: usize,
    seen: usize,
    given_back: usize,
}

impl Rx for Reader {
    fn listen(at: &Address) -> Result<Self> {
        let fd = rustix::fs::memfd_create("bare-memory", rustix::fs::MemfdFlags::CLOEXEC)?;
        let file = File::from(fd);
        let len = (at.quota as usize).next_multiple_of(HUGE_PAGE) + 2 * HUGE_PAGE;
        file.set_len(len as u64)?;
        let own = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
        std::os::unix::fs::symlink(own, at.path("memory"))?;
        let map = Map::new(&file, len)?;
        Ok(Self { map, _file: file, position: 0, seen: 0, given_back: 0 })
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        if self.position == self.seen {
            self.seen = self.map.tail().load(Ordering::Acquire) as usize;
            ensure!(self.position < self.seen, "the burst is over");
        }
        // SAFETY: the writer, which is trusted here, has put an item there.
        let len = unsafe {
            let item = self.map.at(self.position, 16);
            let len = item.cast::<u64>().read() as usize;
            std::ptr::copy_nonoverlapping(item.add(16), into[..len].as_mut_ptr(), len);
            len
        };
        self.position += footprint(len);
        if self.position - self.given_back >= BLOCK || self.position == self.seen {
            let len = (self.position - self.given_back) / BLOCK * BLOCK;
            self.map.advise(self.given_back, len, Advice::LinuxRemove)?;
            self.given_back += len;
        }
        Ok(len)
    }
}

pub(crate) struct Writer {
    map: Map,
    tail: usize,
    prepared: usize,
}

impl Tx for Writer {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(at.path("memory"))?;
        let map = Map::new(&file, file.metadata()?.len() as usize)?;
        // Where the system has them.
        let _ = map.advise(0, map.len - HUGE_PAGE, Advice::LinuxHugepage);
        Ok(Self { map, tail: 0, prepared: 0 })
    }

    fn send(&mut self, record: &[u8]) -> Result<()> {
        self.try_send(record).map(|_| ())
    }

    #[inline]
    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        let size = footprint(record.len());
        if self.tail + size > self.prepared {
            self.map.advise(self.prepared, STEP, Advice::LinuxPopulateWrite)?;
            self.prepared += STEP;
        }
        let item = self.map.at(self.tail, size);
        // SAFETY: the item lies in the mapping (just checked), and the reader keeps off it until the
        // tail says otherwise.
        unsafe {
            item.cast::<u64>().write(record.len() as u64);
            std::ptr::copy_nonoverlapping(record.as_ptr(), item.add(16), record.len());
        }
        self.tail += size;
        self.map.tail().store(self.tail as u64, Ordering::Release);
        Ok(true)
    }
}

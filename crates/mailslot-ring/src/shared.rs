//! What several holders of one read handle share: a lock that survives its owner's death, and a
//! table of words under it.

use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::region::{Region, RegionError};

const LOCK_BYTES: usize = 128;

/// A table of words in shared memory, and the lock that guards it.
///
/// The processes that share it hold the same read handle and trust each other. One that dies while
/// it holds the lock leaves the table as it was at that moment, and the lock to the next.
#[derive(Debug)]
pub struct SharedTable {
    /// Held by guards too: a lock that is never released (its guard forgotten) stays in the list of
    /// locks that libc keeps for the thread, so its memory must then stay mapped for ever.
    region: Arc<Region>,
    words: usize,
}

impl SharedTable {
    fn len(words: usize) -> u64 {
        LOCK_BYTES as u64 + words as u64 * 8
    }

    /// Creates a table of `words` zeroes and the descriptor by which others open it.
    pub fn create(words: usize) -> io::Result<(Self, OwnedFd)> {
        let (region, fd) = Region::create_plain(Self::len(words))?;
        let table = Self { region: Arc::new(region), words };
        table.init_lock()?;
        Ok((table, fd))
    }

    /// Opens a table that another process created with as many words.
    pub fn open(fd: BorrowedFd<'_>, words: usize) -> Result<Self, RegionError> {
        Ok(Self { region: Arc::new(Region::open_plain(fd, Self::len(words))?), words })
    }

    fn init_lock(&self) -> io::Result<()> {
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: `attributes` points to storage of the right size and alignment that outlives
        // these calls, and is initialised by the first and destroyed by the last. The mutex lies
        // in zeroed, page-aligned memory that nobody else has seen yet.
        let code = unsafe {
            libc::pthread_mutexattr_init(attributes);
            libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED);
            libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST);
            // A thread that locks twice gets an error instead of waiting for itself.
            libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK);
            let code = libc::pthread_mutex_init(mutex(&self.region), attributes);
            libc::pthread_mutexattr_destroy(attributes);
            code
        };
        if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
    }

    /// Waits for the lock. An error if this thread already holds it.
    pub fn lock(&self) -> io::Result<SharedGuard<'_>> {
        let region = Arc::clone(&self.region);
        // SAFETY: the mutex was initialised by the creator before it sent the descriptor. It stays
        // mapped while this thread owns it, since the guard below holds the mapping.
        let recovered = match unsafe { libc::pthread_mutex_lock(mutex(&region)) } {
            0 => false,
            libc::EOWNERDEAD => {
                // SAFETY: as above; this thread owns the lock, as EOWNERDEAD says.
                unsafe { libc::pthread_mutex_consistent(mutex(&region)) };
                true
            }
            code => return Err(io::Error::from_raw_os_error(code)),
        };
        Ok(SharedGuard { _table: PhantomData, region, recovered, _owner: PhantomData })
    }

    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words, "outside the table");
        let at = self.region.address(LOCK_BYTES + index * 8, 8).cast::<u64>();
        // SAFETY: the word lies in the mapping (checked by `address`), is aligned since the
        // mapping and LOCK_BYTES are, and is only ever used atomically.
        unsafe { AtomicU64::from_ptr(at) }
    }

    /// Reads a word. What belongs together is consistent only while holding the lock.
    pub fn get(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Acquire)
    }

    /// Writes a word. What belongs together wants the lock.
    pub fn set(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Release);
    }
}

fn mutex(region: &Region) -> *mut libc::pthread_mutex_t {
    const { assert!(size_of::<libc::pthread_mutex_t>() <= LOCK_BYTES) };
    region.address(0, LOCK_BYTES).cast()
}

/// Keeps all others from the lock of a [`SharedTable`] until it is dropped.
#[derive(Debug)]
pub struct SharedGuard<'a> {
    _table: PhantomData<&'a SharedTable>,
    region: Arc<Region>,
    recovered: bool,
    /// Only the thread that locked may unlock: not `Send`.
    _owner: PhantomData<*const ()>,
}

impl SharedGuard<'_> {
    /// True if the last owner died holding the lock: what it was changing may be half changed.
    pub fn recovered(&self) -> bool {
        self.recovered
    }
}

impl Drop for SharedGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: a guard exists only while its thread owns the lock, and never leaves that thread
        // since it isn't `Send`.
        unsafe { libc::pthread_mutex_unlock(mutex(&self.region)) };
    }
}

/// From now on, peeking at `socket` starts `offset` bytes into its queue, and each peek moves that
/// on (`SO_PEEK_OFF`).
pub fn set_peek_offset(socket: BorrowedFd<'_>, offset: i32) -> io::Result<()> {
    // SAFETY: the option takes an int, whose address and size are passed, and copies it.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEEK_OFF,
            (&raw const offset).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

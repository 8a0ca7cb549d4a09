//! Shared memory: a sealed memfd and its mapping.

use std::ffi::{CStr, c_void};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, ProtFlags};
use rustix::param::page_size;
use rustix::process::{Resource, getrlimit};

use crate::geometry::{Geometry, HEADER_BYTES, HUGE_PAGE};
use crate::memory::{Header, Memory};

/// `TMPFS_MAGIC`: the file system of every memfd that is not made of huge pages, whose shortage
/// would kill who touches them.
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// Why a descriptor that a peer sent cannot hold a ring.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// It is no memfd, or one that could shrink under the reader.
    #[error("the descriptor is not a memfd sealed against shrinking")]
    Unsealed,
    /// It is made of huge pages.
    #[error("the memfd is not ordinary memory")]
    NotOrdinary,
    /// Its size is not the one expected.
    #[error("the memfd has {found} bytes instead of {expected}")]
    Size {
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// The system refused.
    #[error("cannot map the ring's memory: {0}")]
    Io(#[from] io::Error),
}

/// A mapping shared with another process, unmapped when dropped.
#[derive(Debug)]
pub struct Region {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: a `Region` is an address range that stays mapped until its only owner drops it, and every
// access goes through atomics or copies that tolerate concurrent change: no thread is special.
unsafe impl Send for Region {}
// SAFETY: as for `Send`; methods taking `&self` never hand out references to plain bytes.
unsafe impl Sync for Region {}

impl Region {
    /// Creates the memory of a new ring and the descriptor to send to the reader.
    pub fn create(geometry: Geometry) -> io::Result<(Self, OwnedFd)> {
        Self::create_sealed(c"mailslot-ring", geometry.file_len(), size_of::<Header>())
    }

    /// Creates `len` bytes of zeroed memory that processes holding the descriptor share.
    pub fn create_plain(len: u64) -> io::Result<(Self, OwnedFd)> {
        Self::create_sealed(c"mailslot-control", len, len as usize)
    }

    /// The first `present` bytes get their memory at once.
    fn create_sealed(name: &CStr, len: u64, present: usize) -> io::Result<(Self, OwnedFd)> {
        // Growing a file past this limit would kill the process with SIGXFSZ.
        if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < len) {
            return Err(io::Error::other(format!(
                "the limit on file sizes (ulimit -f) is below the {len} bytes of shared memory"
            )));
        }
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Hardened systems refuse memory that could be executed; kernels before 6.3 don't know how
        // to be asked for the other kind.
        let fd = match rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
            Err(Errno::INVAL) => rustix::fs::memfd_create(name, flags)?,
            other => other?,
        };
        rustix::fs::ftruncate(&fd, len)?;
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals)?;
        let region = Self::map(fd.as_fd(), len)?;
        region.populate(0, present)?;
        Ok((region, fd))
    }

    /// Maps the memory that a peer sent, once it is sure that no peer can take it away again.
    pub fn open(fd: BorrowedFd<'_>, geometry: Geometry) -> Result<Self, RegionError> {
        Self::open_plain(fd, geometry.file_len())
    }

    /// Maps `len` bytes created by [`Region::create_plain`], as careful as [`Region::open`].
    pub fn open_plain(fd: BorrowedFd<'_>, len: u64) -> Result<Self, RegionError> {
        // Asked first because only memfds answer it: any other question could be answered, or
        // left unanswered, by a file system that the peer wrote.
        let seals = rustix::fs::fcntl_get_seals(fd).map_err(|_| RegionError::Unsealed)?;
        if !seals.contains(SealFlags::SHRINK) {
            return Err(RegionError::Unsealed);
        }
        if rustix::fs::fstatfs(fd).map_err(io::Error::from)?.f_type as i64 != TMPFS_MAGIC {
            return Err(RegionError::NotOrdinary);
        }
        let found = rustix::fs::fstat(fd).map_err(io::Error::from)?.st_size as u64;
        if found != len {
            return Err(RegionError::Size { expected: len, found });
        }
        Ok(Self::map(fd, len)?)
    }

    fn map(fd: BorrowedFd<'_>, len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // A huge page can only be mapped as one where the address begins with one, too.
        let margin = if len > HUGE_PAGE as usize { HUGE_PAGE as usize } else { 0 };
        let whole = len.checked_add(margin).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut region = Self::reserve(whole)?;
        let shift = region.base.as_ptr().align_offset(margin.max(1));
        // SAFETY: `shift <= margin`, so that the range lies in the one that `region` has reserved, in
        // which nothing else is. The file cannot shrink (sealed), so every page of the range stays
        // valid until `Drop` unmaps it.
        unsafe {
            let base = region.base.as_ptr().add(shift);
            rustix::mm::mmap(base.cast(), len, prot, MapFlags::SHARED | MapFlags::FIXED, fd, 0)?;
        }
        region.narrow(shift, len);
        Ok(region)
    }

    /// Takes `len` bytes of address space, without memory.
    fn reserve(len: usize) -> io::Result<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a null hint lets the kernel choose an unused range, so no memory that Rust knows
        // is replaced.
        let base = unsafe {
            rustix::mm::mmap_anonymous(std::ptr::null_mut(), len, ProtFlags::empty(), flags)?
        };
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, len })
    }

    /// Unmaps all but the `len` bytes from `shift` on.
    fn narrow(&mut self, shift: usize, len: usize) {
        let end = (shift + len).next_multiple_of(page_size()).min(self.len);
        for (from, len) in [(0, shift), (end, self.len - end)] {
            if len > 0 {
                // SAFETY: the range lies in this mapping, from and to a page's border, and nothing
                // refers to it. Failure would leave it mapped: harmless.
                let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().add(from).cast(), len) };
            }
        }
        // SAFETY: `shift <= self.len`, so the result lies in the mapped range or one past its end.
        self.base = unsafe { self.base.add(shift) };
        self.len = len;
    }

    /// The address of byte `at` of the mapping, of which `len` bytes are about to be used.
    #[inline]
    pub(crate) fn address(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at <= self.len && len <= self.len - at, "outside the mapping");
        // SAFETY: `at <= self.len` was just checked, so the result lies in the mapped range or one
        // past its end.
        unsafe { self.base.as_ptr().add(at) }
    }

    #[inline]
    fn data(&self, at: u64, len: usize) -> *mut u8 {
        self.address(HEADER_BYTES.saturating_add(at as usize), len)
    }

    #[inline]
    fn data_word(&self, at: u64) -> &crate::sync::AtomicU64 {
        let word = self.data(at, 8).cast::<u64>();
        assert!(word.is_aligned());
        // SAFETY: the eight bytes lie in the mapping, are aligned (both just checked), stay mapped
        // for as long as `self` is borrowed, and both sides use atomic operations on heads.
        unsafe { crate::sync::AtomicU64::from_ptr(word) }
    }

    /// Has no effect but on time, wherever it points.
    #[inline]
    fn hint<const WRITE: bool>(&self, at: u64, len: u64) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            const LINE: u64 = 64;
            let from = HEADER_BYTES as u64 + at;
            let mut line = from / LINE * LINE;
            while line < from + len {
                let pointer = self.base.as_ptr().wrapping_add(line as usize);
                // SAFETY: a hint loads nothing, faults nowhere, and needs no valid address. A
                // processor that doesn't know the one for writing takes it for no operation.
                unsafe {
                    if WRITE {
                        // The compiler's own makes it one for reading, unless told the processor:
                        // then the line comes twice.
                        std::arch::asm!("prefetchw [{}]", in(reg) pointer,
                            options(nostack, preserves_flags, readonly));
                    } else {
                        _mm_prefetch::<_MM_HINT_T0>(pointer.cast());
                    }
                }
                line += LINE;
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (at, len);
    }

    /// Gives the pages wholly inside this range of the data back.
    fn remove(&self, at: u64, len: u64) {
        let page = page_size() as u64;
        let start = (HEADER_BYTES as u64 + at).next_multiple_of(page);
        let end = (HEADER_BYTES as u64 + at + len) / page * page;
        if start < end {
            let len = (end - start) as usize;
            let from = self.address(start as usize, len).cast::<c_void>();
            // SAFETY: the range lies in this mapping (just checked). The pages stay mapped and read
            // as zero afterwards, which the ring allows for since nothing in them is live. A
            // refusal leaves everything as it was.
            let _ = unsafe { rustix::mm::madvise(from, len, Advice::LinuxRemove) };
        }
    }

    /// Gets memory for all pages that this range of the mapping touches.
    fn populate(&self, at: usize, len: usize) -> io::Result<()> {
        let page = page_size();
        let start = at / page * page;
        let len = (at + len - start).next_multiple_of(page).min(self.len - start);
        let from = self.address(start, len).cast::<c_void>();
        // SAFETY: the range lies in this mapping (just checked); its contents stay what they are.
        match unsafe { rustix::mm::madvise(from, len, Advice::LinuxPopulateWrite) } {
            Err(Errno::NOMEM | Errno::FAULT) => Err(io::ErrorKind::OutOfMemory.into()),
            // What else is refused page faults will do one by one.
            _ => Ok(()),
        }
    }
}

/// Records up to this many bytes are copied into the ring word by word. Most were put together just
/// before, word by word: a wider load would wait until those stores have reached the cache, behind
/// all that are on their way to the ring.
const BY_WORDS: usize = 64;

/// Copies bytes into a mapping.
///
/// # Safety
///
/// From `into` on, as many bytes as `from` has must lie in a mapping.
#[inline]
unsafe fn store(into: *mut u8, from: &[u8]) {
    let by_words = from.len() <= BY_WORDS && into.cast::<u64>().is_aligned();
    let words = if by_words { from.len() / 8 } else { 0 };
    let store_word = |n: usize| {
        // SAFETY: source and destination have more than `n` words, so this one lies in both; the
        // destination is aligned (just checked), and the source need not be. Atomic only so that
        // the loop is not widened.
        unsafe {
            let word = from.as_ptr().cast::<u64>().add(n).read_unaligned();
            crate::sync::AtomicU64::from_ptr(into.cast::<u64>().add(n)).store(word, Relaxed);
        }
    };
    let mut next = 0;
    while next + 4 <= words {
        (next..next + 4).for_each(store_word);
        next += 4;
    }
    (next..words).for_each(store_word);
    let (done, left) = (words * 8, from.len() - words * 8);
    if left > 0 {
        // SAFETY: destination and length lie in the mapping (the caller's promise), no Rust
        // reference to it exists, and the source is private memory elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr().add(done), into.add(done), left) };
    }
}

impl Memory for Region {
    #[inline]
    fn header(&self) -> &Header {
        let header = self.address(0, size_of::<Header>()).cast::<Header>();
        // SAFETY: a mapping is page-aligned and was checked to hold a header, which consists of
        // atomics only: they allow change by others while referenced, and any bits are valid.
        unsafe { &*header }
    }

    #[inline]
    fn word(&self, at: u64) -> u64 {
        self.data_word(at).load(Relaxed)
    }

    #[inline]
    fn head(&self, at: u64) -> [u64; 2] {
        let words = self.data(at, 16).cast::<u64>();
        assert!(words.is_aligned());
        // SAFETY: the two words lie in the mapping, are aligned (both just checked), stay mapped for
        // as long as `self` is borrowed, and both sides use atomic operations on heads.
        [0, 1].map(|n| unsafe { crate::sync::AtomicU64::from_ptr(words.add(n)).load(Relaxed) })
    }

    #[inline]
    fn set_word(&self, at: u64, value: u64) {
        self.data_word(at).store(value, Relaxed);
    }

    #[inline]
    fn copy_out(&self, at: u64, into: &mut [u8]) {
        let from = self.data(at, into.len());
        // SAFETY: source and length lie in the mapping (just checked); the destination is private
        // memory borrowed exclusively, so they don't overlap. A peer may change the source during
        // the copy: the mapping is no object that the compiler knows, and no byte is looked at
        // before it has arrived in private memory.
        unsafe { std::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) }
    }

    #[inline]
    fn copy_in(&self, at: u64, from: &[u8]) {
        let into = self.data(at, from.len());
        // SAFETY: that many bytes lie in the mapping from there on, as `data` has checked.
        unsafe { store(into, from) };
    }

    #[inline]
    fn put(&self, at: u64, head: [u64; 2], from: &[u8]) {
        // One look at the bounds serves for all.
        let item = self.data(at, size_of_val(&head) + from.len());
        let words = item.cast::<u64>();
        assert!(words.is_aligned());
        // SAFETY: the head's two words and the bytes behind them lie in the mapping, as `data` has
        // checked, and the words are aligned; both sides use atomic operations on heads.
        unsafe {
            for (n, word) in head.into_iter().enumerate() {
                crate::sync::AtomicU64::from_ptr(words.add(n)).store(word, Relaxed);
            }
            store(item.add(size_of_val(&head)), from);
        }
    }

    #[inline]
    fn prefetch(&self, at: u64, len: u64) {
        self.hint::<false>(at, len);
    }

    #[inline]
    fn prefetch_to_write(&self, at: u64, len: u64) {
        self.hint::<true>(at, len);
    }

    fn discard(&self, at: u64, len: u64) {
        self.remove(at, len);
    }

    fn prepare(&self, at: u64, len: u64) -> bool {
        self.populate(HEADER_BYTES + at as usize, len as usize).is_ok()
    }

    fn prefer_huge_pages(&self, at: u64, len: u64) {
        let from = self.data(at, len as usize).cast::<c_void>();
        // SAFETY: the range lies in this mapping (just checked); its contents stay what they are.
        // Where the system has no such pages, or is not to use them, that is all right.
        let _ = unsafe { rustix::mm::madvise(from, len as usize, Advice::LinuxHugepage) };
    }

    fn allow_fences(&self) -> bool {
        membarrier(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
    }

    /// The kernel waits for all processors, unless the process has no other threads.
    fn allows_fences_easily(&self) -> bool {
        // A directory's links: two, and one for each directory in it.
        rustix::fs::stat("/proc/self/task").is_ok_and(|tasks| tasks.st_nlink == 3)
    }

    fn fence_peer(&self) -> bool {
        membarrier(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the range came from `mmap`, nobody else unmaps it, and no borrow of `self` (and
        // so no reference into it) outlives this call. Failure would leave it mapped: harmless.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// False if the kernel is older than 4.16, or this process may not.
pub(crate) fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: the call takes three integers and touches no memory of this process.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

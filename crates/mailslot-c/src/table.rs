//! Handles: numbers that lead to objects, and that no number can abuse.
//!
//! A handle is `generation << 20 | (index + 1) << 2`. The index leads to an entry that is never
//! unmapped, the generation tells whether the handle was closed since. So a look-up is a few
//! instructions, whatever the number; a closed handle is known as such
//! until the entry has been used again some billion times (some thousand on 32-bit machines).
//!
//! A [`Ref`] keeps the entry's object in place while a call works with it, and so does a [`Use`],
//! which costs nothing but must be short. Closing a handle makes it unknown at once; the last
//! [`Ref`] lets go of the object.

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::border::lock;
use crate::code::Code;
use crate::object::Object;
use crate::thread::Thread;
use crate::types::Handle;
use crate::{barrier, inherit, thread};

/// Handles that can be open at a time.
const ENTRIES: usize = 65_536;

/// A closed entry is used again when this many others wait for it too.
const REST: usize = 32;

const INDEX_SHIFT: u32 = 2;
const INDEX_MASK: usize = 0x3ffff;
const GENERATION_SHIFT: u32 = 20;
/// Set in handles that are known in other processes too; see [`inherit`]. With it, an index leads
/// to no entry.
pub(crate) const FOREIGN: usize = 1 << 19;
const _: () = assert!(FOREIGN >> INDEX_SHIFT > ENTRIES && FOREIGN >> INDEX_SHIFT <= INDEX_MASK);

/// How many generations a handle can tell apart.
const GENERATIONS: u64 =
    (if usize::BITS > 51 { u32::MAX >> 1 } else { u32::MAX >> (GENERATION_SHIFT + 1) }) as u64;

/// In an entry's state: its generation above, below a bit that says whether it is open, one that says
/// whether it is protected from being closed, and the number of its `Ref`s.
const STATE_GENERATION_SHIFT: u32 = 32;
const OPEN_SHIFT: u32 = STATE_GENERATION_SHIFT - 1;
const OPEN: u64 = 1 << OPEN_SHIFT;
const PROTECTED: u64 = OPEN >> 1;
const REFS: u64 = PROTECTED - 1;

struct Entry {
    state: AtomicU64,
    /// Initialised while the entry is open or has `Ref`s.
    object: UnsafeCell<MaybeUninit<Object>>,
}

// SAFETY: `object` is written only by `insert` and `Ref::drop`, each at a moment when `state` says
// that nobody else can reach it (see there); between, it is only shared, and objects are `Sync`.
unsafe impl Sync for Entry {}

pub(crate) struct Vacancies {
    /// Entries from here on were never used.
    fresh: usize,
    /// Closed ones, the longest closed first.
    closed: VecDeque<usize>,
}

static VACANCIES: Mutex<Vacancies> = Mutex::new(Vacancies { fresh: 0, closed: VecDeque::new() });

/// Holds vacancies still while the process forks.
pub(crate) fn lock_vacancies() -> MutexGuard<'static, Vacancies> {
    lock(&VACANCIES)
}

/// Pages of it that are never used cost no memory.
static TABLE: [Entry; ENTRIES] =
    [const { Entry { state: AtomicU64::new(0), object: UnsafeCell::new(MaybeUninit::uninit()) } };
        ENTRIES];

/// An object that stays in place as long as this lives.
pub(crate) struct Ref {
    entry: &'static Entry,
    index: usize,
}

impl Deref for Ref {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        // SAFETY: this `Ref` is counted in the entry's state, so the object is initialised and
        // nobody takes it out.
        unsafe { (*self.entry.object.get()).assume_init_ref() }
    }
}

impl Drop for Ref {
    #[inline]
    fn drop(&mut self) {
        let before = self.entry.state.fetch_sub(1, Ordering::AcqRel);
        if before & (OPEN | REFS) == 1 {
            self.vacate(before);
        }
    }
}

impl Ref {
    #[cold]
    fn vacate(&self, before: u64) {
        // SAFETY: the entry is closed, which has waited for every `Use`, and this was its last
        // `Ref`; no look-up makes another of either, and `insert` doesn't come by before the index is handed in below. Acquire on
        // the count makes all uses by the other `Ref`s happen before.
        let object = unsafe { (*self.entry.object.get()).assume_init_read() };
        let next = (before >> STATE_GENERATION_SHIFT) % GENERATIONS + 1;
        self.entry.state.store(next << STATE_GENERATION_SHIFT, Ordering::Release);
        // Before the index can be used again: the object may be slow to go.
        drop(object);
        lock(&VACANCIES).closed.push_back(self.index);
    }

    /// Has closing the handle fail, or no longer.
    pub(crate) fn protect(&self, yes: bool) {
        // If it was closed meanwhile, this is forgotten when the last `Ref` goes.
        match yes {
            true => self.entry.state.fetch_or(PROTECTED, Ordering::AcqRel),
            false => self.entry.state.fetch_and(!PROTECTED, Ordering::AcqRel),
        };
    }

    pub(crate) fn is_protected(&self) -> bool {
        self.entry.state.load(Ordering::Acquire) & PROTECTED != 0
    }

    /// Waits until no other call works with the entry, which was closed. False if that takes
    /// strangely long.
    pub(crate) fn wait_for_others(&self, mut nudge: impl FnMut()) -> bool {
        crate::wait::patiently(|| {
            let alone = is_idle(self);
            if !alone {
                nudge();
            }
            alone
        })
    }
}

/// An object that stays in place for a short call, made by a look-up that no other thread notices.
pub(crate) struct Use<'a> {
    thread: &'a Thread,
    entry: &'static Entry,
}

impl Deref for Use<'_> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        // SAFETY: `begin` saw the entry open after it had said that this thread uses it. So whoever
        // closes it sees this use and waits for its end before it lets go of the object.
        unsafe { (*self.entry.object.get()).assume_init_ref() }
    }
}

impl Drop for Use<'_> {
    #[inline]
    fn drop(&mut self) {
        self.thread.end_use();
    }
}

impl<'a> Use<'a> {
    /// The thread that uses the object.
    #[inline]
    pub(crate) fn thread(&self) -> &Thread {
        self.thread
    }

    /// The object that a handle leads to, for a call in `thread`, which must be the calling one.
    /// `None`: it takes a [`get`].
    #[inline]
    pub(crate) fn begin(handle: Handle, thread: &'a Thread) -> Option<Self> {
        let (entry, _, generation) = place(handle)?;
        // Not from inside another use, as a signal handler might.
        if !thread.begin_use(std::ptr::from_ref(entry).addr()) {
            return None;
        }
        let using = Self { thread, entry };
        let state = entry.state.load(Ordering::Acquire);
        is_open(state, generation).then_some(using)
    }
}

/// The entry that a handle would lead to, its index, and the generation that it should have.
#[inline]
fn place(handle: Handle) -> Option<(&'static Entry, usize, u64)> {
    // As on Windows, the lowest two bits don't count.
    let index = ((handle >> INDEX_SHIFT) & INDEX_MASK).wrapping_sub(1);
    Some((TABLE.get(index)?, index, (handle >> GENERATION_SHIFT) as u64))
}

/// Whether an entry's state says that it is open, and has this generation.
#[inline]
fn is_open(state: u64, generation: u64) -> bool {
    state >> OPEN_SHIFT == generation << 1 | 1
}

/// Makes a handle for an object.
pub(crate) fn insert(object: Object) -> Result<Handle, Code> {
    let index = {
        let mut vacancies = lock(&VACANCIES);
        let rested = vacancies.closed.len() > REST || vacancies.fresh == ENTRIES;
        if rested {
            vacancies.closed.pop_front().ok_or(Code::TOO_MANY_OPEN_FILES)?
        } else {
            vacancies.fresh += 1;
            vacancies.fresh - 1
        }
    };
    let entry = &TABLE[index];
    let generation = (entry.state.load(Ordering::Acquire) >> STATE_GENERATION_SHIFT).max(1);
    // SAFETY: the index was vacant and is this call's alone now, and the entry isn't open, so
    // nobody looks at the object. It holds none that would have to be dropped.
    unsafe { (*entry.object.get()).write(object) };
    entry.state.store(generation << STATE_GENERATION_SHIFT | OPEN, Ordering::Release);
    Ok((generation as usize) << GENERATION_SHIFT | (index + 1) << INDEX_SHIFT)
}

/// The object that a handle leads to.
#[inline]
pub(crate) fn get(handle: Handle) -> Result<Ref, Code> {
    if handle & FOREIGN != 0 {
        return find(inherit::resolve(handle)?, 0);
    }
    find(handle, 0)
}

/// Closes a handle that isn't protected: from now on it is unknown, and no [`Use`] of it is left.
pub(crate) fn close(handle: Handle) -> Result<Ref, Code> {
    let found = find(handle, OPEN)?;
    barrier::heavy();
    let address = std::ptr::from_ref(found.entry).addr();
    if !crate::wait::patiently(|| !thread::anybody_uses(address)) {
        // A thread was stopped in the middle of a call. What it works with must stay for good.
        std::mem::forget(found);
        return Err(Code::GEN_FAILURE);
    }
    Ok(found)
}

/// Whether no other call works with what a [`Ref`] is for.
pub(crate) fn is_idle(found: &Ref) -> bool {
    found.entry.state.load(Ordering::Acquire) & REFS == 1
}

/// Adds a `Ref` to the handle's entry and takes `away` from its state, which is nothing or [`OPEN`].
#[inline]
fn find(handle: Handle, away: u64) -> Result<Ref, Code> {
    let (entry, index, generation) = place(handle).ok_or(Code::INVALID_HANDLE)?;
    let mut state = entry.state.load(Ordering::Relaxed);
    loop {
        let closes_protected = away == OPEN && state & PROTECTED != 0;
        if !is_open(state, generation) || state & REFS == REFS || closes_protected {
            return Err(Code::INVALID_HANDLE);
        }
        // Acquire: what `insert` wrote is there.
        let next = (state - away) + 1;
        match entry.state.compare_exchange_weak(state, next, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return Ok(Ref { entry, index }),
            Err(other) => state = other,
        }
    }
}

/// All handles that are open now.
pub(crate) fn open_handles() -> Vec<Handle> {
    let used = lock(&VACANCIES).fresh;
    let handle = |(index, entry): (usize, &Entry)| {
        let state = entry.state.load(Ordering::Relaxed);
        let generation = (state >> STATE_GENERATION_SHIFT) as usize;
        (state & OPEN != 0).then_some(generation << GENERATION_SHIFT | (index + 1) << INDEX_SHIFT)
    };
    TABLE[..used].iter().enumerate().filter_map(handle).collect()
}

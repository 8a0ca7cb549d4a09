//! A read handle that one thread has for itself for as long as no other comes: it reads without the
//! lock that threads would need.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU64, Ordering};

use mailslot_rs::Mailslot;

use crate::code::Code;
use crate::thread::Thread;
use crate::wait::patiently;
use crate::{barrier, thread};

pub(crate) struct Owned {
    /// Whose it is: [`NOBODY`]'s yet, a thread's by its id, with [`LEAVING`] while that one may not
    /// have noticed that others came, or [`EVERYBODY`]'s for good.
    owner: AtomicU64,
    mailslot: UnsafeCell<Mailslot>,
}

const NOBODY: u64 = 0;
const LEAVING: u64 = 1 << 32;
const EVERYBODY: u64 = u64::MAX;

// SAFETY: the owner alone has exclusive references, in `alone`, and whoever else wants one has
// made sure in `get` that there are none and will be none. Beside that, a `Mailslot` is `Sync`.
unsafe impl Sync for Owned {}

impl Owned {
    pub(crate) fn new(mailslot: Mailslot) -> Self {
        Self { owner: AtomicU64::new(NOBODY), mailslot: UnsafeCell::new(mailslot) }
    }

    /// For a thread that has said which handle it uses. `None`: it isn't the owner.
    #[inline(always)]
    pub(crate) fn alone<T>(
        &self,
        thread: &Thread,
        look: impl FnOnce(&mut Mailslot) -> T,
    ) -> Option<T> {
        if self.owner.load(Ordering::Relaxed) != u64::from(thread.id) || thread.is_reading() {
            return None;
        }
        // SAFETY: this thread is the owner, and it said that it uses the handle before it looked.
        // So whoever takes the ownership away has either done so before the look, or sees the use
        // and waits for its end. This thread itself has no other reference: it would have said that
        // it reads (`for_read`), or have given up the ownership (`get`).
        Some(look(unsafe { &mut *self.mailslot.get() }))
    }

    /// For everybody, if it is everybody's already.
    #[inline]
    pub(crate) fn get_shared(&self) -> Option<&Mailslot> {
        let shared = self.owner.load(Ordering::Acquire) == EVERYBODY;
        // SAFETY: as in `get`.
        shared.then(|| unsafe { &*self.mailslot.get() })
    }

    /// For a read or a look by a thread that has said so (see [`Thread::begin_reading`]) and says so
    /// until it no longer uses this. The first is the owner.
    #[inline]
    pub(crate) fn for_read(&self, thread: &Thread) -> Result<&Mailslot, Code> {
        let me = u64::from(thread.id);
        let (relaxed, acquire) = (Ordering::Relaxed, Ordering::Acquire);
        match self.owner.compare_exchange(NOBODY, me, acquire, relaxed) {
            Err(owner) if owner != me || thread.uses() != 0 => self.get(),
            // SAFETY: while this thread says that it reads, it makes no exclusive reference, and no
            // other thread ever can.
            _ => Ok(unsafe { &*self.mailslot.get() }),
        }
    }

    /// For all other purposes: from now on it is everybody's.
    #[inline]
    pub(crate) fn get(&self) -> Result<&Mailslot, Code> {
        if self.owner.load(Ordering::Acquire) != EVERYBODY {
            self.share()?;
        }
        // SAFETY: it is everybody's, so nobody makes an exclusive reference any more, and acquire on
        // the owner makes those that were made happen before.
        Ok(unsafe { &*self.mailslot.get() })
    }

    #[cold]
    fn share(&self) -> Result<(), Code> {
        let (acquire, release) = (Ordering::Acquire, Ordering::Release);
        let me = Thread::current();
        let owner = loop {
            let owner = self.owner.load(acquire);
            let next = match owner {
                EVERYBODY => return Ok(()),
                NOBODY => EVERYBODY,
                // In a signal handler that interrupted a read, perhaps of this slot.
                owner if owner == me.id.into() && me.uses() != 0 => return Err(Code::GEN_FAILURE),
                owner if owner == me.id.into() => EVERYBODY,
                owner => owner | LEAVING,
            };
            match self.owner.compare_exchange(owner, next, acquire, acquire) {
                Ok(_) if next == EVERYBODY => return Ok(()),
                Ok(_) => break owner & !LEAVING,
                Err(_) => {}
            }
        };
        if let Some(owner) = u32::try_from(owner).ok().and_then(thread::by_id) {
            barrier::heavy();
            let used = owner.uses();
            if !patiently(|| used == 0 || owner.uses() != used) {
                // It was stopped in the middle of a read. Ask again, the next time.
                return Err(Code::GEN_FAILURE);
            }
        }
        self.owner.store(EVERYBODY, release);
        Ok(())
    }
}

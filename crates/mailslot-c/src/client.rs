//! The client's side: a slot opened to be written to.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use mailslot_rs::{Confirmation, MailslotWriter, OpenError, SlotName, WriteError, WriterOptions};

use crate::border::lock;
use crate::code::Code;
use crate::object::Object;
use crate::table::Use;
use crate::thread::Thread;
use crate::wait::patiently;
use crate::{barrier, fork, last_error, thread};

/// What of `dwDesiredAccess` allows to read: GENERIC_READ, GENERIC_ALL, FILE_READ_DATA.
const READ: u32 = 0x8000_0000 | 0x1000_0000 | 0x1;
/// GENERIC_WRITE, GENERIC_ALL, MAXIMUM_ALLOWED, FILE_WRITE_DATA, FILE_APPEND_DATA.
const WRITE: u32 = 0x4000_0000 | 0x1000_0000 | 0x0200_0000 | 0x2 | 0x4;

pub(crate) struct Client {
    pub(crate) handles: AtomicU32,
    /// As given to `CreateFile`.
    pub(crate) access: u32,
    pub(crate) name: SlotName,
    pub(crate) limits: (u32, u64),
    /// The thread that writes (and may), by its id, as long as there is but one: it needs no lock.
    /// Once a second one has come, [`SHARED`].
    owner: AtomicU32,
    lock: Mutex<()>,
    /// In which process it was made, by [`fork::generation`].
    born: u64,
    line: UnsafeCell<Line>,
    /// Its other connection, for confirmed writes, while none is under way.
    confirmed: Mutex<Option<MailslotWriter>>,
}

/// The thread that has written so far: nobody.
const NOBODY: u32 = 0;
const SHARED: u32 = u32::MAX;

struct Line {
    writer: MailslotWriter,
    /// What [`CLOSES`] was at the last write, or [`DEAD`].
    closes: u64,
}

/// The server has closed. The library would look for the name again; a handle of Windows is dead
/// from then on.
const DEAD: u64 = u64::MAX;

/// How many slots this process has closed, and when the last one, in ns of the monotonic clock.
static CLOSES: AtomicU64 = AtomicU64::new(0);
static LAST_CLOSE: AtomicU64 = AtomicU64::new(0);

/// The library's writers notice within this time that their reader is gone.
const NOTICE: u64 = 1_000_000;

/// This process has closed a slot: on Windows its clients are dead from now on.
pub(crate) fn slot_closed() {
    LAST_CLOSE.store(crate::time::monotonic(), Ordering::Relaxed);
    CLOSES.fetch_add(1, Ordering::Release);
}

// SAFETY: `line` is used by one thread at a time. Either way in (see `write_at_once` and `write`)
// excludes the other, and all other threads.
unsafe impl Sync for Client {}

impl Client {
    pub(crate) fn new(writer: MailslotWriter, access: u32) -> Self {
        Self {
            handles: AtomicU32::new(0),
            access,
            name: writer.name().clone(),
            limits: (writer.max_record_size(), writer.quota()),
            owner: AtomicU32::new(NOBODY),
            lock: Mutex::new(()),
            born: fork::generation(),
            line: UnsafeCell::new(Line { writer, closes: 0 }),
            confirmed: Mutex::new(None),
        }
    }

    /// What a read of this handle fails with.
    pub(crate) fn read_error(&self) -> Code {
        match self.access & READ {
            0 => Code::ACCESS_DENIED,
            _ => Code::INVALID_PARAMETER,
        }
    }

    /// Writes, if the calling thread is the owner and that is a matter of memory only:
    /// pthread_cancel must find no place in it to end the thread. False: see [`Client::write`].
    #[inline]
    pub(crate) fn write_at_once(using: &Use<'_>, record: &[u8]) -> bool {
        let Object::Client(client) = &**using else {
            return false;
        };
        let thread = using.thread();
        // Not in a signal handler that interrupted `write`.
        if client.owner.load(Ordering::Relaxed) != thread.id
            || thread.writing.load(Ordering::Relaxed) != 0
        {
            return false;
        }
        // SAFETY: this thread is the owner, and it said that it uses the handle before it looked.
        // So whoever takes the ownership away has either done so before the look, or sees the use
        // and waits for its end; and until then it holds the lock, which keeps others out. This
        // thread itself is in neither: it would have said that it uses a handle, or that it writes.
        let line = unsafe { &mut *client.line.get() };
        line.closes == CLOSES.load(Ordering::Acquire) && line.writer.write_at_hand(record)
    }

    /// Writes, whoever has written before.
    #[cold]
    pub(crate) fn write(&self, record: &[u8]) -> Result<(), Code> {
        if self.access & WRITE == 0 {
            return Err(Code::ACCESS_DENIED);
        }
        let me = Thread::current();
        // Before the lock: a signal handler must know of it if it interrupts this, and not wait.
        let this = std::ptr::from_ref(self).addr();
        let before = me.writing.load(Ordering::Relaxed);
        if before == this {
            return Err(Code::GEN_FAILURE);
        }
        me.writing.store(this, Ordering::Relaxed);
        let written = self.lock().and_then(|_lock| self.write_locked(&me, record));
        me.writing.store(before, Ordering::Relaxed);
        written
    }

    fn write_locked(&self, me: &Arc<Thread>, record: &[u8]) -> Result<(), Code> {
        let owned = match self.owner.load(Ordering::Relaxed) {
            NOBODY => true,
            SHARED => false,
            owner if owner == me.id && me.uses() == 0 => true,
            // In a signal handler that interrupted a write.
            owner if owner == me.id => return Err(Code::GEN_FAILURE),
            owner => self.take_from(owner)?,
        };
        // SAFETY: with the lock held, no other thread is here, and the owner, if there is one, is
        // this thread, which is here.
        let written = unsafe { &mut *self.line.get() }.write(record);
        if owned {
            // Not before: a signal handler would go the short way in the middle of this write.
            self.owner.store(me.id, Ordering::Relaxed);
        }
        written
    }

    /// Writes and waits for what becomes of the record. Nothing is locked meanwhile: of several
    /// threads each has a connection of its own.
    pub(crate) fn write_confirmed(
        &self,
        record: &[u8],
        timeout: Duration,
    ) -> Result<Confirmation, Code> {
        if self.access & WRITE == 0 {
            return Err(Code::ACCESS_DENIED);
        }
        let mut writer = match self.confirmed.try_lock().ok().and_then(|mut idle| idle.take()) {
            Some(writer) => writer,
            None => WriterOptions::new()
                .confirmed(true)
                .open(self.name.clone())
                .map_err(last_error::open_failed)?,
        };
        let written = writer.write_confirmed(record, timeout).map_err(last_error::write_failed);
        if let Ok(mut idle) = self.confirmed.try_lock() {
            *idle = Some(writer);
        }
        written
    }

    fn lock(&self) -> Result<MutexGuard<'_, ()>, Code> {
        if self.born == fork::generation() {
            return Ok(lock(&self.lock));
        }
        // In a forked child, a thread that stayed behind may hold it for ever.
        let mut held = None;
        patiently(|| {
            held = match self.lock.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            };
            held.is_some()
        });
        held.ok_or(Code::GEN_FAILURE)
    }

    /// Takes the ownership away, with the lock held. True: the caller may have it, as the owner
    /// has ended. False: nobody will have it again.
    fn take_from(&self, owner: u32) -> Result<bool, Code> {
        let Some(owner) = thread::by_id(owner) else {
            self.owner.store(NOBODY, Ordering::Relaxed);
            return Ok(true);
        };
        self.owner.store(SHARED, Ordering::Relaxed);
        barrier::heavy();
        let used = owner.uses();
        if patiently(|| used == 0 || owner.uses() != used) {
            return Ok(false);
        }
        // It was stopped in the middle of a write. Ask again, the next time.
        self.owner.store(owner.id, Ordering::Relaxed);
        Err(Code::GEN_FAILURE)
    }
}

impl Line {
    fn write(&mut self, record: &[u8]) -> Result<(), Code> {
        if self.closes != CLOSES.load(Ordering::Acquire) {
            self.await_notice()?;
        }
        self.writer.write(record).map_err(|error| self.failed(error))
    }

    /// If it was this client's slot that was closed, this write must fail.
    fn await_notice(&mut self) -> Result<(), Code> {
        if self.closes == DEAD {
            return Err(Code::FILE_NOT_FOUND);
        }
        self.closes = CLOSES.load(Ordering::Acquire);
        let passed = crate::time::monotonic().saturating_sub(LAST_CLOSE.load(Ordering::Relaxed));
        if self.closes > 0 && passed <= NOTICE {
            std::thread::sleep(Duration::from_nanos(NOTICE - passed + 1));
        }
        Ok(())
    }

    fn failed(&mut self, error: WriteError) -> Code {
        if matches!(error, WriteError::SlotGone(_) | WriteError::Open(OpenError::NoSuchSlot(_))) {
            self.closes = DEAD;
        }
        last_error::write_failed(error)
    }
}

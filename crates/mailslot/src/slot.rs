//! The read handle.

mod exclusive;
mod hand_over;
mod waiting;

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use mailslot_ring::{MAX_QUOTA, fork_generation};
use mailslot_wire::limits::Limits;
use mailslot_wire::meta::{Access, Metadata};
use rustix::fs::FlockOperation;

use crate::reader::{Core, Next, Peer, Vault};
use crate::registry::{self, Published};
use crate::{CreateError, Info, MailslotOptions, ReadError, Record, SlotName, clock};

pub use exclusive::Exclusive;
use waiting::{Turn, Wait};

/// How long a reader looks for a record before it sleeps, if it has just taken several. Sleeping
/// and being woken costs both sides about as much.
const STREAM_SPIN: Duration = Duration::from_micros(20);

/// `timeout` of a slot whose reads wait for ever.
const FOR_EVER: u64 = u64::MAX;

/// The read handle of a mailslot: whoever holds it reads, and the slot lives as long as it.
///
/// All methods take `&self`: threads may read side by side (each record goes to exactly one), and
/// change the time-out or cancel while others wait. Dropping the handle closes the slot: unread
/// records go, writers get an error, and the name is free.
///
/// As a descriptor ([`AsFd`]) it becomes readable when a record waits, for `poll`, `select` and
/// `epoll`; only wait on it, all else is the handle's own business. A writer that connects or leaves
/// can make it readable for a moment: read with [`Mailslot::try_read`] and be ready for none.
///
/// ```no_run
/// let slot = mailslot::Mailslot::create(r"\\.\mailslot\taxes\sue")?;
/// loop {
///     let record = slot.receive()?;
///     println!("{} bytes from process {}", record.len(), record.sender().pid);
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Mailslot {
    name: SlotName,
    limits: Limits,
    spin: Duration,
    /// The same after a stream of records, whether it was asked for or not.
    stream_spin: Duration,
    /// Nanoseconds, or [`FOR_EVER`].
    timeout: AtomicU64,
    /// Somebody has asked for the descriptor and may be polling it.
    polled: AtomicBool,
    /// What [`fork_generation`] said where the handle was made.
    generation: AtomicU64,
    turn: Mutex<Turn>,
    changed: Condvar,
    polling: Polling,
    /// Where the slot lies; the lock on its metadata lives as long as the handle.
    dir: PathBuf,
    inode: u64,
    lock: Option<OwnedFd>,
    /// The socket is a service manager's, and goes on listening.
    kept: bool,
    /// What the processes that hold an inheritable handle share.
    vault: Option<Arc<Vault>>,
}

impl Mailslot {
    /// Creates a slot with the default [`MailslotOptions`].
    pub fn create<N>(name: N) -> Result<Self, CreateError>
    where
        N: TryInto<SlotName>,
        CreateError: From<N::Error>,
    {
        MailslotOptions::new().create(name)
    }

    /// The options to create a slot with.
    pub fn options() -> MailslotOptions {
        MailslotOptions::new()
    }

    pub(crate) fn create_with(
        options: &MailslotOptions,
        name: SlotName,
    ) -> Result<Self, CreateError> {
        if let Err(reason) = check(options) {
            return Err(CreateError::Option { name, reason });
        }
        if !name.is_local() {
            return Err(CreateError::Remote(name));
        }
        let published = registry::publish(&name, options)?;
        let dir = published.dir.clone();
        Self::assemble(&name, options, published).map_err(|(action, source)| {
            let _ = registry::clear(&dir, None);
            CreateError::Io { name, action, source }
        })
    }

    /// Makes the gateway's slot of a socket that a service manager has made.
    pub(crate) fn create_on(
        listener: OwnedFd,
        options: &MailslotOptions,
        name: SlotName,
    ) -> Result<Self, CreateError> {
        let published = registry::adopt(listener, &name, options)?;
        let dir = published.dir.clone();
        Self::assemble(&name, options, published).map_err(|(action, source)| {
            registry::leave(&dir);
            CreateError::Io { name, action, source }
        })
    }

    fn assemble(
        name: &SlotName,
        options: &MailslotOptions,
        published: Published,
    ) -> Result<Self, (&'static str, std::io::Error)> {
        let Published { listener, lock, dir, inode, kept } = published;
        let timeout = to_nanoseconds(options.read_timeout);
        let limits = options.limits();
        let (core, vault) = if options.inheritable {
            let vault = Vault::create(listener, lock.try_clone(), timeout, limits);
            let vault = Arc::new(vault.map_err(|error| ("making the handle shareable", error))?);
            (Core::shared(vault.clone()), Some(vault))
        } else {
            let core = match options.gateway {
                Some(_) => Core::gateway(listener, limits),
                None => Core::private(listener, limits),
            };
            (core, None)
        };
        let core = core.map_err(|error| ("setting up waiting", error))?;
        let polling = Polling::new(core.epoll());
        Ok(Self {
            name: name.clone(),
            limits,
            spin: spin_that_helps(options.spin),
            stream_spin: spin_that_helps(STREAM_SPIN),
            timeout: AtomicU64::new(timeout),
            polled: AtomicBool::new(false),
            generation: AtomicU64::new(fork_generation()),
            turn: Mutex::new(Turn::new(core)),
            changed: Condvar::new(),
            polling,
            dir,
            inode,
            lock: Some(lock),
            kept,
            vault,
        })
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        &self.dir
    }

    /// The slot's name.
    pub fn name(&self) -> &SlotName {
        &self.name
    }

    /// Reads the next record into `buf` and returns its length, waiting for as long as the slot's
    /// read time-out says. A `buf` too small is an error that tells the size needed and leaves the
    /// record where it is.
    #[inline]
    pub fn read(&self, buf: &mut [u8]) -> Result<usize, ReadError> {
        self.read_timeout(buf, self.timeout())
    }

    /// [`Mailslot::read`] with a time-out of its own: `None` waits for ever.
    #[inline]
    pub fn read_timeout(
        &self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<usize, ReadError> {
        match self.take(buf) {
            Some(len) => Ok(len),
            None => self.read_next(buf, timeout),
        }
    }

    /// [`Mailslot::read_timeout`] where that is not simple.
    fn read_next(&self, buf: &mut [u8], timeout: Option<Duration>) -> Result<usize, ReadError> {
        self.with_next(Wait::up_to(timeout), |peer, next| {
            let Some(into) = buf.get_mut(..next.len) else {
                return (Err(self.too_small(next.len, buf.len())), false);
            };
            peer.copy(next, into);
            (Ok(next.len), true)
        })
    }

    /// The next record, if it takes no system call to get at it and `buf` has room for it. `None`
    /// says nothing: [`Mailslot::read`] may find one.
    #[doc(hidden)]
    #[inline]
    pub fn read_at_hand(&self, buf: &mut [u8]) -> Option<usize> {
        self.take(buf)
    }

    /// [`Mailslot::read`] without waiting.
    #[inline]
    pub fn try_read(&self, buf: &mut [u8]) -> Result<usize, ReadError> {
        self.read_timeout(buf, Some(Duration::ZERO))
    }

    /// Reads the next record, and with it those behind it that are there already and fit: at most
    /// `most` records, one after the other. `ends` is given where in `buf` each ends.
    ///
    /// For programs that take millions of records a second: a call costs more than a record. Like
    /// [`Mailslot::read_timeout`] it waits for the first only.
    pub fn read_batch(
        &self,
        buf: &mut [u8],
        ends: &mut Vec<usize>,
        most: usize,
        timeout: Option<Duration>,
    ) -> Result<(), ReadError> {
        ends.clear();
        if most > 0 {
            ends.push(self.read_timeout(buf, timeout)?);
            self.take_more(buf, ends, most);
        }
        Ok(())
    }

    /// Reads the next record with its sender and the time it was written, waiting for as long as
    /// the slot's read time-out says.
    pub fn receive(&self) -> Result<Record, ReadError> {
        self.receive_timeout(self.timeout())
    }

    /// [`Mailslot::receive`] with a time-out of its own: `None` waits for ever.
    pub fn receive_timeout(&self, timeout: Option<Duration>) -> Result<Record, ReadError> {
        self.with_next(Wait::up_to(timeout), |peer, next| {
            let record = self.record(peer, next);
            let taken = record.is_ok();
            (record, taken)
        })
    }

    /// [`Mailslot::receive`] without waiting.
    pub fn try_receive(&self) -> Result<Record, ReadError> {
        self.receive_timeout(Some(Duration::ZERO))
    }

    /// The record that the next read gives, which stays where it is. Doesn't wait.
    pub fn peek(&self) -> Result<Record, ReadError> {
        let wait = Wait::up_to(Some(Duration::ZERO));
        self.with_next(wait, |peer, next| (self.record(peer, next), false))
    }

    /// A reader that needs no lock, since nobody else can use the handle while it lives. It halves
    /// what a small record costs.
    ///
    /// ```no_run
    /// let mut slot = mailslot::Mailslot::create(r"\\.\mailslot\taxes\sue")?;
    /// let mut buf = [0; 400];
    /// let mut reader = slot.exclusive();
    /// loop {
    ///     let len = reader.read(&mut buf)?;
    ///     println!("{} bytes", buf[..len].len());
    /// }
    /// # #[allow(unreachable_code)]
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn exclusive(&mut self) -> Exclusive<'_> {
        Exclusive { slot: self }
    }

    /// An iterator that receives records until a read fails; if the slot's read time-out passes, or
    /// somebody calls [`Mailslot::cancel`], it ends.
    pub fn records(&self) -> Records<'_> {
        Records { slot: self }
    }

    /// The slot's limits and what waits in it. Never waits.
    pub fn info(&self) -> Result<Info, ReadError> {
        let (next_size, (waiting, waiting_bytes)) = self.survey()?;
        Ok(Info {
            max_record_size: self.limits.max_record,
            next_size,
            waiting,
            waiting_bytes,
            read_timeout: self.timeout(),
            quota: self.limits.quota,
        })
    }

    /// How long reads wait for a record: `None` for ever.
    pub fn timeout(&self) -> Option<Duration> {
        let stored = match &self.vault {
            Some(vault) => vault.timeout(),
            None => self.timeout.load(Ordering::Relaxed),
        };
        (stored != FOR_EVER).then(|| Duration::from_nanos(stored))
    }

    /// Changes how long later reads wait. One that waits already keeps its own time-out.
    pub fn set_timeout(&self, timeout: Option<Duration>) {
        let timeout = to_nanoseconds(timeout);
        match &self.vault {
            Some(vault) => vault.set_timeout(timeout),
            None => self.timeout.store(timeout, Ordering::Relaxed),
        }
    }

    fn record(&self, peer: &mut Peer, next: &Next) -> Result<Record, ReadError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(next.len).map_err(|_| {
            self.io("making room for the record", std::io::ErrorKind::OutOfMemory.into())
        })?;
        bytes.resize(next.len, 0);
        peer.copy(next, &mut bytes);
        let (sender, origin) = (peer.sender(), peer.origin.clone());
        Ok(Record { bytes, sender, origin, written: clock::time_of_day(next.stamp) })
    }

    #[cold]
    fn too_small(&self, needed: usize, given: usize) -> ReadError {
        ReadError::BufferTooSmall { name: self.name.clone(), needed, given }
    }

    #[cold]
    fn io(&self, action: &'static str, source: std::io::Error) -> ReadError {
        ReadError::Io { name: self.name.clone(), action, source }
    }
}

/// Becomes readable when a record waits.
impl AsFd for Mailslot {
    fn as_fd(&self) -> BorrowedFd<'_> {
        if !self.polled.swap(true, Ordering::Relaxed) {
            self.begin_polling();
        }
        self.polling.current().as_fd()
    }
}

impl fmt::Debug for Mailslot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailslot").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for Mailslot {
    fn drop(&mut self) {
        let here = *self.generation.get_mut() == fork_generation();
        let turn = self.turn.get_mut().unwrap_or_else(PoisonError::into_inner);
        if self.vault.is_none() && here {
            // Forked children hold copies of all descriptors; none may keep the slot alive.
            turn.core().shut_down(self.kept);
            if let Some(lock) = &self.lock {
                let _ = rustix::fs::flock(lock, FlockOperation::Unlock);
            }
        }
        turn.close();
        if self.kept {
            // While the lock says that it lives: later it may be another's.
            registry::leave(&self.dir);
            return;
        }
        self.lock = None;
        let shared = self.vault.take().is_some();
        if shared || here {
            // Another holder may live; otherwise the name is free now.
            let _ = registry::clear(&self.dir, Some(self.inode));
        }
    }
}

/// The descriptor to poll. A forked child needs one of its own; the old one stays for as long as the
/// handle, since somebody may have borrowed it.
struct Polling {
    descriptor: Arc<OwnedFd>,
    successor: OnceLock<Box<Polling>>,
}

impl Polling {
    fn new(descriptor: Arc<OwnedFd>) -> Self {
        Self { descriptor, successor: OnceLock::new() }
    }

    fn current(&self) -> &OwnedFd {
        match self.successor.get() {
            None => &self.descriptor,
            Some(successor) => successor.current(),
        }
    }

    fn replace(&self, descriptor: Arc<OwnedFd>) {
        match self.successor.get() {
            None => drop(self.successor.set(Box::new(Self::new(descriptor)))),
            Some(successor) => successor.replace(descriptor),
        }
    }
}

/// See [`Mailslot::records`].
#[derive(Debug)]
pub struct Records<'a> {
    slot: &'a Mailslot,
}

impl Iterator for Records<'_> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.slot.receive() {
            Err(ReadError::TimedOut { .. } | ReadError::Cancelled(_)) => None,
            result => Some(result),
        }
    }
}

fn check(options: &MailslotOptions) -> Result<(), String> {
    let quota = options.quota;
    if quota == 0 || quota > MAX_QUOTA {
        return Err(format!("a quota of {quota} bytes is not from 1 to {MAX_QUOTA}"));
    }
    options.network.check()?;
    match &options.access {
        Access::Users(users) if users.len() > Metadata::MAX_USERS => {
            let (found, most) = (users.len(), Metadata::MAX_USERS);
            Err(format!("a list of {found} users is longer than {most}; use a group"))
        }
        // To the kernel it means "leave it as it is".
        Access::Users(ids) if ids.contains(&u32::MAX) => {
            Err(format!("{} is no user's number", u32::MAX))
        }
        Access::Group(u32::MAX) => Err(format!("{} is no group's number", u32::MAX)),
        _ => Ok(()),
    }
}

/// Spinning only helps if the writer can run meanwhile. That this process keeps to one processor
/// says nothing about the writer's.
fn spin_that_helps(asked: Duration) -> Duration {
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online");
    let alone = match online {
        Ok(online) => !online.contains(['-', ',']),
        Err(_) => std::thread::available_parallelism().is_ok_and(|n| n.get() == 1),
    };
    if alone { Duration::ZERO } else { asked }
}

fn to_nanoseconds(timeout: Option<Duration>) -> u64 {
    timeout.map_or(FOR_EVER, |t| u64::try_from(t.as_nanos()).unwrap_or(FOR_EVER - 1))
}

//! What the processes share that hold one read handle.
//!
//! One descriptor is the handle: a socket in which one message waits for ever. With it come the
//! slot's listener, the lock on its metadata, a table of places under a robust lock, a bell for the
//! holders themselves, and both ends of a socket pair, the vault. Into the vault go the socket of
//! each accepted writer, and its ring. Every holder takes copies by peeking, which leaves the
//! originals where they are. So whatever holder is killed, the others have everything, and with the
//! last the slot is gone.
//!
//! Peeking at more than one message moves an offset that belongs to the socket, so it wants the
//! table's lock. That is why the table itself is elsewhere: whoever takes a handle over needs no lock.
//!
//! Each change is made so that the next holder can finish or ignore it: descriptors go into the
//! vault before they leave the socket they came on, and a place in a ring is written down (into
//! the one of two records that doesn't count yet) before the writer may overwrite what was read.

mod cleaning;
mod peeking;

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mailslot_ring::{Cursor, SharedGuard, SharedTable};
use mailslot_wire::limits::Limits;
use mailslot_wire::message::{Message, ORIGIN_MAX, Origin};
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use peeking::{Peeked, peek, rewind};

/// The most writers that a shareable slot serves at once: what fits the vault's socket buffer, and
/// the kernel's limit on descriptors in flight, without privileges.
pub(crate) const MAX_PEERS: usize = 200;

const TIMEOUT: usize = 0;
const CHANGES: usize = 1;
const LAST_ID: usize = 2;
const DEPOSITS: usize = 3;
const LAST_HOLDER: usize = 4;
const HOLDERS: usize = 5;
const ENTRIES: usize = 8;

/// Words of an entry: the peer's id (0: vacant), what is known of it, which of two places counts,
/// and the places.
const ID: usize = 0;
const FLAGS: usize = 1;
const CHOICE: usize = 2;
const PLACES: usize = 3;
const PLACE_WORDS: usize = 4;
const ENTRY_WORDS: usize = PLACES + 2 * PLACE_WORDS;

/// Behind the entries, in the same order: of each peer that forwards another's records, how many
/// bytes its message has that says whose, and that message.
const ORIGINS: usize = ENTRIES + MAX_PEERS * ENTRY_WORDS;
const ORIGIN_WORDS: usize = 1 + ORIGIN_MAX.div_ceil(8);
const WORDS: usize = ORIGINS + MAX_PEERS * ORIGIN_WORDS;

/// The first record, which came on the socket, is read.
const INLINE_READ: u64 = 1;
/// The ring is in the vault.
const HAS_RING: u64 = 2;
/// The first record is off the socket too: no other may come.
const INLINE_TAKEN: u64 = 4;
/// The ring's message is off the socket: no other may come.
const RING_TAKEN: u64 = 8;
/// The message that says whose the records are is off the socket: no other may come.
const ORIGIN_TAKEN: u64 = 16;

/// A deposit is one datagram of this size, so that their number tells the offset to peek at.
const DEPOSIT_LEN: usize = 16;

/// The most descriptors that come with one deposit.
const MAX_DESCRIPTORS: usize = 2;

/// Those that come with the handle.
const SLOT_DESCRIPTORS: usize = 6;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Slot = 1,
    Socket = 2,
    Ring = 3,
}

/// Descriptors taken from the vault.
pub(crate) enum Deposit {
    Socket { id: u64, socket: OwnedFd },
    Ring { id: u64, shifts: [u8; 3], memory: OwnedFd, bell: OwnedFd },
}

pub(crate) struct Vault {
    /// The handle itself.
    handle: OwnedFd,
    receiver: OwnedFd,
    sender: OwnedFd,
    listener: OwnedFd,
    bell: OwnedFd,
    table: SharedTable,
    limits: Limits,
    /// The state of the table that this process knows.
    known: AtomicU64,
    /// What this holder goes by among the others; 0 before it first had the lock.
    number: AtomicU64,
    /// This holder has rung the bell, which rings for itself too.
    rung: AtomicBool,
}

impl Vault {
    /// Puts a new slot into a new vault.
    pub(crate) fn create(
        listener: OwnedFd,
        lock: io::Result<OwnedFd>,
        timeout: u64,
        limits: Limits,
    ) -> io::Result<Self> {
        let (sender, receiver) = pair()?;
        // As much as an ordinary user may have; refused, what is there by default must do.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&sender, 1 << 20);
        let (table, table_fd) = SharedTable::create(WORDS)?;
        table.set(TIMEOUT, timeout);
        table.set(CHANGES, 1);
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let (far, handle) = pair()?;
        let slot = [&receiver, &sender, &listener, &lock?, &bell, &table_fd];
        send(&far, Kind::Slot, 0, [0; 3], &slot.map(AsFd::as_fd))?;
        Ok(Self::assemble(handle, [receiver, sender, listener, bell], table, limits))
    }

    /// Opens the vault to which `handle` leads. `limits` reads them from the metadata.
    pub(crate) fn open(
        handle: OwnedFd,
        limits: impl FnOnce(&OwnedFd) -> io::Result<Limits>,
    ) -> io::Result<Self> {
        let found = peek(&handle)?.filter(|found| found.kind == Kind::Slot as u8);
        let found = found.ok_or_else(|| io::Error::other("it holds no mailslot"))?;
        let [Some(receiver), Some(sender), Some(listener), Some(lock), Some(bell), Some(table_fd)] =
            found.descriptors
        else {
            return Err(io::Error::other("the mailslot in it is not complete"));
        };
        let table = SharedTable::open(table_fd.as_fd(), WORDS).map_err(io::Error::other)?;
        let limits = limits(&lock)?;
        Ok(Self::assemble(handle, [receiver, sender, listener, bell], table, limits))
    }

    /// The lock and the table's descriptor stay with the handle.
    fn assemble(
        handle: OwnedFd,
        [receiver, sender, listener, bell]: [OwnedFd; 4],
        table: SharedTable,
        limits: Limits,
    ) -> Self {
        let (known, number, rung) = Default::default();
        Self { handle, receiver, sender, listener, bell, table, limits, known, number, rung }
    }

    /// The one descriptor that is the handle.
    pub(crate) fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    pub(crate) fn listener(&self) -> io::Result<OwnedFd> {
        self.listener.try_clone()
    }

    pub(crate) fn bell(&self) -> &OwnedFd {
        &self.bell
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn timeout(&self) -> u64 {
        self.table.get(TIMEOUT)
    }

    pub(crate) fn set_timeout(&self, nanoseconds: u64) {
        self.table.set(TIMEOUT, nanoseconds);
    }

    /// Keeps all other holders out. Everything below wants it held.
    pub(crate) fn lock(&self) -> io::Result<SharedGuard<'_>> {
        let guard = self.table.lock()?;
        if guard.recovered() {
            // The last one died here: whatever it had begun, look at everything anew.
            self.changed();
            self.forget();
        }
        Ok(guard)
    }

    /// Forgets what this process knows, as after a fork.
    pub(crate) fn forget(&self) {
        self.known.store(0, Ordering::Relaxed);
        self.number.store(0, Ordering::Relaxed);
    }

    /// True if no other holder has had the lock since this one had it last.
    pub(crate) fn is_same_holder(&self) -> bool {
        let mut own = self.number.load(Ordering::Relaxed);
        if own == 0 {
            own = self.table.get(HOLDERS) + 1;
            self.table.set(HOLDERS, own);
            self.number.store(own, Ordering::Relaxed);
        }
        let same = self.table.get(LAST_HOLDER) == own;
        self.table.set(LAST_HOLDER, own);
        same
    }

    /// True if this holder has rung the bell since this was last asked.
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.swap(false, Ordering::Relaxed)
    }

    /// True if there are deposits or departures that this process hasn't taken note of.
    pub(crate) fn has_changed(&self) -> bool {
        self.known.load(Ordering::Relaxed) != self.table.get(CHANGES)
    }

    /// Everything in the vault that belongs to living peers. A thing may come twice. What there are
    /// no descriptors for in this process is left out, and then [`Vault::has_changed`] stays.
    pub(crate) fn deposits(&self) -> io::Result<Vec<Deposit>> {
        let changes = self.table.get(CHANGES);
        let mut found = Vec::new();
        let mut complete = true;
        rewind(&self.receiver)?;
        while let Some(Peeked { kind, shifts, id, descriptors }) = peek(&self.receiver)? {
            let [first, second] = descriptors;
            match (first, second) {
                _ if self.entry(id).is_none() => {}
                (Some(socket), None) if kind == Kind::Socket as u8 => {
                    found.push(Deposit::Socket { id, socket });
                }
                (Some(memory), Some(bell)) if kind == Kind::Ring as u8 => {
                    found.push(Deposit::Ring { id, shifts, memory, bell });
                }
                _ => complete = false,
            }
        }
        if complete {
            self.known.store(changes, Ordering::Relaxed);
        }
        Ok(found)
    }

    /// True if another peer must wait: there is no place for it, or too little left of what the
    /// kernel lets an ordinary user have in flight.
    pub(crate) fn is_full(&self) -> bool {
        self.vacancy(0).is_none() || self.living().1 >= cleaning::in_flight()
    }

    pub(crate) fn is_living(&self, id: u64) -> bool {
        self.entry(id).is_some()
    }

    /// Deposits a new peer's socket. Its id, or an error if there is no room for it.
    pub(crate) fn add_peer(&self, socket: BorrowedFd<'_>) -> io::Result<u64> {
        let id = self.table.get(LAST_ID) + 1;
        let entry = self.vacancy(id).ok_or(io::ErrorKind::OutOfMemory)?;
        self.table.set(LAST_ID, id);
        // Until it is there it goes with this holder, so nothing that can wait comes before.
        if self.deposit(Kind::Socket, id, [0; 3], &[socket]).is_err() {
            self.clean_out()?;
            self.deposit(Kind::Socket, id, [0; 3], &[socket])?;
        }
        for word in 1..ENTRY_WORDS {
            self.table.set(entry + word, 0);
        }
        self.table.set(origin_of(entry), 0);
        self.table.set(entry + ID, id);
        self.changed();
        // Where that fails, the next one for which there is no room tries again.
        let _ = self.clean_out();
        Ok(id)
    }

    /// Deposits a peer's ring.
    pub(crate) fn add_ring(
        &self,
        id: u64,
        shifts: [u8; 3],
        memory: BorrowedFd<'_>,
        bell: BorrowedFd<'_>,
    ) -> io::Result<()> {
        self.clean_out()?;
        self.deposit(Kind::Ring, id, shifts, &[memory, bell])?;
        self.set_flag(id, HAS_RING);
        self.changed();
        Ok(())
    }

    pub(crate) fn remove_peer(&self, id: u64) {
        if let Some(entry) = self.entry(id) {
            self.table.set(entry + ID, 0);
            self.changed();
        }
    }

    pub(crate) fn has_ring(&self, id: u64) -> bool {
        self.flag(id, HAS_RING)
    }

    pub(crate) fn inline_is_read(&self, id: u64) -> bool {
        self.flag(id, INLINE_READ)
    }

    pub(crate) fn set_inline_read(&self, id: u64) {
        self.set_flag(id, INLINE_READ);
    }

    /// Takes note that the first record is off the socket. False if it was before.
    pub(crate) fn take_inline(&self, id: u64) -> bool {
        self.set_flag(id, INLINE_TAKEN)
    }

    /// Takes note that the ring's message is off the socket. False if it was before.
    pub(crate) fn take_ring(&self, id: u64) -> bool {
        self.set_flag(id, RING_TAKEN)
    }

    /// Writes down whose records a peer forwards.
    pub(crate) fn set_origin(&self, id: u64, origin: Origin<'_>) {
        if let (Some(entry), Some(message)) = (self.entry(id), origin.encode()) {
            let place = origin_of(entry);
            for (index, chunk) in message.chunks(8).enumerate() {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                self.table.set(place + 1 + index, u64::from_ne_bytes(word));
            }
            self.table.set(place, message.len() as u64);
            self.changed();
        }
    }

    /// Whose records a peer forwards, if it does.
    pub(crate) fn origin(&self, id: u64) -> Option<Arc<crate::Origin>> {
        let place = origin_of(self.entry(id)?);
        let len = (self.table.get(place) as usize).min(ORIGIN_MAX);
        let words = (0..len.div_ceil(8)).map(|index| self.table.get(place + 1 + index));
        let bytes: Vec<u8> = words.flat_map(u64::to_ne_bytes).take(len).collect();
        match Message::parse(&bytes) {
            Ok(Message::Origin(origin)) => Some(Arc::new(origin.into())),
            _ => None,
        }
    }

    /// Takes note that the message with the origin is off the socket. False if it was before.
    pub(crate) fn take_origin(&self, id: u64) -> bool {
        self.set_flag(id, ORIGIN_TAKEN)
    }

    /// Where the holders stand in a peer's ring.
    pub(crate) fn cursor(&self, id: u64) -> Option<Cursor> {
        let entry = self.entry(id)?;
        let place = entry + PLACES + self.table.get(entry + CHOICE) as usize % 2 * PLACE_WORDS;
        let position = self.table.get(place);
        Some(Cursor {
            position,
            level: self.table.get(place + 1),
            level_start: self.table.get(place + 2),
            records: self.table.get(place + 3),
            released: position,
        })
    }

    /// Writes down where the holders stand in a peer's ring.
    pub(crate) fn set_cursor(&self, id: u64, cursor: Cursor) {
        if let Some(entry) = self.entry(id) {
            let choice = (self.table.get(entry + CHOICE) + 1) % 2;
            let place = entry + PLACES + choice as usize * PLACE_WORDS;
            self.table.set(place, cursor.position);
            self.table.set(place + 1, cursor.level);
            self.table.set(place + 2, cursor.level_start);
            self.table.set(place + 3, cursor.records);
            self.table.set(entry + CHOICE, choice);
        }
    }

    fn entry(&self, id: u64) -> Option<usize> {
        entries(id).find(|&entry| self.table.get(entry + ID) == id)
    }

    /// A vacant entry for `id`.
    fn vacancy(&self, id: u64) -> Option<usize> {
        entries(id).find(|&entry| self.table.get(entry + ID) == 0)
    }

    fn flag(&self, id: u64, flag: u64) -> bool {
        self.entry(id).is_some_and(|entry| self.table.get(entry + FLAGS) & flag != 0)
    }

    /// False if it was set already.
    fn set_flag(&self, id: u64, flag: u64) -> bool {
        let Some(entry) = self.entry(id) else {
            return true;
        };
        let flags = self.table.get(entry + FLAGS);
        self.table.set(entry + FLAGS, flags | flag);
        flags & flag == 0
    }

    /// Tells all holders that there is something to take note of.
    fn changed(&self) {
        let before = self.table.get(CHANGES);
        self.table.set(CHANGES, before + 1);
        if self.known.load(Ordering::Relaxed) == before {
            // What this holder has done it need not look for.
            self.known.store(before + 1, Ordering::Relaxed);
        }
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
        self.rung.store(true, Ordering::Relaxed);
    }

    fn deposit(
        &self,
        kind: Kind,
        id: u64,
        shifts: [u8; 3],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        send(&self.sender, kind, id, shifts, descriptors)?;
        self.table.set(DEPOSITS, self.table.get(DEPOSITS) + 1);
        Ok(())
    }
}

fn pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
}

fn send(
    socket: &OwnedFd,
    kind: Kind,
    id: u64,
    shifts: [u8; 3],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut message = [0; DEPOSIT_LEN];
    message[0] = kind as u8;
    message[1..4].copy_from_slice(&shifts);
    message[8..].copy_from_slice(&id.to_ne_bytes());
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SLOT_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(descriptors));
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    rustix::net::sendmsg(socket, &[IoSlice::new(&message)], &mut control, flags)?;
    Ok(())
}

/// Where the origin of the peer with this entry is.
fn origin_of(entry: usize) -> usize {
    ORIGINS + (entry - ENTRIES) / ENTRY_WORDS * ORIGIN_WORDS
}

/// Where the entry of `id` may be, most likely places first.
fn entries(id: u64) -> impl Iterator<Item = usize> {
    let start = id as usize % MAX_PEERS;
    (start..MAX_PEERS).chain(0..start).map(|index| ENTRIES + index * ENTRY_WORDS)
}

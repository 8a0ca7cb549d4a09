//! Handles that other processes know: inherited by children, or handed over through a socket.
//!
//! On Windows a child that inherits handles knows them under the same values. Here too, for slots
//! and clients made with `bInheritHandle`: their descriptor stays open across `exec`, and their
//! handle says which it is. A process that meets such a handle for the first time looks whether it
//! has that descriptor, and makes the handle its own.
//!
//! Bits of such a handle: 2–13 the descriptor, 19 the mark [`FOREIGN`], 14–18 and 20–30 a check of
//! the descriptor's inode. So no stray integer leads to a descriptor of something else.
//!
//! The descriptor of a slot is the one that [`Mailslot::to_fd`] gives. That of a client is a sealed
//! memory file with the slot's name: the child opens the slot by it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use mailslot_rs::{HandleError, Mailslot, MailslotWriter};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::{Errno, FdFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::border::call;
use crate::client::Client;
use crate::code::Code;
use crate::object::{self, Object};
use crate::slot::Slot;
use crate::table::{self, FOREIGN, Ref};
use crate::types::{Bool, FALSE, Handle, INVALID_HANDLE, TRUE};
use crate::{last_error, mapping, reserve};

/// A handle that other processes know, as this one knows it.
struct Foreigner {
    /// The handle in this process's table.
    handle: Handle,
    /// Open across `exec`, unless `SetHandleInformation` changed that.
    fd: OwnedFd,
}

pub(crate) type Foreigners = BTreeMap<Handle, ForeignerEntry>;
/// Kept opaque for those that only hold the lock.
pub(crate) struct ForeignerEntry(Foreigner);

static FOREIGNERS: RwLock<Foreigners> = RwLock::new(BTreeMap::new());

/// Holds them still, while the process forks too.
pub(crate) fn lock_foreigners() -> RwLockWriteGuard<'static, Foreigners> {
    FOREIGNERS.write().unwrap_or_else(PoisonError::into_inner)
}

const FD_SHIFT: u32 = 2;
const FD_LIMIT: usize = 1 << 12;

/// The handle for a descriptor.
fn value(fd: BorrowedFd<'_>) -> Result<Handle, Code> {
    let number = usize::try_from(fd.as_raw_fd()).ok().filter(|&number| number < FD_LIMIT);
    let number = number.ok_or(Code::TOO_MANY_OPEN_FILES)?;
    let stat = rustix::fs::fstat(fd).map_err(mapping::of_errno)?;
    // Multiplied, so that all of its bits count in the highest.
    let mixed = (stat.st_ino ^ stat.st_dev).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let check = (mixed >> 48) as usize;
    Ok(FOREIGN | number << FD_SHIFT | (check & 0x1f) << 14 | (check >> 5) << 20)
}

/// Makes a handle for a slot or a client that children inherit.
pub(crate) fn share(object: Object) -> Result<Handle, Code> {
    let fd = match &object {
        Object::Slot(slot) => slot.mailslot.get()?.to_fd().map_err(last_error::hand_over_failed)?,
        Object::Client(client) => name_file(client)?,
        _ => return Err(Code::NOT_SUPPORTED),
    };
    let shared = value(fd.as_fd())?;
    let mut foreigners = lock_foreigners();
    let handle = object::handle_for(object)?;
    set_inherited(&fd, true)?;
    foreigners.insert(shared, ForeignerEntry(Foreigner { handle, fd }));
    Ok(shared)
}

/// The handle in this process's table that a handle with the mark stands for.
#[cold]
pub(crate) fn resolve(shared: Handle) -> Result<Handle, Code> {
    // As everywhere, the lowest two bits don't count.
    let shared = shared & !3;
    let known = |foreigners: &Foreigners| foreigners.get(&shared).map(|entry| entry.0.handle);
    if let Some(handle) = known(&FOREIGNERS.read().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(handle);
    }
    // Under the lock, because `close` ends descriptors under it.
    let mut foreigners = lock_foreigners();
    if let Some(handle) = known(&foreigners) {
        return Ok(handle);
    }
    let number = (shared >> FD_SHIFT) % FD_LIMIT;
    let number = RawFd::try_from(number).map_err(|_| Code::INVALID_HANDLE)?;
    // SAFETY: borrowed for a moment only, to look what it is. If there is no such descriptor, the
    // look fails.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    // Those that this process made itself for other purposes would not stay open across `exec`.
    let inherited = rustix::io::fcntl_getfd(fd).is_ok_and(|flags| flags.is_empty());
    if !inherited || value(fd).ok() != Some(shared) {
        return Err(Code::INVALID_HANDLE);
    }
    let copy = rustix::io::fcntl_dupfd_cloexec(fd, 0).map_err(mapping::of_errno)?;
    let handle = object::handle_for(adopt(copy)?)?;
    // SAFETY: the descriptor has proved to be what a parent left open for this very handle, so it
    // belongs to the handle, and under the lock nobody else in this process has met it.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    foreigners.insert(shared, ForeignerEntry(Foreigner { handle, fd }));
    Ok(handle)
}

/// The slot or client that a parent left the descriptor of.
fn adopt(fd: OwnedFd) -> Result<Object, Code> {
    match rustix::fs::fcntl_get_seals(&fd) {
        Ok(seals) if seals.contains(NAME_SEALS) => {
            let text = read_all(&fd).map_err(mapping::of_errno)?;
            let (access, name) = parse_name_file(&text).ok_or(Code::INVALID_HANDLE)?;
            let writer = MailslotWriter::open(name).map_err(last_error::open_failed)?;
            Ok(Object::Client(Arc::new(Client::new(writer, access))))
        }
        _ => {
            let mailslot = Mailslot::from_fd(fd).map_err(last_error::hand_over_failed)?;
            Ok(Object::Slot(Slot::new(mailslot, true)))
        }
    }
}

pub(crate) fn close(shared: Handle) -> Result<Ref, Code> {
    resolve(shared)?;
    let mut foreigners = lock_foreigners();
    let known = foreigners.get(&(shared & !3)).ok_or(Code::INVALID_HANDLE)?;
    // Under the lock, under which it becomes protected.
    if table::get(known.0.handle)?.is_protected() {
        return Err(Code::INVALID_HANDLE);
    }
    let removed = foreigners.remove(&(shared & !3)).ok_or(Code::INVALID_HANDLE)?;
    // The descriptor goes first: it alone would keep the slot alive. And it goes while nobody can
    // look whether its number stands for a handle.
    let Foreigner { handle, fd } = removed.0;
    drop(fd);
    drop(foreigners);
    table::close(handle)
}

const NAME_SEALS: SealFlags =
    SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);
const NAME_MARK: &str = "mailslot client 1\n";

/// A file that says which slot a client writes to, and which access it has.
fn name_file(client: &Client) -> Result<OwnedFd, Code> {
    let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
    let fd = rustix::fs::memfd_create("mailslot-client", flags).map_err(mapping::of_errno)?;
    let mut file = std::fs::File::from(fd);
    write!(file, "{NAME_MARK}{:x}\n{}", client.access, client.name)
        .map_err(|e| mapping::of_io(&e))?;
    rustix::fs::fcntl_add_seals(&file, NAME_SEALS).map_err(mapping::of_errno)?;
    Ok(file.into())
}

fn parse_name_file(text: &str) -> Option<(u32, &str)> {
    let (access, name) = text.strip_prefix(NAME_MARK)?.split_once('\n')?;
    Some((u32::from_str_radix(access, 16).ok()?, name))
}

fn read_all(fd: &OwnedFd) -> Result<String, Errno> {
    let mut bytes = vec![0; 4096];
    let length = rustix::io::pread(fd, &mut bytes[..], 0)?;
    bytes.truncate(length);
    String::from_utf8(bytes).map_err(|_| Errno::INVAL)
}

fn set_inherited(fd: &OwnedFd, yes: bool) -> Result<(), Code> {
    let flags = if yes { FdFlags::empty() } else { FdFlags::CLOEXEC };
    rustix::io::fcntl_setfd(fd, flags).map_err(mapping::of_errno)
}

const FLAG_INHERIT: u32 = 1;
const FLAG_PROTECT_FROM_CLOSE: u32 = 2;

#[unsafe(export_name = "mailslot_GetHandleInformation")]
unsafe extern "C" fn get_handle_information(handle: Handle, flags: *mut u32) -> Bool {
    call(FALSE, || {
        let found = table::get(handle)?;
        if flags.is_null() {
            return Err(Code::NOACCESS);
        }
        let foreigners = FOREIGNERS.read().unwrap_or_else(PoisonError::into_inner);
        let kept = foreigners.get(&(handle & !3)).is_some_and(|entry| {
            let flags = rustix::io::fcntl_getfd(&entry.0.fd);
            flags.is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC))
        });
        let inherit = if kept { FLAG_INHERIT } else { 0 };
        let protect = if found.is_protected() { FLAG_PROTECT_FROM_CLOSE } else { 0 };
        // SAFETY: not null, so the caller gives a DWORD there.
        unsafe { flags.write(inherit | protect) };
        Ok(TRUE)
    })
}

#[unsafe(export_name = "mailslot_SetHandleInformation")]
extern "C" fn set_handle_information(handle: Handle, mask: u32, flags: u32) -> Bool {
    call(FALSE, || {
        let found = table::get(handle)?;
        if mask & !(FLAG_INHERIT | FLAG_PROTECT_FROM_CLOSE) != 0 {
            return Err(Code::INVALID_PARAMETER);
        }
        let foreigners = lock_foreigners();
        match foreigners.get(&(handle & !3)) {
            Some(entry) if mask & FLAG_INHERIT != 0 => {
                set_inherited(&entry.0.fd, flags & FLAG_INHERIT != 0)?;
            }
            // Its value means nothing in another process: it had to be made inheritable.
            None if mask & flags & FLAG_INHERIT != 0 => return Err(Code::NOT_SUPPORTED),
            _ => {}
        }
        if mask & FLAG_PROTECT_FROM_CLOSE != 0 {
            found.protect(flags & FLAG_PROTECT_FROM_CLOSE != 0);
        }
        Ok(TRUE)
    })
}

fn slot_of(handle: Handle) -> Result<Arc<Slot>, Code> {
    match &*table::get(handle)? {
        Object::Slot(slot) => Ok(slot.clone()),
        _ => Err(Code::INVALID_HANDLE),
    }
}

/// A duplicate of a descriptor that the caller lends.
fn duplicate(fd: RawFd) -> Result<OwnedFd, Code> {
    if fd < 0 {
        return Err(Code::INVALID_HANDLE);
    }
    // SAFETY: borrowed for this call on it, which fails if there is no such descriptor.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    rustix::io::fcntl_dupfd_cloexec(fd, 0).map_err(mapping::of_errno)
}

fn handle_of(fd: OwnedFd) -> Result<Handle, Code> {
    let mailslot = Mailslot::from_fd(fd).map_err(last_error::hand_over_failed)?;
    object::handle_for(Object::Slot(Slot::new(mailslot, true)))
}

/// `MailslotHandleToFd`: a descriptor that is the read handle, and the caller's.
#[unsafe(export_name = "mailslot_MailslotHandleToFd")]
extern "C" fn handle_to_fd(handle: Handle) -> RawFd {
    call(-1, || {
        reserve::check()?;
        let fd = slot_of(handle)?.mailslot.get()?.to_fd().map_err(last_error::hand_over_failed)?;
        Ok(fd.into_raw_fd())
    })
}

/// `MailslotHandleFromFd`: a handle for such a descriptor. It stays the caller's.
#[unsafe(export_name = "mailslot_MailslotHandleFromFd")]
extern "C" fn handle_from_fd(fd: RawFd) -> Handle {
    call(INVALID_HANDLE, || {
        reserve::check()?;
        handle_of(duplicate(fd)?)
    })
}

/// What travels beside the descriptor.
const PARCEL: [u8; 8] = *b"mailslot";

/// `MailslotSendHandle`: gives another process the read handle too, over a connected Unix socket.
#[unsafe(export_name = "mailslot_MailslotSendHandle")]
extern "C" fn send_handle(socket: RawFd, handle: Handle) -> Bool {
    call(FALSE, || {
        reserve::check()?;
        let fd = slot_of(handle)?.mailslot.get()?.to_fd().map_err(last_error::hand_over_failed)?;
        let socket = duplicate(socket)?;
        let fds = [fd.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&fds));
        let data = [std::io::IoSlice::new(&PARCEL)];
        loop {
            match rustix::net::sendmsg(&socket, &data, &mut control, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                Ok(sent) if sent == PARCEL.len() => return Ok(TRUE),
                Ok(_) => return Err(Code::GEN_FAILURE),
                Err(errno) => return Err(mapping::of_errno(errno)),
            }
        }
    })
}

/// `MailslotReceiveHandle`: takes what `MailslotSendHandle` sent.
#[unsafe(export_name = "mailslot_MailslotReceiveHandle")]
extern "C" fn receive_handle(socket: RawFd) -> Handle {
    call(INVALID_HANDLE, || {
        reserve::check()?;
        let socket = duplicate(socket)?;
        let mut bytes = [0; PARCEL.len()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = loop {
            let mut data = [std::io::IoSliceMut::new(&mut bytes)];
            match rustix::net::recvmsg(&socket, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                Ok(message) => break message,
                Err(errno) => return Err(mapping::of_errno(errno)),
            }
        };
        let mut fds = control.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        });
        let fd = fds.next().and_then(|mut fds| fds.next());
        if message.bytes == 0 {
            return Err(Code::BROKEN_PIPE);
        }
        let whole = bytes == PARCEL && !message.flags.contains(ReturnFlags::CTRUNC);
        let fd = fd.filter(|_| whole).ok_or_else(|| {
            let what = "what came over the socket is no mailslot handle".to_owned();
            last_error::hand_over_failed(HandleError::NotAHandle(what))
        })?;
        handle_of(fd)
    })
}

//! Handing the read handle to other processes.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use mailslot_ring::{Inherited, fork_generation};
use mailslot_wire::meta::Metadata;
use rustix::io::Errno;

use super::waiting::Turn;
use super::{Mailslot, Polling};
use crate::reader::{Core, Vault};
use crate::{HandleError, SlotName};

/// Names the descriptor that a child inherits.
const VARIABLE: &str = "MAILSLOT_HANDLE";

impl Mailslot {
    /// One descriptor that is this handle, for another process, which makes a handle of it with
    /// [`Mailslot::from_fd`]. Send it over a Unix socket (`SCM_RIGHTS`) or let a child inherit it.
    ///
    /// The slot lives as long as any such descriptor or handle, in whichever process. Several
    /// holders read side by side: each record goes to exactly one. Only slots created with
    /// [`inheritable(true)`](crate::MailslotOptions::inheritable) can be handed over.
    pub fn to_fd(&self) -> Result<OwnedFd, HandleError> {
        let vault = self.vault.as_ref();
        let vault = vault.ok_or_else(|| HandleError::NotInheritable(self.name.clone()))?;
        vault.handle().try_clone().map_err(failed("duplicating the descriptor"))
    }

    /// Makes a handle of a descriptor that [`Mailslot::to_fd`] gave, in this process or another.
    pub fn from_fd(fd: OwnedFd) -> Result<Self, HandleError> {
        rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)
            .map_err(|e| failed("examining the descriptor")(e.into()))?;
        let mut found = None;
        let vault = Vault::open(fd, |lock| {
            let (metadata, dir) = read_locked(lock)?;
            let limits = metadata.limits;
            found = Some((metadata, dir));
            Ok(limits)
        })
        .map_err(|error| HandleError::NotAHandle(what_is_wrong(&error)))?;
        let (metadata, dir) =
            found.ok_or_else(|| HandleError::NotAHandle("it holds no metadata".into()))?;
        Self::take_over(Arc::new(vault), metadata.name, dir)
            .map_err(failed("taking over its writers"))
    }

    /// Lets `child`, once spawned, have this handle: it gets it with [`Mailslot::inherited`].
    ///
    /// The descriptor's number travels in the environment variable `MAILSLOT_HANDLE`. One handle
    /// per command; several can travel as descriptors of your own choice, see [`Mailslot::to_fd`].
    /// `child` itself holds the handle too, for it may be spawned again: drop it, or the slot lives
    /// as long as it does.
    pub fn pass_to(&self, child: &mut Command) -> Result<(), HandleError> {
        let fd = self.to_fd()?;
        let number = fd.as_raw_fd();
        let mapping = FdMapping { parent_fd: fd, child_fd: number };
        child
            .fd_mappings(vec![mapping])
            .map_err(|e| failed("passing the descriptor")(io::Error::other(e)))?;
        child.env(VARIABLE, number.to_string());
        Ok(())
    }

    /// The handle that this process's parent passed with [`Mailslot::pass_to`], or `None` if it
    /// passed none. It can be taken once; after that this is an error, here and in programs that get
    /// the same environment.
    pub fn inherited() -> Result<Option<Self>, HandleError> {
        let Some(value) = std::env::var_os(VARIABLE) else {
            return Ok(None);
        };
        let wrong = |why: &str| {
            HandleError::NotAHandle(format!(
                "{VARIABLE}={} {why}; it was set for another process, or its handle was taken already: \
                 remove the variable",
                value.display()
            ))
        };
        let number = value.to_str().and_then(|text| text.parse().ok());
        let number = number.ok_or_else(|| wrong("is no descriptor"))?;
        let fd = Inherited::duplicate(number).map_err(|error| {
            if Errno::from_io_error(&error) == Some(Errno::BADF) {
                wrong("is no descriptor that was passed on")
            } else {
                failed("duplicating the inherited descriptor")(error)
            }
        })?;
        let slot = Self::from_fd(fd).map_err(|error| match error {
            HandleError::NotAHandle(why) => wrong(&format!("is another descriptor ({why})")),
            other => other,
        })?;
        // The handle must end with this one, and it has proved to be one.
        Inherited::close(number);
        Ok(Some(slot))
    }

    fn take_over(vault: Arc<Vault>, name: SlotName, dir: PathBuf) -> io::Result<Self> {
        let inode = std::fs::metadata(&dir)?.ino();
        let core = Core::shared(vault.clone())?;
        Ok(Self {
            name,
            limits: vault.limits(),
            spin: Duration::ZERO,
            stream_spin: Duration::ZERO,
            timeout: AtomicU64::new(vault.timeout()),
            polled: AtomicBool::new(false),
            generation: AtomicU64::new(fork_generation()),
            polling: Polling::new(core.epoll()),
            turn: Mutex::new(Turn::new(core)),
            changed: Condvar::new(),
            dir,
            inode,
            lock: None,
            kept: false,
            vault: Some(vault),
        })
    }
}

/// What the slot says about itself, and the directory where it lies, by its locked metadata file.
fn read_locked(lock: &OwnedFd) -> io::Result<(Metadata, PathBuf)> {
    let mut bytes = vec![0; Metadata::MAX_BYTES + 1];
    let len = rustix::io::pread(lock, &mut bytes[..], 0)?;
    let metadata = Metadata::parse(&bytes[..len]).map_err(io::Error::other)?;
    let path = std::fs::read_link(format!("/proc/self/fd/{}", lock.as_raw_fd()))?;
    let dir = path.parent().map(Path::to_owned).ok_or(io::ErrorKind::NotFound)?;
    Ok((metadata, dir))
}

/// What keeps a descriptor from being a handle.
fn what_is_wrong(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::BADF | Errno::NOTSOCK) => "it is no socket, as a read handle is".into(),
        _ => error.to_string(),
    }
}

fn failed(action: &'static str) -> impl Fn(io::Error) -> HandleError {
    move |source| HandleError::Io { action, source }
}

//! Telling dead slots from living ones, and clearing them away.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use mailslot_wire::limits::PRIVATE_PREFIX;

use super::gateway::STATUS;
use super::socket::{ConnectError, connect};
use super::{METADATA, SOCKET, is_held, open_metadata};

/// How long to wait for another process that clears the same slot. It needs microseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// What stood under a slot's name.
#[derive(Debug)]
pub(crate) enum Found {
    /// A slot whose read handle is open.
    Alive,
    /// A dead slot, or nothing: the name is free now.
    Cleared,
    /// A dead slot that only its owner (this user) or root may clear.
    Foreign(u32),
}

/// Looks at the slot in `dir` and clears it if it is dead. With `only`, nothing but the directory
/// of that inode is touched.
pub(crate) fn clear(dir: &Path, only: Option<u64>) -> io::Result<Found> {
    let stat = match std::fs::symlink_metadata(dir) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Cleared),
        Err(error) => return Err(error),
    };
    if only.is_some_and(|inode| inode != stat.ino()) {
        return Ok(Found::Alive);
    }
    let me = rustix::process::geteuid();
    if !me.is_root() && me.as_raw() != stat.uid() {
        return Ok(if is_alive(dir) { Found::Alive } else { Found::Foreign(stat.uid()) });
    }
    let Some(open) = open_dir(dir)? else {
        return Ok(Found::Cleared);
    };
    lock(&open)?;
    // Whoever held the lock may have cleared it, and somebody created it anew.
    let now = std::fs::symlink_metadata(dir).ok().map(|stat| (stat.dev(), stat.ino()));
    let mine = open.metadata()?;
    if now != Some((mine.dev(), mine.ino())) {
        return Ok(Found::Cleared);
    }
    if refuses(&open)? {
        remove(&open, dir)?;
        Ok(Found::Cleared)
    } else {
        Ok(Found::Alive)
    }
}

/// Whether somebody holds the slot's read handle, for anybody to ask: the handle holds a lock on
/// the metadata. (Another user can fake that lock, so nothing is decided by it.)
pub(crate) fn is_alive(dir: &Path) -> bool {
    open_metadata(dir).is_ok_and(|(file, _)| is_held(&file))
}

/// Clears away what creators who died half way have left in `root`.
pub(crate) fn sweep(root: &Path) {
    let Ok(entries) = std::fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(PRIVATE_PREFIX.as_bytes()) {
            continue;
        }
        let dir = entry.path();
        // Another user's can't be opened. A living creator holds the lock.
        let Ok(Some(open)) = open_dir(&dir) else {
            continue;
        };
        if rustix::fs::flock(&open, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // It may be published by now, and then lives under another name.
            let same = std::fs::symlink_metadata(&dir).ok().zip(open.metadata().ok());
            if same.is_some_and(|(a, b)| a.ino() == b.ino()) {
                let _ = remove(&open, &dir);
            }
        }
    }
}

/// Opens a directory that may vanish, and is no symbolic link.
pub(crate) fn open_dir(dir: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
    match rustix::fs::open(dir, flags, Mode::empty()) {
        Ok(open) => Ok(Some(open.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until no other process changes what is in `dir`, and keeps others from it.
pub(super) fn lock(dir: &File) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match rustix::fs::flock(dir, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(Errno::WOULDBLOCK) => {
                return Err(io::Error::other(
                    "another process is clearing the dead slot of this name and does not finish",
                ));
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn refuses(dir: &File) -> io::Result<bool> {
    let fd = dir.as_raw_fd().to_string();
    let path: PathBuf = ["/proc/self/fd", &fd, SOCKET].iter().collect();
    match connect(&path, Duration::ZERO) {
        Err(ConnectError::Refused) => Ok(true),
        // Without /proc it would seem so, too.
        Err(ConnectError::Absent) => {
            match rustix::fs::statat(dir, SOCKET, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => Ok(true),
                Err(error) => Err(error.into()),
                Ok(_) => Err(io::Error::other("its socket can't be reached; is /proc mounted?")),
            }
        }
        Err(ConnectError::Io(error)) => Err(error),
        Ok(_) | Err(ConnectError::Denied | ConnectError::Full | ConnectError::Foreign) => Ok(false),
    }
}

fn remove(open: &File, path: &Path) -> io::Result<()> {
    for name in [SOCKET, METADATA, STATUS] {
        match rustix::fs::unlinkat(open.as_fd(), name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match rustix::fs::rmdir(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

//! Where slots live: one directory each, in a root that all users share.
//!
//! A slot's directory holds its socket `s` and its metadata `m`. It is built under a private name
//! and published by a rename that replaces nothing, so that nobody sees half a slot and of several
//! creators exactly one wins. A slot is dead when its socket refuses connections; whoever clears it
//! holds a lock on that directory meanwhile and makes sure that the name still means that one, so
//! two can't clear each other's successors.

mod adopt;
mod clear;
mod gateway;
mod publish;
mod socket;

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mailslot_wire::meta::Metadata;
use mailslot_wire::name::SlotName;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

pub(crate) use adopt::{adopt, leave};
pub(crate) use clear::{clear, is_alive};
pub(crate) use gateway::{gateway_dir, may_be_gateway, stated_name};
pub(crate) use publish::{BACKLOG, Published, publish};
pub(crate) use socket::{ConnectError, Connection, connect};

/// The slot's socket in its directory.
pub(crate) const SOCKET: &str = "s";
pub(crate) const METADATA: &str = "m";

/// The directory that holds this computer's slots: `$MAILSLOT_DIR` if set, else `/run/mailslot` if
/// that exists, else `/dev/shm`.
pub fn registry_root() -> PathBuf {
    static DEFAULT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(dir) = std::env::var_os("MAILSLOT_DIR").filter(|dir| !dir.is_empty()) {
        let dir = PathBuf::from(dir);
        // Handles keep paths, and the program may change its directory.
        return if dir.is_absolute() { dir } else { std::path::absolute(&dir).unwrap_or(dir) };
    }
    let find = || {
        let run = Path::new("/run/mailslot");
        if run.is_dir() { run } else { Path::new("/dev/shm") }.to_owned()
    };
    DEFAULT.get_or_init(find).clone()
}

/// The socket of the slot `name`, or where it would be.
pub(crate) fn socket_of(name: &SlotName) -> PathBuf {
    let (root, entry) = (registry_root(), name.file_name());
    // In one piece of memory: a writer of one record pays for all that opening takes.
    let len = root.as_os_str().len() + entry.len() + SOCKET.len();
    let mut path = PathBuf::with_capacity(len + 2);
    path.extend([root.as_path(), Path::new(&entry), Path::new(SOCKET)]);
    path
}

/// Says what makes `root` unfit to hold slots, if anything.
pub(crate) fn unfit(root: &Path) -> Option<String> {
    let stat = match std::fs::metadata(root) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some(format!("{error}; create it with mode 1777, owned by root"));
        }
        Err(error) => return Some(error.to_string()),
    };
    let me = rustix::process::geteuid().as_raw();
    if !stat.is_dir() {
        return Some("it is not a directory".into());
    }
    if stat.uid() != 0 && stat.uid() != me {
        return Some(format!("it belongs to user {}, who could replace your slots", stat.uid()));
    }
    if stat.mode() & 0o022 != 0 && stat.mode() & 0o1000 == 0 {
        return Some("others may write there and it is not sticky; chmod +t it".into());
    }
    None
}

/// Reads the metadata of the slot in `dir`. Whom the slot belongs to is not what they say, but what
/// the system says.
pub(crate) fn metadata(dir: &Path) -> io::Result<Metadata> {
    let (file, owner) = open_metadata(dir)?;
    read_metadata(&file, owner)
}

/// [`metadata`] of the slot in `dir`, and [`is_alive`]: both of the same slot, whatever takes the name
/// meanwhile.
pub(crate) fn look_at(dir: &Path) -> io::Result<(Metadata, bool)> {
    let (file, owner) = open_metadata(dir)?;
    Ok((read_metadata(&file, owner)?, is_held(&file)))
}

fn read_metadata(file: &File, owner: u32) -> io::Result<Metadata> {
    let mut bytes = Vec::new();
    file.take(Metadata::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let found = Metadata::parse(&bytes).map_err(io::Error::other)?;
    Ok(Metadata { uid: owner, ..found })
}

/// Whether a read handle holds the lock on its metadata.
fn is_held(metadata: &File) -> bool {
    rustix::fs::flock(metadata, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
}

/// Opens the metadata of the slot in `dir`, and tells whom the directory belongs to.
///
/// Any user may have made it, and put something there that leads elsewhere (a link) or keeps whoever
/// opens it waiting (a FIFO, a file with a lease).
fn open_metadata(dir: &Path) -> io::Result<(File, u32)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::open(dir, flags, Mode::empty())?;
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(&dir, METADATA, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    Ok((file, rustix::fs::fstat(&dir)?.st_uid))
}

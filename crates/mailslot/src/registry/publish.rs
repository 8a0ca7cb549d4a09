//! Building a slot under a private name, and giving it its public one.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, FlockOperation, RenameFlags, XattrFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Resource, getrlimit};

use mailslot_wire::limits::private_dir_name;
use mailslot_wire::meta::{Access, Metadata};

use super::clear::{Found, clear, open_dir, sweep};
use super::gateway::gateway_dir;
use super::socket::with_address;
use super::{METADATA, SOCKET, metadata, registry_root, unfit};
use crate::record::describe_user;
use crate::{CreateError, MailslotOptions, SlotName};

/// As many connections as Linux lets wait by default (`net.core.somaxconn`).
pub(crate) const BACKLOG: i32 = 4096;

/// How often creating starts anew because somebody else created or cleared the name meanwhile.
const ATTEMPTS: u32 = 1000;

/// What a slot begins with.
const MAKING: &str = "making a directory for the slot";

const RESTRICTING: &str = "setting who may write";

/// A slot that others can open.
pub(crate) struct Published {
    /// The listening socket, not blocking.
    pub(crate) listener: OwnedFd,
    /// The metadata file, locked for as long as this open file lives.
    pub(crate) lock: OwnedFd,
    /// The slot's directory under its public name, and its inode.
    pub(crate) dir: PathBuf,
    pub(crate) inode: u64,
    /// The socket is a service manager's, and outlives the handle.
    pub(crate) kept: bool,
}

/// Creates the slot `name`.
pub(crate) fn publish(
    name: &SlotName,
    options: &MailslotOptions,
) -> Result<Published, CreateError> {
    let root = registry_root();
    if let Some(reason) = unfit(&root) {
        return Err(CreateError::Registry { name: name.clone(), root, reason });
    }
    sweep(&root);
    let public = match options.gateway {
        Some(_) => gateway_dir(),
        None => root.join(name.file_name()),
    };
    for _ in 0..ATTEMPTS {
        let private = match build(&root, name, options) {
            Ok(private) => private,
            Err(Failure { action: MAKING, error: Errno::NOENT }) => {
                let reason = "no directory can be made there".to_owned();
                return Err(CreateError::Registry { name: name.clone(), root, reason });
            }
            Err(Failure { action: MAKING, error }) => {
                let source = unmade(error, &root);
                return Err(CreateError::Io { name: name.clone(), action: MAKING, source });
            }
            Err(Failure { action: RESTRICTING, error }) => {
                let source = unrestricted(error, &options.access);
                return Err(CreateError::Io { name: name.clone(), action: RESTRICTING, source });
            }
            // A sweeper took it for a dead creator's before it was locked.
            Err(Failure { error: Errno::NOENT, .. }) => continue,
            Err(Failure { action, error }) => {
                return Err(CreateError::Io { name: name.clone(), action, source: error.into() });
            }
        };
        if let Some(published) = private.rename(&public, name)? {
            return Ok(published);
        }
        let found = clear(&public, None).map_err(|source| CreateError::Io {
            name: name.clone(),
            action: "clearing the dead slot of this name",
            source: with_remedy(source, &public),
        })?;
        match found {
            Found::Cleared => {}
            Found::Alive => return Err(exists(name, &public)),
            Found::Foreign(uid) => {
                let owner = describe_user(uid);
                let name = name.clone();
                return Err(CreateError::DeadSlotOfAnother { name, owner, path: public });
            }
        }
    }
    let source = io::Error::other("the name was created and closed again too often meanwhile");
    Err(CreateError::Io { name: name.clone(), action: "publishing the slot", source })
}

/// Nothing can be made where slots lie, though they might lie elsewhere.
fn unmade(error: Errno, root: &Path) -> io::Error {
    match error {
        Errno::ROFS | Errno::ACCESS | Errno::PERM | Errno::OPNOTSUPP => explained(
            error,
            &format!("in {root:?}; set MAILSLOT_DIR to a directory where this user may write"),
        ),
        _ => error.into(),
    }
}

fn unrestricted(error: Errno, access: &Access) -> io::Error {
    match (error, access) {
        (Errno::PERM | Errno::ACCESS, Access::Group(gid)) => {
            explained(error, &format!("only root and members of group {gid} can let it write"))
        }
        (Errno::OPNOTSUPP, Access::Users(_)) => {
            explained(error, "the slots' file system keeps no lists of users; let a group write")
        }
        (Errno::INVAL, Access::Users(_) | Access::Group(_)) => {
            explained(error, "one of the users, or the group, has no number here (user namespace)")
        }
        _ => error.into(),
    }
}

/// The same kind of error, with more to say.
fn explained(error: Errno, more: &str) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{error}: {more}"))
}

/// Somebody may have put what is no slot where one would be. That is not ours to remove.
fn with_remedy(error: io::Error, path: &Path) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::NOTDIR | Errno::LOOP | Errno::NOTEMPTY | Errno::ISDIR) => io::Error::other(
            format!("what lies there is no mailslot ({error}); remove it: rm -r {path:?}"),
        ),
        _ => error,
    }
}

pub(super) fn exists(name: &SlotName, dir: &Path) -> CreateError {
    let (pid, uid) = metadata(dir).map_or((0, 0), |meta| (meta.pid, meta.uid));
    CreateError::AlreadyExists { name: name.clone(), pid, owner: describe_user(uid) }
}

/// A slot that nobody sees yet. Dropped before it is renamed, it goes away.
struct Private {
    dir: PathBuf,
    inode: u64,
    sockets: Option<(OwnedFd, OwnedFd)>,
    /// Tells sweepers that the creator lives.
    _locked: File,
}

struct Failure {
    action: &'static str,
    error: Errno,
}

fn during<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> Failure {
    move |error| {
        let error = Errno::from_io_error(&error.into()).unwrap_or(Errno::IO);
        Failure { action, error }
    }
}

fn build(root: &Path, name: &SlotName, options: &MailslotOptions) -> Result<Private, Failure> {
    let pid = std::process::id();
    let limits = options.limits();
    let dir = root.join(private_dir_name(pid, nonce()?, limits));
    std::fs::DirBuilder::new().mode(0o700).create(&dir).map_err(during(MAKING))?;
    let open = open_dir(&dir).map_err(|error| {
        let _ = std::fs::remove_dir(&dir);
        during("opening the slot's directory")(error)
    })?;
    let open =
        open.ok_or(Failure { action: "opening the slot's directory", error: Errno::NOENT })?;
    rustix::fs::flock(&open, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Failure { action: "locking the slot's directory", error: Errno::NOENT })?;
    let inode = open.metadata().map_err(during("examining the slot's directory"))?.ino();
    let mut private = Private { dir, inode, sockets: None, _locked: open };

    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let listener =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
            .map_err(during("making the slot's socket"))?;
    let socket = private.dir.join(SOCKET);
    with_address(&socket, |address| rustix::net::bind(&listener, address))
        .map_err(during("binding the slot's socket"))?;
    restrict(&socket, &options.access).map_err(during(RESTRICTING))?;
    rustix::net::listen(&listener, BACKLOG).map_err(during("listening on the slot's socket"))?;
    let lock = write_metadata(&private.dir, name, options)
        .map_err(during("writing the slot's metadata"))?;
    std::fs::set_permissions(&private.dir, Permissions::from_mode(0o711))
        .map_err(during("opening the slot's directory to others"))?;
    private.sockets = Some((listener, lock));
    Ok(private)
}

impl Private {
    /// Gives the slot its public name; `None` if something has it.
    fn rename(mut self, public: &Path, name: &SlotName) -> Result<Option<Published>, CreateError> {
        match rustix::fs::renameat_with(CWD, &self.dir, CWD, public, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOENT) => return Ok(None),
            Err(error) => {
                return Err(CreateError::Io {
                    name: name.clone(),
                    action: "publishing the slot",
                    source: error.into(),
                });
            }
        }
        let sockets = self.sockets.take();
        Ok(sockets.map(|(listener, lock)| Published {
            listener,
            lock,
            dir: public.to_owned(),
            inode: self.inode,
            kept: false,
        }))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.sockets.take().is_some() || self.dir.exists() {
            for name in [SOCKET, METADATA] {
                let _ = std::fs::remove_file(self.dir.join(name));
            }
            let _ = std::fs::remove_dir(&self.dir);
        }
    }
}

fn nonce() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(during("asking for random numbers"))?;
    Ok(u64::from_ne_bytes(bytes))
}

pub(super) fn write_metadata(
    dir: &Path,
    name: &SlotName,
    options: &MailslotOptions,
) -> io::Result<OwnedFd> {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let metadata = Metadata {
        name: name.clone(),
        limits: options.limits(),
        access: options.access.clone(),
        network: options.network.clone(),
        uid: rustix::process::geteuid().as_raw(),
        pid: std::process::id(),
        created: created.as_nanos().try_into().unwrap_or(u64::MAX),
        inheritable: options.inheritable,
        computer: options.gateway.clone(),
    };
    let text = metadata.encode();
    // Writing past this limit would kill the process with SIGXFSZ.
    if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < text.len() as u64) {
        return Err(Errno::FBIG.into());
    }
    let path = dir.join(METADATA);
    let mut file =
        File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(0o444))?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file.into())
}

/// Lets the socket's permissions decide who may connect.
fn restrict(socket: &Path, access: &Access) -> io::Result<()> {
    let mode = match access {
        Access::SameUser | Access::Users(_) => 0o600,
        Access::Group(_) => 0o660,
        Access::Everyone => 0o666,
    };
    match access {
        Access::Group(gid) => std::os::unix::fs::chown(socket, None, Some(*gid))?,
        Access::Users(uids) => {
            let list = access_list(uids);
            let name = c"system.posix_acl_access";
            rustix::fs::lsetxattr(socket, name, &list, XattrFlags::empty())?;
            return Ok(());
        }
        Access::SameUser | Access::Everyone => {}
    }
    std::fs::set_permissions(socket, Permissions::from_mode(mode))
}

/// A POSIX access list as the kernel takes it: owner and the listed users may read and write.
fn access_list(uids: &[u32]) -> Vec<u8> {
    const USER_OBJ: u16 = 0x01;
    const USER: u16 = 0x02;
    const GROUP_OBJ: u16 = 0x04;
    const MASK: u16 = 0x10;
    const OTHER: u16 = 0x20;
    const READ_WRITE: u16 = 6;
    let mut uids = uids.to_vec();
    uids.sort_unstable();
    uids.dedup();
    let mut list = 2u32.to_le_bytes().to_vec();
    let mut entry = |tag: u16, allowed: u16, id: u32| {
        list.extend(tag.to_le_bytes());
        list.extend(allowed.to_le_bytes());
        list.extend(id.to_le_bytes());
    };
    entry(USER_OBJ, READ_WRITE, u32::MAX);
    for uid in uids {
        entry(USER, READ_WRITE, uid);
    }
    entry(GROUP_OBJ, 0, u32::MAX);
    entry(MASK, READ_WRITE, u32::MAX);
    entry(OTHER, 0, u32::MAX);
    list
}

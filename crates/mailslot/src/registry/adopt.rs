//! Taking over the socket on which a service manager has listened for the gateway.

use std::fs::remove_file;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, getsockname};

use super::clear::{lock, open_dir};
use super::gateway::{STATUS, gateway_dir};
use super::publish::{exists, write_metadata};
use super::{METADATA, Published, SOCKET, is_alive, registry_root, unfit};
use crate::{CreateError, MailslotOptions, SlotName};

/// Makes a gateway's slot of `listener`, which stays where it is when the slot ends.
pub(crate) fn adopt(
    listener: OwnedFd,
    name: &SlotName,
    options: &MailslotOptions,
) -> Result<Published, CreateError> {
    let failed =
        |action| move |source: io::Error| CreateError::Io { name: name.clone(), action, source };
    let (root, dir) = (registry_root(), gateway_dir());
    if let Some(reason) = unfit(&root) {
        return Err(CreateError::Registry { name: name.clone(), root, reason });
    }
    check(&listener, &dir.join(SOCKET)).map_err(failed("taking over the handed-over socket"))?;
    rustix::io::ioctl_fionbio(&listener, true)
        .map_err(|error| failed("taking over the handed-over socket")(error.into()))?;
    let open = open_dir(&dir).map_err(failed("opening the slot's directory"))?;
    let open =
        open.ok_or_else(|| failed("opening the slot's directory")(io::ErrorKind::NotFound.into()))?;
    lock(&open).map_err(failed("locking the slot's directory"))?;
    if is_alive(&dir) {
        return Err(exists(name, &dir));
    }
    // What a gateway that was killed has left.
    for name in [METADATA, STATUS] {
        let _ = remove_file(dir.join(name));
    }
    let metadata = write_metadata(&dir, name, options);
    let lock = metadata.map_err(failed("writing the slot's metadata"))?;
    let inode = open.metadata().map_err(failed("examining the slot's directory"))?.ino();
    Ok(Published { listener, lock, dir, inode, kept: true })
}

/// The slot of a socket that was taken over ends. Whoever looks at the socket itself would be a
/// writer, for whom the service manager starts the gateway again.
pub(crate) fn leave(dir: &Path) {
    let _ = remove_file(dir.join(METADATA));
}

fn check(listener: &OwnedFd, expected: &Path) -> io::Result<()> {
    let is_right = socket_domain(listener)? == AddressFamily::UNIX
        && socket_type(listener)? == SocketType::SEQPACKET
        && socket_acceptconn(listener)?;
    if !is_right {
        return Err(io::Error::other(
            "it is no Unix socket for sequenced packets that listens (ListenSequentialPacket=)",
        ));
    }
    let address = SocketAddrUnix::try_from(getsockname(listener)?)?;
    let path = address.path_bytes().map(|path| String::from_utf8_lossy(path).into_owned());
    let path = path.unwrap_or_default();
    if Path::new(&path) != expected {
        return Err(io::Error::other(format!(
            "it lies at {path:?}, and programs look for the gateway at {expected:?}"
        )));
    }
    Ok(())
}

//! Connecting to a slot's socket.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use mailslot_wire::limits::Limits;

/// What a writer sleeps for first if the system holds no more connections. A reader that reads has
/// accepted many by then, and is busy for longer with the rest. The kernel would wake a waiting writer
/// as soon as there is room for one.
const MOMENT: Duration = Duration::from_millis(1);

/// A connected socket, perhaps a blocking one, and what its slot takes.
pub(crate) struct Connection {
    pub(crate) socket: OwnedFd,
    pub(crate) limits: Limits,
}

/// Why a socket could not be connected.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// There is no socket.
    Absent,
    /// There is one, but nobody listens on it any more.
    Refused,
    /// The socket's mode or access list keeps this user out.
    Denied,
    /// The system holds no more connections that the reader has not accepted.
    Full,
    /// Something listens there that is no mailslot.
    Foreign,
    Io(io::Error),
}

/// Connects to the socket at `path`. Waits for the reader only where `wait` says so, and no longer.
pub(crate) fn connect(path: &Path, wait: Duration) -> Result<Connection, ConnectError> {
    let socket = try_connect(path, wait)?;
    let address = rustix::net::getpeername(&socket).map_err(io_error)?;
    let address = address.and_then(|address| SocketAddrUnix::try_from(address).ok());
    let limits = address.and_then(|a| a.path_bytes().and_then(Limits::from_address));
    let limits = limits.ok_or(ConnectError::Foreign)?;
    Ok(Connection { socket, limits })
}

fn try_connect(path: &Path, wait: Duration) -> Result<OwnedFd, ConnectError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .map_err(io_error)?;
    let connect_at_once = || loop {
        match with_address(path, |address| rustix::net::connect(&socket, address)) {
            Err(Errno::INTR) => {}
            result => break result,
        }
    };
    let mut result = connect_at_once();
    if result == Err(Errno::AGAIN) && !wait.is_zero() {
        let moment = wait.min(MOMENT);
        std::thread::sleep(moment);
        result = connect_at_once();
        if result == Err(Errno::AGAIN) {
            result = connect_within(&socket, path, wait - moment)?;
        }
    }
    match result {
        Ok(()) => Ok(socket),
        Err(Errno::NOENT | Errno::NOTDIR) => Err(ConnectError::Absent),
        Err(Errno::CONNREFUSED) => Err(ConnectError::Refused),
        Err(Errno::ACCESS | Errno::PERM) => Err(ConnectError::Denied),
        Err(Errno::AGAIN) => Err(ConnectError::Full),
        Err(Errno::PROTOTYPE | Errno::NOTSOCK) => Err(ConnectError::Foreign),
        Err(error) => Err(io_error(error)),
    }
}

/// Waits up to `wait` until the system holds one more connection for the reader.
fn connect_within(
    socket: &OwnedFd,
    path: &Path,
    wait: Duration,
) -> Result<rustix::io::Result<()>, ConnectError> {
    // Whether it blocks matters here only: all that is sent and received later says that it doesn't.
    rustix::io::ioctl_fionbio(socket, false).map_err(io_error)?;
    let start = Instant::now();
    loop {
        let left = wait.checked_sub(start.elapsed()).filter(|left| !left.is_zero());
        let left = left.ok_or(ConnectError::Full)?;
        set_socket_timeout(socket, Timeout::Send, Some(left)).map_err(io_error)?;
        match with_address(path, |address| rustix::net::connect(socket, address)) {
            Err(Errno::INTR) => {}
            result => return Ok(result),
        }
    }
}

fn io_error(error: Errno) -> ConnectError {
    ConnectError::Io(error.into())
}

/// Calls `call` with the address of the socket at `path`, through its directory's descriptor where
/// the path is longer than the 107 bytes an address holds.
pub(crate) fn with_address<T>(
    path: &Path,
    call: impl FnOnce(&SocketAddrUnix) -> rustix::io::Result<T>,
) -> rustix::io::Result<T> {
    match SocketAddrUnix::new(path) {
        Ok(address) => call(&address),
        Err(Errno::NAMETOOLONG) => {
            // The slot's own directory stays in the path: a writer learns the limits from it.
            let dir = path.parent().unwrap_or(path);
            let root = dir.parent().unwrap_or(dir);
            let open =
                File::open(root).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
            let rest = path.strip_prefix(root).unwrap_or(path);
            let short = Path::new("/proc/self/fd").join(open.as_raw_fd().to_string()).join(rest);
            call(&SocketAddrUnix::new(&short)?)
        }
        Err(error) => Err(error),
    }
}

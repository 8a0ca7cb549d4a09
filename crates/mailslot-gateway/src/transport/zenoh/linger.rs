//! Connections that end without keeping anybody waiting.
//!
//! Zenoh sets `SO_LINGER`, so close(2) waits up to 10 seconds for what the other end has not
//! acknowledged, in one of the few threads that send to and hear from all computers: one computer
//! that is cut off holds up all others. Zenoh has no setting for that, and keeps its sockets to
//! itself; so they are looked up here.

use std::fs;
use std::io;

use rustix::net::AddressFamily;
use rustix::net::sockopt::{set_socket_linger, socket_domain, socket_linger};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Sees to it that closing any of the connections that this process has now doesn't wait.
pub(super) fn never() -> io::Result<()> {
    let me = pidfd_open(getpid(), PidfdFlags::empty())?;
    for entry in fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let socket = match pidfd_getfd(&me, number, PidfdGetfdFlags::empty()) {
            // Closed meanwhile.
            Err(rustix::io::Errno::BADF) => continue,
            socket => socket?,
        };
        let is_internet =
            matches!(socket_domain(&socket), Ok(AddressFamily::INET | AddressFamily::INET6));
        if is_internet && socket_linger(&socket).is_ok_and(|time| time.is_some()) {
            set_socket_linger(&socket, None)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_connection_lingers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        for socket in [&near, &far] {
            set_socket_linger(socket, Some(Duration::from_secs(10))).unwrap();
        }
        never().unwrap();
        for socket in [&near, &far] {
            assert_eq!(socket_linger(socket).unwrap(), None);
        }
    }
}

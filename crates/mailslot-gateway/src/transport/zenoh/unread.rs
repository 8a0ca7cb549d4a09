//! Connections that Zenoh keeps and doesn't read.
//!
//! If the time for connecting is up just when a connection has come about, Zenoh has noted it down, and
//! writes to it, but never begins to read. Since it says again and again that it is there, the other side
//! keeps the connection as well. So both take the two for connected, and neither connects any more.
//!
//! What comes on such a connection stays where it is, while one that is read has something else to read each
//! time: TLS says nothing twice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::net::sockopt::socket_cookie;
use rustix::net::{RecvFlags, Shutdown, getpeername, recv, shutdown};

use super::{Log, session, sockets};

/// Look again after this many seconds.
const SECONDS: u64 = 3;
pub(super) const LOOK: Timespec = Timespec { tv_sec: SECONDS as i64, tv_nsec: 0 };
/// Looks in a row that find the same. With two, a process that was stopped in between would find what it
/// hasn't had the time to read.
const LOOKS: u32 = 3;

/// The first of what waits to be read. Shorter ones might be the same by chance.
type Head = [u8; 32];

/// What the last look has found.
#[derive(Default)]
pub(super) struct Unread {
    at: Option<Instant>,
    /// By the sockets' cookies, and at how many looks.
    heads: HashMap<u64, (Head, u32)>,
}

impl Unread {
    /// Looks for such connections of this process, and ends them, if it is time.
    pub(super) fn look(&mut self, now: Instant, log: &Log) {
        let wait = Duration::from_secs(SECONDS);
        if self.at.is_some_and(|at| now.saturating_duration_since(at) < wait) {
            return;
        }
        self.at = Some(now);
        // The keepers say it if that fails.
        let zenohs = sockets::give_up_after(session::LEASE).unwrap_or_default();
        for address in self.end(&zenohs) {
            log(&format!(
                "the connection to {address} came about just when it was given up, and is not read: it is \
                 ended, so that the two computers connect anew"
            ));
        }
    }

    /// Ends those of `sockets` at which the same has waited for long enough. Zenoh notices when it writes to
    /// them next. Gives the addresses at their other ends.
    pub(super) fn end(&mut self, sockets: &[OwnedFd]) -> Vec<SocketAddr> {
        let mut ended = Vec::new();
        let before = std::mem::take(&mut self.heads);
        for socket in sockets {
            let (Ok(cookie), Some(head)) = (socket_cookie(socket), head(socket)) else { continue };
            let looks = match before.get(&cookie) {
                Some((same, looks)) if *same == head => looks + 1,
                _ => 1,
            };
            if looks < LOOKS {
                self.heads.insert(cookie, (head, looks));
                continue;
            }
            // It fails if the other side was faster.
            let _ = shutdown(socket, Shutdown::Both);
            let address = getpeername(socket).ok().flatten();
            ended.extend(address.and_then(|address| SocketAddr::try_from(address).ok()));
        }
        ended
    }
}

fn head(socket: &OwnedFd) -> Option<Head> {
    let mut head = [0; size_of::<Head>()];
    let (_, n) = recv(socket, &mut head, RecvFlags::PEEK | RecvFlags::DONTWAIT).ok()?;
    (n == head.len()).then_some(head)
}

#[cfg(test)]
mod tests;

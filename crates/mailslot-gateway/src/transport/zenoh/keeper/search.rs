//! Finding computers again that were cut off or stopped.

use std::time::{Duration, Instant};

use super::super::sockets::Scouts;
use super::super::{session, sockets};
use super::Keeper;

/// Ask for computers that were lost again after this long, and longer the more there are to answer.
const SEARCH_AGAIN: Duration = Duration::from_secs(1);
const SEARCH_EACH: Duration = Duration::from_millis(50);
/// Those that are gone for longer than the one are asked for after the other.
const LONG: Duration = Duration::from_secs(60);
const SEARCH_SELDOM: Duration = Duration::from_secs(3);

impl Keeper {
    /// No connection is to wait for a computer that is silent.
    pub(super) fn calm(&mut self) {
        if let Err(why) = sockets::give_up_after(session::LEASE)
            && !std::mem::replace(&mut self.said_sockets, true)
        {
            self.domain.log(&format!(
                "a computer that is cut off may hold up the others for 10 seconds, and be found \
                 again late, since the settings of its connection can't be changed: {why}"
            ));
        }
    }

    /// Zenoh learns which network interfaces there are once in a process.
    pub(super) fn tell_if_deaf(&self) {
        if self.scouts.as_ref().is_some_and(Scouts::is_empty) {
            self.domain.log(
                "cannot look for other computers by multicast: the network interface for it had no \
                 IPv4 address when the gateway first connected, or has another now; restart the gateway",
            );
        }
    }

    /// Looks for computers that were there before.
    pub(super) fn search(&mut self, now: Instant) {
        let (since, in_reach) = {
            let peers = self.domain.read();
            (peers.missed_since(now), peers.in_reach().len())
        };
        if let Some(since) = since
            && now >= self.search_at
        {
            // Connections that never came far enough for anybody to be seen.
            self.calm();
            if let Some(scouts) = &self.scouts {
                scouts.ask();
            }
            let long = now.saturating_duration_since(since) > LONG;
            let again = if long { SEARCH_SELDOM } else { SEARCH_AGAIN };
            let each = SEARCH_EACH * in_reach.try_into().unwrap_or(u32::MAX);
            self.search_at = now + again + each;
        }
    }
}

//! The member list: who has which, and how the newest gets to all.

use std::time::{Duration, Instant};

use super::super::wire;
use super::Keeper;
use crate::identity::{self, Identity, SignedList};

/// Look again whether a list that was sent has arrived; twice as long each time, up to the other.
pub(super) const TELL_AGAIN: Duration = Duration::from_secs(1);
const TELL_SELDOM: Duration = Duration::from_secs(600);

impl Keeper {
    pub(super) fn send_list(&self, to: &str) {
        let list = self.domain.read().list.clone();
        self.domain.say(to, wire::list(list.list().serial, list.text()));
    }

    /// A list has come from another computer.
    pub(super) fn heard(&mut self, from: &str, text: &[u8]) {
        let Identity { domain, authority_public, .. } = &self.identity;
        match SignedList::parse(text, domain, authority_public) {
            Ok(list) if list.list().serial > self.domain.read().serial() => {
                let kept = self.store.lock().and_then(|lock| self.store.save_members(&lock, &list));
                self.warn(kept);
                self.follow(list);
                let in_reach = self.domain.read().in_reach();
                in_reach.iter().for_each(|computer| self.greet(computer));
            }
            Ok(_) => {}
            Err(_) => self.domain.refuse(from),
        }
    }

    /// From now on `list` is true.
    pub(super) fn follow(&mut self, list: SignedList) {
        if self.identity.follow(list.list()) {
            let kept = self.store.lock().and_then(|l| self.store.save_identity(&l, &self.identity));
            self.warn(kept);
        }
        let now = Instant::now();
        self.tell = (now + TELL_AGAIN, TELL_AGAIN);
        let gone = self.domain.write().follow(list, identity::now(), now);
        for id in gone {
            if self.domain.read().get(id.computer()).is_none() {
                self.domain.log(&format!("{} is shut out", id.computer()));
            }
            self.domain.shared.sink.down(id);
        }
        self.tell_standing();
        self.domain.shared.announce();
    }

    /// Asks those who don't seem to have our list, since it may be lost; who answers that it hasn't is
    /// sent it again.
    pub(super) fn tell_again(&mut self, now: Instant) {
        let (at, wait) = self.tell;
        if now >= at {
            let behind = self.domain.read().behind();
            behind.iter().for_each(|computer| self.greet_so(computer, true));
            self.tell = (now + wait, (wait * 2).min(TELL_SELDOM));
        }
    }

    /// Tells everybody about our list.
    pub(super) fn spread(&self) {
        let in_reach = self.domain.read().in_reach();
        in_reach.iter().for_each(|computer| self.send_list(computer));
    }
}

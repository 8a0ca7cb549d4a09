//! What this computer is to the others of the domain, for its log: who is shut out is to know why.

use super::Keeper;
use crate::identity::{Identity, now};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Member,
    /// Its certificate has expired.
    Expired,
    /// The list doesn't name it.
    Revoked,
    /// The list names it with keys that it doesn't have.
    Replaced,
}

impl Keeper {
    fn find_standing(&self) -> Standing {
        let peers = self.domain.read();
        match peers.list.list().find(&peers.me) {
            None => Standing::Revoked,
            Some(me) if !self.identity.has(&me.exchange) => Standing::Replaced,
            Some(_) if self.identity.expires <= now() => Standing::Expired,
            Some(_) => Standing::Member,
        }
    }

    /// Says it if it has changed.
    pub(super) fn tell_standing(&mut self) {
        let standing = self.find_standing();
        if standing == std::mem::replace(&mut self.standing, standing) {
            return;
        }
        let why = match standing {
            Standing::Member => return,
            Standing::Expired => {
                "the certificate of this computer has expired, so the others refuse it"
            }
            Standing::Revoked => {
                "this computer is not on the domain's list, so the others don't take records from it: \
                 it was revoked, or its invitation has expired"
            }
            Standing::Replaced => {
                "the others know this computer by keys that it doesn't have, so they don't take \
                 records from it: another has used its invitation, or it was invited anew"
            }
        };
        let authority = self.domain.read().list.list().authority.clone();
        let Identity { computer, domain, .. } = &self.identity;
        let revoke = match standing {
            Standing::Revoked => String::new(),
            _ => format!("`mailslot domain revoke {computer}`, "),
        };
        self.domain.log(&format!(
            "{why}; to let it in, on {authority}: {revoke}`mailslot domain invite {computer}`, and here: \
             `mailslot domain leave {domain}`, then join by the new invitation"
        ));
    }

    /// The same, if its certificate has expired since.
    pub(super) fn tell_expiry(&mut self) {
        if self.standing == Standing::Member && self.identity.expires <= now() {
            self.tell_standing();
        }
    }
}

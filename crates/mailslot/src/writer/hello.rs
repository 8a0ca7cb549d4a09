//! What a write handle is for, and how it says so.

use std::sync::Arc;

use mailslot_wire::message::{self, Confirmed};

use crate::{Origin, SlotName};

/// What a write handle is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A slot of this computer.
    Local,
    /// A slot of other computers, by way of this computer's gateway.
    Remote,
    /// A slot of this computer, for a writer on another.
    Forward(Arc<Origin>),
}

impl Purpose {
    /// The first message on each connection.
    pub(super) fn hello(&self, name: &SlotName, confirmed: Option<Confirmed>) -> Option<Vec<u8>> {
        match self {
            Purpose::Local => None,
            Purpose::Remote => Some(message::target(name, confirmed)),
            Purpose::Forward(origin) => origin.message(),
        }
    }

    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Purpose::Remote)
    }
}

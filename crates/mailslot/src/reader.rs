//! The reader's side of all its writers.
//!
//! [`Peer`](peer::Peer) is one writer: its socket, and its ring once it has sent one. [`Core`] holds
//! them all and gives out their records in order of arrival. Neither waits; waiting, and several
//! threads on one handle, are the business of [`Mailslot`](crate::Mailslot).

mod core;
mod intake;
mod peer;
mod vault;

pub(crate) use core::{Core, Events};
pub(crate) use peer::{Next, Peer};
pub(crate) use vault::Vault;

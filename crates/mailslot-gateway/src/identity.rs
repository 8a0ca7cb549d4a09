//! Who belongs to a domain, and how a computer proves that it is one of them.
//!
//! A domain is an *authority*: a key that lies on the computer that created the domain. It issues
//! two things. A certificate lets a computer make TLS connections to the others. The *member list*
//! says which computers belong to the domain and with which exchange key each of them proves who it
//! is; it carries a serial number and a signature, every gateway passes the newest one on, and a
//! computer that is not in it does not exist.
//!
//! | module | what it is about |
//! |---|---|
//! | [`name`] | what computers and domains may be called |
//! | [`keys`] | key pairs, signatures, certificates |
//! | [`members`] | the member list |
//! | [`authority`] | what only the authority's computer can do |
//! | [`member`] | this computer's place in a domain, and its renewal |
//! | [`invitation`] | the file that makes a computer a member |
//! | [`store`] | all of it in files |

pub mod authority;
mod error;
pub mod invitation;
pub mod keys;
pub mod member;
pub mod members;
pub mod name;
pub mod store;
#[cfg(test)]
mod tests;

pub use authority::Authority;
pub use error::Error;
pub use invitation::Invitation;
pub use member::Identity;
pub use members::{Member, MemberList, SignedList};
pub use store::Store;

use std::time::{SystemTime, UNIX_EPOCH};

/// The time now, in seconds since 1970, which is how certificates and lists count.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

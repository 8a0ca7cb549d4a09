//! What can go wrong with identities.

use std::io;
use std::path::PathBuf;

/// Something about an identity, an invitation or a domain cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A computer or domain cannot be called that.
    #[error("{name:?} cannot be the name of a {what}: {why}")]
    Name {
        /// `computer` or `domain`.
        what: &'static str,
        /// What was asked for.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// The process was started without what Zenoh needs.
    #[error(
        "cannot connect to other computers: the process must be started with {variable}={setting:?} \
         in its environment, as `mailslot gateway` does by itself"
    )]
    Threads {
        /// The variable's name.
        variable: &'static str,
        /// Its value.
        setting: &'static str,
    },
    /// This computer already belongs to that domain.
    #[error(
        "this computer already belongs to domain {0}; `mailslot domain leave {0}` takes it out"
    )]
    AlreadyMember(String),
    /// This computer doesn't belong to that domain.
    #[error(
        "this computer does not belong to a domain {0}; `mailslot domain list` shows those it belongs to"
    )]
    NotMember(String),
    /// This computer belongs to no domain at all.
    #[error(
        "this computer belongs to no domain; `mailslot domain create NAME` makes one, and \
         `mailslot domain join FILE` accepts an invitation"
    )]
    NoDomain,
    /// Only the authority's computer can do that.
    #[error(
        "domain {domain} is not run from this computer: {what} is for the computer that created it"
    )]
    NotAuthority {
        /// The domain.
        domain: String,
        /// What was tried.
        what: &'static str,
    },
    /// The last authority's key would be lost.
    #[error(
        "this computer holds the key of domain {domain}, which {others} other computer(s) belong to; \
         leaving destroys it, and nobody can be invited, renewed or revoked any more. \
         If that is meant, leave with --destroy"
    )]
    HoldsAuthority {
        /// The domain.
        domain: String,
        /// How many computers belong to it, beside this one.
        others: usize,
    },
    /// There is such a computer already.
    #[error(
        "domain {domain} already has a computer {computer}; \
         `mailslot domain revoke {computer}` makes room for another of that name"
    )]
    ComputerExists {
        /// The domain.
        domain: String,
        /// The computer.
        computer: String,
    },
    /// There is no such computer.
    #[error(
        "domain {domain} has no computer {computer}; `mailslot domain list` shows its computers"
    )]
    NoSuchComputer {
        /// The domain.
        domain: String,
        /// The computer.
        computer: String,
    },
    /// The domain has as many computers as it can.
    #[error("domain {domain} has {most} computers already, which is the most")]
    TooMany {
        /// The domain.
        domain: String,
        /// The limit.
        most: usize,
    },
    /// The invitation is not one, or was damaged.
    #[error("this is not an invitation: {0}")]
    NoInvitation(String),
    /// The invitation came too late.
    #[error(
        "the invitation of {computer} to domain {domain} expired at {at} \
         (by this computer's clock it is {now}); ask for another (`mailslot domain invite {computer}`)"
    )]
    Expired {
        /// Who was invited.
        computer: String,
        /// To what.
        domain: String,
        /// When it expired.
        at: String,
        /// When this computer believes it to be.
        now: String,
    },
    /// A file of ours cannot be read or written.
    #[error("cannot {what} {path:?}: {source}")]
    Io {
        /// What was tried: `read`, `write`, ….
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file of ours says what it cannot say.
    #[error("{path:?} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file with a key is open to others.
    #[error(
        "{path:?} holds a key and others may read it (mode {mode:03o}); `chmod 600` it, or join anew if they have"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There is no directory to keep identities in.
    #[error(
        "no directory for the identity: neither $MAILSLOT_CONFIG_DIR, $XDG_CONFIG_HOME nor $HOME is set"
    )]
    NoDirectory,
    /// Cryptography failed.
    #[error("cannot {what}: {why}")]
    Crypto {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        why: String,
    },
}

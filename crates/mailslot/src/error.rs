//! What can go wrong, one type per kind of call. Every message says what was tried, on which slot,
//! why it failed and what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::{NameError, SlotName};

/// Why a mailslot was not created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name is no mailslot name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The name is a remote one.
    #[error(
        "cannot create {0}: a mailslot is created on the computer that reads it; use \\\\.\\mailslot\\{path}",
        path = .0.path()
    )]
    Remote(SlotName),
    /// A living slot has this name.
    #[error("cannot create {name}: it exists already, created by process {pid} of {owner}")]
    AlreadyExists {
        /// The slot.
        name: SlotName,
        /// The process that created it.
        pid: u32,
        /// The user it belongs to, as text.
        owner: String,
    },
    /// Another user's reader died and left the slot behind; only that user and root may clear it.
    #[error(
        "cannot create {name}: a dead slot of {owner} has this name; it goes when {owner} or root \
         creates the slot again, or runs: rm -r {path:?}"
    )]
    DeadSlotOfAnother {
        /// The slot.
        name: SlotName,
        /// The user it belongs to, as text.
        owner: String,
        /// Where it lies.
        path: PathBuf,
    },
    /// The directory that holds all slots can't be used.
    #[error(
        "cannot create {name}: cannot use the directory of slots {root:?}: {reason} \
         (MAILSLOT_DIR sets another)"
    )]
    Registry {
        /// The slot.
        name: SlotName,
        /// The directory.
        root: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A gateway runs already on this computer.
    #[error(
        "cannot start a gateway: process {pid} of {owner} is this computer's gateway already; stop \
         that one first"
    )]
    GatewayRuns {
        /// The gateway's process.
        pid: u32,
        /// The user it belongs to, as text.
        owner: String,
    },
    /// An option's value is out of its range.
    #[error("cannot create {name}: {reason}")]
    Option {
        /// The slot.
        name: SlotName,
        /// Which option, its value, and what is allowed.
        reason: String,
    },
    /// The system refused something.
    #[error("cannot create {name}: {action}: {}", hint(source))]
    Io {
        /// The slot.
        name: SlotName,
        /// What was tried.
        action: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

/// Why a mailslot was not opened for writing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is no mailslot name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Nobody has created the slot, or its reader is gone.
    #[error("cannot open {0}: there is no such slot; start the program that reads it first")]
    NoSuchSlot(Arc<SlotName>),
    /// The slot's creator doesn't let this user write.
    #[error(
        "cannot open {name}: access denied; it belongs to {owner}, who can let others write when \
         creating it"
    )]
    AccessDenied {
        /// The slot.
        name: Arc<SlotName>,
        /// The user it belongs to, as text.
        owner: String,
    },
    /// More writers have opened the slot than the system holds while its reader doesn't run.
    #[error(
        "cannot open {0}: full; its reader is busy or stopped and the system keeps no more new \
         writers waiting for it; try again when it runs"
    )]
    Full(Arc<SlotName>),
    /// A remote name needs the gateway.
    #[error(
        "cannot open {0}: no gateway is running on this computer; start one with `mailslot gateway`"
    )]
    NoGateway(Arc<SlotName>),
    /// This computer's gateway doesn't let this user write to other computers.
    #[error(
        "cannot open {name}: access denied by this computer's gateway, which belongs to {owner}, \
         who can let others use it when starting it"
    )]
    GatewayDenied {
        /// The slot.
        name: Arc<SlotName>,
        /// The user it belongs to, as text.
        owner: String,
    },
    /// What runs as this computer's gateway belongs to an ordinary user, who could read everything.
    #[error(
        "cannot open {name}: this computer's gateway belongs to {owner}, an ordinary user who could \
         keep your records; have it run by root or as a system service"
    )]
    GatewayNotTrusted {
        /// The slot.
        name: Arc<SlotName>,
        /// The user it belongs to, as text.
        owner: String,
    },
    /// The slot doesn't take records from this computer of the network.
    #[error(
        "cannot open {name} for {computer} of domain {domain}: the slot doesn't take records from \
         there; its creator can allow it"
    )]
    NetworkRefused {
        /// The slot.
        name: Arc<SlotName>,
        /// The computer where the records come from.
        computer: String,
        /// The domain that vouches for it.
        domain: String,
    },
    /// The system refused something.
    #[error("cannot open {name}: {action}: {}", hint(source))]
    Io {
        /// The slot.
        name: Arc<SlotName>,
        /// What was tried.
        action: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

/// Why a record was not written. Nothing of it is queued, except perhaps a confirmed record after
/// [`WriteError::GatewayGone`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The slot had to be opened again, and couldn't be.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The record is larger than the slot takes.
    #[error("cannot write {len} bytes to {name}: its records have at most {max} bytes")]
    TooLarge {
        /// The slot.
        name: Arc<SlotName>,
        /// Bytes of the record.
        len: u64,
        /// The largest record that the slot takes, in bytes.
        max: u64,
    },
    /// The records waiting reach the quota, or the time-out passed before there was room.
    #[error(
        "cannot write to {name}: full; the reader has not kept up and its quota of {quota} bytes \
         for each writer is used up; try again later, or let the write wait"
    )]
    Full {
        /// The slot.
        name: Arc<SlotName>,
        /// Bytes that may wait per writer.
        quota: u64,
    },
    /// The slot's last reader is gone, and with it the records it had not read. The next write
    /// looks for the name anew.
    #[error(
        "cannot write to {0}: its reader is gone, with the records it had not read; a further \
         write opens the slot again if somebody has created it anew"
    )]
    SlotGone(Arc<SlotName>),
    /// The gateway knows no computer or domain of that name.
    #[error(
        "cannot write to {0}: computer not found; check its name, and that it runs a gateway and \
         belongs to a domain of this computer"
    )]
    ComputerNotFound(Arc<SlotName>),
    /// This computer's gateway doesn't let this user write there.
    #[error("cannot write to {0}: access denied by this computer's gateway; ask whoever runs it")]
    Denied(Arc<SlotName>),
    /// This computer's gateway has ended. Records that it had not passed on are lost; of a confirmed
    /// record it is not known what became of it.
    #[error(
        "cannot write to {0}: this computer's gateway has ended, with what it had not passed on; a \
         further write connects to the next one, start it with `mailslot gateway`"
    )]
    GatewayGone(Arc<SlotName>),
    /// The handle is for confirmed writes.
    #[error(
        "cannot write to {0} so: the handle was opened for confirmed writes; use write_confirmed, \
         or open another"
    )]
    ForConfirmed(Arc<SlotName>),
    /// The handle is not for confirmed writes.
    #[error(
        "cannot write to {0} and confirm it: open the handle with WriterOptions::confirmed(true)"
    )]
    NotForConfirmed(Arc<SlotName>),
    /// The system refused something.
    #[error("cannot write to {name}: {action}: {}", hint(source))]
    Io {
        /// The slot.
        name: Arc<SlotName>,
        /// What was tried.
        action: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

/// Why a read gave no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No record arrived in time.
    #[error("no record arrived in {name} {}", within(timeout))]
    TimedOut {
        /// The slot.
        name: SlotName,
        /// How long the read waited.
        timeout: Duration,
    },
    /// The buffer can't hold the next record, which stays where it is.
    #[error(
        "the next record of {name} has {needed} bytes, the buffer {given}; the record stays: read \
         it with a larger buffer"
    )]
    BufferTooSmall {
        /// The slot.
        name: SlotName,
        /// Bytes of the record.
        needed: usize,
        /// Bytes of the buffer.
        given: usize,
    },
    /// Another thread called [`Mailslot::cancel`](crate::Mailslot::cancel).
    #[error("the read of {0} was cancelled")]
    Cancelled(SlotName),
    /// The process was forked, and the slot is not inheritable.
    #[error(
        "cannot read {0} here: the process that created it was forked and the slot is not \
         inheritable; create it with `inheritable(true)` to read it in children too"
    )]
    Forked(SlotName),
    /// The system refused something.
    #[error("cannot read {name}: {action}: {}", hint(source))]
    Io {
        /// The slot.
        name: SlotName,
        /// What was tried.
        action: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

/// Why a read handle could not be handed over or taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// The slot was not created with `inheritable(true)`.
    #[error(
        "cannot hand over the read handle of {0}: the slot is not inheritable; create it with \
         `inheritable(true)`"
    )]
    NotInheritable(SlotName),
    /// The descriptor (or the environment variable that names it) is no read handle.
    #[error("this is not the read handle of a mailslot: {0}")]
    NotAHandle(String),
    /// The system refused something.
    #[error("cannot take over the read handle of a mailslot: {action}: {}", hint(source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

fn within(timeout: &Duration) -> String {
    if timeout.is_zero() { "so far".into() } else { format!("within {timeout:?}") }
}

/// The system's answer, with what to do where that is known.
fn hint(error: &io::Error) -> String {
    use rustix::io::Errno;
    let advice = match Errno::from_io_error(error) {
        Some(Errno::MFILE) => "; raise this process's limit on descriptors (ulimit -n)",
        Some(Errno::NFILE) => "; the whole system has no descriptors left (sysctl fs.file-max)",
        Some(Errno::FBIG) => "; raise the limit on file sizes (ulimit -f)",
        Some(Errno::TOOMANYREFS) => {
            "; the reader has not taken what this user's writers sent already: try again when it \
             runs, or raise the limit on descriptors (ulimit -n)"
        }
        Some(Errno::NOSPC | Errno::DQUOT) => "; make room on the file system of the slots",
        Some(Errno::NOMEM) => {
            "; free memory, raise the limit on this process (ulimit -v), or give the slot a smaller \
             quota"
        }
        _ => "",
    };
    format!("{error}{advice}")
}

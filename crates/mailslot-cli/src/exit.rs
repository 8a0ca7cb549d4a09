//! Exit codes, and which one an error means.

use std::fmt;
use std::io::{self, ErrorKind};

use mailslot::{CreateError, OpenError, ReadError, WriteError};

use crate::stdout;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success,
    Failure,
    Usage,
    NoSuchSlot,
    AccessDenied,
    Full,
    TimedOut,
    Exists,
    TooLarge,
    ReaderGone,
    NoGateway,
    NoSuchComputer,
    NotEverywhere,
    /// Ended by this signal.
    Signal(u8),
}

/// Every code with its meaning, as help and man pages show it.
pub(crate) const CODES: [(&str, &str); 14] = [
    ("0", "Success. Standard output that nobody reads any more is a success, too"),
    ("1", "Any other failure; also: a command of --exec failed"),
    ("2", "The command line is wrong"),
    ("3", "There is no such slot, or none that matches the pattern"),
    ("4", "Access denied"),
    ("5", "The slot is full: its reader has not kept up"),
    (
        "6",
        "The time-out passed and nothing, or less than --count, had been read; or no answer to \
         --confirm had come",
    ),
    ("7", "The slot cannot be created: its name is taken"),
    ("8", "The record is larger than the slot takes"),
    ("9", "The slot's reader is gone"),
    ("10", "The name is on another computer and no gateway runs here"),
    ("11", "There is no such computer or domain"),
    (
        "12",
        "A confirmed record was accepted on some computers only, or refused for several reasons",
    ),
    ("128+N", "Ended by signal N: 130 by Ctrl-C (SIGINT), 143 by SIGTERM, 129 by SIGHUP"),
];

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::NoSuchSlot => 3,
            Exit::AccessDenied => 4,
            Exit::Full => 5,
            Exit::TimedOut => 6,
            Exit::Exists => 7,
            Exit::TooLarge => 8,
            Exit::ReaderGone => 9,
            Exit::NoGateway => 10,
            Exit::NoSuchComputer => 11,
            Exit::NotEverywhere => 12,
            Exit::Signal(number) => number.saturating_add(128),
        }
    }

    /// What `error` means: the first of its causes that means something decides.
    pub(crate) fn of(error: &anyhow::Error) -> Exit {
        let meaning = error.chain().find_map(|cause| {
            if let Some(e) = cause.downcast_ref::<Failure>() {
                Some(e.exit)
            } else if let Some(e) = cause.downcast_ref::<stdout::Error>() {
                Some(if e.nobody_reads() { Exit::Success } else { Exit::Failure })
            } else if let Some(e) = cause.downcast_ref() {
                Some(of_create(e))
            } else if let Some(e) = cause.downcast_ref() {
                Some(of_open(e))
            } else if let Some(e) = cause.downcast_ref() {
                Some(of_write(e))
            } else if let Some(e) = cause.downcast_ref() {
                Some(of_read(e))
            } else if let Some(e) = cause.downcast_ref() {
                Some(of_io(e))
            } else {
                of_identity(cause)
            }
        });
        meaning.unwrap_or(Exit::Failure)
    }
}

fn of_create(error: &CreateError) -> Exit {
    match error {
        CreateError::Name(_) | CreateError::Remote(_) | CreateError::Option { .. } => Exit::Usage,
        CreateError::AlreadyExists { .. } | CreateError::DeadSlotOfAnother { .. } => Exit::Exists,
        CreateError::Io { source, .. } => of_io(source),
        _ => Exit::Failure,
    }
}

fn of_open(error: &OpenError) -> Exit {
    match error {
        OpenError::Name(_) => Exit::Usage,
        OpenError::NoSuchSlot(_) => Exit::NoSuchSlot,
        OpenError::AccessDenied { .. }
        | OpenError::GatewayDenied { .. }
        | OpenError::GatewayNotTrusted { .. } => Exit::AccessDenied,
        OpenError::Full(_) => Exit::Full,
        OpenError::NoGateway(_) => Exit::NoGateway,
        OpenError::Io { source, .. } => of_io(source),
        _ => Exit::Failure,
    }
}

fn of_write(error: &WriteError) -> Exit {
    match error {
        WriteError::Open(error) => of_open(error),
        WriteError::TooLarge { .. } => Exit::TooLarge,
        WriteError::Full { .. } => Exit::Full,
        WriteError::SlotGone(_) => Exit::ReaderGone,
        WriteError::GatewayGone(_) => Exit::NoGateway,
        WriteError::ComputerNotFound(_) => Exit::NoSuchComputer,
        WriteError::Denied(_) => Exit::AccessDenied,
        WriteError::Io { source, .. } => of_io(source),
        _ => Exit::Failure,
    }
}

fn of_read(error: &ReadError) -> Exit {
    match error {
        ReadError::TimedOut { .. } => Exit::TimedOut,
        ReadError::Io { source, .. } => of_io(source),
        _ => Exit::Failure,
    }
}

/// What an error of `mailslot domain` and of the gateway's keys means, if it means something.
#[cfg(feature = "gateway")]
fn of_identity(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    use mailslot_gateway::identity::Error;
    match cause.downcast_ref()? {
        Error::Name { .. } => Some(Exit::Usage),
        Error::NoSuchComputer { .. } | Error::NotMember(_) => Some(Exit::NoSuchComputer),
        // A cause of its own follows, or it is any other failure.
        _ => None,
    }
}

#[cfg(not(feature = "gateway"))]
fn of_identity(_: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    None
}

fn of_io(error: &io::Error) -> Exit {
    match error.kind() {
        ErrorKind::PermissionDenied => Exit::AccessDenied,
        _ => Exit::Failure,
    }
}

/// A failure of the command's own, with the exit code it means.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

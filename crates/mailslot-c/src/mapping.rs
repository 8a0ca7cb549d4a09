//! Which number stands for which error of the Rust library. This is the only place that decides it.

use std::io;

use mailslot_rs::gateway::Outcome;
use mailslot_rs::{CreateError, HandleError, NameError, OpenError, ReadError, WriteError};
use rustix::io::Errno;

use crate::code::Code;

pub(crate) fn of_create(error: &CreateError) -> Code {
    match error {
        CreateError::Name(error) => of_name(error),
        CreateError::Remote(_) => Code::PATH_NOT_FOUND,
        CreateError::AlreadyExists { .. } => Code::ALREADY_EXISTS,
        // Not 183: nobody reads from it, and this user may not clear it away.
        CreateError::DeadSlotOfAnother { .. } => Code::ACCESS_DENIED,
        CreateError::Registry { .. } => Code::NOT_READY,
        CreateError::Option { .. } => Code::INVALID_PARAMETER,
        CreateError::Io { source, .. } => of_io(source),
        _ => Code::GEN_FAILURE,
    }
}

pub(crate) fn of_name(error: &NameError) -> Code {
    match error {
        NameError::Empty => Code::PATH_NOT_FOUND,
        NameError::TooLong { .. } => Code::FILENAME_EXCED_RANGE,
        _ => Code::INVALID_NAME,
    }
}

pub(crate) fn of_open(error: &OpenError) -> Code {
    match error {
        // A file, a pipe, a device: nothing that this library opens.
        OpenError::Name(NameError::NotAMailslot { .. }) => Code::NOT_SUPPORTED,
        OpenError::Name(error) => of_name(error),
        OpenError::NoSuchSlot(_) => Code::FILE_NOT_FOUND,
        OpenError::AccessDenied { .. }
        | OpenError::GatewayDenied { .. }
        | OpenError::GatewayNotTrusted { .. } => Code::ACCESS_DENIED,
        OpenError::Full(_) => Code::PIPE_BUSY,
        OpenError::NoGateway(_) => Code::REMOTE_MAILSLOTS_DEPRECATED,
        OpenError::Io { source, .. } => of_io(source),
        _ => Code::GEN_FAILURE,
    }
}

pub(crate) fn of_write(error: &WriteError) -> Code {
    match error {
        WriteError::Open(error) => of_open(error),
        WriteError::TooLarge { .. } => Code::INVALID_PARAMETER,
        WriteError::Full { .. } => Code::NOT_ENOUGH_QUOTA,
        WriteError::SlotGone(_) => Code::FILE_NOT_FOUND,
        WriteError::ComputerNotFound(_) | WriteError::GatewayGone(_) => Code::BAD_NETPATH,
        WriteError::Denied(_) => Code::ACCESS_DENIED,
        WriteError::Io { source, .. } => of_io(source),
        _ => Code::GEN_FAILURE,
    }
}

/// What `MAILSLOT_OUTCOME` says of a computer.
pub(crate) fn of_outcome(outcome: Outcome) -> Code {
    match outcome {
        Outcome::Accepted => Code::SUCCESS,
        Outcome::NoSuchSlot => Code::FILE_NOT_FOUND,
        Outcome::Full => Code::NOT_ENOUGH_QUOTA,
        Outcome::Denied => Code::ACCESS_DENIED,
        Outcome::TooLarge => Code::INVALID_PARAMETER,
        Outcome::NoAnswer => Code::TIMEOUT,
        _ => Code::GEN_FAILURE,
    }
}

pub(crate) fn of_read(error: &ReadError) -> Code {
    match error {
        ReadError::TimedOut { .. } => Code::SEM_TIMEOUT,
        ReadError::BufferTooSmall { .. } => Code::INSUFFICIENT_BUFFER,
        ReadError::Cancelled(_) => Code::OPERATION_ABORTED,
        ReadError::Forked(_) => Code::INVALID_HANDLE,
        ReadError::Io { source, .. } => of_io(source),
        _ => Code::GEN_FAILURE,
    }
}

pub(crate) fn of_hand_over(error: &HandleError) -> Code {
    match error {
        HandleError::NotInheritable(_) => Code::NOT_SUPPORTED,
        HandleError::NotAHandle(_) => Code::INVALID_HANDLE,
        HandleError::Io { source, .. } => of_io(source),
        _ => Code::GEN_FAILURE,
    }
}

pub(crate) fn of_io(error: &io::Error) -> Code {
    Errno::from_io_error(error).map_or(Code::GEN_FAILURE, of_errno)
}

pub(crate) fn of_errno(errno: Errno) -> Code {
    match errno {
        Errno::NOENT => Code::FILE_NOT_FOUND,
        Errno::NOTDIR => Code::PATH_NOT_FOUND,
        Errno::MFILE | Errno::NFILE => Code::TOO_MANY_OPEN_FILES,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => Code::ACCESS_DENIED,
        Errno::BADF | Errno::NOTSOCK => Code::INVALID_HANDLE,
        Errno::NOMEM | Errno::NOBUFS => Code::NOT_ENOUGH_MEMORY,
        Errno::NOSPC | Errno::DQUOT => Code::DISK_FULL,
        Errno::INVAL => Code::INVALID_PARAMETER,
        Errno::EXIST => Code::ALREADY_EXISTS,
        Errno::PIPE | Errno::CONNRESET => Code::BROKEN_PIPE,
        Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN => Code::BAD_NETPATH,
        Errno::TIMEDOUT => Code::TIMEOUT,
        _ => Code::GEN_FAILURE,
    }
}

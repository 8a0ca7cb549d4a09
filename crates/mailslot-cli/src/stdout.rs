//! Standard output without a hidden buffer, and with errors that say it was standard output.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// Standard output, unbuffered: its users know when they have something to write.
pub(crate) struct Stdout(File);

impl Stdout {
    pub(crate) fn new() -> Result<Self, Error> {
        let fd = io::stdout().as_fd().try_clone_to_owned().map_err(Error)?;
        Ok(Self(File::from(fd)))
    }

    /// Writes all of it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.write_all(bytes).map_err(Error)
    }

    /// Writes `text` and a line feed in one go.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Error> {
        self.write(format!("{text}\n").as_bytes())
    }
}

impl AsFd for Stdout {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Standard output could not be written.
#[derive(Debug)]
pub(crate) struct Error(io::Error);

impl Error {
    /// Whether all that happened is that nobody reads it any more.
    pub(crate) fn nobody_reads(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write to standard output: {}", self.0)
    }
}

impl std::error::Error for Error {}

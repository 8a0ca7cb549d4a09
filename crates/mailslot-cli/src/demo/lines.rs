//! The lines that a process writes, as they come.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use anyhow::bail;

use super::show::PATIENCE;

/// Lines from a pipe, read by a thread that ends with it.
pub(super) struct Lines(Receiver<String>);

impl Lines {
    pub(super) fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                // What nobody wants is read all the same: the process must not wait for us.
                let _ = sender.send(line);
            }
        });
        Self(receiver)
    }

    /// The next one.
    pub(super) fn next(&mut self) -> anyhow::Result<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => bail!("nothing came for {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the process has ended"),
        }
    }
}

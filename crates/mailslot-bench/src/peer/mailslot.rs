//! The library that this project is. The reader reads into a buffer of its own; a writer that
//! outruns it waits for room.

use std::sync::Once;
use std::time::Duration;

use anyhow::Result;
use mailslot::{Mailslot, MailslotOptions, MailslotWriter, SlotName, WriteError};

use super::{Address, Peer, Rx, Tx};

const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Slots;

impl Peer for Slots {
    type Rx = Mailslot;
    type Tx = MailslotWriter;
}

fn name(at: &Address) -> Result<SlotName> {
    // Once, as programs do: writers of one record each come here for each.
    static DIRECTORY: Once = Once::new();
    // SAFETY: children of the benchmark call this before they start a thread.
    DIRECTORY.call_once(|| unsafe { std::env::set_var("MAILSLOT_DIR", &at.dir) });
    Ok(format!(r"\\.\mailslot\bench\{}", at.name).parse()?)
}

impl Rx for Mailslot {
    fn listen(at: &Address) -> Result<Self> {
        let spin = if at.spin { LONG } else { Duration::ZERO };
        Ok(MailslotOptions::new().quota(at.quota).spin(spin).create(name(at)?)?)
    }

    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize> {
        Ok(self.exclusive().read(into)?)
    }
}

impl Tx for MailslotWriter {
    fn connect(at: &Address, _: usize) -> Result<Self> {
        Ok(MailslotWriter::options().wait_when_full(LONG).open(name(at)?)?)
    }

    #[inline]
    fn send(&mut self, record: &[u8]) -> Result<()> {
        Ok(self.write_timeout(record, LONG)?)
    }

    fn try_send(&mut self, record: &[u8]) -> Result<bool> {
        match self.try_write(record) {
            Ok(()) => Ok(true),
            Err(WriteError::Full { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

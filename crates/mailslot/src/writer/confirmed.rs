//! Writes that tell what became of the record.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use super::MailslotWriter;
use super::hello::Purpose;
use super::link::{Failure, Link};
use crate::gateway::Outcome;
use crate::{Confirmation, OpenError, WriteError, clock};

/// By this much earlier than the writer the gateway gives up, at most, so that its answer arrives in
/// time.
const MARGIN: Duration = Duration::from_millis(100);

/// Between looks for a gateway after one has gone; up to 16 times as long if it takes a while.
const PAUSE: Duration = Duration::from_millis(10);

impl MailslotWriter {
    /// Writes one record and waits, at most `timeout`, for what became of it on each computer that
    /// the name means. For that the handle must be opened with
    /// [`confirmed(true)`](super::WriterOptions::confirmed).
    ///
    /// Whatever the outcomes are, there is no error if they could be learnt; see
    /// [`Confirmation::is_accepted`]. A computer of which nothing was heard in time counts as
    /// [`Outcome::NoAnswer`], never as success: the record may have arrived there or not, at most
    /// once. So does one whose reader ended right after the record had been queued. After an error
    /// nothing is known, unless it says more; only [`WriteError::GatewayGone`] can mean that the
    /// record arrived all the same.
    ///
    /// If this computer's gateway is killed meanwhile, or has been since the last write, the record is
    /// handed to the next one, if that starts before `timeout` is over. It still arrives at most once,
    /// and the outcomes are true.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use mailslot::MailslotWriter;
    ///
    /// let mut office = MailslotWriter::options().confirmed(true).open(r"\\*\mailslot\notes")?;
    /// let confirmation = office.write_confirmed(b"Tea is ready", Duration::from_secs(1))?;
    /// for (computer, outcome) in confirmation.outcomes() {
    ///     println!("{computer}: {outcome}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_confirmed(
        &mut self,
        record: &[u8],
        timeout: Duration,
    ) -> Result<Confirmation, WriteError> {
        if !self.options.confirmed {
            return Err(WriteError::NotForConfirmed(self.name.clone()));
        }
        self.link = self.parked.take();
        let result = match self.purpose {
            Purpose::Remote => self.write_and_wait(record, timeout),
            Purpose::Local | Purpose::Forward(_) => self.write_here(record, timeout),
        };
        self.parked = self.link.take();
        result
    }

    /// The slot is here: what is queued is accepted.
    fn write_here(&mut self, record: &[u8], timeout: Duration) -> Result<Confirmation, WriteError> {
        // One that has gone since the last write is told from one that goes with this record.
        if self.check().is_err() {
            self.disconnect();
        }
        let outcome = match self.transmit(&[IoSlice::new(record)], timeout) {
            Ok(()) if self.check().is_ok() => Outcome::Accepted,
            // The reader has read it or not, and nobody will know.
            Ok(()) => Outcome::NoAnswer,
            Err(WriteError::Full { .. } | WriteError::Open(OpenError::Full(_))) => Outcome::Full,
            Err(WriteError::SlotGone(_) | WriteError::Open(OpenError::NoSuchSlot(_))) => {
                Outcome::NoSuchSlot
            }
            Err(WriteError::Open(OpenError::AccessDenied { .. })) => Outcome::Denied,
            Err(WriteError::TooLarge { .. }) => Outcome::TooLarge,
            Err(other) => return Err(other),
        };
        Ok(Confirmation::local(outcome))
    }

    /// Fails if the slot's reader has gone by now: then what was written and not read is lost. A
    /// write notices that only up to a millisecond later.
    pub fn check(&mut self) -> Result<(), WriteError> {
        match self.link.as_ref().map(Link::check) {
            None | Some(Ok(())) => Ok(()),
            // Its reader had the record, and closed the connection to make room: does it live?
            Some(Err(Failure::Evicted)) => {
                self.disconnect();
                Ok(self.connect(Duration::ZERO)?)
            }
            Some(Err(failure)) => Err(self.explain(failure)),
        }
    }

    /// If the gateway goes meanwhile, the record is repeated to the next one, under the number that
    /// it has: whoever has had it answers from memory.
    fn write_and_wait(
        &mut self,
        record: &[u8],
        timeout: Duration,
    ) -> Result<Confirmation, WriteError> {
        let deadline = Instant::now().checked_add(timeout);
        let left = || deadline.map_or(timeout, |d| d.saturating_duration_since(Instant::now()));
        let mut sent = false;
        // Whether a gateway has gone since this began.
        let mut gone = false;
        let mut pause = Duration::ZERO;
        let result = loop {
            let error = match self.attempt(record, left(), deadline, &mut sent) {
                Err(error) if gone || matches!(error, WriteError::GatewayGone(_)) => error,
                other => break other,
            };
            gone = true;
            // A gateway numbers the records of a connection as they come: what is repeated needs
            // another connection.
            self.disconnect();
            if left().is_zero() {
                break Err(if sent { WriteError::GatewayGone(self.name.clone()) } else { error });
            }
            std::thread::sleep(pause.min(left()));
            pause = (pause * 2).clamp(PAUSE, 16 * PAUSE);
        };
        self.confirmed += u64::from(sent);
        result
    }

    /// Sends a record to the gateway that is there now, and waits. `sent` becomes true once it may
    /// go on.
    fn attempt(
        &mut self,
        record: &[u8],
        timeout: Duration,
        deadline: Option<Instant>,
        sent: &mut bool,
    ) -> Result<Confirmation, WriteError> {
        let margin = MARGIN.min(timeout / 8);
        let told = timeout.saturating_sub(margin).as_millis().try_into().unwrap_or(u32::MAX);
        let head = told.to_le_bytes();
        self.transmit(&[IoSlice::new(&head), IoSlice::new(record)], timeout).map_err(|error| {
            match error {
                // The head is none of the writer's business.
                WriteError::TooLarge { name, len, max } => {
                    let head = head.len() as u64;
                    WriteError::TooLarge { name, len: len - head, max: max.saturating_sub(head) }
                }
                other => other,
            }
        })?;
        *sent = true;
        let waited = match &mut self.link {
            Some(link) => link.wait_for_outcomes(self.confirmed, deadline),
            None => Err(Failure::Gone),
        };
        match waited {
            Ok((outcomes, complete)) => Ok(Confirmation { outcomes, complete }),
            Err(failure) => Err(self.explain(failure)),
        }
    }

    fn transmit(&mut self, parts: &[IoSlice<'_>], patience: Duration) -> Result<(), WriteError> {
        match self.link.as_mut().map(|link| link.send(parts, clock::now())) {
            Some(Ok(())) => Ok(()),
            Some(Err(failure)) => self.retry(failure, parts, patience),
            None => self.retry(Failure::Unopened, parts, patience),
        }
    }
}

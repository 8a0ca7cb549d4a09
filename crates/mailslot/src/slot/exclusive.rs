//! Reading without a lock.

use std::time::Duration;

use super::Mailslot;
use crate::ReadError;

/// A reader that has the handle for itself. See [`Mailslot::exclusive`].
#[derive(Debug)]
pub struct Exclusive<'a> {
    pub(super) slot: &'a mut Mailslot,
}

impl Exclusive<'_> {
    /// [`Mailslot::read`].
    #[inline]
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, ReadError> {
        match self.slot.take_alone(buf) {
            Some(len) => Ok(len),
            None => self.slot.read_next(buf, self.slot.timeout()),
        }
    }

    /// [`Mailslot::read_at_hand`].
    #[doc(hidden)]
    #[inline]
    pub fn read_at_hand(&mut self, buf: &mut [u8]) -> Option<usize> {
        self.slot.take_alone(buf)
    }

    /// [`Mailslot::read_timeout`].
    #[inline]
    pub fn read_timeout(
        &mut self,
        buf: &mut [u8],
        timeout: Option<Duration>,
    ) -> Result<usize, ReadError> {
        match self.slot.take_alone(buf) {
            Some(len) => Ok(len),
            None => self.slot.read_next(buf, timeout),
        }
    }
}

//! The descriptor that says that somebody wants something of the reader.

use std::os::fd::OwnedFd;

use super::Core;

impl Core {
    /// Makes the polled descriptor readable, or no longer so.
    pub(crate) fn set_attention(&mut self, on: bool) {
        if on != self.attention_raised {
            self.attention_raised = on;
            if on {
                raise(&self.attention);
            } else {
                lower(&self.attention);
            }
        }
    }

    /// Wakes the thread that waits.
    pub(crate) fn kick(&self) {
        raise(&self.attention);
    }
}

fn raise(attention: &OwnedFd) {
    // It only fails where the count is at its end, and then it is readable.
    let _ = rustix::io::write(attention, &1u64.to_ne_bytes());
}

pub(super) fn lower(attention: &OwnedFd) {
    let _ = rustix::io::read(attention, &mut [0; 8]);
}

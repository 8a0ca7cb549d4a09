//! What this computer's gateway tells a writer.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;

use mailslot_wire::answer::{ANSWER_MAX, Answer, Outcome, TargetState};
use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::socket::look;

/// How long the first write waits for the gateway to say whether there is such a computer. It says
/// so from what it knows, so this only passes if it is stopped or very busy.
pub(super) const TARGET_WITHIN: Duration = Duration::from_millis(200);

/// At most so many answers are taken in at a time: a hostile gateway goes on and on.
const MAX_HEARD: u32 = 1000;

/// More outcomes than this no honest gateway has for one record.
const MAX_OUTCOMES: usize = 100_000;

/// What has been heard on one connection.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// `None`: nothing so far.
    pub(super) target: Option<TargetState>,
    pub(super) lost: u64,
    /// The record that outcomes are awaited of.
    awaited: u64,
    pub(super) outcomes: BTreeMap<String, Outcome>,
    /// All outcomes of that record are there.
    pub(super) complete: bool,
}

impl Answers {
    /// From here on, outcomes of `record` count.
    pub(super) fn await_outcomes(&mut self, record: u64) {
        self.awaited = record;
        self.outcomes.clear();
        self.complete = false;
    }

    /// Takes in what has arrived. Doesn't wait.
    pub(super) fn hear(&mut self, socket: &OwnedFd) {
        let mut buffer = [0; 512];
        for _ in 0..MAX_HEARD {
            let flags = RecvFlags::DONTWAIT | RecvFlags::PEEK | RecvFlags::TRUNC;
            let len = match rustix::net::recv(socket, &mut buffer, flags) {
                // The end, or an empty datagram, which must not stay in front of the others.
                Ok((_, 0)) => {
                    let _ = rustix::net::recv(socket, &mut buffer, RecvFlags::DONTWAIT);
                    if look(socket, true).is_err() {
                        return;
                    }
                    continue;
                }
                Ok((_, len)) => len,
                Err(Errno::INTR) => continue,
                Err(_) => return,
            };
            // Most are short. A long one is looked at again, in a buffer of its length.
            let mut large = vec![0; if len > buffer.len() { len.min(ANSWER_MAX + 1) } else { 0 }];
            let into = if large.is_empty() { &mut buffer[..] } else { &mut large[..] };
            let Ok((taken, _)) = rustix::net::recv(socket, &mut *into, RecvFlags::DONTWAIT) else {
                return;
            };
            match Answer::parse(&into[..taken]) {
                Some(Answer::Target(state)) => self.target = Some(state),
                Some(Answer::Lost(records)) => self.lost = self.lost.max(records),
                Some(Answer::Outcomes { record, last, outcomes }) if record == self.awaited => {
                    for (outcome, computer) in outcomes {
                        if self.outcomes.len() < MAX_OUTCOMES {
                            self.outcomes.insert(computer.to_owned(), outcome);
                        }
                    }
                    self.complete |= last;
                }
                // Too late, or only that there is room.
                _ => {}
            }
        }
    }
}

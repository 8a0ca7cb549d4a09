//! A whole slot beside a plain model: several writers, one reader, random calls one after the other.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::AsFd;
use std::time::Duration;

use mailslot::{Mailslot, MailslotOptions, MailslotWriter, ReadError, WriteError};
use mailslot_wire::message::INLINE_MAX;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::{Case, NAME, both_kinds, open_descriptors, rings, scale, writer};

pub(crate) const CASES: &[Case] = &[Case::new("model::random_calls", random_calls).long()];

const WRITERS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum How {
    Write,
    Try,
    Timeout,
    Vectored,
}

#[derive(Clone, Debug)]
enum Call {
    Write {
        writer: usize,
        len: usize,
        how: How,
    },
    /// The largest record that fits, or one byte more.
    Fill {
        writer: usize,
        beyond: bool,
    },
    Reopen {
        writer: usize,
    },
    Close {
        writer: usize,
    },
    Clone {
        from: usize,
        to: usize,
    },
    Read {
        buffer: usize,
        /// By a reader that has the handle for itself.
        alone: bool,
    },
    /// With a buffer just large enough, or a byte too small.
    ReadTightly {
        short: bool,
    },
    Batch {
        buffer: usize,
        most: usize,
    },
    Receive,
    Peek,
    Info,
    Poll,
    Drain,
    Recreate,
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![
        6 => 0..200usize,
        2 => 200..5000usize,
        1 => INLINE_MAX - 2..INLINE_MAX + 3,
        1 => 10_000..120_000usize,
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let at = 0..WRITERS;
    let how =
        prop_oneof![Just(How::Write), Just(How::Try), Just(How::Timeout), Just(How::Vectored)];
    prop_oneof![
        12 => (at.clone(), len(), how).prop_map(|(writer, len, how)| Call::Write { writer, len, how }),
        3 => (at.clone(), any::<bool>()).prop_map(|(writer, beyond)| Call::Fill { writer, beyond }),
        1 => at.clone().prop_map(|writer| Call::Reopen { writer }),
        1 => at.clone().prop_map(|writer| Call::Close { writer }),
        1 => (at.clone(), at).prop_map(|(from, to)| Call::Clone { from, to }),
        4 => (len(), any::<bool>()).prop_map(|(buffer, alone)| Call::Read { buffer, alone }),
        3 => any::<bool>().prop_map(|short| Call::ReadTightly { short }),
        2 => (len(), 0..9usize).prop_map(|(buffer, most)| Call::Batch { buffer, most }),
        5 => Just(Call::Receive),
        2 => Just(Call::Peek),
        2 => Just(Call::Info),
        1 => Just(Call::Poll),
        1 => Just(Call::Drain),
        1 => Just(Call::Recreate),
    ]
}

/// A record that waits: its bytes, and the connection in whose ring it is.
struct Waiting {
    bytes: Vec<u8>,
    ring: Option<u64>,
}

/// A write handle, and what the model knows of it.
struct Writer {
    handle: MailslotWriter,
    connection: u64,
    spoke: bool,
}

struct Slot {
    handle: Mailslot,
    writers: [Option<Writer>; WRITERS],
    queue: VecDeque<Waiting>,
    options: MailslotOptions,
    quota: u64,
    /// Records and connections so far.
    count: u64,
}

/// Bytes that a waiting record takes of the quota.
fn footprint(len: usize) -> u64 {
    (16 + len as u64).next_multiple_of(16)
}

impl Slot {
    fn new(options: MailslotOptions, quota: u64) -> Self {
        let handle = options.create(NAME).unwrap();
        Self {
            handle,
            writers: Default::default(),
            queue: VecDeque::new(),
            options,
            quota,
            count: 0,
        }
    }

    fn fresh(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn writer(&mut self, at: usize) -> &mut Writer {
        let connection = self.fresh();
        self.writers[at].get_or_insert_with(|| Writer {
            handle: writer(),
            connection,
            spoke: false,
        })
    }

    /// Bytes of the quota that a writer's waiting records take.
    fn used(&mut self, at: usize) -> u64 {
        let connection = self.writer(at).connection;
        let own = self.queue.iter().filter(|waiting| waiting.ring == Some(connection));
        own.map(|waiting| footprint(waiting.bytes.len())).sum()
    }

    fn write(&mut self, at: usize, len: usize, how: How) {
        let number = self.fresh();
        let pattern: Vec<u8> = (0..251).map(|at: u8| at.wrapping_add(number as u8)).collect();
        let mut bytes = pattern.repeat(len / pattern.len() + 1);
        bytes.truncate(len);
        let (used, quota) = (self.used(at), self.quota);
        let writer = self.writer(at);
        let handle = &mut writer.handle;
        let result = match how {
            How::Write => handle.write(&bytes),
            How::Try => handle.try_write(&bytes),
            How::Timeout => handle.write_timeout(&bytes, Duration::ZERO),
            How::Vectored => {
                let (one, two) = bytes.split_at(len / 3);
                handle.write_vectored(&[IoSlice::new(one), IoSlice::new(&[]), IoSlice::new(two)])
            }
        };
        let inline = !writer.spoke && len <= INLINE_MAX;
        // Whatever comes of it, one too long for the socket makes the ring.
        writer.spoke |= len as u64 <= quota;
        let ring = (!inline).then_some(writer.connection);
        if len as u64 > quota {
            assert!(matches!(result, Err(WriteError::TooLarge { .. })), "{result:?}");
        } else if !inline && used + len as u64 > quota {
            assert!(matches!(result, Err(WriteError::Full { .. })), "{result:?}, {used} used");
        } else {
            result.unwrap_or_else(|error| panic!("{error}; {used} used before {len}"));
            self.queue.push_back(Waiting { bytes, ring });
        }
    }

    fn expect_nothing<T: std::fmt::Debug>(&self, result: Result<T, ReadError>) {
        assert!(matches!(result, Err(ReadError::TimedOut { .. })), "{result:?}");
        assert!(self.queue.is_empty(), "{} records wait", self.queue.len());
    }

    fn read(&mut self, size: usize, alone: bool) {
        let mut buffer = vec![0; size];
        let result = match alone {
            true => self.handle.exclusive().read_timeout(&mut buffer, Some(Duration::ZERO)),
            false => self.handle.try_read(&mut buffer),
        };
        match self.queue.front() {
            None => self.expect_nothing(result),
            Some(next) if next.bytes.len() > size => {
                let Err(ReadError::BufferTooSmall { needed, given, .. }) = result else {
                    panic!("{result:?}");
                };
                assert_eq!((needed, given), (next.bytes.len(), size));
            }
            Some(next) => {
                assert_eq!(result.unwrap(), next.bytes.len());
                assert!(buffer.starts_with(&next.bytes), "the bytes of the next record");
                self.queue.pop_front();
            }
        }
    }

    fn read_batch(&mut self, size: usize, most: usize) {
        let (mut buffer, mut ends) = (vec![0; size], Vec::new());
        let result = self.handle.read_batch(&mut buffer, &mut ends, most, Some(Duration::ZERO));
        match result {
            Ok(()) => {
                assert!(ends.len() <= most && (most == 0 || !ends.is_empty()));
                let mut start = 0;
                for end in ends {
                    let next = self.queue.pop_front().expect("a record that waits");
                    assert!(buffer[start..end] == next.bytes, "a record of a batch");
                    start = end;
                }
            }
            Err(ReadError::BufferTooSmall { needed, .. }) => {
                let next = self.queue.front().map(|next| next.bytes.len());
                assert!(needed > size && next == Some(needed) && ends.is_empty());
            }
            result => self.expect_nothing(result),
        }
    }

    fn check_info(&self) {
        let info = self.handle.info().unwrap();
        let bytes: usize = self.queue.iter().map(|waiting| waiting.bytes.len()).sum();
        let expected = (self.queue.len() as u64, bytes as u64);
        assert_eq!((info.waiting, info.waiting_bytes), expected);
        assert_eq!(info.next_size, self.queue.front().map(|next| next.bytes.len()));
    }

    /// From here on the handle is polled, too.
    fn poll(&self) {
        let fd = self.handle.as_fd();
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap();
        let readable = fds[0].revents().contains(PollFlags::IN);
        // A writer that has come or gone may show, too.
        assert!(readable || self.queue.is_empty(), "records wait and nothing shows");
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Write { writer, len, how } => self.write(writer, len, how),
            Call::Fill { writer, beyond } => {
                let left = self.quota.saturating_sub(self.used(writer));
                let len = left as usize + usize::from(beyond);
                self.write(writer, len, How::Write);
            }
            Call::Reopen { writer } => {
                self.writers[writer] = None;
                self.writer(writer);
            }
            Call::Close { writer } => self.writers[writer] = None,
            Call::Clone { from, to } => {
                let handle = self.writer(from).handle.clone();
                let connection = self.fresh();
                self.writers[to] = Some(Writer { handle, connection, spoke: false });
            }
            Call::Read { buffer, alone } => self.read(buffer, alone),
            Call::ReadTightly { short } => {
                let len = self.queue.front().map_or(0, |next| next.bytes.len());
                self.read(len.saturating_sub(usize::from(short)), short);
            }
            Call::Batch { buffer, most } => self.read_batch(buffer, most),
            Call::Receive => match self.handle.try_receive() {
                Ok(record) => {
                    assert_eq!(record.sender().pid, std::process::id());
                    let next = self.queue.pop_front().expect("a record that waits");
                    assert!(record.bytes() == next.bytes, "the bytes of the next record");
                }
                result => self.expect_nothing(result),
            },
            Call::Peek => match (self.handle.peek(), self.queue.front()) {
                (Ok(record), Some(next)) => assert!(record.bytes() == next.bytes, "peeked at"),
                (result, _) => self.expect_nothing(result),
            },
            Call::Info => self.check_info(),
            Call::Poll => self.poll(),
            Call::Drain => {
                while !self.queue.is_empty() {
                    self.call(Call::Receive);
                }
                self.call(Call::Receive);
            }
            Call::Recreate => {
                let (options, quota) = (self.options.clone(), self.quota);
                self.writers = Default::default();
                assert!(Mailslot::create(NAME).is_err(), "the name is taken");
                self.handle = {
                    // The name must be free before it is created again.
                    let slot = std::mem::replace(&mut self.handle, elsewhere());
                    drop(slot);
                    options.create(NAME).unwrap()
                };
                (self.queue, self.quota) = (VecDeque::new(), quota);
            }
        }
    }
}

/// What stands in the place of a slot that is being created anew.
fn elsewhere() -> Mailslot {
    Mailslot::create(r"\\.\mailslot\elsewhere").unwrap()
}

fn random_calls() {
    let descriptors = open_descriptors();
    let cases = 100 * scale() as u32;
    for (options, quota) in both_kinds().into_iter().flat_map(|o| [(o.clone(), 900), (o, 150_000)])
    {
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let calls = proptest::collection::vec(call(), 1..150);
        let run = TestRunner::new(config).run(&calls, |calls| {
            let mut options = options.clone();
            let mut slot = Slot::new(options.quota(quota).clone(), quota);
            calls.into_iter().for_each(|call| slot.call(call));
            slot.call(Call::Drain);
            slot.check_info();
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!((open_descriptors(), rings(std::process::id())), (descriptors, 0));
    }
}

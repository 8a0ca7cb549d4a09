//! What goes into the core, and what comes out of it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use mailslot_wire::answer::{Outcome, TargetState};
use mailslot_wire::envelope::{Question, Records, WriterId};
use mailslot_wire::name::SlotName;

use crate::transport::{Membership, PeerId, SendError};

/// A moment: how long it is after some fixed one. Never goes back.
pub type Time = Duration;

/// The core's measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The size of the largest frame that the transport takes, in bytes.
    pub largest_frame: usize,
    /// How long a record is kept for a computer that doesn't take it.
    pub keep: Duration,
    /// Bytes that may wait for one computer.
    pub queue: usize,
    /// Bytes that may wait for all computers, but for a small share that each has in any case.
    pub queues: usize,
}

impl Config {
    /// What each computer's queue may hold even if the others' are full.
    pub const QUEUE_SHARE: usize = 1024 * 1024;

    /// While more waits for a computer that takes it, its writers are held back.
    pub(super) fn hold_above(&self) -> usize {
        self.queue / 8
    }

    /// When no more is left, they go on: that is more than a window, so the path stays busy.
    pub(super) fn release_below(&self) -> usize {
        self.queue / 32 * 3
    }

    /// The usual measures, for frames of this size.
    pub fn new(largest_frame: usize) -> Self {
        Self {
            // Room for a definition and a record beside it.
            largest_frame: largest_frame.max(4096),
            // A cut of ten seconds, and the time that it takes to find each other again.
            keep: Duration::from_secs(20),
            queue: 64 * 1024 * 1024,
            queues: 256 * 1024 * 1024,
        }
    }
}

/// The largest record that goes to other computers, in bytes.
pub const RECORD_MAX: usize = 32 * 1024 * 1024;

/// A program of this computer that opened a remote name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// Tells it from all other writers of this computer. A confirmed one that comes back after a
    /// restart has the same, and goes on with its numbers: the first may repeat its last.
    pub id: WriterId,
    /// The name that it opened.
    pub target: SlotName,
    /// It wants to hear what becomes of each record.
    pub confirmed: bool,
    /// Its process.
    pub pid: u32,
    /// Its user's name.
    pub user: String,
}

/// What the core is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// The domains and their computers.
    Membership(Membership),
    /// A computer can be reached.
    Up(PeerId),
    /// A computer can't be reached any more.
    Down(PeerId),
    /// A computer's path takes frames again.
    Ready(PeerId),
    /// A frame came.
    Frame {
        /// The computer that sent it, proven by the transport.
        from: PeerId,
        /// The frame.
        bytes: Vec<u8>,
    },
    /// The transport didn't take the frame of the last [`Output::Send`].
    Refused {
        /// Its destination.
        to: PeerId,
        /// Its number.
        number: Option<u64>,
        /// Why.
        error: SendError,
    },
    /// A program opened a remote name.
    Open {
        /// Stands for it from now on. Not used before.
        writer: u64,
        /// Who it is.
        who: Writer,
    },
    /// It wrote a record.
    Write {
        /// The program.
        writer: u64,
        /// The record's number, larger than those before.
        sequence: u64,
        /// The record.
        bytes: Vec<u8>,
        /// How long it waits for the confirmation.
        timeout: Duration,
    },
    /// It left.
    Close {
        /// The program.
        writer: u64,
    },
    /// What became of the records of an [`Output::Deliver`]. It must be told before the next poll.
    Delivered {
        /// The delivery.
        delivery: u64,
        /// The first record's number.
        first: u64,
        /// Each record's outcome.
        outcomes: Vec<Outcome>,
    },
    /// Ask another gateway something.
    Ask {
        /// Stands for the question. Not used before.
        question: u64,
        /// Whom.
        peer: PeerId,
        /// What.
        what: Question,
        /// How long.
        timeout: Duration,
    },
    /// The answer to an [`Output::Slots`].
    Slots {
        /// As asked.
        to: PeerId,
        /// As asked.
        question: u64,
        /// The slots that this computer may write to, as paths.
        paths: Vec<String>,
    },
    /// Time has passed.
    Tick,
}

/// Where delivered records come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Stands for it from now on.
    pub delivery: u64,
    /// The writer's computer; `None`: this one.
    pub from: Option<PeerId>,
    /// The name of the writer's computer, as people write it.
    pub computer: String,
    /// The name of the domain that vouches for it.
    pub domain: String,
    /// The writer.
    pub writer: WriterId,
    /// It wants to hear what becomes of each record.
    pub confirmed: bool,
    /// Its user's name, as its computer says.
    pub user: String,
    /// Its process there.
    pub pid: u32,
    /// The slot.
    pub slot: SlotName,
}

/// What the core wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a frame. If the transport refuses it, say so with [`Input::Refused`].
    Send {
        /// Where to.
        to: PeerId,
        /// The frame.
        frame: Vec<u8>,
        /// Its number, if it has one.
        number: Option<u64>,
    },
    /// Records for a slot of this computer will come.
    OpenDelivery(Box<Delivery>),
    /// Give records to a slot, and say what became of them with [`Input::Delivered`].
    Deliver {
        /// The delivery.
        delivery: u64,
        /// The first record's number.
        first: u64,
        /// The records.
        records: Run,
    },
    /// No more records will come.
    CloseDelivery {
        /// The delivery.
        delivery: u64,
    },
    /// What is known about a writer's target, when it opens, and when that changes.
    Target {
        /// The writer.
        writer: u64,
        /// What is known.
        state: TargetState,
    },
    /// How many of a writer's records are lost, as far as is known.
    Lost {
        /// The writer.
        writer: u64,
        /// All so far.
        records: u64,
    },
    /// Take no more of a writer's records for now: they come faster than they go.
    Hold {
        /// The writer.
        writer: u64,
    },
    /// Take them again.
    Release {
        /// The writer.
        writer: u64,
    },
    /// What became of a record.
    Confirmed {
        /// The writer.
        writer: u64,
        /// The record's number.
        sequence: u64,
        /// What became of it, for each computer.
        outcomes: Vec<(String, Outcome)>,
    },
    /// Another computer asks which slots it may write to.
    Slots {
        /// Which computer.
        to: PeerId,
        /// Its question.
        question: u64,
    },
    /// A question's answer, or `None`.
    Answered {
        /// The question.
        question: u64,
        /// The answer.
        answer: Option<Vec<u8>>,
    },
}

/// Records to deliver together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// One record.
    One(Vec<u8>),
    /// Some, as they stand in a frame.
    Some {
        /// The frame.
        frame: Arc<Vec<u8>>,
        /// Where.
        place: Range<usize>,
    },
}

impl Run {
    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        let (one, some) = match self {
            Run::One(record) => (Some(record.as_slice()), None),
            Run::Some { frame, place } => (None, frame.get(place.clone()).and_then(Records::parse)),
        };
        one.into_iter().chain(some.into_iter().flatten())
    }
}

/// What an earlier start of this gateway dealt with, of one writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The writer.
    pub writer: WriterId,
    /// Records below this number were given to a slot, or may have been.
    pub next: u64,
    /// A record and its outcome, as far as known.
    pub last: Option<(u64, Outcome)>,
}

/// Which computer a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// None that is known.
    Unknown,
    /// This one.
    Own,
    /// Another.
    Other(PeerId),
    /// Those of a domain.
    Several,
}

/// What the core has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records that programs of this computer wrote, once for each destination.
    pub written: u64,
    /// Of those, the ones lost here: too long unsent, or too many.
    pub lost: u64,
    /// Records of other computers for this one's slots.
    pub received: u64,
    /// Of those, the ones that a slot took.
    pub delivered: u64,
    /// Of those, the ones that no slot took.
    pub missed: u64,
    /// Records that came again and were left out.
    pub duplicates: u64,
    /// Data frames sent, repeated ones included.
    pub frames_sent: u64,
    /// Frames that came.
    pub frames_received: u64,
    /// Of those, the ones that break a rule, or come from a stranger.
    pub frames_refused: u64,
}

/// What the core knows about another computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The computer.
    pub peer: PeerId,
    /// Its name, as people write it.
    pub computer: String,
    /// Since when it can be reached, if it can.
    pub up: Option<Time>,
    /// Bytes that wait for it.
    pub queued_bytes: usize,
    /// Records for it that were lost.
    pub lost: u64,
    /// The time that a frame takes there and back, once known.
    pub round_trip: Option<Duration>,
}

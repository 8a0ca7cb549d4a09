//! The gateway at work: one thread joins this computer's writers and slots, the core, and a
//! transport; another answers questions about it.
//!
//! | module | what it is about |
//! |---|---|
//! | [`status`] | what the gateway says about itself, and to whom |
//! | `forward` | records for slots of this computer |
//! | `journal` | what a restart must not forget |

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io};

use mailslot::gateway::{Connection, Event, GatewaySlot};
use mailslot_wire::answer::Outcome;
use mailslot_wire::envelope::{Question, WriterId};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use crate::core::{Config, Core, Found, Input, NumberMap, Output, RECORD_MAX, Time, Writer};
use crate::transport::{EventSource, PeerId, Transport};

mod forward;
mod journal;
mod slots;
pub mod status;

use forward::Forwarder;
use journal::Journal;
use slots::OpenSlots;
use status::{Reply, Request};

/// Takes a line for the log.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// How many events of writers are taken before others have their turn.
const BATCH: usize = 1024;

/// How long records are waited for that are on their way when the gateway ends.
const DRAIN: Duration = Duration::from_secs(5);

/// The largest record that the gateway's slot should take: see
/// [`GatewayOptions::max_record_size`](mailslot::gateway::GatewayOptions::max_record_size).
pub const MAX_RECORD_SIZE: u32 = RECORD_MAX as u32;

/// What other threads tell the one that runs the gateway.
#[derive(Debug, Default)]
struct Mail {
    stop: bool,
    requests: VecDeque<(Request, SyncSender<Reply>)>,
}

#[derive(Debug)]
struct Shared {
    mail: Mutex<Mail>,
    bell: OwnedFd,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // It fails only when the bell rings already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

/// Ends a [`Service`], from any thread.
#[derive(Clone, Debug)]
pub struct Stopper(Arc<Shared>);

impl Stopper {
    /// Lets the gateway pass on what it has, for some seconds at most, and end.
    pub fn stop(&self) {
        self.0.lock().stop = true;
        self.0.ring();
    }
}

/// A gateway.
pub struct Service {
    core: Core,
    began: Instant,
    slot: GatewaySlot,
    transport: Arc<dyn Transport>,
    events: EventSource,
    shared: Arc<Shared>,
    log: Log,
    connections: NumberMap<u64, Arc<Connection>>,
    users: HashMap<u32, String>,
    forwarder: Forwarder,
    journal: Journal,
    slots: OpenSlots,
    asked: HashMap<u64, (Question, Instant, SyncSender<Reply>)>,
    last_question: u64,
    frames_dropped: u64,
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(bytes)
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("core", &self.core).finish_non_exhaustive()
    }
}

impl Service {
    /// Puts a gateway together: `slot` is where this computer's writers come, `transport` pushes
    /// into the other end of `events`.
    pub fn new(
        slot: GatewaySlot,
        transport: Arc<dyn Transport>,
        events: EventSource,
        log: Log,
    ) -> io::Result<Self> {
        let seed = random()?;
        let config = Config::new(transport.largest_frame());
        let mut core = Core::new(config, u64::from_ne_bytes(seed));
        let (journal, restored) = Journal::open(&mailslot::registry_root(), random()?, &log);
        for (peer, writer) in restored {
            core.restore(peer, writer);
        }
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Arc::new(Shared { mail: Mutex::default(), bell });
        Ok(Self {
            core,
            began: Instant::now(),
            slot,
            transport,
            events,
            shared,
            log,
            connections: NumberMap::default(),
            users: HashMap::new(),
            forwarder: Forwarder::default(),
            journal,
            slots: OpenSlots::default(),
            asked: HashMap::new(),
            last_question: u64::from_ne_bytes(seed) >> 1,
            frames_dropped: 0,
        })
    }

    /// A way to end it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.shared.clone())
    }

    /// Runs the gateway until it is [stopped](Stopper::stop).
    pub fn run(mut self) -> io::Result<()> {
        let _server = status::Server::start(self.slot.dir(), self.shared.clone())?;
        let mut stop_at = None;
        // The slot has to be asked until it has nothing more; only then is it worth waiting for.
        let mut more = true;
        loop {
            self.perform()?;
            if stop_at.is_some_and(|at| Instant::now() >= at || self.core.is_drained()) {
                // What came while it was waiting.
                self.take_from_writers()?;
                self.perform()?;
                return Ok(());
            }
            let mail = self.wait(stop_at, more)?;
            self.take_from_network()?;
            // Writers that come while it ends are still heard, but not waited for.
            more = self.take_from_writers()?;
            if mail && self.take_mail() && stop_at.is_none() {
                stop_at = Some(Instant::now() + DRAIN);
            }
            let now = self.now();
            if self.core.deadline().is_some_and(|at| at <= now) {
                self.core.handle(now, Input::Tick);
            }
        }
    }

    fn now(&self) -> Time {
        self.began.elapsed()
    }

    /// Waits until there is something to do. True if there is mail.
    fn wait(&self, stop_at: Option<Instant>, more: bool) -> io::Result<bool> {
        let now = self.now();
        let core = self.core.deadline().map(|at| at.saturating_sub(now));
        let stop = stop_at.map(|at| at.saturating_duration_since(Instant::now()));
        let more = more.then_some(Duration::ZERO);
        let timeout = core.into_iter().chain(stop).chain(more).min();
        let timeout = match timeout {
            // The system counts in nanoseconds, and a bit more is no harm.
            Some(time) => {
                Some((time + Duration::from_micros(1)).try_into().map_err(io::Error::other)?)
            }
            None => None,
        };
        let mut fds = [
            PollFd::new(&self.slot, PollFlags::IN),
            PollFd::from_borrowed_fd(self.events.as_fd(), PollFlags::IN),
            PollFd::new(&self.shared.bell, PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => Ok(!fds[2].revents().is_empty()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn take_from_network(&mut self) -> io::Result<()> {
        let events = self.events.take();
        self.frames_dropped += events.dropped;
        let now = self.now();
        if let Some(membership) = events.membership {
            self.core.handle(now, Input::Membership(membership));
            self.slots.changed();
        }
        for (peer, reachable) in events.reachable {
            let input = if reachable { Input::Up(peer) } else { Input::Down(peer) };
            self.core.handle(now, input);
        }
        for peer in events.ready {
            self.core.handle(now, Input::Ready(peer));
        }
        for (number, (from, bytes)) in events.frames.into_iter().enumerate() {
            self.core.handle(now, Input::Frame { from, bytes });
            // So that answers go out, and deliveries don't pile up.
            if number % 16 == 15 {
                self.perform()?;
            }
        }
        self.perform()
    }

    /// True if there may be more.
    fn take_from_writers(&mut self) -> io::Result<bool> {
        let mut events = Vec::new();
        match self.slot.receive(&mut events, BATCH, Some(Duration::ZERO)) {
            Ok(()) => {}
            Err(mailslot::ReadError::TimedOut { .. }) => return Ok(false),
            Err(error) => return Err(io::Error::other(error)),
        }
        let now = self.now();
        for event in events {
            match event {
                Event::Opened(connection) => self.opened(now, connection)?,
                Event::Record(record) => {
                    let (writer, sequence) = (record.connection.id(), record.number);
                    let (bytes, timeout) = (record.bytes, record.timeout.unwrap_or_default());
                    self.core.handle(now, Input::Write { writer, sequence, bytes, timeout });
                }
                Event::Closed(connection) => {
                    self.core.handle(now, Input::Close { writer: connection.id() });
                    self.connections.remove(&connection.id());
                }
                _ => {}
            }
        }
        Ok(true)
    }

    fn opened(&mut self, now: Time, connection: Arc<Connection>) -> io::Result<()> {
        let sender = connection.sender();
        let id = match connection.handle() {
            Some(handle) => self.journal.writer(sender.uid, sender.pid, handle),
            None => WriterId(random()?),
        };
        if self.users.len() > 4096 {
            self.users.clear();
        }
        let user = self.users.entry(sender.uid);
        let who = Writer {
            id,
            target: connection.target().clone(),
            confirmed: connection.is_confirmed(),
            pid: sender.pid,
            user: user.or_insert_with(|| sender.user_name().unwrap_or_default()).clone(),
        };
        let writer = connection.id();
        self.connections.insert(writer, connection);
        self.core.handle(now, Input::Open { writer, who });
        // The writer waits for this.
        self.perform()
    }

    /// True if the gateway is to end.
    fn take_mail(&mut self) -> bool {
        let _ = rustix::io::read(&self.shared.bell, &mut [0; 8]);
        let (requests, stop) = {
            let mut mail = self.shared.lock();
            (std::mem::take(&mut mail.requests), mail.stop)
        };
        for (request, reply) in requests {
            self.answer(request, reply);
        }
        stop
    }

    fn answer(&mut self, request: Request, reply: SyncSender<Reply>) {
        let (computer, what, timeout) = match request {
            Request::Status => {
                let status = self.status();
                return status::send(&reply, Reply::Status(Box::new(status)));
            }
            Request::Ping { computer, milliseconds } => (computer, Question::Ping, milliseconds),
            Request::Slots { computer, milliseconds } => (computer, Question::Slots, milliseconds),
        };
        let peer = match self.core.find(&computer) {
            Found::Unknown => return status::send(&reply, Reply::UnknownComputer),
            Found::Several => return status::send(&reply, Reply::Several),
            Found::Own => {
                // This computer itself.
                let slots = match what {
                    Question::Ping => Reply::Here(0),
                    Question::Slots => Reply::Slots(self.slots.all()),
                };
                return status::send(&reply, slots);
            }
            Found::Other(peer) => peer,
        };
        self.last_question += 1;
        let question = self.last_question;
        self.asked.insert(question, (what, Instant::now(), reply));
        let timeout = Duration::from_millis(timeout.into());
        self.core.handle(self.now(), Input::Ask { question, peer, what, timeout });
    }

    /// Does what the core wants.
    fn perform(&mut self) -> io::Result<()> {
        while let Some(output) = self.core.poll() {
            match output {
                Output::Send { to, frame, number } => {
                    if let Err(error) = self.transport.send(&to, frame) {
                        let now = self.now();
                        self.core.handle(now, Input::Refused { to, number, error });
                    }
                }
                Output::OpenDelivery(delivery) => self.forwarder.open(*delivery),
                Output::Deliver { delivery, first, records } => {
                    let outcomes = self.deliver(delivery, first, &records);
                    let now = self.now();
                    self.core.handle(now, Input::Delivered { delivery, first, outcomes });
                }
                Output::CloseDelivery { delivery } => self.forwarder.close(delivery),
                Output::Target { writer, state } => {
                    if let Some(connection) = self.connections.get(&writer) {
                        connection.tell_target(state);
                    }
                }
                Output::Lost { writer, records } => {
                    // One that doesn't read its answers hears it with the next loss.
                    if let Some(connection) = self.connections.get(&writer) {
                        connection.tell_lost(records);
                    }
                }
                Output::Hold { writer } => {
                    if let Some(connection) = self.connections.get(&writer) {
                        self.slot.hold(connection).map_err(io::Error::other)?;
                    }
                }
                Output::Release { writer } => {
                    if let Some(connection) = self.connections.get(&writer) {
                        self.slot.release(connection).map_err(io::Error::other)?;
                    }
                }
                Output::Confirmed { writer, sequence, outcomes } => {
                    if let Some(connection) = self.connections.get(&writer) {
                        let outcomes = outcomes.iter().map(|(name, o)| (*o, name.as_str()));
                        connection.reply(sequence, true, outcomes);
                    }
                }
                Output::Slots { to, question } => {
                    let (computer, domain) = self.names(&to);
                    let paths = self.slots.open_to(&computer, &domain);
                    let now = self.now();
                    self.core.handle(now, Input::Slots { to, question, paths });
                }
                Output::Answered { question, answer } => self.answered(question, answer),
            }
        }
        Ok(())
    }

    fn names(&self, peer: &PeerId) -> (String, String) {
        (peer.computer().to_owned(), peer.domain().to_owned())
    }

    fn deliver(&mut self, delivery: u64, first: u64, records: &crate::core::Run) -> Vec<Outcome> {
        let journaled = self.forwarder.journaled(delivery);
        if let Some((peer, writer)) = journaled.clone() {
            let count = records.records().count() as u64;
            self.journal.intend(&peer, writer, first + count, &self.log);
        }
        let outcomes = self.forwarder.deliver(delivery, records);
        if let (Some((peer, writer)), Some(last)) = (journaled, outcomes.last()) {
            let sequence = first + outcomes.len() as u64 - 1;
            self.journal.done(&peer, writer, sequence, *last, &self.log);
        }
        outcomes
    }

    fn answered(&mut self, question: u64, answer: Option<Vec<u8>>) {
        let Some((what, began, reply)) = self.asked.remove(&question) else { return };
        let answer = match (what, answer) {
            (_, None) => Reply::NoAnswer,
            (Question::Ping, Some(_)) => Reply::Here(began.elapsed().as_micros() as u64),
            (Question::Slots, Some(text)) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                // Another computer's words, for a terminal.
                let sound = |path: &&str| !path.is_empty() && !path.chars().any(char::is_control);
                Reply::Slots(text.split('\n').filter(sound).map(str::to_owned).collect())
            }
        };
        status::send(&reply, answer);
    }
}

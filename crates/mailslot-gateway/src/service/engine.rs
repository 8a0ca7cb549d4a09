//! The thread that has the core.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use mailslot::gateway::{Connection, Event, GatewaySlot};
use mailslot::{NetworkAccess, ReadError};
use mailslot_wire::envelope::{Question, WriterId};
use mailslot_wire::name::fold_case;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::control::Answer;
use super::slots::Slots;
use super::status::{ComputerStatus, Counters, DomainStatus};
use super::{Asked, Command, DRAIN, Status};
use crate::core::{Core, Input, Output, Writer};
use crate::transport::{EventSource, Events, PeerId, Transport};

/// Records to take from the slot at a time.
const BATCH: usize = 1024;
/// Tell a writer again what it could not be told.
const TELL_AGAIN: Duration = Duration::from_millis(100);
/// A program that doesn't say how long it waits.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Engine {
    start: Instant,
    slot: GatewaySlot,
    transport: Arc<dyn Transport>,
    source: EventSource,
    core: Core,
    bell: Arc<OwnedFd>,
    commands: Receiver<Command>,
    writers: HashMap<u64, Arc<Connection>>,
    slots: Slots,
    /// How many records are lost, for writers that could not be told.
    untold: HashMap<u64, u64>,
    questions: HashMap<u64, (Asked, Instant, Sender<Answer>)>,
    last_question: u64,
    dropped: u64,
    stop: Option<Instant>,
}

/// `N` random bytes.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        let flags = rustix::rand::GetRandomFlags::empty();
        match rustix::rand::getrandom(&mut bytes[filled..], flags) {
            Ok(n) => filled += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(bytes)
}

impl Engine {
    pub(super) fn new(
        slot: GatewaySlot,
        transport: Arc<dyn Transport>,
        source: EventSource,
        core: Core,
        bell: Arc<OwnedFd>,
        commands: Receiver<Command>,
    ) -> Self {
        let (writers, slots, untold, questions) = Default::default();
        let (start, last_question, dropped, stop) = (Instant::now(), 0, 0, None);
        Self {
            start,
            slot,
            transport,
            source,
            core,
            bell,
            commands,
            writers,
            slots,
            untold,
            questions,
            last_question,
            dropped,
            stop,
        }
    }

    /// Runs until it is told to stop. An error is one of the slot's.
    pub(super) fn run(mut self) -> Result<(), String> {
        let mut events = Vec::new();
        loop {
            let more = self.take_from_slot(&mut events)?;
            self.take_from_transport();
            self.take_commands();
            self.handle(Input::Tick);
            self.tell_untold();
            if let Some(end) = self.stop
                && (self.core.is_drained() && !more || Instant::now() >= end)
            {
                return Ok(());
            }
            if !more {
                self.wait()?;
            }
        }
    }

    /// What programs of this computer have done. Whether there may be more.
    fn take_from_slot(&mut self, events: &mut Vec<Event>) -> Result<bool, String> {
        match self.slot.receive(events, BATCH, Some(Duration::ZERO)) {
            Ok(()) => {}
            Err(ReadError::TimedOut { .. }) => return Ok(false),
            Err(e) => return Err(e.to_string()),
        }
        for event in events.drain(..) {
            let input = match event {
                Event::Opened(connection) => {
                    let writer = connection.id();
                    let who = self.who(&connection)?;
                    self.writers.insert(writer, connection);
                    Input::Open { writer, who }
                }
                Event::Record(record) => Input::Write {
                    writer: record.connection.id(),
                    sequence: record.number,
                    bytes: record.bytes,
                    timeout: record.timeout.unwrap_or(TIMEOUT),
                },
                Event::Closed(connection) => {
                    let writer = connection.id();
                    self.writers.remove(&writer);
                    self.untold.remove(&writer);
                    Input::Close { writer }
                }
                _ => continue,
            };
            self.handle(input);
        }
        Ok(true)
    }

    fn who(&self, connection: &Connection) -> Result<Writer, String> {
        let sender = connection.sender();
        let id = random().map_err(|e| format!("the system gives no random numbers: {e}"))?;
        let user = uzers::get_user_by_uid(sender.uid);
        let user = user.map_or_else(String::new, |user| user.name().to_string_lossy().into_owned());
        Ok(Writer {
            id: WriterId(id),
            target: connection.target().clone(),
            confirmed: connection.is_confirmed(),
            pid: sender.pid,
            user,
        })
    }

    fn take_from_transport(&mut self) {
        let Events { membership, reachable, ready, frames, dropped } = self.source.take();
        self.dropped += dropped;
        if let Some(membership) = membership {
            self.handle(Input::Membership(membership));
        }
        for (peer, is_up) in reachable {
            self.handle(if is_up { Input::Up(peer) } else { Input::Down(peer) });
        }
        for peer in ready {
            self.handle(Input::Ready(peer));
        }
        for (from, bytes) in frames {
            self.handle(Input::Frame { from, bytes });
        }
    }

    fn take_commands(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Status(reply) => drop(reply.send(self.status())),
                Command::Ask { host, what, timeout, reply } => {
                    self.ask(&host, what, timeout, reply)
                }
                Command::Stop => self.stop = Some(Instant::now() + DRAIN),
            }
        }
    }

    /// Tells the core, and does what it wants.
    fn handle(&mut self, input: Input) {
        self.core.handle(self.start.elapsed(), input);
        while let Some(output) = self.core.poll() {
            self.act(output);
        }
    }

    fn act(&mut self, output: Output) {
        let now = self.start.elapsed();
        match output {
            Output::Send { to, frame, number } => {
                if let Err(error) = self.transport.send(&to, frame) {
                    self.core.handle(now, Input::Refused { to, number, error });
                }
            }
            Output::OpenDelivery(delivery) => self.slots.open(*delivery),
            Output::Deliver { delivery, first, records } => {
                let outcomes = self.slots.deliver(delivery, &records);
                self.core.handle(now, Input::Delivered { delivery, first, outcomes });
            }
            Output::CloseDelivery { delivery } => self.slots.close(delivery),
            Output::Target { writer, state } => {
                if let Some(connection) = self.writers.get(&writer) {
                    // One that reads no answers has itself to blame.
                    connection.tell_target(state);
                }
            }
            Output::Lost { writer, records } => drop(self.untold.insert(writer, records)),
            Output::Confirmed { writer, sequence, outcomes } => {
                if let Some(connection) = self.writers.get(&writer) {
                    let outcomes = outcomes.iter().map(|(computer, o)| (*o, computer.as_str()));
                    // What it isn't told it takes for no answer.
                    connection.reply(sequence, true, outcomes);
                }
            }
            Output::Slots { to, question } => {
                let paths = open_slots(&to.computer().to_owned(), to.domain());
                self.core.handle(now, Input::Slots { to, question, paths });
            }
            Output::Answered { question, answer } => self.answered(question, answer),
        }
    }

    fn tell_untold(&mut self) {
        let writers = &self.writers;
        self.untold.retain(|writer, records| {
            writers.get(writer).is_some_and(|connection| !connection.tell_lost(*records))
        });
    }

    fn ask(&mut self, host: &str, what: Asked, timeout: Duration, reply: Sender<Answer>) {
        match self.find(host) {
            Err(answer) => drop(reply.send(answer)),
            Ok(None) => {
                let membership = self.core.membership();
                let own = membership.domains.first();
                let (own, domain) = own.map_or(("", ""), |d| (d.own.as_str(), d.name.as_str()));
                drop(reply.send(match what {
                    Asked::Ping => Answer::Pong(0.0),
                    Asked::Slots => Answer::Slots(open_slots(own, domain)),
                }));
            }
            Ok(Some(peer)) => {
                self.last_question += 1;
                let question = self.last_question;
                self.questions.insert(question, (what, Instant::now(), reply));
                let what = match what {
                    Asked::Ping => Question::Ping,
                    Asked::Slots => Question::Slots,
                };
                self.handle(Input::Ask { question, peer, what, timeout });
            }
        }
    }

    /// The computer of that name; `None`: this one.
    fn find(&self, host: &str) -> Result<Option<PeerId>, Answer> {
        let host = fold_case(host);
        let (name, wanted) = match host.split_once('.') {
            Some((name, domain)) => (name, Some(domain)),
            None => (&host[..], None),
        };
        let domains = &self.core.membership().domains;
        if domains.iter().any(|d| wanted.is_none() && fold_case(&d.own) == name)
            || name == "localhost"
        {
            return Ok(None);
        }
        for domain in domains {
            let here = fold_case(&domain.name);
            if wanted.is_some_and(|wanted| wanted != here) {
                continue;
            }
            if fold_case(&domain.own) == name {
                return Ok(None);
            }
            if domain.computers.iter().any(|computer| fold_case(computer) == name) {
                return Ok(Some(PeerId::new(&domain.name, name)));
            }
        }
        let is_domain = domains.iter().any(|domain| fold_case(&domain.name) == host);
        Err(if is_domain { Answer::Several } else { Answer::UnknownComputer })
    }

    fn answered(&mut self, question: u64, answer: Option<Vec<u8>>) {
        let Some((what, asked, reply)) = self.questions.remove(&question) else { return };
        let answer = match (answer, what) {
            (None, _) => Answer::NoAnswer,
            (Some(_), Asked::Ping) => Answer::Pong(asked.elapsed().as_secs_f64()),
            (Some(text), Asked::Slots) => {
                let text = String::from_utf8_lossy(&text);
                Answer::Slots(text.lines().map(str::to_owned).collect())
            }
        };
        // Who asked may have gone.
        let _ = reply.send(answer);
    }

    fn status(&self) -> Status {
        let peers = self.core.peers();
        let now = self.start.elapsed();
        let computer = |peer: &crate::core::PeerStatus| ComputerStatus {
            computer: peer.computer.clone(),
            reachable: peer.up.map(|since| now.saturating_sub(since).as_secs_f64()),
            queued_bytes: peer.queued_bytes,
            lost: peer.lost,
            round_trip: peer.round_trip.map(|time| time.as_secs_f64()),
        };
        let domains = self.core.membership().domains.iter().map(|domain| {
            let folded = fold_case(&domain.name);
            let here = peers.iter().filter(|peer| peer.peer.domain() == folded);
            let mut computers: Vec<_> = here.map(computer).collect();
            computers.sort_by(|a, b| a.computer.cmp(&b.computer));
            DomainStatus { domain: domain.name.clone(), computer: domain.own.clone(), computers }
        });
        let domains: Vec<_> = domains.collect();
        let slots = mailslot::list().unwrap_or_default().into_iter();
        let slots = slots.filter(|s| s.alive && s.network != NetworkAccess::ThisComputer);
        let c = self.core.counters();
        Status {
            pid: std::process::id(),
            uptime: now.as_secs_f64(),
            domains,
            slots: slots.map(|slot| slot.name.path().to_owned()).collect(),
            writers: self.writers.len(),
            counters: Counters {
                written: c.written,
                lost: c.lost,
                received: c.received,
                delivered: c.delivered,
                missed: c.missed,
                duplicates: c.duplicates,
                frames_sent: c.frames_sent,
                frames_received: c.frames_received,
                frames_refused: c.frames_refused,
                frames_dropped: self.dropped,
            },
        }
    }

    /// Waits until something happens, or is due.
    fn wait(&self) -> Result<(), String> {
        let mut deadline = self.core.deadline();
        let now = self.start.elapsed();
        if !self.untold.is_empty() {
            deadline = Some(deadline.map_or(now + TELL_AGAIN, |at| at.min(now + TELL_AGAIN)));
        }
        if let Some(end) = self.stop {
            let end = end.saturating_duration_since(self.start);
            deadline = Some(deadline.map_or(end, |at| at.min(end)));
        }
        let wait = deadline.map(|at| at.saturating_sub(now));
        let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
        let mut fds = [
            PollFd::from_borrowed_fd(self.slot.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.source.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, wait.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(format!("cannot wait for records: {e}")),
        }
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        Ok(())
    }
}

/// The slots of this computer that take records of `computer`.
fn open_slots(computer: &str, domain: &str) -> Vec<String> {
    let slots = mailslot::list().unwrap_or_default().into_iter();
    let open = slots.filter(|slot| slot.alive && slot.network.allows(computer, domain));
    open.map(|slot| slot.name.path().to_owned()).collect()
}

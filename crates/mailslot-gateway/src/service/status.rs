//! What the gateway says about itself, to `mailslot gateway status` and others: one line of JSON is
//! the question, one the answer, on the socket `status` in the directory of the gateway's slot.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Service, Shared};
use crate::transport::Way;

/// The socket's name.
const SOCKET: &str = "status";

/// The longest time that somebody may take to say what he wants.
const PATIENCE: Duration = Duration::from_secs(2);

/// Somebody who asks waits at most so long for an answer of another computer: milliseconds.
pub const ANSWER_MAX: u32 = 60_000;

/// How many may wait for other computers at once, and how many are served in all. So there is room for
/// those who ask about this gateway.
const QUESTIONS_MAX: usize = 32;
const CLIENTS_MAX: usize = 64;

/// The longest answer that is believed.
const REPLY_MAX: u64 = 64 * 1024 * 1024;

/// A question to a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How it is.
    Status,
    /// Whether a computer's gateway answers.
    Ping {
        /// The computer: `JOE` or `JOE.WORKGROUP`.
        computer: String,
        /// How long to wait for it.
        milliseconds: u32,
    },
    /// Which slots of a computer this one may write to.
    Slots {
        /// The computer: `JOE` or `JOE.WORKGROUP`.
        computer: String,
        /// How long to wait for it.
        milliseconds: u32,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// How the gateway is.
    Status(Box<Status>),
    /// The computer's gateway has answered, after so many microseconds (0: it is this one).
    Here(u64),
    /// The slots, as paths.
    Slots(Vec<String>),
    /// The computer's gateway has not answered in time.
    NoAnswer,
    /// No domain has such a computer.
    UnknownComputer,
    /// The name is a domain's: ask its computers one by one.
    Several,
    /// Too many ask at once.
    Busy,
}

/// How a gateway is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Since when it has been running.
    pub uptime_seconds: u64,
    /// The domains, the primary one first.
    pub domains: Vec<DomainStatus>,
    /// Slots of this computer that take records from others, as paths.
    pub slots: Vec<String>,
    /// Programs of this computer that have opened a remote name.
    pub writers: u64,
    /// What was counted since the start.
    pub counters: CounterStatus,
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainStatus {
    /// Its name.
    pub name: String,
    /// What this computer is called in it.
    pub own: String,
    /// Its other computers.
    pub computers: Vec<ComputerStatus>,
}

/// Another computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputerStatus {
    /// Its name.
    pub name: String,
    /// For how long it could be reached, if it can.
    pub reachable_seconds: Option<u64>,
    /// Bytes that wait for it.
    pub queued_bytes: u64,
    /// Records for it that were lost.
    pub lost: u64,
    /// Which way frames to it take: `direct` or `zenoh`, if it can be reached.
    pub way: Option<String>,
    /// How long a frame takes there and back, once known.
    pub round_trip_microseconds: Option<u64>,
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterStatus {
    /// Records written here, once for each destination.
    pub written: u64,
    /// Of those, the ones lost on this side.
    pub lost: u64,
    /// Records that came from other computers.
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
    /// Frames that break a rule, or come from a stranger.
    pub frames_refused: u64,
    /// Frames for which there was no room.
    pub frames_dropped: u64,
    /// Frames of all kinds that were sent by direct connections.
    pub direct_frames_sent: u64,
    /// Frames that came by direct connections.
    pub direct_frames_received: u64,
    /// Frames of all kinds that were sent through Zenoh.
    pub zenoh_frames_sent: u64,
    /// Frames that came through Zenoh.
    pub zenoh_frames_received: u64,
}

impl Service {
    /// How the gateway is now.
    pub(super) fn status(&mut self) -> Status {
        let (now, counters) = (self.now(), self.core.counters());
        let traffic = self.transport.traffic();
        let peers = self.core.peers();
        let domains = self.core.membership().domains.iter();
        let domains = domains.map(|domain| {
            let of_domain = peers.iter().filter(|peer| {
                peer.peer == crate::transport::PeerId::new(&domain.name, &peer.computer)
            });
            let computers = of_domain.map(|peer| ComputerStatus {
                name: peer.computer.clone(),
                reachable_seconds: peer.up.map(|up| now.saturating_sub(up).as_secs()),
                queued_bytes: peer.queued_bytes as u64,
                lost: peer.lost,
                way: self.transport.way(&peer.peer).map(|way| way_name(way).to_owned()),
                round_trip_microseconds: peer.round_trip.map(|time| time.as_micros() as u64),
            });
            let (name, own) = (domain.name.clone(), domain.own.clone());
            DomainStatus { name, own, computers: computers.collect() }
        });
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            uptime_seconds: now.as_secs(),
            domains: domains.collect(),
            slots: self.slots.open(),
            writers: self.connections.len() as u64,
            counters: CounterStatus {
                written: counters.written,
                lost: counters.lost,
                received: counters.received,
                delivered: counters.delivered,
                missed: counters.missed,
                duplicates: counters.duplicates,
                frames_sent: counters.frames_sent,
                frames_received: counters.frames_received,
                frames_refused: counters.frames_refused,
                frames_dropped: self.frames_dropped,
                direct_frames_sent: traffic.direct_sent,
                direct_frames_received: traffic.direct_received,
                zenoh_frames_sent: traffic.relayed_sent,
                zenoh_frames_received: traffic.relayed_received,
            },
        }
    }
}

fn way_name(way: Way) -> &'static str {
    match way {
        Way::Direct => "direct",
        Way::Relayed => "zenoh",
    }
}

/// Answers; whoever has asked may have left.
pub(super) fn send(to: &SyncSender<Reply>, reply: Reply) {
    let _ = to.try_send(reply);
}

/// The thread that hears questions.
#[derive(Debug)]
pub(super) struct Server {
    path: PathBuf,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(dir: &Path, shared: Arc<Shared>) -> io::Result<Server> {
        let path = dir.join(SOCKET);
        let listener = UnixListener::bind(&path)?;
        // Whoever may write to other computers may know how they are.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        let ended = Arc::new(AtomicBool::new(false));
        let theirs = ended.clone();
        let thread = std::thread::Builder::new().name("status".into());
        let thread = thread.spawn(move || serve(&listener, &shared, &theirs))?;
        Ok(Server { path, ended, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // Wakes it.
        let woken = UnixStream::connect(&self.path).is_ok();
        let _ = std::fs::remove_file(&self.path);
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

/// One of a limited number of places, until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(taken: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let place = Self(taken.clone());
        (taken.fetch_add(1, Ordering::AcqRel) < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn serve(listener: &UnixListener, shared: &Arc<Shared>, ended: &AtomicBool) {
    let (clients, questions) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    loop {
        let Ok((mut stream, _)) = listener.accept() else {
            // No descriptors left, most likely.
            std::thread::sleep(Duration::from_millis(100));
            continue;
        };
        if ended.load(Ordering::Acquire) {
            return;
        }
        let Some(place) = Place::take(&clients, CLIENTS_MAX) else {
            // Its buffer is empty, so this doesn't wait.
            let _ = write_line(&mut stream, &Reply::Busy);
            continue;
        };
        let (shared, questions) = (shared.clone(), questions.clone());
        let thread = std::thread::Builder::new().name("client".into());
        // If it fails, the place comes back at once.
        let _ = thread.spawn(move || {
            let _place = place;
            // A client that goes away, or talks nonsense, is no matter.
            let _ = serve_client(stream, &shared, &questions);
        });
    }
}

fn serve_client(
    mut stream: UnixStream,
    shared: &Shared,
    questions: &Arc<AtomicUsize>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&stream).take(4096)).read_line(&mut line)?;
    let mut request: Request = serde_json::from_str(&line)?;
    let mut _place = None;
    if let Request::Ping { milliseconds, .. } | Request::Slots { milliseconds, .. } = &mut request {
        *milliseconds = (*milliseconds).min(ANSWER_MAX);
        _place = Place::take(questions, QUESTIONS_MAX);
        if _place.is_none() {
            return write_line(&mut stream, &Reply::Busy);
        }
    }
    let (sender, receiver) = sync_channel(1);
    shared.lock().requests.push_back((request, sender));
    shared.ring();
    let wait = Duration::from_millis(ANSWER_MAX.into()) + PATIENCE;
    let reply = receiver.recv_timeout(wait).map_err(io::Error::other)?;
    write_line(&mut stream, &reply)
}

fn write_line(stream: &mut UnixStream, what: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_string(what)?;
    text.push('\n');
    stream.write_all(text.as_bytes())
}

/// Asks the gateway of this computer. Waits for its answer, as long as the request says and a bit
/// more. `NotFound` and `ConnectionRefused` mean that none is running.
pub fn ask(request: &Request) -> io::Result<Reply> {
    ask_in(&mailslot::gateway::dir(), request)
}

pub(super) fn ask_in(dir: &Path, request: &Request) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(dir.join(SOCKET))?;
    let wait = match request {
        Request::Status => 0,
        Request::Ping { milliseconds, .. } | Request::Slots { milliseconds, .. } => *milliseconds,
    };
    stream.set_read_timeout(Some(Duration::from_millis(wait.into()) + 2 * PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Who turns us away says so without having read it.
    let written = write_line(&mut stream, request);
    let mut reply = String::new();
    BufReader::new(stream.take(REPLY_MAX)).read_line(&mut reply)?;
    if reply.is_empty() {
        written?;
    }
    Ok(serde_json::from_str(&reply)?)
}

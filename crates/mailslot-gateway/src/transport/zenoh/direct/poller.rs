//! The thread of all direct connections of a domain: receives, writes what had to wait, accepts and
//! connects. It never waits for a single computer.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv, sockopt};

use super::super::domain::Domain;
use super::super::refusals::Seen;
use super::super::seal::Channel;
use super::super::wire;
use super::callers::{self, Callers};
use super::dial::Dials;
use super::intake::{self, Intake};
use super::link::Link;
use super::{Inbox, Word, offer};
use crate::config::Network;
use crate::transport::PeerId;

/// Bytes that are read at once.
const READ: usize = 128 * 1024;
/// Reads of one connection before others have their turn.
const READS: usize = 4;
/// Events that are taken at once.
const EVENTS: usize = 64;
/// How long the other side may leave unanswered what it was sent, or the system's question whether it
/// is there.
const SILENCE: Duration = Duration::from_secs(2);
const ASK: Duration = Duration::from_secs(1);

const BELL: u64 = 0;
/// From here on connections, below listeners.
const CONNECTIONS: u64 = 1 << 32;

pub(super) struct Poller {
    pub(super) domain: Arc<Domain>,
    pub(super) network: Network,
    inbox: Arc<Inbox>,
    epoll: OwnedFd,
    pub(super) listeners: Vec<TcpListener>,
    pub(super) connections: HashMap<u64, Connection>,
    last: u64,
    /// Those that may have more to read.
    again: Vec<u64>,
    pub(super) callers: Callers,
    pub(super) dials: Dials,
    pub(super) refusals: Seen,
    buffer: Vec<u8>,
    frames: Vec<Vec<u8>>,
}

pub(super) struct Connection {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) stage: Stage,
    intake: Intake,
}

/// How far a connection has come.
pub(super) enum Stage {
    /// We are connecting to this computer.
    Connecting { to: Arc<str>, until: Instant },
    /// We have said who we are, under this number.
    Calling { to: Arc<str>, channel: Arc<Channel>, counter: u64, until: Instant },
    /// Somebody has connected to us, and said this so far.
    Called { from: SocketAddr, said: Vec<u8> },
    /// Both sides are proven.
    Linked { with: Arc<str>, id: PeerId, channel: Arc<Channel>, link: Arc<Link>, since: Instant },
}

impl Stage {
    /// Whom we are calling, and until when.
    pub(super) fn call(&self) -> Option<(&Arc<str>, Instant)> {
        match self {
            Self::Connecting { to, until } | Self::Calling { to, until, .. } => Some((to, *until)),
            Self::Called { .. } | Self::Linked { .. } => None,
        }
    }
}

/// Why a connection ends.
pub(super) type Why = String;

impl Poller {
    pub(super) fn new(
        domain: Arc<Domain>,
        network: Network,
        inbox: Arc<Inbox>,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &inbox.bell, EventData::new_u64(BELL), EventFlags::IN)?;
        let listeners = offer::listen(&network, |why| domain.log(&why));
        for (listener, number) in listeners.iter().zip(BELL + 1..) {
            epoll::add(&epoll, listener, EventData::new_u64(number), EventFlags::IN)?;
        }
        let dials = Dials::new(domain.read().me.clone());
        Ok(Self {
            domain,
            network,
            inbox,
            epoll,
            listeners,
            connections: HashMap::new(),
            last: CONNECTIONS,
            again: Vec::new(),
            callers: Callers::default(),
            dials,
            refusals: Seen::default(),
            buffer: vec![0; READ],
            frames: Vec::new(),
        })
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let timeout = self.timeout();
            events.clear();
            let waited = epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                timeout.and_then(|time| time.try_into().ok()).as_ref(),
            );
            if let Err(why) = waited
                && why != Errno::INTR
            {
                self.domain.log(&format!("no more direct connections: epoll_wait: {why}"));
                return self.end();
            }
            for token in std::mem::take(&mut self.again) {
                self.read(token, true);
            }
            for event in &events {
                let (flags, token) = (event.flags, event.data.u64());
                if token >= CONNECTIONS {
                    self.happened(token, flags);
                } else if token > BELL {
                    self.accept((token - BELL - 1) as usize);
                } else if !self.heed() {
                    return self.end();
                }
            }
            if timeout.is_some() {
                self.look();
            }
        }
    }

    fn end(mut self) {
        for token in self.connections.keys().copied().collect::<Vec<_>>() {
            self.close(token, None);
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let calls = self.connections.values().filter_map(|connection| connection.stage.call());
        let calls = calls.map(|(_, until)| until);
        // While all are connected, there is nothing of that to look at.
        let calls = if self.dials.are_calling() { calls.min() } else { None };
        let next = [calls, self.callers.deadline(), self.dials.deadline()];
        let next = next.into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()) + Duration::from_micros(1))
    }

    /// Does what is due.
    fn look(&mut self) {
        let now = Instant::now();
        for token in self.callers.late(now) {
            self.refuse(token, "nobody has said who it is in time");
        }
        self.resume_accepting(now);
        self.hang_up(now);
        for name in self.dials.due(now) {
            self.dial(&name, now);
        }
    }

    /// False if it is to end.
    fn heed(&mut self) -> bool {
        for word in self.inbox.take() {
            match word {
                Word::Introduce(name) => self.introduce(&name),
                Word::Offer(name, text) => self.offered(&name, &text),
                Word::Stop => return false,
            }
        }
        true
    }

    /// Looks after another connection.
    pub(super) fn add(&mut self, socket: OwnedFd, stage: Stage) -> Result<u64, Errno> {
        sockopt::set_tcp_nodelay(&socket, true)?;
        sockopt::set_tcp_user_timeout(&socket, SILENCE.as_millis() as u32)?;
        sockopt::set_socket_keepalive(&socket, true)?;
        sockopt::set_tcp_keepidle(&socket, ASK)?;
        sockopt::set_tcp_keepintvl(&socket, ASK)?;
        self.last += 1;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, &socket, EventData::new_u64(self.last), flags)?;
        let connection = Connection { socket: Arc::new(socket), stage, intake: Intake::default() };
        self.connections.insert(self.last, connection);
        Ok(self.last)
    }

    /// Whether a listener is looked after now.
    pub(super) fn watch(&self, listener: usize, on: bool) {
        let flags = if on { EventFlags::IN } else { EventFlags::empty() };
        let data = EventData::new_u64(BELL + 1 + listener as u64);
        // It fails only if there is no memory; then it stays as it was.
        let _ = epoll::modify(&self.epoll, &self.listeners[listener], data, flags);
    }

    fn happened(&mut self, token: u64, flags: EventFlags) {
        let Some(connection) = self.connections.get(&token) else { return };
        match &connection.stage {
            Stage::Connecting { .. } => return self.connected(token),
            Stage::Linked { link, id, .. } if flags.contains(EventFlags::OUT) && link.flush() => {
                self.domain.shared.sink.ready(id.clone());
            }
            _ => {}
        }
        // The system says once that it has ended.
        let ends = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if ends || flags.contains(EventFlags::IN) {
            self.read(token, ends);
        }
    }

    /// Reads what there is, but not so much that others wait for long. Unless it is `to_end`, less than there
    /// was room for is all.
    fn read(&mut self, token: u64, to_end: bool) {
        let Some(mut connection) = self.connections.remove(&token) else { return };
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut ended = None;
        for turn in 1.. {
            let most = match &connection.stage {
                Stage::Called { said, .. } => callers::HELLO - said.len(),
                _ => READ,
            };
            match recv(&connection.socket, &mut buffer[..most], RecvFlags::DONTWAIT) {
                Ok((_, 0)) => ended = Some("it was closed".to_owned()),
                Ok((_, n)) => {
                    if let Stage::Linked { link, .. } = &connection.stage {
                        link.hear();
                    }
                    ended = self.take(token, &mut connection, &buffer[..n]).err();
                    if ended.is_none() && (n == most || to_end) {
                        if turn < READS {
                            continue;
                        }
                        self.again.push(token);
                    }
                }
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => {}
                Err(why) => ended = Some(why.to_string()),
            }
            break;
        }
        self.buffer = buffer;
        if let Stage::Linked { id, link, .. } = &connection.stage
            && !self.frames.is_empty()
        {
            // Nothing of who has been shut out meanwhile.
            if link.is_closed() {
                self.frames.clear();
            } else {
                self.domain.shared.traffic.direct_received(self.frames.len());
                self.domain.shared.sink.frames(id, &mut self.frames);
            }
        }
        self.connections.insert(token, connection);
        if let Some(why) = ended {
            self.close(token, Some(why));
        }
    }

    /// `bytes` have come.
    fn take(&mut self, token: u64, of: &mut Connection, mut bytes: &[u8]) -> Result<(), Why> {
        if let Stage::Called { said, .. } = &mut of.stage {
            said.extend(bytes);
            return self.called(token, of);
        }
        while !bytes.is_empty() {
            let most = match &of.stage {
                Stage::Linked { .. } => intake::LARGEST,
                _ => callers::ANSWER,
            };
            let next = of.intake.next(&mut bytes, most);
            let next = next.map_err(|_| "its frames have a length that none has".to_owned())?;
            let Some((counter, sealed)) = next else { return Ok(()) };
            let channel = match &of.stage {
                Stage::Linked { channel, .. } | Stage::Calling { channel, .. } => channel,
                _ => return Err("it speaks out of turn".into()),
            };
            let opened = channel.open_next(counter, sealed);
            let mut frame = opened.ok_or("it brings what the other side has not sealed")?;
            match (&of.stage, frame.pop()) {
                (Stage::Linked { .. }, Some(wire::DATA)) => self.frames.push(frame),
                (Stage::Calling { .. }, Some(wire::HELLO)) => self.answered(of, &frame)?,
                _ => return Err("it brings what has no place there".into()),
            }
        }
        Ok(())
    }

    /// Both sides of a connection are proven.
    pub(super) fn link(
        &mut self,
        of: &mut Connection,
        with: Arc<str>,
        channel: Arc<Channel>,
    ) -> Result<(), Why> {
        let link = Arc::new(Link::new(of.socket.clone()));
        let id = self.domain.link(&with, &channel, &link);
        let id = id.ok_or("there are other keys by now")?;
        self.give_up_calls(&with);
        self.dials.linked(&with);
        let since = Instant::now();
        if self.dials.may_say(&with, since) {
            self.domain.log(&format!("{with} is connected directly"));
        }
        of.stage = Stage::Linked { with, id, channel, link, since };
        Ok(())
    }

    /// Ends a connection. If it was one to a computer, says why, and tries again.
    pub(super) fn close(&mut self, token: u64, why: Option<Why>) {
        let Some(connection) = self.connections.remove(&token) else { return };
        // The other end of the link may hold the socket for a while.
        let _ = epoll::delete(&self.epoll, connection.socket.as_fd());
        let now = Instant::now();
        match connection.stage {
            Stage::Called { from, .. } => {
                self.callers.gone(token);
                if let Some(why) = why {
                    self.count_refusal(from, &why);
                }
            }
            Stage::Connecting { to, .. } | Stage::Calling { to, .. } => {
                self.dials.hung_up();
                self.dials.idle(&to);
                if why.is_some() {
                    self.dial_next(&to, now);
                }
            }
            Stage::Linked { with, id, link, since, .. } => {
                link.close();
                self.domain.unlink(&with, &link);
                if link.flush() {
                    self.domain.shared.sink.ready(id);
                }
                // Another may have taken its place.
                if let Some(why) = why.filter(|_| !self.is_linked(&with)) {
                    if self.dials.may_say(&with, now) {
                        self.domain
                            .log(&format!("the direct connection to {with} has ended: {why}"));
                    }
                    self.dials.ended(&with, now - since, now);
                }
            }
        }
    }

    pub(super) fn is_linked(&self, name: &str) -> bool {
        self.domain.path(name).is_some_and(|(_, _, direct)| direct)
    }
}

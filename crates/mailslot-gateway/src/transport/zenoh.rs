//! Frames over Zenoh. Zenoh finds the other computers, keeps TLS connections and carries bytes; that
//! it may lose them is the core's business, and who sent them is proven here and not left to it.
//!
//! | module | what it is about |
//! |---|---|
//! | `interfaces` | whether there is a network yet |
//! | `session` | a Zenoh session with a domain's certificates |
//! | `wire` | keys and payloads |
//! | `seal`, `handshake` | how two computers prove who they are, without I/O |
//! | `peers` | the computers of a domain, by its member list |
//! | `domain` | sending and receiving |
//! | `keeper` | the thread that greets, follows the member list, and renews |
//! | `direct` | connections of our own between two computers that can reach each other |
//! | `traffic` | how many frames have taken which way |
//! | `outbox` | what waits to be sent to one computer |
//! | [`environment`] | what a process has to be started with before any of this |
//! | [`refusals`] | connections that Zenoh refuses, or can't make, for the log |
//! | `sockets` | connections that end without keeping anybody waiting, and a search that doesn't tire |
//! | `unread` | connections that Zenoh keeps without reading them |
//!
//! Each domain has a session of its own, since each has its own authority. A change of files (this
//! computer joins, leaves, invites, revokes) is noticed by itself.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use self::domain::{Domain, LARGEST_FRAME};
use self::handshake::Own;
use self::keeper::Keeper;
use self::peers::Peers;
use self::traffic::Traffic;
use self::unread::Unread;
use super::{EventSink, Membership, PeerId, SendError, Transport, Way};
use crate::config::{Config, Network};
use crate::identity::{self, Error, Identity, Store, keys};
use mailslot_wire::name::fold_case;

mod direct;
mod domain;
pub mod environment;
mod handshake;
mod interfaces;
mod keeper;
mod outbox;
mod peers;
pub mod refusals;
mod seal;
mod session;
mod sockets;
#[cfg(test)]
mod tests;
mod traffic;
mod unread;
mod wire;

/// Takes a line for the log.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// Notes that may wait for a keeper.
const NOTES: usize = 4096;
/// Files change in twos and threes: look when they have settled.
const SETTLE: Duration = Duration::from_millis(50);

/// All domains of this computer, on Zenoh. Dropping it closes the connections.
pub struct Zenoh {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    store: Store,
    sink: EventSink,
    log: Log,
    traffic: Traffic,
    /// By folded name.
    domains: RwLock<HashMap<Arc<str>, Arc<Domain>>>,
    state: Mutex<State>,
    /// Wakes the supervisor.
    bell: OwnedFd,
}

#[derive(Default)]
struct State {
    config: Config,
    stop: bool,
    /// The domains' names, folded, the primary one first.
    order: Vec<Arc<str>>,
    announced: Membership,
}

impl Zenoh {
    /// Connects to the computers of all domains that `store` knows. Doesn't wait for them. Fails
    /// unless the process was started as [`environment`] says.
    pub fn start(store: Store, config: Config, sink: EventSink, log: Log) -> Result<Self, Error> {
        if !environment::is_set() {
            return Err(Error::Threads {
                variable: environment::VARIABLE,
                setting: environment::SETTING,
            });
        }
        let dir = store.domains_dir();
        let failed = |what| {
            let path = dir.clone();
            move |e: rustix::io::Errno| Error::Io { what, path, source: e.into() }
        };
        // Makes the directory, which is watched.
        drop(store.lock()?);
        let watch =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(failed("watch"))?;
        let what = WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::ONLYDIR;
        inotify::add_watch(&watch, &dir, what).map_err(failed("watch"))?;
        let bell =
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(failed("watch"))?;
        let state = State { config, ..State::default() };
        let shared = Arc::new(Shared {
            store,
            sink,
            log,
            traffic: Traffic::default(),
            domains: RwLock::default(),
            state: Mutex::new(state),
            bell,
        });
        // A mistake in the files shows now, not only in the log.
        shared.store.identities()?;
        let mut running = HashMap::new();
        // Here, so that whoever is told that the gateway is ready finds the domains known.
        reconcile(&shared, &mut running);
        let supervisor = thread::Builder::new().name("domains".into());
        let theirs = shared.clone();
        let supervisor = supervisor.spawn(move || supervise(&theirs, running, &watch));
        let supervisor = supervisor.map_err(|source| Error::Io {
            what: "start a thread for",
            path: dir.clone(),
            source,
        })?;
        Ok(Self { shared, supervisor: Some(supervisor) })
    }

    /// Goes by another configuration from now on. Domains that it doesn't change stay connected.
    pub fn reload(&self, config: Config) {
        self.shared.lock().config = config;
        self.shared.wake();
    }
}

impl Drop for Zenoh {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake();
        if let Some(supervisor) = self.supervisor.take() {
            // It fails only if the thread has panicked, which has been said by then.
            let _ = supervisor.join();
        }
    }
}

impl Transport for Zenoh {
    fn send(&self, to: &PeerId, frame: Vec<u8>) -> Result<(), SendError> {
        let domains = self.shared.domains.read().unwrap_or_else(PoisonError::into_inner);
        domains.get(to.domain()).ok_or(SendError::Unreachable)?.send(to, frame)
    }

    fn largest_frame(&self) -> usize {
        LARGEST_FRAME
    }

    fn way(&self, to: &PeerId) -> Option<Way> {
        let domains = self.shared.domains.read().unwrap_or_else(PoisonError::into_inner);
        let peers = domains.get(to.domain())?.read();
        let path = peers.get(to.computer())?.path.as_ref()?;
        Some(if path.is_direct() { Way::Direct } else { Way::Relayed })
    }

    fn traffic(&self) -> super::Traffic {
        self.shared.traffic.now()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // It fails only when the bell rings already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    /// Tells the core who belongs to which domain, if that has changed.
    fn announce(&self) {
        let mut state = self.lock();
        let domains = self.domains.read().unwrap_or_else(PoisonError::into_inner);
        let now = identity::now();
        let of = |domain: &Arc<Domain>| {
            let (computers, invited) = domain.read().members(now);
            let (name, own) = (domain.name.clone(), domain.own.clone());
            super::Domain { name, own, computers, invited }
        };
        let domains = state.order.iter().filter_map(|name| domains.get(name)).map(of).collect();
        let membership = Membership { domains };
        if state.announced != membership {
            state.announced = membership.clone();
            self.sink.membership(membership);
        }
    }
}

/// A domain in service.
struct Running {
    /// What it was started with; another of these needs another session.
    certificate: String,
    exchange: [u8; 32],
    network: Network,
    domain: Arc<Domain>,
    keeper: JoinHandle<()>,
}

impl Running {
    fn stop(self) {
        self.domain.insist(domain::Note::Stop);
        // It fails only if the thread has panicked, which has been said by then.
        let _ = self.keeper.join();
    }
}

fn supervise(shared: &Arc<Shared>, mut running: HashMap<Arc<str>, Running>, watch: &OwnedFd) {
    let mut unread = Unread::default();
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(shared.bell.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(watch.as_fd(), PollFlags::IN),
        ];
        let _ = poll(&mut fds, Some(&unread::LOOK));
        let [called, changed] = [0, 1].map(|n| !fds[n].revents().is_empty());
        unread.look(Instant::now(), &shared.log);
        if !called && !changed {
            continue;
        }
        let _ = rustix::io::read(&shared.bell, &mut [0; 8]);
        if changed {
            thread::sleep(SETTLE);
            // What happened does not matter, only that something did.
            let mut events = [0; 4096];
            while rustix::io::read(watch, &mut events).is_ok_and(|n| n > 0) {}
        }
        if shared.lock().stop {
            break;
        }
        reconcile(shared, &mut running);
    }
    for (_, run) in running.drain() {
        run.stop();
    }
}

/// Starts and stops domains as the files say.
fn reconcile(shared: &Arc<Shared>, running: &mut HashMap<Arc<str>, Running>) {
    let mut identities = match shared.store.identities() {
        Ok(identities) => identities,
        Err(e) => return (shared.log)(&format!("{e}; nothing changes until that is right")),
    };
    let config = shared.lock().config.clone();
    config.primary_first(&mut identities);
    let order = identities.iter().map(|identity| fold_case(&identity.domain).into()).collect();
    let stale = |name: &Arc<str>, run: &Running| {
        let identity = identities.iter().find(|i| *fold_case(&i.domain) == **name);
        identity.is_none_or(|identity| {
            identity.certificate != run.certificate
                || identity.exchange != run.exchange
                || config.network_of(&identity.domain) != run.network
        })
    };
    let stopped: Vec<Running> =
        running.extract_if(|name, run| stale(name, run)).map(|(_, run)| run).collect();
    let changed = !stopped.is_empty();
    // One that only needs another session stays known until it has that.
    stopped.into_iter().for_each(Running::stop);
    // Until it stopped, a renewal may have gone on. Who starts with what was true before that has neither
    // the keys that the others know, nor those that it asked for.
    let identities = match shared.store.identities() {
        Ok(newest) if changed => newest,
        _ => identities,
    };
    for identity in identities {
        let name: Arc<str> = fold_case(&identity.domain).into();
        if let Some(run) = running.get(&name) {
            run.domain.insist(domain::Note::Changed);
            continue;
        }
        let network = config.network_of(&identity.domain);
        match start(shared, identity, network) {
            Ok(run) => {
                let mut domains = shared.domains.write().unwrap_or_else(PoisonError::into_inner);
                domains.insert(name.clone(), run.domain.clone());
                running.insert(name, run);
            }
            Err(why) => (shared.log)(&format!("domain {name} cannot be served: {why}")),
        }
    }
    let mut domains = shared.domains.write().unwrap_or_else(PoisonError::into_inner);
    domains.retain(|name, _| running.contains_key(name));
    drop(domains);
    shared.lock().order = order;
    shared.announce();
}

fn start(
    shared: &Arc<Shared>,
    mut identity: Identity,
    network: Network,
) -> Result<Running, String> {
    let list = shared.store.members(&identity).map_err(|e| e.to_string())?;
    // A gateway that ends in the middle of a renewal may have kept the list and nothing else.
    if identity.follow(list.list()) {
        let kept = shared.store.lock().and_then(|l| shared.store.save_identity(&l, &identity));
        kept.map_err(|e| e.to_string())?;
    }
    let ephemeral = keys::new_exchange().map_err(|e| e.to_string())?;
    let own = Own::new(identity.secret(), ephemeral);
    let peers = Peers::new(&identity.domain, &identity.computer, own, list, identity::now());
    let (certificate, exchange) = (identity.certificate.clone(), identity.exchange);
    let (sender, notes) = sync_channel(NOTES);
    let domain = Arc::new(Domain::new(&identity, peers, shared.clone(), sender));
    let keeper = Keeper::new(domain.clone(), shared.store.clone(), identity, network.clone());
    let thread = thread::Builder::new().name("keeper".into());
    let keeper = thread.spawn(move || keeper.run(&notes)).map_err(|e: io::Error| e.to_string())?;
    Ok(Running { certificate, exchange, network, domain, keeper })
}

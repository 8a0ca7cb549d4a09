//! What each process does. Its environment says which it is; then it is told jobs, one a line, and
//! says what it measured. A reader says `ready` before its writer is told.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mailslot::gateway::GatewayOptions;
use mailslot_gateway::config::Config;
use mailslot_gateway::identity::Store;
use mailslot_gateway::service::status::{Reply, Request, ask};
use mailslot_gateway::service::{MAX_RECORD_SIZE, Service};
use mailslot_gateway::transport::events;
use mailslot_gateway::transport::zenoh::Zenoh;
use serde::{Deserialize, Serialize};

use crate::path::{self, PATIENCE, Subscriber, Target};
use crate::record::{Checker, Maker, now};

/// What says which part a process plays.
pub(crate) const ROLE: &str = "TWO_GATEWAYS_ROLE";
/// The configuration directory of its computer.
pub(crate) const STORE: &str = "TWO_GATEWAYS_STORE";
/// The address at which bare Zenoh meets.
pub(crate) const MEETING: &str = "TWO_GATEWAYS_MEETING";

/// The size of a large record, how many there are, and the time from one to the next.
const LARGE: usize = 16 << 20;
const LARGES: u64 = 5;
const LARGE_EVERY: Duration = Duration::from_millis(200);
const PACE: Duration = Duration::from_millis(1);

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// As fast as they are taken.
    Flood,
    /// One each millisecond.
    Paced,
    /// The same, while another writer writes large ones to another slot.
    BesideLarge,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) count: u64,
}

impl Job {
    fn checker(self) -> Checker {
        Checker::new(self.size, self.count, self.kind != Kind::Flood)
    }

    fn large(self) -> Option<Checker> {
        (self.kind == Kind::BesideLarge).then(|| Checker::new(LARGE, LARGES, false))
    }
}

/// What a process measured: `CLOCK_MONOTONIC`, and how long records took, in nanoseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) at: u64,
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
}

fn jobs() -> impl Iterator<Item = Job> {
    let lines = std::io::stdin().lock().lines().map_while(Result::ok);
    lines.map(|line| serde_json::from_str(&line).expect("a job"))
}

/// Plays the part that this process has, if it has one.
pub(crate) fn play() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    match role.as_str() {
        "gateway" => gateway(),
        "reader" => reader(),
        "writer" => writer(),
        "bare reader" => bare_reader(),
        "bare writer" => bare_writer(),
        _ => panic!("{role} is no role"),
    }
    true
}

/// What `mailslot gateway` is.
fn gateway() {
    let store = Store::at(PathBuf::from(variable(STORE)));
    let config = Config::read(store.dir()).expect("a configuration");
    let computer = store.identities().expect("identities").remove(0).computer;
    let mut options = GatewayOptions::new(computer);
    let slot = options.max_record_size(MAX_RECORD_SIZE).create().expect("the gateway's slot");
    let (sink, source) = events().expect("a bell");
    let log = Arc::new(|line: &str| eprintln!("{line}"));
    let zenoh = Zenoh::start(store, config, sink, log.clone()).expect("to start");
    let service = Service::new(slot, Arc::new(zenoh), source, log).expect("a service");
    let stopper = service.stopper();
    thread::spawn(move || {
        // Until the benchmark ends.
        jobs().for_each(drop);
        stopper.stop();
    });
    say("ready");
    service.run().expect("to run");
}

fn measured(checker: Checker) {
    let mut times = checker.times;
    times.sort_unstable();
    let place = |part: usize| times.get((times.len() * part / 100).min(times.len().max(1) - 1));
    let [p50, p99, max] = [50, 99, 100].map(|part| place(part).copied().unwrap_or_default());
    let outcome = Outcome { at: now(), p50, p99, max };
    say(&serde_json::to_string(&outcome).expect("numbers"));
}

fn reader() {
    let (mut small, mut large) = (path::slot("small"), path::slot("large"));
    say("ready");
    for job in jobs() {
        say("ready");
        let checker = thread::scope(|scope| {
            if let Some(checker) = job.large() {
                scope.spawn(|| path::take(&mut large, checker));
            }
            path::take(&mut small, job.checker())
        });
        measured(checker);
    }
}

fn bare_reader() {
    let session = path::session(variable(STORE).as_ref(), Some(&variable(MEETING)), None);
    let mut small = Subscriber::new(&session, "bench/small");
    let mut large = Subscriber::new(&session, "bench/large");
    say("ready");
    for job in jobs() {
        small.expect(job.checker());
        let more = job.large().map(|checker| large.expect(checker));
        say("ready");
        let checker = small.finish();
        if more.is_some() {
            large.finish();
        }
        measured(checker);
    }
}

fn writer() {
    let joe = || Request::Ping { computer: "JOE".into(), milliseconds: 1000 };
    let start = now();
    while !matches!(ask(&joe()), Ok(Reply::Here(_))) {
        assert!(u128::from(now() - start) < PATIENCE.as_nanos(), "JOE doesn't answer");
        thread::sleep(Duration::from_millis(20));
    }
    write(path::writer("small"), path::writer("large"));
}

fn bare_writer() {
    let session = path::session(variable(STORE).as_ref(), None, Some(&variable(MEETING)));
    let publisher = |key| path::publisher(&session, key);
    write(publisher("bench/small"), publisher("bench/large"));
}

fn write(mut small: impl Target, mut large: impl Target) {
    say("ready");
    for job in jobs() {
        let mut maker = Maker::new(job.size);
        let start = now();
        match job.kind {
            Kind::Flood => {
                for _ in 0..job.count {
                    small.put(maker.next(false));
                }
            }
            Kind::Paced | Kind::BesideLarge => thread::scope(|scope| {
                if job.large().is_some() {
                    scope.spawn(|| {
                        let mut maker = Maker::new(LARGE);
                        for _ in 0..LARGES {
                            large.put(maker.next(false));
                            thread::sleep(LARGE_EVERY);
                        }
                    });
                }
                for _ in 0..job.count {
                    small.put(maker.next(true));
                    thread::sleep(PACE);
                }
            }),
        }
        small.check();
        large.check();
        say(&serde_json::to_string(&Outcome { at: start, ..Outcome::default() }).expect("numbers"));
    }
}

//! The processes of each side, and what the system says of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use mailslot_gateway::identity::{Authority, Store, now};
use mailslot_gateway::transport::zenoh::environment;
use tempfile::TempDir;

use crate::part::{Job, MEETING, Outcome, ROLE, STORE};
use crate::path::PATIENCE;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Gateways,
    Bare,
}

impl Side {
    pub(crate) const BOTH: [Side; 2] = [Side::Gateways, Side::Bare];
}

/// A process, ended when dropped.
struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(role: &str, computer: &Path, meeting: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a name"));
        command
            .env(ROLE, role)
            .env(STORE, computer.join("config"))
            .env(MEETING, meeting)
            .env("MAILSLOT_DIR", computer.join("slots"))
            .env(environment::VARIABLE, environment::SETTING)
            .envs(environment::MEMORY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("to start a process");
        let stdout = BufReader::new(child.stdout.take().expect("was asked for"));
        Self { stdin: child.stdin.take(), child, stdout }
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line).expect("a line");
        assert!(read > 0, "a process of the benchmark has failed");
        line.trim_end().to_owned()
    }

    fn is_ready(&mut self) {
        assert_eq!(self.hear(), "ready");
    }

    fn tell(&mut self, job: Job) {
        let line = serde_json::to_string(&job).expect("a job");
        let stdin = self.stdin.as_mut().expect("open until the end");
        writeln!(stdin, "{line}").expect("the process listens");
    }

    fn outcome(&mut self) -> Outcome {
        serde_json::from_str(&self.hear()).expect("an outcome")
    }

    /// What the system says of its threads: nanoseconds of processor time, and how often they have
    /// gone to sleep.
    fn threads(&self) -> (u64, u64) {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let mut total = (0, 0);
        for task in tasks.flatten() {
            // A thread may end meanwhile.
            let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let time = read("schedstat");
            total.0 += time.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
            total.1 += field(&read("status"), "voluntary_ctxt_switches");
        }
        total
    }

    /// Bytes in memory now, and the most so far.
    fn memory(&self) -> (u64, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        (field(&status, "VmRSS") * 1024, field(&status, "VmHWM") * 1024)
    }
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends when nobody tells it any more.
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A gateway's state.
pub(crate) struct Gateway {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
    /// Nanoseconds of processor time, and how often its threads went to sleep.
    pub(crate) cpu: u64,
    pub(crate) sleeps: u64,
}

/// Both sides at once; the one that isn't measured sleeps.
pub(crate) struct Bench {
    gateways: [Process; 2],
    /// Of each side the writer and the reader.
    ends: [[Process; 2]; 2],
    _dir: TempDir,
}

impl Bench {
    /// Makes a domain of SUE, who writes, and JOE, who reads, and starts everything.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let [meeting, bare] = [free_address(), free_address()];
        let [sue, joe] = ["SUE", "JOE"].map(|name| dir.path().join(name));
        for (computer, what) in [(&sue, "listen"), (&joe, "peers")] {
            fs::create_dir_all(computer.join("slots")).expect("a directory");
            fs::create_dir_all(computer.join("config")).expect("a directory");
            let listen = if what == "peers" { "listen = ['127.0.0.1:0']\n" } else { "" };
            let config = format!("[network]\nmulticast = false\n{listen}{what} = ['{meeting}']\n");
            fs::write(computer.join("config/config.toml"), config).expect("to write");
        }
        let store = |computer: &Path| Store::at(computer.join("config"));
        let made = Authority::create("WORKGROUP", "SUE", now());
        let (authority, identity, list) = made.expect("a domain");
        let (invitation, list) =
            authority.invite(&list, "JOE", 86_400, now()).expect("an invitation");
        let add = |store: Store, identity, list, authority: Option<&Authority>| {
            store.add(&store.lock().expect("a lock"), &identity, &list, authority).expect("to add");
        };
        add(store(&sue), identity, list, Some(&authority));
        let (identity, list) = invitation.accept(now()).expect("to join");
        add(store(&joe), identity, list, None);

        let ready = |role, computer: &Path| {
            let mut process = Process::start(role, computer, &bare);
            process.is_ready();
            process
        };
        let gateways = [ready("gateway", &sue), ready("gateway", &joe)];
        // JOE gets a certificate for a key of its own, and connects again.
        let start = Instant::now();
        while store(&joe).identity("WORKGROUP").expect("an identity").is_due(now()) {
            assert!(start.elapsed() < PATIENCE, "JOE's certificate is not renewed");
            std::thread::sleep(Duration::from_millis(20));
        }
        let side = |writer, reader| {
            let reader = ready(reader, &joe);
            [ready(writer, &sue), reader]
        };
        let ends = [side("writer", "reader"), side("bare writer", "bare reader")];
        Self { gateways, ends, _dir: dir }
    }

    /// Runs a job. Gives records a second, times of records, and processor time of each.
    pub(crate) fn run(&mut self, side: Side, job: Job) -> BTreeMap<&'static str, f64> {
        let before = self.cpu(side);
        let [writer, reader] = &mut self.ends[side as usize];
        reader.tell(job);
        reader.is_ready();
        writer.tell(job);
        let end = reader.outcome();
        let start = writer.outcome();
        let (all, gateways) = (self.cpu(side), before);
        let each = |after: u64, before: u64| (after - before) as f64 / job.count as f64;
        let mut figures = BTreeMap::new();
        figures.insert("rate", job.count as f64 * 1e9 / (end.at - start.at) as f64);
        figures.insert("p50", end.p50 as f64 / 1000.0);
        figures.insert("p99", end.p99 as f64 / 1000.0);
        figures.insert("max", end.max as f64 / 1000.0);
        figures.insert("cpu", each(all.0, gateways.0));
        figures.insert("gateways", each(all.1, gateways.1));
        figures
    }

    /// Processor time of all processes of a side, and of gateways among them.
    fn cpu(&self, side: Side) -> (u64, u64) {
        let of = |processes: &[Process]| processes.iter().map(|p| p.threads().0).sum::<u64>();
        let gateways = if side == Side::Gateways { of(&self.gateways) } else { 0 };
        (of(&self.ends[side as usize]) + gateways, gateways)
    }

    pub(crate) fn gateways(&self) -> [Gateway; 2] {
        self.gateways.each_ref().map(|process| {
            let ((resident, peak), (cpu, sleeps)) = (process.memory(), process.threads());
            Gateway { resident, peak, cpu, sleeps }
        })
    }

    /// What the gateways do while nobody asks anything of them.
    pub(crate) fn idle(&self, time: Duration) -> [Gateway; 2] {
        let before = self.gateways();
        std::thread::sleep(time);
        let mut after = self.gateways();
        for (after, before) in after.iter_mut().zip(before) {
            after.cpu -= before.cpu;
            after.sleeps -= before.sleeps;
        }
        after
    }
}

fn free_address() -> String {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").to_string()
}

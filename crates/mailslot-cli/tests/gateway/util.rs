//! Computers, and processes on them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(180);
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_mailslot");

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A computer.
pub(crate) struct Computer {
    pub(crate) name: String,
    dir: TempDir,
    namespace: Option<String>,
    gateway: Option<Running>,
}

impl Computer {
    /// One of its own on loopback, or that of a network namespace.
    pub(crate) fn new(name: &str, namespace: Option<&str>, interface: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("mailslot-net-").tempdir_in("/tmp").unwrap();
        fs::create_dir(dir.path().join("slots")).unwrap();
        fs::create_dir(dir.path().join("config")).unwrap();
        let namespace = namespace.map(str::to_owned);
        let this = Self { name: name.to_owned(), dir, namespace, gateway: None };
        this.configure(&format!("[network]\ninterface = '{interface}'\n"));
        this
    }

    /// Replaces its configuration.
    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("config/config.toml"), text).unwrap();
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// `mailslot ARGS` on it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(PROGRAM);
        command.args(args);
        command
    }

    /// Any program on it.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace, program]);
                command
            }
            None => Command::new(program),
        };
        command.stdin(Stdio::null());
        command.env("MAILSLOT_DIR", self.path("slots"));
        command.env("MAILSLOT_CONFIG_DIR", self.path("config"));
        command
    }

    /// Runs `mailslot ARGS` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs `mailslot ARGS`, which succeeds. Its output.
    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(out.status.success(), "{}: {args:?}: {out:?}", self.name);
        String::from_utf8(out.stdout).unwrap()
    }

    /// Creates the domain.
    pub(crate) fn create(&self, domain: &str) {
        self.ok(&["domain", "create", domain, "--computer", &self.name]);
    }

    /// Invites another computer, which joins.
    pub(crate) fn invite(&self, other: &Computer) {
        let file = self.path("invitation");
        let file = file.to_str().unwrap();
        self.ok(&["domain", "invite", &other.name, "--output", file]);
        other.ok(&["domain", "join", file]);
    }

    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts its gateway, with these variables in its environment.
    pub(crate) fn start_with(&mut self, variables: &[(&str, &str)]) {
        let mut command = self.command(&["gateway"]);
        command.envs(variables.iter().copied());
        let before = self.log().matches("ready").count();
        self.gateway = Some(Running::start(&mut command, &self.path("log")));
        eventually("the gateway is ready", || self.log().matches("ready").count() > before);
    }

    /// The memory that its gateway has, in MiB, without what its writers have and share with it.
    pub(crate) fn memory(&self) -> u64 {
        let [all, shared] = self.memory_of(["VmRSS:", "RssShmem:"]);
        (all - shared) / 1024
    }

    /// What the kernel says at one moment of its gateway's memory, in KiB.
    pub(crate) fn memory_of<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        let pid = self.gateway.as_ref().unwrap().0.id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        names.map(|name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        })
    }

    pub(crate) fn gateway(&mut self) -> &mut Running {
        self.gateway.as_mut().unwrap()
    }

    /// Sends a signal to the gateway.
    pub(crate) fn signal(&self, signal: Signal) {
        self.gateway.as_ref().unwrap().signal(signal);
    }

    /// What the gateway says about itself.
    pub(crate) fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.ok(&["gateway", "status", "--json"])).unwrap()
    }

    /// What it says about another computer, or 0.
    pub(crate) fn of_computer(&self, name: &str, what: &str) -> u64 {
        let status = self.status();
        let computers = status["domains"][0]["computers"].as_array().unwrap();
        let of = computers.iter().find(|computer| computer["name"] == name);
        of.and_then(|computer| computer[what].as_u64()).unwrap_or(0)
    }

    /// Which way frames to another computer take: `direct`, `zenoh`, or nothing.
    pub(crate) fn goes(&self, to: &Computer) -> String {
        let status = self.status();
        let computers = status["domains"][0]["computers"].as_array().unwrap();
        let of = computers.iter().find(|computer| computer["name"] == *to.name);
        of.and_then(|computer| computer["way"].as_str()).unwrap_or_default().to_owned()
    }

    /// What the gateway has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Starts a reader of a slot, whose records go to a file.
    pub(crate) fn read(&self, slot: &str) -> Reader {
        let file = self.path(&format!("records-{}", slot.replace('/', "-")));
        let process = Running::start(&mut self.command(&["read", slot]), &file);
        eventually("the slot exists", || self.run(&["info", slot]).status.success());
        Reader { file, _process: process }
    }

    /// Waits until `other`, which was invited from here, is a member, with keys of its own.
    pub(crate) fn knows_as_member(&self, other: &Computer) {
        let line = format!("certificate of {} is renewed", other.name.to_lowercase());
        eventually(&line, || self.log().contains(&line));
        self.reaches(other);
        other.reaches(self);
    }

    /// Creates a domain, which `other` joins, and starts the gateways of both.
    pub(crate) fn meets(&mut self, other: &mut Computer) {
        self.create("WORKGROUP");
        self.invite(other);
        self.start();
        other.start();
        self.reaches(other);
        other.reaches(self);
    }

    /// Waits until the computers' gateways reach each other.
    pub(crate) fn reaches(&self, other: &Computer) {
        eventually(&format!("{} reaches {}", self.name, other.name), || {
            self.run(&["ping", &other.name, "--timeout", "5s"]).status.success()
        });
    }
}

impl Drop for Computer {
    fn drop(&mut self) {
        if thread::panicking() && self.gateway.is_some() {
            let status = self.run(&["gateway", "status"]);
            let status = String::from_utf8_lossy(&status.stdout);
            eprintln!("-- the gateway of {}:\n{}{status}", self.name, self.log());
        }
    }
}

/// A reader, and the lines that it has written.
pub(crate) struct Reader {
    file: PathBuf,
    _process: Running,
}

impl Reader {
    pub(crate) fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.file).unwrap().lines().map(str::to_owned).collect()
    }

    #[track_caller]
    pub(crate) fn gets(&self, lines: &[&str]) {
        eventually(&format!("{lines:?} arrive"), || self.lines() == lines);
    }
}

/// A process, killed when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Standard output and error go to `file`.
    pub(crate) fn start(command: &mut Command, file: &Path) -> Self {
        let file = File::options().create(true).append(true).open(file).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Self(command.spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Its standard input, if that is a pipe.
    pub(crate) fn input(&mut self) -> ChildStdin {
        self.0.stdin.take().unwrap()
    }

    /// Waits for its end. Its exit code.
    pub(crate) fn ends(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("the process ends", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

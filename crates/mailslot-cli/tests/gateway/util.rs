//! Computers, and processes on them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(90);
const BIN: &str = env!("CARGO_BIN_EXE_mailslot");

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
    /// What its commands are started by: `ip netns exec NAME`.
    wrapper: Vec<String>,
    gateway: Option<Running>,
}

impl Computer {
    pub(crate) fn new(name: &str, wrapper: &[&str], interface: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("mailslot-net-").tempdir_in("/tmp").unwrap();
        fs::create_dir(dir.path().join("slots")).unwrap();
        fs::create_dir(dir.path().join("config")).unwrap();
        let config = format!("[network]\ninterface = '{interface}'\n");
        fs::write(dir.path().join("config/config.toml"), config).unwrap();
        let wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        Self { name: name.to_owned(), dir, wrapper, gateway: None }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// `mailslot ARGS` on it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let words: Vec<&str> = self.wrapper.iter().map(String::as_str).chain([BIN]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(args).stdin(Stdio::null());
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
        let gateway = Running::start(&mut self.command(&["gateway"]), &self.path("log"));
        self.gateway = Some(gateway);
        eventually("the gateway is ready", || self.log().contains("ready"));
    }

    pub(crate) fn gateway(&mut self) -> &mut Running {
        self.gateway.as_mut().unwrap()
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

    /// Waits until the computers' gateways reach each other.
    pub(crate) fn reaches(&self, other: &Computer) {
        eventually(&format!("{} reaches {}", self.name, other.name), || {
            self.run(&["ping", &other.name, "--timeout", "1s"]).status.success()
        });
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

/// Whether tests that need root can run. If they must, they fail where they can't.
pub(crate) fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    assert!(root || std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_none(), "{test} needs root");
    if !root {
        let _ = writeln!(std::io::stderr(), "{test}: skipped, since it needs root");
    }
    root
}

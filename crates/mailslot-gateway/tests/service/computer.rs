//! Processes on computers of a test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(150);

pub(crate) fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Computers, and a directory for all that they have.
pub(crate) struct Lan {
    dir: tempfile::TempDir,
    computers: Vec<&'static str>,
}

impl Lan {
    pub(crate) fn new(computers: &[&'static str]) -> Lan {
        let dir = tempfile::tempdir().unwrap();
        for name in computers.iter().chain(&["network"]) {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Lan { dir, computers: computers.to_vec() }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.computers.clone().into_iter()
    }

    fn start(&self, computer: &str, role: &str, more: &[(&str, &str)]) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .env("GATEWAY_TEST_ROLE", role)
            .env("MAILSLOT_DIR", self.dir.path().join(computer))
            .env("NETWORK", self.dir.path().join("network"))
            .env("COMPUTER", computer)
            .env("COMPUTERS", self.computers.join(","))
            .envs(more.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Process::new(command.spawn().unwrap())
    }

    pub(crate) fn gateway(&self, computer: &str) -> Process {
        let process = self.start(computer, "gateway", &[]);
        assert_eq!(process.lines(1), ["ready"]);
        process
    }

    pub(crate) fn reader(&self, computer: &str, slot: &str, access: &str) -> Process {
        let process = self.start(computer, "reader", &[("SLOT", slot), ("ACCESS", access)]);
        assert_eq!(process.lines(1), ["ready"]);
        process
    }

    /// Gives how many were lost.
    pub(crate) fn write(&self, computer: &str, target: &str, count: usize, size: usize) -> u64 {
        let (count, size) = (count.to_string(), size.to_string());
        let more = [("TARGET", target), ("COUNT", &count), ("SIZE", &size)];
        self.start(computer, "writer", &more).lines(1)[0].parse().unwrap()
    }

    pub(crate) fn start_confirm(
        &self,
        computer: &str,
        target: &str,
        count: usize,
        timeout: Duration,
    ) -> Process {
        let (count, time) = (count.to_string(), timeout.as_millis().to_string());
        let more = [("TARGET", target), ("COUNT", &count), ("SIZE", &time)];
        self.start(computer, "confirm", &more)
    }

    pub(crate) fn confirm(
        &self,
        computer: &str,
        target: &str,
        count: usize,
        timeout: Duration,
    ) -> Vec<String> {
        self.start_confirm(computer, target, count, timeout).all_lines()
    }

    /// What becomes of records for a slot whose reader has just gone, each time.
    pub(crate) fn leave(&self, computer: &str, target: &str, slot: &str) -> Vec<String> {
        let more = [("TARGET", target), ("SLOT", slot), ("COUNT", "300"), ("SIZE", "50000")];
        self.start(computer, "leaver", &more).all_lines()
    }

    pub(crate) fn ask(&self, computer: &str, request: &str) -> String {
        self.start(computer, "ask", &[("REQUEST", request)]).lines(1).remove(0)
    }
}

#[derive(Default)]
struct Output {
    lines: VecDeque<String>,
    seen: usize,
    ended: bool,
}

/// A process, killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<(Mutex<Output>, Condvar)>,
}

impl Process {
    fn new(mut child: Child) -> Process {
        let output = Arc::<(Mutex<Output>, Condvar)>::default();
        let (theirs, stdout) = (output.clone(), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let mut output = theirs.0.lock().unwrap();
                output.lines.push_back(line);
                output.seen += 1;
                theirs.1.notify_all();
            }
            theirs.0.lock().unwrap().ended = true;
            theirs.1.notify_all();
        });
        let stdin = child.stdin.take();
        Process { child, stdin, output }
    }

    fn take(&self, enough: impl Fn(&Output) -> Option<usize>) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut output = self.output.0.lock().unwrap();
        loop {
            if let Some(count) = enough(&output) {
                return output.lines.drain(..count).collect();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let lines = output.lines.len();
            assert!(!left.is_zero() && !output.ended, "{lines} lines: {:?}", output.lines.back());
            output = self.output.1.wait_timeout(output, left).unwrap().0;
        }
    }

    /// The next lines that it says.
    pub(crate) fn lines(&self, count: usize) -> Vec<String> {
        self.take(|output| (output.lines.len() >= count).then_some(count))
    }

    /// What it says before `last`.
    pub(crate) fn lines_until(&self, last: &str) -> Vec<String> {
        let mut lines = self.take(|output| {
            let place = output.lines.iter().rposition(|line| line == last)?;
            Some(place + 1)
        });
        lines.pop();
        lines
    }

    /// What it says until it ends.
    pub(crate) fn all_lines(&self) -> Vec<String> {
        self.take(|output| output.ended.then_some(output.lines.len()))
    }

    /// How many lines it has said so far.
    pub(crate) fn seen(&self) -> usize {
        self.output.0.lock().unwrap().seen
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks a gateway to end, and waits for it.
    pub(crate) fn stop(mut self) {
        drop(self.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

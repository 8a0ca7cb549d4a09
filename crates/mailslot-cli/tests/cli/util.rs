//! Slots of a test's own, and processes that it starts.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(150);

pub(crate) const BIN: &str = env!("CARGO_BIN_EXE_mailslot");

/// A directory of slots.
pub(crate) struct World {
    dir: TempDir,
}

impl World {
    /// Its path is short enough for the demo to put its own directory there.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("ms-cli-").tempdir_in("/tmp").unwrap() }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `mailslot ARGS` in this world.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.wrapped(&[], args)
    }

    /// `mailslot ARGS` started by another command.
    pub(crate) fn wrapped(&self, wrapper: &[&str], args: &[&str]) -> Command {
        let words = [wrapper, &[BIN], args].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("MAILSLOT_DIR", self.dir()).stdin(Stdio::null());
        command
    }

    /// Runs `mailslot ARGS` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        Process::start(&mut self.command(args)).finish()
    }

    /// Runs `mailslot ARGS` to its end with this on its standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &[u8]) -> Done {
        let mut process = Process::start(self.command(args).stdin(Stdio::piped()));
        let mut stdin = process.stdin();
        let input = input.to_vec();
        // The process may stop reading: then writing fails, and that is its business.
        let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
        let done = process.finish();
        feeder.join().unwrap();
        done
    }

    /// Starts `mailslot read SLOT ARGS` and waits until the slot exists.
    pub(crate) fn reader(&self, slot: &str, args: &[&str]) -> Process {
        // Signals that are ignored here, as in a shell's background job, shall not be ignored there.
        let env = ["env", "--default-signal=HUP,INT,TERM"];
        let mut command = self.wrapped(&env, &[&["read", slot], args].concat());
        let reader = Process::start(&mut command);
        self.await_slot(slot);
        reader
    }

    pub(crate) fn await_slot(&self, slot: &str) {
        eventually(&format!("{slot} exists"), || self.run(&["info", slot]).code == Some(0));
    }

    /// Writes one record.
    pub(crate) fn write(&self, slot: &str, record: &str) {
        self.run(&["write", slot, "--", record]).succeeds();
    }

    /// Asserts that nothing of any slot is left.
    pub(crate) fn is_empty(&self) {
        let left: Vec<_> = self.dir().read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "it never came to this: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A process, its output collected as it comes. It is killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<Receiver<Vec<u8>>>,
    stderr: Option<Receiver<Vec<u8>>>,
    /// Output received so far.
    seen: Vec<u8>,
}

impl Process {
    /// Starts a command whose output goes to us.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = Self::start_unread(command);
        process.stdout = process.child.stdout.take().map(collect);
        process
    }

    /// Starts a command and doesn't read its standard output for now.
    pub(crate) fn start_unread(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stderr = child.stderr.take().map(collect);
        Self { child, stdin, stdout: None, stderr, seen: Vec::new() }
    }

    /// Starts a command whose standard output goes to a file.
    pub(crate) fn start_into(command: &mut Command, file: File) -> Self {
        let mut child = command.stdout(file).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stderr = child.stderr.take().map(collect);
        Self { child, stdin, stdout: None, stderr, seen: Vec::new() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    /// Closes our end of its standard output.
    pub(crate) fn close_stdout(&mut self) {
        drop(self.child.stdout.take().unwrap());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the output so far satisfies.
    #[track_caller]
    pub(crate) fn output_until(&mut self, enough: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if enough(&seen) {
                return seen;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.stdout.as_ref().unwrap().recv_timeout(left) {
                Ok(more) => self.seen.extend(more),
                Err(_) => panic!("the output never went beyond {seen:?}"),
            }
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Done {
        drop(self.stdin.take());
        let mut status = None;
        eventually("the process ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let mut stdout = std::mem::take(&mut self.seen);
        stdout.extend(rest(self.stdout.take()));
        let stderr = String::from_utf8(rest(self.stderr.take())).unwrap();
        Done::new(status.unwrap(), stdout, stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(n @ 1..) = pipe.read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn rest(pipe: Option<Receiver<Vec<u8>>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let end = Instant::now() + PATIENCE;
    while let Some(Ok(more)) =
        pipe.as_ref().map(|pipe| pipe.recv_timeout(end.saturating_duration_since(Instant::now())))
    {
        bytes.extend(more);
    }
    bytes
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    fn new(status: ExitStatus, bytes: Vec<u8>, stderr: String) -> Self {
        let stdout = String::from_utf8_lossy(&bytes).into_owned();
        Self { code: status.code(), signal: status.signal(), bytes, stdout, stderr }
    }

    /// Asserts that all went well and nothing was said about it. Gives the output.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!((self.code, &self.stderr[..]), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// Asserts the exit code and the one line on standard error.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, message: &str) {
        let expected = format!("mailslot: {message}\n");
        assert_eq!((self.code, &self.stderr[..]), (Some(code), &expected[..]), "{self:?}");
    }

    /// Asserts that the command line was refused, and that the message has this in it.
    #[track_caller]
    pub(crate) fn is_misused(&self, message: &str) {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert!(self.stderr.contains(message), "{message:?} is not in {:?}", self.stderr);
        assert_eq!(self.stdout, "");
    }
}

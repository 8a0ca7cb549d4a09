//! Running cases in processes of their own.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::panic::UnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};

/// Names the case or role that a process of this program plays.
const ROLE: &str = "MAILSLOT_TEST_ROLE";

/// One test.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    name: &'static str,
    body: fn(),
    bound: Duration,
    alone: bool,
}

impl Case {
    pub(crate) const fn new(name: &'static str, body: fn()) -> Self {
        Self { name, body, bound: Duration::from_secs(300), alone: false }
    }

    /// Takes longer than most: killed only after ten minutes for each unit of scale.
    pub(crate) const fn long(self) -> Self {
        Self { bound: Duration::from_secs(600), ..self }
    }

    /// Measures something that other cases would disturb.
    pub(crate) const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }
}

/// A part that a program plays which was started anew, not forked.
pub(crate) type Role = (&'static str, fn());

/// Runs all cases, or the one part that this process was started for.
pub(crate) fn run(cases: &[Case], roles: &[Role]) -> ExitCode {
    if let Ok(name) = std::env::var(ROLE) {
        let role = roles.iter().find(|role| role.0 == name).map(|role| role.1);
        let case = cases.iter().find(|case| case.name == name).map(|case| case.body);
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        super::record::prepare();
        role.or(case).expect("a role of this name")();
        return ExitCode::SUCCESS;
    }
    let trial = |case: &Case| {
        let case = *case;
        Trial::test(case.name, move || run_case(&case).map_err(Failed::from))
    };
    libtest_mimic::run(&Arguments::from_args(), cases.iter().map(trial).collect()).exit_code()
}

/// A new process of this program, not yet started, that plays `role`.
pub(crate) fn program(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ROLE, role);
    command
}

/// How much longer than usual the long cases are to run.
pub(crate) fn scale() -> u64 {
    let asked = std::env::var("MAILSLOT_TEST_SCALE").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(1).max(1)
}

fn run_case(case: &Case) -> Result<(), String> {
    /// Held for writing by cases that want the computer for themselves.
    static COMPUTER: RwLock<()> = RwLock::new(());
    let _alone = case.alone.then(|| COMPUTER.write().unwrap_or_else(PoisonError::into_inner));
    let _shared = (!case.alone).then(|| COMPUTER.read().unwrap_or_else(PoisonError::into_inner));

    let dir = Directory::new();
    let mut output = tempfile(&dir.0);
    let mut child = program(case.name)
        .env("MAILSLOT_DIR", dir.slots())
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output.try_clone().unwrap())
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())?;
    let group = Pid::from_raw(child.id() as i32).unwrap();
    let deadline = Instant::now() + case.bound * scale() as u32;
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => break None,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    if status.is_none() {
        let _ = writeln!(output, "{}", describe_group(group));
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    let mut text = String::new();
    let _ = output.rewind();
    let _ = output.read_to_string(&mut text);
    for line in text.lines().filter(|line| line.starts_with("skipped: ")) {
        eprintln!("{}: {line}", case.name);
    }
    judge(status, &dir).map_err(|problem| format!("{problem}\n{text}"))
}

fn judge(status: Option<ExitStatus>, dir: &Directory) -> Result<(), String> {
    match status {
        None => return Err("its time is up".into()),
        Some(status) if !status.success() => return Err(format!("it failed: {status}")),
        Some(_) => {}
    }
    match names_in(&dir.slots()) {
        left if left.is_empty() => Ok(()),
        left => Err(format!("it left {left:?} among the slots")),
    }
}

/// What stands in a directory.
pub(crate) fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// What each process of a group that takes too long is doing.
fn describe_group(group: Pid) -> String {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut fields = stat.rsplit(')').next()?.split_whitespace();
        let state = fields.next()?.to_owned();
        let (_parent, its_group) = (fields.next()?, fields.next()?);
        let at = std::fs::read_to_string(entry.path().join("wchan")).unwrap_or_default();
        let call = std::fs::read_to_string(entry.path().join("syscall")).unwrap_or_default();
        (its_group == group.as_raw_nonzero().to_string())
            .then(|| format!("{}: {state} in {at}, {call}", entry.file_name().display()))
    });
    stats.collect::<Vec<_>>().join("\n")
}

/// Where a case keeps its slots and its output. Removed when dropped.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mailslot-test-{}-{count}", std::process::id());
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let dir = Self(root.join(name));
        let _ = std::fs::remove_dir_all(&dir.0);
        // Others may pass through: some cases let them into the slots.
        std::fs::DirBuilder::new().mode(0o711).create(&dir.0).unwrap();
        std::fs::DirBuilder::new().mode(0o700).create(dir.slots()).unwrap();
        dir
    }

    fn slots(&self) -> PathBuf {
        self.0.join("slots")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tempfile(dir: &Path) -> File {
    let path = dir.join("output");
    File::options().read(true).append(true).create(true).open(path).unwrap()
}

/// Runs `body` and tells whether it returned.
pub(super) fn survives(body: impl FnOnce() + UnwindSafe) -> bool {
    std::panic::catch_unwind(body).is_ok()
}

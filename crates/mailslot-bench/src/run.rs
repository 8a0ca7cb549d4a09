//! One run of one peer: starts the processes, leads them through their steps, and gathers what they
//! measured.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::case::{Case, Effort, Place, Workload};
use crate::job::{Job, Outcome, Part};
use crate::peer::{Address, Kind};
use crate::system;

/// More of the machine's time than this in other hands, and a run counts as disturbed.
const TOLERATED: f64 = 0.04;

/// No step of a run takes longer.
const LIMIT: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// Less than this, and the memory that records take is lost among what else the system counts.
const WEIGHABLE: f64 = 16e6;

/// What one run gave: figures by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) figures: BTreeMap<&'static str, f64>,
    /// The share of the processors that others used meanwhile.
    pub(crate) others: f64,
}

impl Sample {
    pub(crate) fn is_disturbed(&self) -> bool {
        self.others > TOLERATED
    }
}

/// A process of the run.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(job: &Job) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["part", &serde_json::to_string(job)?])
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("a pipe was asked for")?;
        let output = BufReader::new(child.stdout.take().context("a pipe was asked for")?);
        Ok(Self { child, input, output })
    }

    /// What it says next. Where records are lost, somebody waits for them, but not for ever.
    fn line(&mut self) -> Result<String> {
        if self.output.buffer().is_empty() {
            let mut fds = [PollFd::new(self.output.get_ref(), PollFlags::IN)];
            ensure!(poll(&mut fds, Some(&LIMIT))? > 0, "a process waits for what doesn't come");
        }
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "a process has ended, for the reason above");
        Ok(line.trim().to_owned())
    }

    fn wait_ready(&mut self) -> Result<()> {
        let line = self.line()?;
        ensure!(line == "ready", "a process said {line:?}");
        Ok(())
    }

    fn go(&mut self, word: &str) -> Result<()> {
        Ok(writeln!(self.input, "{word}")?)
    }

    /// Lets it end.
    fn outcome(mut self) -> Result<Outcome> {
        self.go("end")?;
        let outcome = serde_json::from_str(&self.line()?)?;
        ensure!(self.child.wait()?.success(), "a process has failed");
        Ok(outcome)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `case` with `peer`, `count` records (or round trips) per writer.
pub(crate) fn run(case: &Case, peer: Kind, count: u64, effort: Effort) -> Result<Sample> {
    let dir = tempfile::Builder::new().prefix("mailslot-bench-").tempdir_in("/dev/shm")?;
    let crowd = if let Workload::Throughput { crowd } = case.workload { crowd } else { 0 };
    let at = Address {
        dir: dir.path().to_owned(),
        name: "a".into(),
        writers: case.writers + crowd,
        size: case.size,
        spin: matches!(case.workload, Workload::RoundTrip { spin: true, .. }),
        one_shot: case.workload == Workload::OneShot,
        quota: case.quota(),
    };
    let part = Part::Reader;
    let job = Job { part, peer, at, index: 0, writers: case.writers, count, cpu: None };

    let before = (system::machine_busy(), system::family_cpu(), Instant::now());
    let figures = match case.workload {
        Workload::Throughput { .. } => throughput(job, crowd),
        Workload::OneShot => throughput(job, 0),
        Workload::RoundTrip { place, .. } => round_trip(job, place),
        Workload::Idle => idle(job, effort.idle_seconds),
        Workload::Burst { records } => burst(Job { count: records, ..job }),
    };
    let figures = figures?;
    let elapsed = before.2.elapsed().as_nanos() as f64 * system::processors() as f64;
    let own = (system::family_cpu() - before.1) as f64;
    let busy = (system::machine_busy() - before.0) as f64;
    // The kernel counts in ticks of 10 ms.
    let others = (busy - own - 20e6).max(0.0) / elapsed;
    Ok(Sample { figures, others })
}

type Figures = BTreeMap<&'static str, f64>;

fn throughput(job: Job, crowd: usize) -> Result<Figures> {
    let one_shot = job.at.one_shot;
    let mut reader = Process::start(&job)?;
    reader.wait_ready()?;
    let mut crowd_process = None;
    if crowd > 0 {
        let (part, index) = (Part::Crowd, job.writers);
        let mut process = Process::start(&Job { part, index, count: crowd as u64, ..job.clone() })?;
        process.wait_ready()?;
        process.go("connect")?;
        crowd_process = Some(process);
    }
    let part = if one_shot { Part::OneShotWriter } else { Part::Writer };
    let mut writers = (0..job.writers)
        .map(|index| Process::start(&Job { part, index, ..job.clone() }))
        .collect::<Result<Vec<_>>>()?;
    for writer in &mut writers {
        writer.wait_ready()?;
    }
    reader.go("read the crowd's")?;
    if let Some(process) = &mut crowd_process {
        process.wait_ready()?;
    }
    reader.wait_ready()?;
    reader.go("read")?;
    for writer in &mut writers {
        writer.go("write")?;
    }
    for writer in &mut writers {
        writer.wait_ready()?;
    }
    reader.wait_ready()?;
    let read = reader.outcome()?;
    let written = writers.into_iter().map(Process::outcome).collect::<Result<Vec<_>>>()?;
    if let Some(process) = crowd_process {
        process.outcome()?;
    }
    let start = written.iter().map(|outcome| outcome.start).min().unwrap_or(read.start);
    let cpu = read.cpu + written.iter().map(|outcome| outcome.cpu).sum::<u64>();
    let count = read.count as f64;
    Ok(BTreeMap::from([
        ("rate", count * 1e9 / (read.end - start) as f64),
        ("cpu", cpu as f64 / count / 1e3),
    ]))
}

fn round_trip(job: Job, place: Place) -> Result<Figures> {
    let other = if place == Place::OneCpu { 0 } else { 1 };
    if other >= system::processors() {
        bail!("it takes two processors");
    }
    let mut asker = Process::start(&Job { part: Part::Asker, cpu: Some(0), ..job.clone() })?;
    let mut answerer = Process::start(&Job { part: Part::Answerer, cpu: Some(other), ..job })?;
    for step in ["connect", "begin"] {
        asker.wait_ready()?;
        answerer.wait_ready()?;
        answerer.go(step)?;
        asker.go(step)?;
    }
    asker.wait_ready()?;
    answerer.wait_ready()?;
    let (asked, answered) = (asker.outcome()?, answerer.outcome()?);
    Ok(BTreeMap::from([
        ("p50", asked.p50 as f64 / 1e3),
        ("p99", asked.p99 as f64 / 1e3),
        ("rate", asked.count as f64 * 1e9 / (asked.end - asked.start) as f64),
        ("cpu", (asked.cpu + answered.cpu) as f64 / asked.count as f64 / 1e3),
    ]))
}

fn idle(job: Job, seconds: f64) -> Result<Figures> {
    let job = Job { count: 3, ..job };
    // It waits for three more of each that never come.
    let mut reader = Process::start(&Job { count: 6, ..job.clone() })?;
    reader.wait_ready()?;
    reader.go("no crowd")?;
    reader.wait_ready()?;
    reader.go("read")?;
    let mut writers = (0..job.writers)
        .map(|index| Process::start(&Job { part: Part::Writer, index, ..job.clone() }))
        .collect::<Result<Vec<_>>>()?;
    for writer in &mut writers {
        writer.wait_ready()?;
    }
    for writer in &mut writers {
        writer.go("write")?;
    }
    for writer in &mut writers {
        writer.wait_ready()?;
    }
    std::thread::sleep(Duration::from_millis(200));
    let state = || {
        let writers = writers.iter().map(|writer| system::activity(writer.child.id()));
        (
            system::activity(reader.child.id()),
            writers.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1)),
        )
    };
    let before = state();
    std::thread::sleep(Duration::from_secs_f64(seconds));
    let after = state();
    let busy = |after: u64, before: u64| (after - before) as f64 / seconds / 1e9 * 100.0;
    let wakeups = |after: u64, before: u64| (after - before) as f64 / seconds;
    Ok(BTreeMap::from([
        ("busy", busy(after.0.0, before.0.0)),
        ("wakeups", wakeups(after.0.1, before.0.1)),
        ("writers_busy", busy(after.1.0, before.1.0)),
        ("writers_wakeups", wakeups(after.1.1, before.1.1)),
    ]))
}

fn burst(job: Job) -> Result<Figures> {
    let bytes = job.at.size as f64;
    let mut reader = Process::start(&Job { part: Part::BurstReader, ..job.clone() })?;
    reader.wait_ready()?;
    let mut writer = Process::start(&Job { part: Part::BurstWriter, ..job })?;
    writer.wait_ready()?;
    reader.go("wait")?;
    reader.wait_ready()?;
    let pids = [reader.child.id(), writer.child.id()];
    let before = system::memory(&pids) as f64;
    writer.go("write")?;
    let held = writer.line()?;
    writer.wait_ready()?;
    let full = system::memory(&pids) as f64;
    reader.go(&held)?;
    reader.wait_ready()?;
    let after = system::memory(&pids) as f64;
    writer.go("read")?;
    writer.wait_ready()?;
    let (read, written) = (reader.outcome()?, writer.outcome()?);
    let count = written.count as f64;
    ensure!(count > 0.0, "not one record was taken");
    let rate = |outcome: &Outcome| count * 1e9 / (outcome.end - outcome.start) as f64;
    let mut figures = BTreeMap::from([
        ("held", count),
        ("rate_in", rate(&written)),
        ("rate_out", rate(&read)),
        ("cpu", (read.cpu + written.cpu) as f64 / count / 1e3),
    ]);
    if count * bytes > WEIGHABLE {
        figures.insert("memory", (full - before) / (count * bytes));
        figures.insert("kept", (after - before) / (count * bytes));
    }
    Ok(figures)
}

//! What the processes of a run tell each other: a job as an argument, then lines. A child says
//! `ready` after each step and waits for a line; at last it says what it measured.

use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::peer::{Address, Kind};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// Reads `count` records from each writer.
    Reader,
    /// Writes `count` records.
    Writer,
    /// Opens, writes a record and closes, `count` times.
    OneShotWriter,
    /// Opens `count` handles, writes two records through each, and keeps them.
    Crowd,
    /// Sends `count` records, each after the answer to the one before.
    Asker,
    Answerer,
    /// Writes up to `count` records without waiting.
    BurstWriter,
    BurstReader,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) part: Part,
    pub(crate) peer: Kind,
    pub(crate) at: Address,
    /// Which writer this is, of how many that write.
    pub(crate) index: usize,
    pub(crate) writers: usize,
    pub(crate) count: u64,
    pub(crate) cpu: Option<usize>,
}

/// What a child measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Processor time between the two.
    pub(crate) cpu: u64,
    pub(crate) count: u64,
    /// Round trips in nanoseconds: median and 99th percentile.
    pub(crate) p50: u64,
    pub(crate) p99: u64,
}

/// Says that a step is done and waits for the next.
pub(crate) fn ready() -> Result<String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready")?;
    out.flush()?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line)?;
    (read > 0).then_some(line).context("the benchmark has ended")
}

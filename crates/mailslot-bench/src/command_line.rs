//! `mailslot write --lines` into `mailslot read`, beside `cat | cat`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::case::Effort;
use crate::measure::{Figure, Row, Table, median};

/// The command that belongs to this build, if it was built.
pub(crate) fn command() -> Option<PathBuf> {
    let command = std::env::current_exe().ok()?.with_file_name("mailslot");
    command.exists().then_some(command)
}

/// Measures both, in turns.
pub(crate) fn measure(command: &Path, effort: Effort) -> Result<Table> {
    let dir = tempfile::Builder::new().prefix("mailslot-bench-").tempdir_in("/dev/shm")?;
    let lines = effort.burst;
    let input = dir.path().join("input");
    let mut file = BufWriter::new(File::create(&input)?);
    for number in 0..lines {
        writeln!(file, "line {number} of a short file")?;
    }
    file.into_inner()?;
    let wanted = fs::metadata(&input)?.len();
    let output = dir.path().join("output");

    let mut times = [Vec::new(), Vec::new()];
    for round in 0..effort.rounds {
        eprint!("\rcommand line, round {}/{} ", round + 1, effort.rounds);
        for (which, times) in times.iter_mut().enumerate() {
            let start = Instant::now();
            match which {
                0 => slots(command, dir.path(), &input, &output, lines)?,
                _ => pipes(&input, &output)?,
            }
            times.push(start.elapsed().as_secs_f64());
            ensure!(fs::metadata(&output)?.len() == wanted, "not all lines arrived");
            if which == 0 {
                let same = Command::new("cmp").args([&input, &output]).status()?.success();
                ensure!(same, "other lines arrived than were written");
            }
            fs::remove_file(&output)?;
        }
    }
    eprint!("\r{:80}\r", "");
    let row = |peer, times: &[f64], ratio| {
        let figure = Figure {
            median: median(times.to_vec()),
            low: times.iter().copied().fold(f64::INFINITY, f64::min),
            high: times.iter().copied().fold(0.0, f64::max),
        };
        let figures = BTreeMap::from([("seconds", figure)]);
        Row { peer, figures, ratio, disturbed: 0, rounds: effort.rounds }
    };
    let ratio = median(times[1].iter().zip(&times[0]).map(|(cat, us)| cat / us).collect());
    Ok(Table {
        group: "command line",
        name: "command line".into(),
        metric: "seconds",
        more_is_better: false,
        rows: vec![row("mailslot", &times[0], 1.0), row("cat | cat", &times[1], ratio)],
    })
}

fn slots(command: &Path, dir: &Path, input: &Path, output: &Path, lines: u64) -> Result<()> {
    let slot = "bench/lines";
    let mut reader = Command::new(command)
        .args(["read", slot, "--count", &lines.to_string()])
        .env("MAILSLOT_DIR", dir)
        .stdout(File::create(output)?)
        .spawn()?;
    let mut wrote = false;
    // Until the slot is there.
    for _ in 0..1000 {
        let write = Command::new(command)
            .args(["write", slot, "--lines"])
            .env("MAILSLOT_DIR", dir)
            .stdin(File::open(input)?)
            .stderr(Stdio::null())
            .status()?;
        if write.success() {
            wrote = true;
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if !wrote {
        let _ = reader.kill();
    }
    ensure!(reader.wait()?.success() && wrote, "the command line failed");
    Ok(())
}

fn pipes(input: &Path, output: &Path) -> Result<()> {
    let mut first = Command::new("cat").stdin(File::open(input)?).stdout(Stdio::piped()).spawn()?;
    let between = first.stdout.take().context("a pipe was asked for")?;
    let second = Command::new("cat").stdin(between).stdout(File::create(output)?).status()?;
    ensure!(first.wait()?.success() && second.success(), "cat failed");
    Ok(())
}

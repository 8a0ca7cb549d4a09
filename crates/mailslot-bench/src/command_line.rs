//! `mailslot write --lines` into `mailslot read`, beside `cat | cat`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::case::Effort;
use crate::measure::{Table, progress, row};
use crate::run::Sample;
use crate::system;

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

    let mut samples = [Vec::new(), Vec::new()];
    for round in 0..effort.rounds {
        progress(&format!("command line, round {}/{}", round + 1, effort.rounds));
        for turn in 0..samples.len() {
            let which = (round + turn) % samples.len();
            let before = system::family_cpu();
            let start = Instant::now();
            match which {
                0 => slots(command, dir.path(), &input, &output, lines)?,
                _ => pipes(&input, &output)?,
            }
            let seconds = start.elapsed().as_secs_f64();
            let cpu = (system::family_cpu() - before) as f64 / lines as f64 / 1e3;
            let figures = BTreeMap::from([("seconds", seconds), ("cpu", cpu)]);
            samples[which].push(Sample { figures, others: 0.0 });
            ensure!(fs::metadata(&output)?.len() == wanted, "not all lines arrived");
            let same = Command::new("cmp").args([&input, &output]).status()?.success();
            ensure!(same, "other lines arrived than were written");
            fs::remove_file(&output)?;
        }
    }
    progress("");
    let names = ["mailslot", "cat | cat"];
    let rows = names.iter().zip(&samples);
    Ok(Table {
        group: "command line".into(),
        name: "command line".into(),
        metric: "seconds".into(),
        rows: rows.map(|(peer, own)| row(peer, "seconds", own, &samples[0])).collect(),
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

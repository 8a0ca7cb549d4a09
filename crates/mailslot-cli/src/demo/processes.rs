//! The demo's processes, killed if the demo fails under way.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, ensure};

#[cfg(feature = "gateway")]
use super::lines::Lines;
use super::part::READY;
use super::{PART, myself};

/// A process that doesn't outlive its owner.
pub(super) struct Process(Child);

impl Process {
    /// Starts `mailslot ARGS`.
    pub(super) fn start(args: &[&str]) -> anyhow::Result<Self> {
        Self::spawn(myself()?.args(args))
    }

    /// Starts `mailslot ARGS` with a pipe to its standard input.
    pub(super) fn start_with_input(args: &[&str]) -> anyhow::Result<Self> {
        Self::spawn(myself()?.args(args).stdin(Stdio::piped()))
    }

    /// Starts a part of the demo and waits until it says that it is ready.
    pub(super) fn start_part(part: &str) -> anyhow::Result<Self> {
        let mut process = Self::spawn(myself()?.arg("demo").env(PART, part).stdin(Stdio::piped()))?;
        let out = process.0.stdout.as_mut().context("a part of the demo has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        if line.trim_end() != READY {
            let output = process.finish()?;
            anyhow::bail!("a writer failed: {}", complaint(&output));
        }
        Ok(process)
    }

    pub(super) fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        piped.spawn().map(Self).context("cannot start a process")
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// What it prints from now on.
    #[cfg(feature = "gateway")]
    pub(super) fn output(&mut self) -> anyhow::Result<Lines> {
        self.0.stdout.take().map(Lines::of).context("a process has no output")
    }

    /// What it says on standard error from now on.
    #[cfg(feature = "gateway")]
    pub(super) fn errors(&mut self) -> anyhow::Result<Lines> {
        self.0.stderr.take().map(Lines::of).context("a process has no standard error")
    }

    /// Writes a line to its standard input.
    pub(super) fn say(&mut self, line: &str) -> anyhow::Result<()> {
        let input = self.0.stdin.as_mut().context("a writer has no input")?;
        writeln!(input, "{line}").context("cannot reach a writer")
    }

    /// Kills it as `kill -9` does, and waits until it is dead.
    pub(super) fn kill(mut self) -> anyhow::Result<()> {
        self.0.kill().context("cannot kill a writer")?;
        let status = self.0.wait()?;
        ensure!(status.signal() == Some(9), "the writer was not killed: {status}");
        Ok(())
    }

    /// Waits for its end.
    pub(super) fn finish(mut self) -> anyhow::Result<Output> {
        drop(self.0.stdin.take());
        // What it prints is short: neither pipe can fill up while the other is read.
        let read = |pipe: Option<&mut dyn Read>| {
            let mut bytes = Vec::new();
            pipe.map_or(Ok(0), |pipe| pipe.read_to_end(&mut bytes)).map(|_| bytes)
        };
        let stdout = read(self.0.stdout.as_mut().map(|pipe| pipe as &mut dyn Read))?;
        let stderr = read(self.0.stderr.as_mut().map(|pipe| pipe as &mut dyn Read))?;
        Ok(Output { status: self.0.wait()?, stdout, stderr })
    }

    /// Waits for its end, which must be a good one.
    pub(super) fn succeed(self) -> anyhow::Result<String> {
        let output = self.finish()?;
        ensure!(output.status.success(), "a process failed: {}", complaint(&output));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits for its end, which must be a failure with this exit code. Gives what it said.
    pub(super) fn fail(self, code: u8) -> anyhow::Result<String> {
        let output = self.finish()?;
        let complaint = complaint(&output);
        ensure!(
            output.status.code() == Some(code.into()),
            "a process was to fail with exit code {code}, not with {}: {complaint}",
            output.status,
        );
        Ok(complaint)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    if said.trim().is_empty() { output.status.to_string() } else { said.trim().to_owned() }
}

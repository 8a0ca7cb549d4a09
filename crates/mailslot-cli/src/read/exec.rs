//! A shell command for each record.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use mailslot::{Mailslot, Record, SlotName};

use super::{Sink, Taken};
use crate::exit::{Exit, Failure};
use crate::{complain, text};

pub(super) struct Exec {
    script: OsString,
    stop_on_failure: bool,
    slot: String,
    run: u64,
    failed: u64,
}

impl Exec {
    /// `descriptor_limit`: the soft limit that this process was given and has raised for itself.
    pub(super) fn new(
        command: OsString,
        descriptor_limit: Option<u64>,
        stop_on_failure: bool,
        slot: &SlotName,
    ) -> Self {
        let script = match descriptor_limit {
            // Programs that use select(2) rely on the usual limit. The shell sets it back, since this
            // process needs its own while it starts the shell. On one line, for the numbers in errors.
            Some(limit) => {
                let mut script = OsString::from(format!("ulimit -S -n {limit}; "));
                script.push(command);
                script
            }
            None => command,
        };
        Self { script, stop_on_failure, slot: slot.to_string(), run: 0, failed: 0 }
    }

    /// An error if a command failed.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        if self.failed == 0 {
            return Ok(());
        }
        let message = format!("{} of {} failed", self.failed, text::count(self.run, "command"));
        Err(Failure::new(Exit::Failure, message).into())
    }

    fn run(&self, record: &Record) -> anyhow::Result<ExitStatus> {
        let sender = record.sender();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(&self.script)
            .env("MAILSLOT_NAME", &self.slot)
            .env("MAILSLOT_TIME", text::rfc3339(record.written()))
            .stdin(Stdio::piped());
        // What this process was given itself says nothing about the record.
        for part in ["PID", "UID", "USER", "COMPUTER", "DOMAIN"] {
            command.env_remove(format!("MAILSLOT_SENDER_{part}"));
        }
        match record.origin() {
            None => {
                command.env("MAILSLOT_SENDER_PID", sender.pid.to_string());
                command.env("MAILSLOT_SENDER_UID", sender.uid.to_string());
            }
            Some(origin) => {
                command.env("MAILSLOT_SENDER_PID", origin.pid.to_string());
                command.env("MAILSLOT_SENDER_USER", &origin.user);
                command.env("MAILSLOT_SENDER_COMPUTER", &origin.computer);
                command.env("MAILSLOT_SENDER_DOMAIN", &origin.domain);
            }
        }
        let mut child = command.spawn().context("cannot start sh")?;
        let given = match child.stdin.take() {
            Some(mut stdin) => stdin.write_all(record),
            None => Ok(()),
        };
        let status = child.wait().context("cannot wait for the command")?;
        match given {
            // A command need not read its input.
            Err(e) if e.kind() != ErrorKind::BrokenPipe => {
                Err(e).context("cannot give the record to the command")
            }
            _ => Ok(status),
        }
    }
}

impl Sink for Exec {
    fn take(&mut self, slot: &Mailslot, wait: Option<Duration>, _: u64) -> anyhow::Result<Taken> {
        let record = match slot.receive_timeout(wait) {
            Ok(record) => record,
            Err(error) => return Taken::failed(error),
        };
        self.run += 1;
        let status = self.run(&record)?;
        if !status.success() {
            self.failed += 1;
            let from = record.sender().pid;
            let message = format!(
                "the command for record {}, from process {from}, {}",
                self.run,
                why(status)
            );
            if self.stop_on_failure {
                return Err(Failure::new(Exit::Failure, message).into());
            }
            complain(&message);
        }
        Ok(Taken::Records(1))
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

fn why(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => format!("failed: {status}"),
    }
}

//! `--confirm`: what became of each record.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use mailslot::Confirmation;
use mailslot::gateway::Outcome;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::stdout::Stdout;
use crate::text;

/// How long the answers to a record are waited for if nobody says.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Prints what became of the records, and keeps in mind what it means for the exit code.
pub(super) struct Confirm {
    pub(super) timeout: Duration,
    json: bool,
    out: Stdout,
    written: u64,
    failed: u64,
    /// Whatever was seen; `None` where not even the gateway answered.
    seen: BTreeSet<Option<Outcome>>,
}

#[derive(Serialize)]
struct Json<'a> {
    record: u64,
    accepted: bool,
    complete: bool,
    outcomes: Vec<JsonOutcome<'a>>,
}

#[derive(Serialize)]
struct JsonOutcome<'a> {
    computer: &'a str,
    outcome: String,
}

impl Confirm {
    pub(super) fn new(timeout: Option<Duration>, json: bool) -> anyhow::Result<Self> {
        let (timeout, seen) = (timeout.unwrap_or(TIMEOUT), BTreeSet::new());
        Ok(Self { timeout, json, out: Stdout::new()?, written: 0, failed: 0, seen })
    }

    pub(super) fn show(&mut self, confirmation: &Confirmation) -> anyhow::Result<()> {
        self.written += 1;
        self.failed += u64::from(!confirmation.is_accepted());
        self.seen.extend(confirmation.outcomes().map(|(_, outcome)| Some(outcome)));
        if !confirmation.is_complete() || confirmation.outcomes().len() == 0 {
            self.seen.insert(None);
        }
        let shown = if self.json { self.object(confirmation) } else { self.lines(confirmation) };
        Ok(self.out.write(&shown)?)
    }

    fn object(&self, confirmation: &Confirmation) -> Vec<u8> {
        let outcomes = confirmation.outcomes();
        let json = Json {
            record: self.written,
            accepted: confirmation.is_accepted(),
            complete: confirmation.is_complete(),
            outcomes: outcomes
                .map(|(computer, outcome)| JsonOutcome { computer, outcome: outcome.to_string() })
                .collect(),
        };
        let mut line = serde_json::to_vec(&json).expect("text and numbers are always JSON");
        line.push(b'\n');
        line
    }

    fn lines(&self, confirmation: &Confirmation) -> Vec<u8> {
        let outcomes: Vec<_> = confirmation
            .outcomes()
            .map(|(computer, outcome)| (text::harmless(computer), outcome))
            .collect();
        let width = outcomes.iter().map(|(computer, _)| computer.chars().count()).max();
        let width = width.unwrap_or(0);
        let mut out = Vec::new();
        for (computer, outcome) in &outcomes {
            // Writing to a Vec cannot fail.
            let _ = writeln!(out, "{computer:<width$}  {outcome}");
        }
        out
    }

    /// What all of it means.
    pub(super) fn finish(&self) -> Result<Exit, Failure> {
        if self.failed == 0 {
            return Ok(Exit::Success);
        }
        let (exit, why) = match self.seen.iter().next().filter(|_| self.seen.len() == 1) {
            Some(Some(Outcome::NoSuchSlot)) => (Exit::NoSuchSlot, "no such slot"),
            Some(Some(Outcome::Full)) => (Exit::Full, "full"),
            Some(Some(Outcome::Denied)) => (Exit::AccessDenied, "access denied"),
            Some(Some(Outcome::TooLarge)) => (Exit::TooLarge, "too large"),
            Some(Some(Outcome::NoAnswer) | None) => (Exit::TimedOut, "no answer in time"),
            _ => (Exit::NotEverywhere, "not accepted everywhere"),
        };
        let message = match self.written {
            1 => format!("the record was not confirmed: {why}"),
            all => format!(
                "{} of {} were not confirmed: {why}",
                text::with_commas(self.failed),
                text::count(all, "record")
            ),
        };
        Err(Failure::new(exit, message))
    }
}

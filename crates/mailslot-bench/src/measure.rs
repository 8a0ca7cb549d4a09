//! Many runs: peers interleaved round by round, so that what disturbs one disturbs all, then medians.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use crate::case::{Case, Effort, Workload};
use crate::peer::Kind;
use crate::run::{Sample, run};

/// The middle of a figure over all rounds, and how far it spread.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A peer's figures in a case.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) peer: &'static str,
    pub(crate) figures: BTreeMap<&'static str, Figure>,
    /// The median of the ratios to the first peer, round by round, in the case's main figure.
    pub(crate) ratio: f64,
    pub(crate) disturbed: usize,
    pub(crate) rounds: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) group: &'static str,
    pub(crate) name: String,
    pub(crate) metric: &'static str,
    pub(crate) more_is_better: bool,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    pub(crate) fn row(&self, peer: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == peer)
    }

    pub(crate) fn median(&self, peer: &str, figure: &str) -> Option<f64> {
        Some(self.row(peer)?.figures.get(figure)?.median)
    }
}

/// Measures a case. Says on standard error how far it is.
pub(crate) fn measure(case: &Case, peers: &[Kind], effort: Effort) -> Result<Option<Table>> {
    let mut peers: Vec<Kind> = peers.iter().copied().filter(|&peer| case.suits(peer)).collect();
    let mut counts = Vec::new();
    let mut tried = Vec::new();
    for &peer in &peers {
        match count_for(case, peer, effort) {
            Ok(count) => {
                counts.push(count);
                tried.push(peer);
            }
            // What isn't ours may refuse; what is ours may not.
            Err(error) if peer != Kind::Mailslot => eprintln!("\n{error:#}: left out"),
            Err(error) => return Err(error),
        }
    }
    peers = tried;
    if peers.is_empty() {
        return Ok(None);
    }
    let rounds = match case.workload {
        Workload::Idle => 1,
        Workload::Burst { .. } => effort.rounds.min(5),
        _ => effort.rounds,
    };
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); peers.len()];
    for round in 0..rounds {
        for turn in 0..peers.len() {
            // Each round begins with another, so that nobody always follows the same one.
            let place = (round + turn) % peers.len();
            eprint!(
                "\r{:<44} round {}/{rounds} {:<16}",
                case.name(),
                round + 1,
                peers[place].name()
            );
            let _ = std::io::stderr().flush();
            samples[place].push(run(case, peers[place], counts[place], effort)?);
        }
    }
    eprint!("\r{:80}\r", "");
    let (metric, more_is_better) = case.metric();
    let rows = peers.iter().zip(&samples).map(|(peer, own)| Row {
        peer: peer.name(),
        figures: own[0].figures.keys().map(|&name| (name, figure(own, name))).collect(),
        ratio: median(
            own.iter()
                .zip(&samples[0])
                .map(|(a, b)| a.figures[metric] / b.figures[metric])
                .collect(),
        ),
        disturbed: own.iter().filter(|sample| sample.is_disturbed()).count(),
        rounds,
    });
    Ok(Some(Table {
        group: case.group(),
        name: case.name(),
        metric,
        more_is_better,
        rows: rows.collect(),
    }))
}

/// Records per writer that keep `peer` busy for as long as a run should take. Also its warm-up.
fn count_for(case: &Case, peer: Kind, effort: Effort) -> Result<u64> {
    if matches!(case.workload, Workload::Idle | Workload::Burst { .. }) {
        return Ok(0);
    }
    let first = 200;
    let mut count = first;
    // A short run says little about a long one: twice.
    for seconds in [0.03, effort.seconds] {
        let rate = run(case, peer, count, effort)?.figures["rate"];
        count = ((rate * seconds) as u64 / case.writers as u64).max(first);
    }
    Ok(count)
}

fn figure(samples: &[Sample], name: &str) -> Figure {
    let mut values: Vec<f64> = samples.iter().map(|sample| sample.figures[name]).collect();
    values.sort_by(f64::total_cmp);
    Figure { median: median(values.clone()), low: values[0], high: values[values.len() - 1] }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}

//! Many runs: peers interleaved round by round, so that what disturbs one disturbs all, then medians.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use serde::{Deserialize, Serialize};

use crate::case::{Case, Effort, Workload};
use crate::peer::Kind;
use crate::run::{Sample, run};

/// The middle of a figure over all rounds, and how far it spread.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Figure {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[0], values[values.len() - 1]);
        Self { median: median(values), low, high }
    }
}

/// A peer's figures in a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) peer: String,
    pub(crate) figures: BTreeMap<String, Figure>,
    /// The median of the ratios to the first peer, round by round, in the case's main figure.
    pub(crate) ratio: Option<f64>,
    pub(crate) disturbed: usize,
    pub(crate) rounds: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) metric: String,
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

/// A run that did not work, or in which records were lost, doubled, reordered or altered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) case: String,
    pub(crate) peer: String,
    pub(crate) why: String,
}

/// Says on a terminal how far the benchmark is.
pub(crate) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{text:<80}\r");
        let _ = std::io::stderr().flush();
    }
}

/// Measures a case with all peers that suit it. One that fails has no figures.
pub(crate) fn measure(
    case: &Case,
    peers: &[Kind],
    effort: Effort,
    failures: &mut Vec<Failure>,
) -> Table {
    let name = case.name();
    let rounds = match case.workload {
        Workload::Idle => 1,
        _ => effort.rounds,
    };
    let mut failed = |peer: Kind, error: anyhow::Error| {
        let why = format!("{error:#}");
        println!("\n{name}: {} failed: {why}", peer.name());
        failures.push(Failure { case: name.clone(), peer: peer.name().into(), why });
    };
    let mut entries: Vec<(Kind, u64, Vec<Sample>)> = Vec::new();
    for peer in peers.iter().copied().filter(|&peer| case.suits(peer)) {
        progress(&format!("{:<44} trying {}", case.name(), peer.name()));
        match count_for(case, peer, effort) {
            Ok(count) => entries.push((peer, count, Vec::new())),
            Err(error) => failed(peer, error),
        }
    }
    for round in 0..rounds {
        let mut broken = Vec::new();
        for turn in 0..entries.len() {
            // Each round begins with another, so that nobody always follows the same one.
            let place = (round + turn) % entries.len();
            let (peer, count, samples) = &mut entries[place];
            progress(&format!("{:<44} round {}/{rounds} {}", case.name(), round + 1, peer.name()));
            match run(case, *peer, *count, effort) {
                Ok(sample) => samples.push(sample),
                Err(error) => {
                    failed(*peer, error);
                    broken.push(*peer);
                }
            }
        }
        entries.retain(|(peer, ..)| !broken.contains(peer));
    }
    progress("");
    let metric = case.metric();
    let rows = entries.iter().map(|(peer, _, own)| row(peer.name(), metric, own, &entries[0].2));
    Table { group: case.group().into(), rows: rows.collect(), metric: metric.into(), name }
}

/// A peer's medians, beside the samples of the first one, of the same rounds.
pub(crate) fn row(peer: &str, metric: &str, own: &[Sample], first: &[Sample]) -> Row {
    let of = |name: &&'static str| {
        Figure::of(own.iter().map(|sample| sample.figures[name]).collect::<Vec<_>>())
    };
    let ratio = |(a, b): (&Sample, &Sample)| a.figures[metric] / b.figures[metric];
    let ratio = median(own.iter().zip(first).map(ratio).collect());
    Row {
        peer: peer.into(),
        figures: own[0].figures.keys().map(|name| (name.to_string(), of(name))).collect(),
        ratio: Some(ratio).filter(|ratio| ratio.is_finite()),
        disturbed: own.iter().filter(|sample| sample.is_disturbed()).count(),
        rounds: own.len(),
    }
}

/// Records per writer that keep `peer` busy for as long as a run should take. Also its warm-up.
fn count_for(case: &Case, peer: Kind, effort: Effort) -> anyhow::Result<u64> {
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}

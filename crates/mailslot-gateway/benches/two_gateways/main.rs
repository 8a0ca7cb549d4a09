//! What the way through two gateways costs, beside a bare Zenoh session with the same transport and
//! security, on loopback:
//!
//! `cargo bench -p mailslot-gateway --features zenoh --bench two_gateways`, with `-- --help` for the
//! options. `docs/PERFORMANCE.md` explains the figures.
//!
//! | module | what it is about |
//! |---|---|
//! | `side` | the processes of each side, and what the system says of them |
//! | `part` | what each process does |
//! | `path` | the two ways that records go: slots, and bare Zenoh |
//! | `record` | what is written, and how the reader knows that it is what was written |
//! | `report` | the table and the file |

mod part;
mod path;
mod record;
mod report;
mod side;

use std::collections::BTreeMap;
use std::time::Duration;

use part::{Job, Kind};
use report::Row;
use side::{Bench, Side};

const HELP: &str = "\
Usage: cargo bench -p mailslot-gateway --features zenoh --bench two_gateways -- [OPTIONS]

Sends records through two gateways, and through a bare Zenoh session with mutual TLS, in turns.

  --rounds N      as many rounds (7)
  --seconds S     how long a round of throughput should take (0.5)
  --records N     records of the long run, in which memory is watched; 0 for none (10000000)
  --only TEXT     only cases whose name contains TEXT, such as 'latency'
  --json FILE     write the figures to FILE
";

/// Records of a case of latency: one each millisecond.
const PACED: u64 = 1000;

struct Options {
    rounds: usize,
    seconds: f64,
    records: u64,
    only: String,
    json: Option<String>,
}

impl Options {
    /// `None` if help is wanted.
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut this =
            Self { rounds: 7, seconds: 0.5, records: 10_000_000, only: String::new(), json: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            let wrong = |e: &dyn std::fmt::Display| format!("{word}: {e}");
            match word.as_str() {
                "--rounds" => this.rounds = value()?.parse().map_err(|e| wrong(&e))?,
                "--seconds" => this.seconds = value()?.parse().map_err(|e| wrong(&e))?,
                "--records" => this.records = value()?.parse().map_err(|e| wrong(&e))?,
                "--only" => this.only = value()?,
                "--json" => this.json = Some(value()?),
                // What cargo says to each benchmark.
                "--bench" => {}
                "-h" | "--help" => return Ok(None),
                other => return Err(format!("{other:?} is not understood; see --help")),
            }
        }
        this.rounds = this.rounds.max(1);
        Ok(Some(this))
    }
}

fn main() {
    if part::play() {
        return;
    }
    match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => run(&options),
        Ok(None) => print!("{HELP}"),
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(2);
        }
    }
}

fn run(options: &Options) {
    let wanted = |name: &str| name.contains(&options.only);
    let mut bench = Bench::start();
    let mut rows = Vec::new();
    let mut done = |row: Row| {
        report::print(&row);
        rows.push(row);
    };
    if wanted("idle") {
        done(report::idle(&bench.idle(Duration::from_secs(10))));
    }
    for size in [64, 400, 4096, 60_000] {
        let name = format!("throughput {size}");
        if wanted(&name) {
            let counts = Side::BOTH.map(|side| count_for(&mut bench, side, size, options.seconds));
            let jobs = counts.map(|count| Job { kind: Kind::Flood, size, count });
            done(compare(&mut bench, name, "rate", jobs, options.rounds));
        }
    }
    for (name, kind, size) in [
        ("latency 64", Kind::Paced, 64),
        ("latency 4096", Kind::Paced, 4096),
        ("latency 64 beside 16 MiB", Kind::BesideLarge, 64),
    ] {
        if wanted(name) {
            let job = Job { kind, size, count: PACED };
            done(compare(&mut bench, name.into(), "p50", [job; 2], options.rounds.min(5)));
        }
    }
    if options.records > 0 && wanted("long") {
        let job = Job { kind: Kind::Flood, size: 64, count: options.records };
        let before = bench.gateways();
        let sample = bench.run(Side::Gateways, job);
        done(report::long(options.records, sample, &before, &bench.gateways()));
    }
    if let Some(file) = &options.json {
        report::save(&rows, options.rounds, file);
    }
}

/// Records that keep a side busy for so long. Also its warm-up.
fn count_for(bench: &mut Bench, side: Side, size: usize, seconds: f64) -> u64 {
    let mut count = 500;
    // A short run says little about a long one: several.
    for seconds in [0.05, 0.2, seconds] {
        let rate = bench.run(side, Job { kind: Kind::Flood, size, count })["rate"];
        count = ((rate * seconds) as u64).max(500);
    }
    count
}

/// Both sides in turns, each round begun by the other.
fn compare(bench: &mut Bench, name: String, main: &str, jobs: [Job; 2], rounds: usize) -> Row {
    let mut samples: [Vec<BTreeMap<&'static str, f64>>; 2] = Default::default();
    for round in 0..rounds {
        eprint!("\r{name:<28} round {}/{rounds} ", round + 1);
        for turn in 0..2 {
            let which = (round + turn) % 2;
            samples[which].push(bench.run(Side::BOTH[which], jobs[which]));
        }
    }
    eprint!("\r{:60}\r", "");
    report::row(name, main, &samples)
}

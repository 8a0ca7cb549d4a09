//! Benchmarks of mailslot beside what programs would otherwise use.
//!
//! `cargo run --release -p mailslot-bench` measures and prints; `-- --help` lists the options,
//! `docs/PERFORMANCE.md` explains the figures. The tour:
//!
//! * [`case`]: what is measured; [`measure`]: how often, and in which order; [`run`]: one run, as
//!   its parent leads it; [`part`]: what the processes of a run do.
//! * [`peer`]: what is compared; [`record`]: what they carry, and how it is checked.
//! * [`report`], [`targets`]: what came out; [`publish`], [`svg`]: how it gets into `docs`.
//! * [`command_line`] and [`instructions`] measure in ways of their own.
//!
//! Unsafe code is permitted here, for system calls that the peers need and for the bare ring that
//! is the yardstick. Nothing in this crate is part of the product.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

mod case;
mod command_line;
mod instructions;
mod job;
mod measure;
mod part;
mod peer;
mod publish;
mod record;
mod report;
mod run;
mod svg;
mod system;
mod targets;

use case::Effort;
use peer::Kind;
use report::Report;

const HELP: &str = "\
Usage: cargo run --release -p mailslot-bench -- [quick|full] [OPTIONS]
       cargo run --release -p mailslot-bench -- publish DIR
       cargo run --release -p mailslot-bench -- instructions [--update|--generous]

Measures mailslot beside other ways to send records to another process. Ends with an error if a
record was lost, doubled, reordered or altered, or a peer failed otherwise.

  quick              fewer and shorter rounds, smaller bursts
  full               longer runs, 5 million records a burst
  publish            draw DIR's pictures and tables again from its performance.json
  instructions       instructions per operation (callgrind), compared with the committed ones;
                     --generous allows for another processor or compiler, --update commits to them

  --workload TEXT    only cases whose name contains TEXT, such as 'throughput 16' (repeatable)
  --peer NAME        only these peers, beside mailslot (repeatable)
  --rounds N         as many rounds
  --json FILE        write the figures to FILE
  --publish DIR      put the figures into DIR/performance.json, beside those of other cases
                     measured on this machine, and into the tables of DIR/PERFORMANCE.md, and draw
                     the pictures

More peers with --features zeromq,nng,iceoryx2,ipc-channel (or all-peers).
";

struct Args {
    effort: Effort,
    workloads: Vec<String>,
    peers: Vec<String>,
    json: Option<PathBuf>,
    publish: Option<PathBuf>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Args>> {
    let mut args = Args {
        effort: Effort::NORMAL,
        workloads: Vec::new(),
        peers: Vec::new(),
        json: None,
        publish: None,
    };
    let mut rounds = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "quick" => args.effort = Effort::QUICK,
            "full" => args.effort = Effort::FULL,
            "--workload" => args.workloads.push(value()?),
            "--peer" => args.peers.push(value()?),
            "--rounds" => rounds = Some(value()?.parse()?),
            "--json" => args.json = Some(value()?.into()),
            "--publish" => args.publish = Some(value()?.into()),
            "-h" | "--help" => return Ok(None),
            other => bail!("{other:?} is not understood; see --help"),
        }
    }
    if let Some(rounds) = rounds {
        args.effort.rounds = std::cmp::max(rounds, 1);
    }
    Ok(Some(args))
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1).peekable();
    match words.peek().map(String::as_str) {
        Some("part") => {
            let job = words.nth(1).context("a job")?;
            return part::run(serde_json::from_str(&job)?);
        }
        Some("perform") => {
            let (operation, count) =
                (words.nth(1).context("what")?, words.next().context("how often")?);
            return instructions::perform(&operation, count.parse()?);
        }
        Some("instructions") => {
            let mode = match words.nth(1).as_deref() {
                None => instructions::Mode::Compare,
                Some("--generous") => instructions::Mode::CompareGenerously,
                Some("--update") => instructions::Mode::Update,
                Some(other) => bail!("{other:?} is not understood; see --help"),
            };
            return instructions::run(mode);
        }
        Some("publish") => {
            let dir = words.nth(1).context("publish needs the directory of the figures")?;
            return publish::draw(dir.as_ref());
        }
        _ => {}
    }
    let Some(args) = parse(words)? else {
        print!("{HELP}");
        return Ok(());
    };
    bench(&args)
}

fn bench(args: &Args) -> Result<()> {
    let unknown = args.peers.iter().find(|name| Kind::ALL.iter().all(|kind| kind.name() != **name));
    if let Some(name) = unknown {
        let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        bail!("{name:?} is no peer of this build; there are {}", names.join(", "));
    }
    let chosen = |kind: &Kind| {
        let named = args.peers.iter().any(|name| name == kind.name());
        args.peers.is_empty() || named || *kind == Kind::Mailslot
    };
    let peers: Vec<Kind> = Kind::ALL.iter().copied().filter(chosen).collect();
    let wanted = |name: &str| {
        args.workloads.is_empty() || args.workloads.iter().any(|text| name.contains(text.as_str()))
    };

    println!("{}, {} rounds", system::describe(), args.effort.rounds);
    let mut tables = Vec::new();
    let mut failures = Vec::new();
    for case in case::all(args.effort).iter().filter(|case| wanted(&case.name())) {
        let table = measure::measure(case, &peers, args.effort, &mut failures);
        report::print(&table);
        tables.push(table);
    }
    if wanted("command line") {
        match command_line::command() {
            Some(command) => {
                let table = command_line::measure(&command, args.effort)?;
                report::print(&table);
                tables.push(table);
            }
            None => {
                eprintln!("command line: left out; cargo build --release -p mailslot-cli first")
            }
        }
    }
    let targets = targets::judge(&tables);
    report::print_targets(&targets);
    let report = Report {
        version: env!("CARGO_PKG_VERSION").into(),
        machine: system::describe(),
        rounds: args.effort.rounds,
        seconds: args.effort.seconds,
        tables,
        targets,
        failures,
    };
    if let Some(path) = &args.json {
        report.save(path)?;
    }
    let failed: Vec<_> = report
        .failures
        .iter()
        .map(|failure| format!("{}: {}: {}", failure.case, failure.peer, failure.why))
        .collect();
    if let Some(dir) = &args.publish {
        publish::add(report, dir)?;
    }
    ensure!(failed.is_empty(), "failed:\n{}", failed.join("\n"));
    Ok(())
}

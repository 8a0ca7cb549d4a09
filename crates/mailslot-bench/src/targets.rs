//! The figures to reach, as ratios within one run.

use serde::{Deserialize, Serialize};

use crate::measure::Table;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) wanted: f64,
    pub(crate) found: f64,
    pub(crate) at_least: bool,
}

impl Target {
    pub(crate) fn is_reached(&self) -> bool {
        if self.at_least { self.found >= self.wanted } else { self.found <= self.wanted }
    }
}

const US: &str = "mailslot";
const RING: &str = "bare ring";

struct Targets<'a> {
    tables: &'a [Table],
    found: Vec<Target>,
}

impl Targets<'_> {
    fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    fn add(&mut self, what: String, wanted: f64, at_least: bool, found: Option<f64>) {
        if let Some(found) = found.filter(|found| found.is_finite()) {
            self.found.push(Target { what, wanted, found, at_least });
        }
    }

    /// Our figure in a table, as a multiple of another peer's.
    fn against(&self, table: &str, peer: &str, figure: &str) -> Option<f64> {
        let table = self.table(table)?;
        if figure == table.metric {
            // The median of the rounds' ratios: what disturbed a round disturbed both.
            return Some(1.0 / table.row(peer)?.ratio?);
        }
        Some(table.median(US, figure)? / table.median(peer, figure)?)
    }

    fn against_best_other(&self, name: &str) -> Option<f64> {
        let table = self.table(name)?;
        let others = table.rows.iter().filter(|row| row.peer != US && row.peer != RING);
        others.filter_map(|row| Some(1.0 / row.ratio?)).reduce(f64::min)
    }
}

/// Says of each figure what was found, as far as it was measured.
pub(crate) fn judge(tables: &[Table]) -> Vec<Target> {
    let mut targets = Targets { tables, found: Vec::new() };
    for writers in [1, 4, 16] {
        for (size, alone, others) in
            [(32, 0.5, 5.0), (400, 0.6, 5.0), (4096, 0.85, 1.0), (60000, 0.95, 1.0)]
        {
            let name = format!("throughput {writers} x {size}");
            let among = if size <= 400 { 0.5 } else { 0.85 };
            let wanted = if writers == 1 { alone } else { among };
            let ratio = targets.against(&name, RING, "rate");
            targets.add(format!("{name}: bare ring"), wanted, true, ratio);
            if writers == 1 {
                let ratio = targets.against_best_other(&name);
                targets.add(format!("{name}: best other peer"), others, true, ratio);
            }
        }
    }
    let cpu = targets.against("throughput 1 x 32", RING, "cpu");
    targets.add("CPU per record, 32 B: bare ring".into(), 2.5, false, cpu);
    let spinning = targets.against("round-trip 32 spinning two CPUs", RING, "p50");
    targets.add("round trip 32 B spinning: bare ring".into(), 1.6, false, spinning);
    for place in ["one CPU", "two CPUs"] {
        let name = format!("round-trip 32 blocking {place}");
        let ratios = ["pipe", "mqueue"].map(|peer| targets.against(&name, peer, "p50"));
        let worse = ratios.into_iter().flatten().reduce(f64::max);
        targets.add(format!("{name}: better of pipe and mqueue"), 1.0, false, worse);
    }
    for writers in [1, 4] {
        let name = format!("one-shot {writers} x 32");
        let ratio = targets.against(&name, "SEQPACKET", "rate");
        targets.add(format!("{name}: SEQPACKET"), 1.0, true, ratio);
    }
    let median = |table: &str, figure| targets.table(table).and_then(|t| t.median(US, figure));
    let idle = [
        ("busy", "reader, CPU %"),
        ("wakeups", "reader, wake-ups/s"),
        ("writers_busy", "writers, CPU %"),
        ("writers_wakeups", "writers, wake-ups/s"),
    ]
    .map(|(figure, unit)| (format!("idle {unit}"), median("idle", figure)));
    for (what, found) in idle {
        targets.add(what, 0.0, false, found);
    }
    let burst = tables.iter().find(|table| table.group == "burst");
    if let Some(table) = burst {
        for (figure, what, wanted, at_least) in [
            ("memory", "memory per byte", 1.1, false),
            ("rate_in", "records/s in", 10e6, true),
            ("rate_out", "records/s out", 10e6, true),
            ("kept", "memory per byte not given back", 0.05, false),
        ] {
            targets.add(format!("burst: {what}"), wanted, at_least, table.median(US, figure));
        }
    }
    let few = targets.table("throughput 10 x 32").and_then(|t| t.median(US, "rate"));
    let many = targets.table("connected 1000 of which 10 write x 32");
    let many = many.and_then(|t| t.median(US, "rate"));
    let ratio = many.zip(few).map(|(many, few)| many / few);
    targets.add("1000 connected, 10 write: 10 connected".into(), 0.5, true, ratio);
    let pipe = targets.table("command line").and_then(|t| Some(1.0 / t.row("cat | cat")?.ratio?));
    targets.add("write --lines | read: cat | cat".into(), 6.0, false, pipe);
    targets.found
}

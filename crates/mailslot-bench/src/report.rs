//! What was measured, for people and for programs.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::measure::{Failure, Row, Table};
use crate::targets::Target;

/// Everything that a run of the benchmark gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) version: String,
    pub(crate) machine: String,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) tables: Vec<Table>,
    pub(crate) targets: Vec<Target>,
    pub(crate) failures: Vec<Failure>,
}

impl Report {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path);
        text.map_err(anyhow::Error::from)
            .and_then(|text| Ok(serde_json::from_str(&text)?))
            .with_context(|| format!("reading {}", path.display()))
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        Ok(std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")?)
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// A number in three digits.
pub(crate) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    match value.abs() {
        v if v >= 100.0 || v == 0.0 => format!("{value:.0}{unit}"),
        v if v >= 10.0 => format!("{value:.1}{unit}"),
        v if v >= 0.1 => format!("{value:.2}{unit}"),
        _ => format!("{value:.3}{unit}"),
    }
}

/// What a figure is called, in few words.
pub(crate) fn heading(figure: &str) -> &str {
    match figure {
        "rate" => "records/s",
        "cpu" => "CPU s/M",
        "p50" => "p50 µs",
        "p99" => "p99 µs",
        "rate_in" => "in/s",
        "rate_out" => "out/s",
        "memory" => "bytes/byte",
        "kept" => "kept/byte",
        "busy" => "CPU %",
        "wakeups" => "wake-ups/s",
        "writers_busy" => "writers: CPU %",
        "writers_wakeups" => "wake-ups/s",
        other => other,
    }
}

/// The figures of a table, the main one first.
pub(crate) fn figures(table: &Table) -> Vec<&str> {
    let all: BTreeSet<_> = table.rows.iter().flat_map(|row| row.figures.keys()).collect();
    let mut names: Vec<&str> = all.into_iter().map(String::as_str).collect();
    names.sort_by_key(|&name| name != table.metric);
    names
}

/// A median, if there is one.
pub(crate) fn cell(row: Option<&Row>, figure: &str) -> String {
    let found = row.and_then(|row| row.figures.get(figure));
    found.map_or("–".into(), |figure| short(figure.median))
}

/// A case, as a table for the terminal.
pub(crate) fn print(table: &Table) {
    let mut text = format!("\n{}\n", table.name);
    let names = figures(table);
    let width = |name: &str| heading(name).chars().count().max(10) + 2;
    let _ = write!(text, "  {:<15}", "");
    for &name in &names {
        let _ = write!(text, "{:>1$}", heading(name), width(name));
    }
    let _ = writeln!(text, "{:>16}{:>8}", "spread", "ratio");
    for row in &table.rows {
        let _ = write!(text, "  {:<15}", row.peer);
        for &name in &names {
            let _ = write!(text, "{:>1$}", cell(Some(row), name), width(name));
        }
        let main = row.figures[&table.metric];
        let spread = format!("{}-{}", short(main.low), short(main.high));
        let ratio = row.ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
        let _ = write!(text, "{spread:>16}{ratio:>8}");
        if row.disturbed > 0 {
            let _ = write!(text, "  disturbed {}/{}", row.disturbed, row.rounds);
        }
        text.push('\n');
    }
    print!("{text}");
}

/// The figures to reach, as a table for the terminal.
pub(crate) fn print_targets(targets: &[Target]) {
    println!("\nFigures to reach");
    for target in targets {
        let sign = if target.at_least { "at least" } else { "at most" };
        let mark = if target.is_reached() { "reached" } else { "MISSED" };
        let Target { what, wanted, found, .. } = target;
        let (wanted, found) = (short(*wanted), short(*found));
        println!("  {what:<60}{sign:>9} {wanted:<6}{found:>9}  {mark}");
    }
}

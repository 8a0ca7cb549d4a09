//! What was measured, for people and for programs.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::measure::Table;
use crate::targets::Target;

/// Everything that a run of the benchmark gave.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) version: &'static str,
    pub(crate) machine: String,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) tables: Vec<Table>,
    pub(crate) targets: Vec<Target>,
}

/// Writes the report as JSON.
pub(crate) fn save(report: &Report, path: &Path) -> Result<()> {
    Ok(std::fs::write(path, serde_json::to_string_pretty(report)? + "\n")?)
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

fn heading(figure: &str) -> &str {
    match figure {
        "rate" => "records/s",
        "cpu" => "CPU s/M",
        "p50" => "p50 µs",
        "p99" => "p99 µs",
        "held" => "held",
        "rate_in" => "in/s",
        "rate_out" => "out/s",
        "memory" => "bytes/byte",
        "kept" => "kept/byte",
        "busy" => "CPU %",
        "wakeups" => "wake-ups/s",
        "seconds" => "seconds",
        other => other,
    }
}

/// A case, as a table for the terminal.
pub(crate) fn print(table: &Table) {
    let mut text = format!("\n{}\n", table.name);
    let Some(first) = table.rows.first() else {
        return;
    };
    let mut names: Vec<&str> = first.figures.keys().copied().collect();
    names.sort_by_key(|&name| (name != table.metric, name));
    let _ = write!(text, "  {:<15}", "");
    for &name in &names {
        let _ = write!(text, "{:>12}", heading(name));
    }
    let _ = writeln!(text, "{:>16}{:>8}", "spread", "ratio");
    for row in &table.rows {
        let _ = write!(text, "  {:<15}", row.peer);
        for &name in &names {
            let _ = write!(text, "{:>12}", short(row.figures[name].median));
        }
        let main = row.figures[table.metric];
        let spread = format!("{}-{}", short(main.low), short(main.high));
        let _ = write!(text, "{spread:>16}{:>8.2}", row.ratio);
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
        println!("  {what:<58}{sign:>9} {wanted:<6}{found:>9.3}  {mark}");
    }
}

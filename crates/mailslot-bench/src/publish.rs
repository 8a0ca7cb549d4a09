//! The report in `docs`: figures, pictures, and the tables in `PERFORMANCE.md`, which stand there
//! between `<!-- begin NAME -->` and `<!-- end NAME -->`, so that text and figures can't differ.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::measure::Table;
use crate::peer::ALL_NAMES;
use crate::report::{Report, cell, heading, short};
use crate::svg;
use crate::targets::Target;

/// Puts what was measured beside what `dir` has of other cases, measured on the same machine, and
/// draws all of it anew.
pub(crate) fn add(mut report: Report, dir: &Path) -> Result<()> {
    let path = dir.join("performance.json");
    if let Some(old) = Report::load(&path).ok().filter(|old| old.machine == report.machine) {
        let is_new = |case: &str| report.table(case).is_some();
        let kept = old.tables.into_iter().filter(|table| !is_new(&table.name));
        let mut tables: Vec<_> = kept.collect();
        let failures = old.failures.into_iter().filter(|failure| !is_new(&failure.case));
        let failures: Vec<_> = failures.collect();
        tables.append(&mut report.tables);
        report.tables = tables;
        report.failures.extend(failures);
        report.targets = crate::targets::judge(&report.tables);
    }
    report.save(&path)?;
    draw(dir)
}

/// Draws the pictures and writes the tables from the figures in `dir`.
pub(crate) fn draw(dir: &Path) -> Result<()> {
    let report = Report::load(&dir.join("performance.json"))?;
    svg::draw(&report, dir)?;
    let path = dir.join("PERFORMANCE.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    Ok(std::fs::write(&path, fill(&text, &report)?)?)
}

/// `text` with the report's tables at their places.
pub(crate) fn fill(text: &str, report: &Report) -> Result<String> {
    let mut text = text.to_owned();
    for (name, section) in sections(report) {
        let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
        let start = text.find(&begin).with_context(|| format!("no {begin:?}"))? + begin.len();
        let len = text[start..].find(&end).with_context(|| format!("no {end:?}"))?;
        text.replace_range(start..start + len, &section);
    }
    Ok(text)
}

const SIZES: [usize; 4] = [32, 400, 4096, 60000];

fn sections(report: &Report) -> [(&'static str, String); 8] {
    let column = |title: String, name: String, figure| Column { title, name, figure };
    let throughput = |writers: usize, figure| {
        SIZES.map(|size| {
            column(format!("{writers}×{size}"), format!("throughput {writers} x {size}"), figure)
        })
    };
    let by_writers =
        |figure| [1, 4, 16].map(|writers| grid(report, &throughput(writers, figure))).join("\n");
    let trips = [32, 4096].map(|size| {
        let places =
            ["blocking one CPU", "blocking two CPUs", "spinning one CPU", "spinning two CPUs"];
        let columns = places.map(|place| {
            let title = format!("{size} B, {}", place.replacen(' ', ", ", 1));
            column(title, format!("round-trip {size} {place}"), "p50")
        });
        grid(report, &columns)
    });
    let many = [
        ("one writer after the other", "one-shot 1 x 32"),
        ("four at a time", "one-shot 4 x 32"),
        ("10 connected, 10 write", "throughput 10 x 32"),
        ("1,000 connected, 10 write", "connected 1000 of which 10 write x 32"),
    ];
    let many = many.map(|(title, name)| column(title.into(), name.into(), "rate"));
    let whole = |group: &str, figures: &[&'static str]| {
        let table = report.tables.iter().find(|table| table.group == group);
        let name = table.map_or(group, |table| &table.name);
        let columns: Vec<_> = figures
            .iter()
            .map(|&figure| column(heading(figure).to_owned(), name.to_owned(), figure))
            .collect();
        grid(report, &columns)
    };
    [
        ("machine", machine(report)),
        ("throughput", by_writers("rate")),
        ("cpu", by_writers("cpu")),
        ("round-trip", trips.join("\n")),
        ("many", grid(report, &many)),
        ("burst", whole("burst", &["held", "rate_in", "rate_out", "memory", "kept", "cpu"])),
        (
            "rest",
            whole("idle", &["busy", "wakeups", "writers_busy", "writers_wakeups"])
                + "\n"
                + &whole("command line", &["seconds", "cpu"]),
        ),
        ("targets", targets(&report.targets)),
    ]
}

fn machine(report: &Report) -> String {
    let Report { version, machine, rounds, seconds, .. } = report;
    let mut text = format!(
        "Version {version} on {machine}; {rounds} rounds, about {seconds} s for each peer.\n"
    );
    let disturbed = report.tables.iter().flat_map(|table| &table.rows);
    let disturbed = disturbed.filter(|row| row.disturbed > 0).count();
    if disturbed > 0 {
        let _ = writeln!(
            text,
            "{disturbed} figures, marked `*`, come from rounds that were disturbed."
        );
    }
    for failure in &report.failures {
        let _ = writeln!(text, "\n{}: {} failed: {}", failure.case, failure.peer, failure.why);
    }
    text
}

/// A column of a table: one figure of one case.
struct Column {
    title: String,
    name: String,
    figure: &'static str,
}

/// A row for each peer that has any of the figures.
fn grid(report: &Report, columns: &[Column]) -> String {
    let found: Vec<(&Table, &Column)> =
        columns.iter().filter_map(|column| Some((report.table(&column.name)?, column))).collect();
    if found.is_empty() {
        return "Not measured.\n".into();
    }
    let titles: Vec<_> = found.iter().map(|(_, column)| column.title.as_str()).collect();
    let mut text = format!("| | {} |\n|---|{}\n", titles.join(" | "), "---:|".repeat(found.len()));
    for peer in ALL_NAMES.iter().chain(&["cat | cat"]) {
        if found.iter().all(|(table, _)| table.row(peer).is_none()) {
            continue;
        }
        let cells = found.iter().map(|(table, column)| {
            let row = table.row(peer);
            let mark = if row.is_some_and(|row| row.disturbed > 0) { "*" } else { "" };
            cell(row, column.figure) + mark
        });
        let cells: Vec<_> = cells.collect();
        let _ = writeln!(text, "| {} | {} |", peer.replace('|', "\\|"), cells.join(" | "));
    }
    text
}

fn targets(targets: &[Target]) -> String {
    let mut text = "| figure | wanted | found | |\n|---|---|---:|---|\n".to_owned();
    for target in targets {
        let sign = if target.at_least { "at least" } else { "at most" };
        let mark = if target.is_reached() { "reached" } else { "**missed**" };
        let Target { what, wanted, found, .. } = target;
        let (wanted, found) = (short(*wanted), short(*found));
        let what = what.replace('|', "\\|");
        let _ = writeln!(text, "| {what} | {sign} {wanted} | {found} | {mark} |");
    }
    text
}

#[cfg(test)]
mod tests;

//! The table and the file.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::side::Gateway;

/// What came of a case.
pub(crate) struct Row {
    name: String,
    /// What it comes to, for people.
    text: String,
    figures: Value,
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}

/// Medians of both sides, and the median of each round's ratio in the figure `main`.
pub(crate) fn row(
    name: String,
    main: &str,
    samples: &[Vec<BTreeMap<&'static str, f64>>; 2],
) -> Row {
    let of = |side: &[BTreeMap<&'static str, f64>], figure: &str| {
        median(side.iter().map(|sample| sample[figure]))
    };
    let pairs = samples[0].iter().zip(&samples[1]);
    let ratio = median(pairs.map(|(ours, bare)| ours[main] / bare[main]));
    let [ours, bare] = samples.each_ref().map(|side| {
        let figures = side[0].keys().map(|&figure| (figure.to_owned(), json!(of(side, figure))));
        Value::Object(figures.collect::<Map<_, _>>())
    });
    let at = |side: usize, figure| of(&samples[side], figure);
    let text = match main {
        "rate" => format!(
            "{:>9.0} /s  bare {:>9.0} /s  ratio {ratio:.2}   CPU {:.0} ns a record, {:.0} of it \
             the gateways'; bare {:.0} ns",
            at(0, "rate"),
            at(1, "rate"),
            at(0, "cpu"),
            at(0, "gateways"),
            at(1, "cpu"),
        ),
        _ => format!(
            "p50 {:.0} µs, p99 {:.0}, max {:.0}   bare {:.0}, {:.0}, {:.0}   ratio {ratio:.2}   CPU \
             {:.0} µs; bare {:.0}",
            at(0, "p50"),
            at(0, "p99"),
            at(0, "max"),
            at(1, "p50"),
            at(1, "p99"),
            at(1, "max"),
            at(0, "cpu") / 1000.0,
            at(1, "cpu") / 1000.0,
        ),
    };
    let figures = json!({ "gateways": ours, "bare": bare, "ratio": ratio, "of": main });
    Row { name, text, figures }
}

/// Ten seconds without work, for each gateway.
pub(crate) fn idle(gateways: &[Gateway; 2]) -> Row {
    let figures: Vec<_> = gateways
        .iter()
        .map(|g| json!({ "resident": g.resident, "cpu_ns": g.cpu, "sleeps": g.sleeps }))
        .collect();
    let text = gateways.each_ref().map(|g| {
        let (memory, cpu) = (g.resident as f64 / 1e6, g.cpu as f64 / 1e6);
        format!("{memory:.1} MB, {cpu:.2} ms CPU and {} wake-ups in 10 s", g.sleeps)
    });
    Row { name: "idle".into(), text: text.join("; "), figures: json!(figures) }
}

/// Memory before and after many records, and the most.
pub(crate) fn long(
    records: u64,
    sample: BTreeMap<&'static str, f64>,
    before: &[Gateway; 2],
    after: &[Gateway; 2],
) -> Row {
    let figures: Vec<_> = before
        .iter()
        .zip(after)
        .map(|(b, a)| json!({ "before": b.resident, "after": a.resident, "peak": a.peak }))
        .collect();
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let text = [0, 1].map(|g| {
        let (before, after) = (&before[g], &after[g]);
        format!(
            "{:.0} MB before, {:.0} after, {:.0} at most",
            mb(before.resident),
            mb(after.resident),
            mb(after.peak)
        )
    });
    let text = format!("{:.0} /s; {}", sample["rate"], text.join("; "));
    Row { name: format!("long {records}"), text, figures: json!(figures) }
}

pub(crate) fn print(Row { name, text, .. }: &Row) {
    println!("{name:<26}{text}");
}

pub(crate) fn save(rows: &[Row], rounds: usize, file: &str) {
    let cases: Map<_, _> = rows.iter().map(|row| (row.name.clone(), row.figures.clone())).collect();
    let text = json!({ "rounds": rounds, "cases": cases });
    let text = serde_json::to_string_pretty(&text).expect("numbers");
    std::fs::write(file, text + "\n").unwrap_or_else(|e| panic!("cannot write {file}: {e}"));
}

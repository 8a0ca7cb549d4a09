//! Bar charts, written by hand: one group of bars per case, one bar per peer, on a logarithmic scale
//! that starts below the smallest value.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use crate::measure::Table;
use crate::report::short;

const BAR: f64 = 15.0;
const GAP: f64 = 26.0;
const LEFT: f64 = 120.0;
const WIDTH: f64 = 520.0;
const COLOURS: [&str; 11] = [
    "#c2410c", "#525252", "#2563eb", "#60a5fa", "#7c3aed", "#0d9488", "#65a30d", "#ca8a04",
    "#db2777", "#f472b6", "#0891b2",
];

struct Chart {
    file: &'static str,
    title: &'static str,
    figure: &'static str,
    tables: fn(&Table) -> bool,
}

const CHARTS: [Chart; 5] = [
    Chart {
        file: "throughput.svg",
        title: "Records per second (more is better)",
        figure: "rate",
        tables: |table| table.group == "throughput" && !table.name.contains(" 10 x"),
    },
    Chart {
        file: "round-trip.svg",
        title: "Round trip, median in µs (less is better)",
        figure: "p50",
        tables: |table| table.group == "round-trip",
    },
    Chart {
        file: "one-shot.svg",
        title: "Writers that open, write 32 bytes and close, per second (more is better)",
        figure: "rate",
        tables: |table| table.group == "one-shot",
    },
    Chart {
        file: "burst.svg",
        title: "Records of 400 bytes held for a reader that does not read (more is better)",
        figure: "held",
        tables: |table| table.group == "burst",
    },
    Chart {
        file: "cpu.svg",
        title: "CPU seconds per million records (less is better)",
        figure: "cpu",
        tables: |table| table.group == "throughput" && !table.name.contains(" 10 x"),
    },
];

/// Draws all charts for which there are figures.
pub(crate) fn draw(tables: &[Table], dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    for chart in &CHARTS {
        let chosen: Vec<&Table> = tables.iter().filter(|table| (chart.tables)(table)).collect();
        if !chosen.is_empty() {
            std::fs::write(dir.join(chart.file), chart.render(&chosen))?;
        }
    }
    Ok(())
}

impl Chart {
    fn render(&self, tables: &[&Table]) -> String {
        let values = tables.iter().flat_map(|table| &table.rows);
        let values: Vec<f64> =
            values.map(|row| row.figures[self.figure].median).filter(|&v| v > 0.0).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min) / 2.0;
        let high = values.iter().copied().fold(low * 2.0, f64::max);
        let length = |value: f64| ((value / low).ln() / (high / low).ln() * WIDTH).max(1.0);

        let mut body = String::new();
        let mut y = 56.0;
        for table in tables {
            let label = table.name.split_once(' ').map_or("", |(_, rest)| rest);
            let _ = writeln!(body, r#"<text x="8" y="{}" class="c">{label}</text>"#, y + 11.0);
            y += 18.0;
            for row in &table.rows {
                let value = row.figures[self.figure].median;
                let colour = COLOURS[colour_of(row.peer)];
                let _ = writeln!(
                    body,
                    r#"<text x="{}" y="{}" class="p">{}</text><rect x="{LEFT}" y="{y}" width="{:.1}" height="{}" fill="{colour}"/><text x="{:.1}" y="{}">{}</text>"#,
                    LEFT - 6.0,
                    y + 11.0,
                    row.peer,
                    length(value),
                    BAR - 3.0,
                    LEFT + length(value) + 5.0,
                    y + 11.0,
                    short(value),
                );
                y += BAR;
            }
            y += GAP - 18.0;
        }
        let width = LEFT + WIDTH + 70.0;
        let style = "text{font:12px sans-serif;fill:#404040}.c{font-weight:bold}.p{text-anchor:end}.t{font-size:15px;font-weight:bold}";
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}">
<style>{style}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="8" y="24" class="t">{}</text>
<text x="8" y="42">Logarithmic scale. Medians; see PERFORMANCE.md.</text>
{body}</svg>
"##,
            self.title
        )
    }
}

/// The same peer has the same colour everywhere.
fn colour_of(peer: &str) -> usize {
    const ORDER: [&str; 11] = [
        "mailslot",
        "bare ring",
        "SEQPACKET",
        "datagram",
        "mqueue",
        "pipe",
        "ZeroMQ",
        "nng",
        "iceoryx2",
        "iceoryx2 event",
        "ipc-channel",
    ];
    ORDER.iter().position(|&name| name == peer).unwrap_or(1)
}

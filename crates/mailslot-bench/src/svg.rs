//! Bar charts, written by hand: panels side by side, in each a bar per peer, on a logarithmic scale
//! that starts below the smallest value and is the same for all panels of a figure.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use crate::peer::ALL_NAMES;
use crate::report::{Report, short};

const BAR: f64 = 15.0;
const NAMES: f64 = 96.0;
const LENGTH: f64 = 190.0;
const PANEL: f64 = NAMES + LENGTH + 60.0;
const TOP: f64 = 56.0;
const COLOURS: [&str; 12] = [
    "#c2410c", "#525252", "#a3a3a3", "#2563eb", "#60a5fa", "#7c3aed", "#0d9488", "#65a30d",
    "#ca8a04", "#db2777", "#f472b6", "#0891b2",
];

struct Chart {
    file: &'static str,
    title: &'static str,
    columns: usize,
    panels: Vec<Panel>,
}

struct Panel {
    title: String,
    case: String,
    figure: &'static str,
}

fn panel(title: String, case: String, figure: &'static str) -> Panel {
    Panel { title, case, figure }
}

fn charts(report: &Report) -> [Chart; 5] {
    let throughput = |figure| {
        let each = |size| {
            [1, 4, 16].map(|writers| {
                let title = format!("{writers} × {size} bytes");
                panel(title, format!("throughput {writers} x {size}"), figure)
            })
        };
        [32, 400, 4096, 60000].into_iter().flat_map(each).collect()
    };
    let trips = |size| {
        ["blocking one CPU", "blocking two CPUs", "spinning one CPU", "spinning two CPUs"].map(
            |how| {
                let title = format!("{size} bytes, {}", how.replacen(' ', ", ", 1));
                panel(title, format!("round-trip {size} {how}"), "p50")
            },
        )
    };
    let burst = report.tables.iter().find(|table| table.group == "burst");
    let burst = burst.map_or(String::new(), |table| table.name.clone());
    let many = [
        ("one-shot, one after the other", "one-shot 1 x 32"),
        ("one-shot, four at a time", "one-shot 4 x 32"),
        ("1,000 connected, 10 write", "connected 1000 of which 10 write x 32"),
    ];
    [
        Chart {
            file: "throughput.svg",
            title: "Records per second, writers × size (longer is better)",
            columns: 3,
            panels: throughput("rate"),
        },
        Chart {
            file: "cpu.svg",
            title: "CPU seconds per million records, writers × size (shorter is better)",
            columns: 3,
            panels: throughput("cpu"),
        },
        Chart {
            file: "round-trip.svg",
            title: "Round trip, median in µs (shorter is better)",
            columns: 2,
            panels: [32, 4096].into_iter().flat_map(trips).collect(),
        },
        Chart {
            file: "many.svg",
            title: "Many writers of 32 bytes, records per second (longer is better)",
            columns: 3,
            panels: many
                .map(|(title, case)| panel(title.into(), case.into(), "rate"))
                .into_iter()
                .collect(),
        },
        Chart {
            file: "burst.svg",
            title: "A burst of 400-byte records into a reader that does not read (longer is better)",
            columns: 3,
            panels: [("held", "records held"), ("rate_in", "in/s"), ("rate_out", "out/s")]
                .map(|(figure, title)| panel(title.into(), burst.clone(), figure))
                .into_iter()
                .collect(),
        },
    ]
}

/// Draws all charts.
pub(crate) fn draw(report: &Report, dir: &Path) -> Result<()> {
    for chart in charts(report) {
        std::fs::write(dir.join(chart.file), chart.render(report))?;
    }
    Ok(())
}

/// The smallest and the largest value of a figure.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn length(&self, value: f64) -> f64 {
        let low = self.low / 2.0;
        ((value.max(self.low) / low).ln() / (self.high / low).ln() * LENGTH).max(1.0)
    }
}

impl Chart {
    fn render(&self, report: &Report) -> String {
        let bars = |panel: &Panel| -> Vec<(&str, f64)> {
            let table = report.table(&panel.case);
            let value = |peer: &&'static str| Some((*peer, table?.median(peer, panel.figure)?));
            ALL_NAMES.iter().filter_map(value).collect()
        };
        let mut scales = BTreeMap::new();
        for panel in &self.panels {
            let scale =
                scales.entry(panel.figure).or_insert(Scale { low: f64::INFINITY, high: 0.0 });
            for (_, value) in bars(panel) {
                scale.low = scale.low.min(value);
                scale.high = scale.high.max(value);
            }
        }
        let mut body = String::new();
        let mut y = TOP;
        for row in self.panels.chunks(self.columns) {
            for (place, panel) in row.iter().enumerate() {
                let x = 8.0 + place as f64 * PANEL;
                Self::render_panel(&mut body, panel, &bars(panel), &scales[panel.figure], x, y);
            }
            let most = row.iter().map(|panel| bars(panel).len()).max().unwrap_or(0);
            y += most as f64 * BAR + 34.0;
        }
        let width = 8.0 + self.columns as f64 * PANEL;
        let style = "text{font:12px sans-serif;fill:#404040}.c{font-weight:bold}.p{text-anchor:end}.t{font-size:15px;font-weight:bold}";
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}">
<style>{style}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="8" y="22" class="t">{}</text>
<text x="8" y="40">Medians, on a logarithmic scale. {}.</text>
{body}</svg>
"##,
            self.title, report.machine
        )
    }

    fn render_panel(
        body: &mut String,
        panel: &Panel,
        bars: &[(&str, f64)],
        scale: &Scale,
        x: f64,
        top: f64,
    ) {
        let _ =
            writeln!(body, r#"<text x="{x}" y="{}" class="c">{}</text>"#, top + 11.0, panel.title);
        let mut y = top + 18.0;
        let start = x + NAMES;
        for &(peer, value) in bars {
            let length = scale.length(value);
            let colour = ALL_NAMES.iter().position(|name| *name == peer).unwrap_or(0);
            let _ = writeln!(
                body,
                r#"<text x="{}" y="{}" class="p">{peer}</text><rect x="{start}" y="{y}" width="{length:.1}" height="{}" fill="{}"/><text x="{:.1}" y="{}">{}</text>"#,
                start - 6.0,
                y + 10.0,
                BAR - 3.0,
                COLOURS[colour],
                start + length + 5.0,
                y + 10.0,
                short(value),
            );
            y += BAR;
        }
    }
}

use std::path::Path;

use super::fill;
use crate::report::Report;

/// Whoever changes a figure by hand, or the way in which they are written, has to publish again:
/// `cargo run --release -p mailslot-bench -- publish docs`.
#[test]
fn the_figures_in_the_documentation_are_those_that_were_measured() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let report = Report::load(&docs.join("performance.json")).unwrap();
    let text = std::fs::read_to_string(docs.join("PERFORMANCE.md")).unwrap();
    assert_eq!(text, fill(&text, &report).unwrap());
}

use std::fs;
use std::path::Path;

use super::*;

/// Runs `check` over the corpus of a fuzz target. A corpus that went missing is a failure, not a
/// test without cases.
fn replay(target: &str, check: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut files = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        // Shown only if the check fails, and then the first thing to know.
        println!("{}", path.display());
        check(&fs::read(&path).unwrap());
        files += 1;
    }
    assert!(files > 0, "{} is empty", dir.display());
}

#[test]
fn name_corpus() {
    replay("name", name);
}

#[test]
fn message_corpus() {
    replay("message", message);
}

#[test]
fn meta_corpus() {
    replay("meta", meta);
}

#[test]
fn envelope_corpus() {
    replay("envelope", envelope);
}

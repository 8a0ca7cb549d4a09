//! Tools that a machine may lack.

use std::path::PathBuf;

/// Whether a tool is there. If not, says so loudly; with `MAILSLOT_REQUIRE_TOOLS=1` it must be.
#[track_caller]
pub(crate) fn have(tool: &str, package: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|at| at.join(tool)).find(|at| at.is_file());
    if found.is_some() {
        return true;
    }
    let required = std::env::var_os("MAILSLOT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "this test needs {tool} (Debian: apt install {package})");
    // Not through the harness, which would keep it to itself.
    let note = format!("\nNOT TESTED: {tool} is missing (Debian: apt install {package})\n");
    let tty = PathBuf::from("/dev/stderr");
    let _ = std::fs::OpenOptions::new()
        .append(true)
        .open(tty)
        .and_then(|mut file| std::io::Write::write_all(&mut file, note.as_bytes()));
    false
}

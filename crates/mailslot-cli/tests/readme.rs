//! README.md says only what works: every shell block is run as printed, and prints what is said.

use std::path::{Path, PathBuf};
use std::process::Command;

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn readme() -> String {
    std::fs::read_to_string(tree().join("README.md")).unwrap()
}

/// The fenced blocks of a text, as (kind, content).
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let content: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push((kind.to_owned(), content.join("\n") + "\n"));
        }
    }
    found
}

#[test]
fn every_shell_block_prints_what_is_said() {
    let blocks = blocks(&readme());
    let mut run = 0;
    for pair in blocks.windows(2) {
        let [(kind, script), (next, expected)] = pair else { unreachable!() };
        if kind != "sh" {
            continue;
        }
        assert_eq!(next, "output", "what does this print?\n{script}");
        assert_eq!(&output(script), expected, "of\n{script}");
        run += 1;
    }
    assert_eq!(run, blocks.iter().filter(|(kind, _)| kind == "sh").count());
    assert!(run >= 2, "the README shows the command at work");
}

/// What a script prints, run in a directory and a registry of its own.
fn output(script: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let slots = dir.path().join("slots");
    std::fs::create_dir(&slots).unwrap();
    let command = Path::new(env!("CARGO_BIN_EXE_mailslot"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", command.parent().unwrap().display());
    let output = Command::new("timeout")
        .args(["120", "bash", "-euo", "pipefail", "-c", script])
        .current_dir(dir.path())
        .env("PATH", path)
        .env("MAILSLOT_DIR", &slots)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}\n{script}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_two_commands_are_those_that_ci_runs() {
    let readme = readme();
    for command in ["cargo run --release -- demo", "cargo test --workspace"] {
        assert!(readme.contains(&format!("```text\n{command}\n```")), "{command}");
    }
    let ci = std::fs::read_to_string(tree().join(".ci/run")).unwrap();
    assert!(ci.contains("cargo test --locked --workspace\n"));
    assert!(ci.contains("cargo run --locked --release -- demo\n"));
}

#[test]
fn every_file_that_it_names_is_there() {
    let readme = readme();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let mut seen = 0;
    for link in links.filter(|link| !link.starts_with("http")) {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        assert!(tree().join(file).exists(), "{link}");
        if !heading.is_empty() {
            let text = std::fs::read_to_string(tree().join(file)).unwrap();
            assert!(headings(&text).any(|name| name == heading), "{link}");
        }
        seen += 1;
    }
    assert!(seen >= 4);
}

/// The anchors of the headings of a page in Markdown, as a browser of the sources makes them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title.replace(' ', "-").replace(|c: char| !c.is_alphanumeric() && !"-_".contains(c), "")
    })
}

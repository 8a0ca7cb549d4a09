//! Help, man pages and completions.

use std::fs;
use std::process::{Command, Stdio};

use crate::util::World;

/// Every command with its long flags.
const COMMANDS: [(&str, &[&str]); 18] = [
    (
        "read",
        &[
            "format",
            "null",
            "exec",
            "stop-on-failure",
            "count",
            "timeout",
            "max-size",
            "quota",
            "allow",
            "spin",
        ],
    ),
    ("write", &["file", "lines", "null", "repeat", "interval", "timeout", "no-wait"]),
    ("info", &["json"]),
    ("ls", &["json", "watch"]),
    ("domain", &[]),
    ("domain create", &["computer"]),
    ("domain invite", &["output", "expires", "domain"]),
    ("domain join", &[]),
    ("domain leave", &["destroy"]),
    ("domain list", &["json"]),
    ("domain revoke", &["domain"]),
    ("domain router", &["dir", "expires", "domain"]),
    ("gateway", &["check-config"]),
    ("gateway status", &["json"]),
    ("ping", &["timeout", "json"]),
    ("demo", &[]),
    ("completions", &[]),
    ("man", &["dir"]),
];

#[test]
fn help_tells_all() {
    let world = World::new();
    let main = world.run(&["--help"]).succeeds();
    for (command, flags) in COMMANDS {
        let words: Vec<_> = command.split(' ').collect();
        let (last, before) = words.split_last().unwrap();
        let above = world.run(&[before, &["--help"]].concat()).succeeds();
        assert!(above.contains(&format!("\n  {last} ")), "{command}");
        let help = world.run(&[&words[..], &["--help"]].concat()).succeeds();
        for flag in flags.iter().chain(&["help"]) {
            assert!(help.contains(&format!("--{flag}")), "{command} --{flag}");
        }
        assert!(help.contains("\nExamples:\n  mailslot "), "{help}");
        assert!(help.contains("\nExit codes:\n  0 "), "{help}");
        assert!(help.contains("\n  6 ") && !help.contains("\n  --confirm had"), "{help}");
        // Nothing about how the program is made.
        assert!(!help.contains("crate::") && !help.contains('\u{1b}'), "{help}");
        assert_eq!(world.run(&[&["help"], &words[..]].concat()).succeeds(), help);
        let short = world.run(&[&words[..], &["-h"]].concat()).succeeds();
        assert!(short.lines().all(|line| line.chars().count() <= 100), "{short}");
    }
    assert!(main.contains("MAILSLOT_DIR"));
}

#[test]
fn version() {
    let world = World::new();
    let expected = format!("mailslot {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(world.run(&["--version"]).succeeds(), expected);
    assert_eq!(world.run(&["-V"]).succeeds(), expected);
}

/// roff has a hyphen to break at and one that stays.
fn without_escapes(page: &str) -> String {
    page.replace("\\-", "-")
}

#[test]
fn a_man_page_for_every_command() {
    let world = World::new();
    let dir = world.dir().join("man/man1");
    world.run(&["man", "--dir", dir.to_str().unwrap()]).succeeds();
    let main = fs::read_to_string(dir.join("mailslot.1")).unwrap();
    assert_eq!(world.run(&["man"]).succeeds(), main);
    // Title, section, date, source and manual, none of them missing.
    let title = main.lines().find(|line| line.starts_with(".TH MAILSLOT 1 2")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let end = format!(" \"mailslot {version}\" \"Mailslots for Linux\"");
    assert!(title.ends_with(&end), "{title}");
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "\"EXIT STATUS\"", "EXAMPLES", "ENVIRONMENT"]
    {
        assert!(main.contains(&format!(".SH {section}\n")), "{section}");
    }
    for (command, flags) in COMMANDS {
        let title = format!("mailslot-{}", command.replace(' ', "-"));
        let page = fs::read_to_string(dir.join(format!("{title}.1"))).unwrap();
        let page = without_escapes(&page);
        assert!(page.contains(&format!("mailslot {command}")), "{page}");
        for flag in flags {
            assert!(page.contains(&format!("--{flag}")), "{command} --{flag}");
        }
        if !command.contains(' ') {
            assert!(without_escapes(&main).contains(&format!("{title}(1)")));
        }
    }
    assert_eq!(dir.read_dir().unwrap().count(), COMMANDS.len() + 1);
}

#[test]
fn mandoc_accepts_the_pages() {
    let world = World::new();
    let dir = world.dir().join("man1");
    world.run(&["man", "--dir", dir.to_str().unwrap()]).succeeds();
    let pages = dir.read_dir().unwrap().map(|page| page.unwrap().path());
    let lint = Command::new("mandoc").args(["-T", "lint"]).args(pages).output();
    match lint {
        // Where other manuals lie is not for these pages to know.
        Ok(found) => {
            let said = String::from_utf8_lossy(&found.stdout);
            let bad: Vec<_> = said.lines().filter(|line| !line.contains("Xr")).collect();
            assert!(bad.is_empty(), "{bad:#?}");
        }
        Err(error) => {
            let required = std::env::var_os("MAILSLOT_REQUIRE_TOOLS").is_some();
            assert!(!required, "this test needs mandoc: {error}");
            eprintln!("skipped: needs mandoc");
        }
    }
}

#[test]
fn completions_for_every_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completions", shell]).succeeds();
        for (command, flags) in COMMANDS {
            for word in command.split(' ') {
                assert!(script.contains(word), "{shell}: {command}");
            }
            for flag in flags {
                // fish writes `-l flag`.
                assert!(script.contains(flag), "{shell}: {command} --{flag}");
            }
        }
    }
}

#[test]
fn bash_accepts_the_completions() {
    let world = World::new();
    let script = world.run(&["completions", "bash"]).succeeds();
    let path = world.dir().join("completions");
    fs::write(&path, script).unwrap();
    let complete = r#"source "$0" && COMP_WORDS=(mailslot read --q) COMP_CWORD=2 &&
        _mailslot mailslot --q read && printf '%s\n' "${COMPREPLY[@]}""#;
    let out = Command::new("bash").args(["-c", complete]).arg(&path).stdin(Stdio::null()).output();
    let out = out.unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "--quota\n", "{out:?}");
}

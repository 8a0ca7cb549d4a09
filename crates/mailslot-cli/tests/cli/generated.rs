//! Help, man pages and completions.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::util::World;

/// Every command with its long flags.
const COMMANDS: &[(&str, &[&str])] = &[
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
    #[cfg(feature = "gateway")]
    ("domain", &[]),
    #[cfg(feature = "gateway")]
    ("domain create", &["computer"]),
    #[cfg(feature = "gateway")]
    ("domain invite", &["output", "expires", "domain"]),
    #[cfg(feature = "gateway")]
    ("domain join", &[]),
    #[cfg(feature = "gateway")]
    ("domain leave", &["destroy"]),
    #[cfg(feature = "gateway")]
    ("domain list", &["json"]),
    #[cfg(feature = "gateway")]
    ("domain revoke", &["domain"]),
    #[cfg(feature = "gateway")]
    ("domain router", &["dir", "expires", "domain"]),
    #[cfg(feature = "gateway")]
    ("gateway", &["check-config"]),
    #[cfg(feature = "gateway")]
    ("gateway status", &["json"]),
    #[cfg(feature = "gateway")]
    ("ping", &["timeout", "json"]),
    ("demo", &[]),
    ("completions", &[]),
    ("man", &["dir"]),
];

#[test]
fn help_tells_all() {
    let world = World::new();
    let main = world.run(&["--help"]).succeeds();
    for &(command, flags) in COMMANDS {
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
    for &(command, flags) in COMMANDS {
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
        Err(error) => skipped("mandoc", &error),
    }
}

#[test]
fn completions_for_every_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completions", shell]).succeeds();
        for &(command, flags) in COMMANDS {
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

/// `mailslot completions SHELL`, in a file beside one of the name `a-file`.
fn completions(world: &World, shell: &str) -> PathBuf {
    let path = world.dir().join("completions");
    fs::write(&path, world.run(&["completions", shell]).succeeds()).unwrap();
    fs::write(world.dir().join("a-file"), "").unwrap();
    path
}

#[test]
fn bash_accepts_the_completions() {
    let world = World::new();
    let path = completions(&world, "bash");
    // The last two arguments are the word to complete and the one before.
    let complete = r#"source "$0" && COMP_WORDS=(mailslot read "$2" "$1") COMP_CWORD=3 &&
        _mailslot mailslot "$1" "$2" && printf '%s\n' "${COMPREPLY[@]}""#;
    for (word, before, offered) in [("--q", "x", "--quota\n"), ("a-f", "--quota", "a-f\n")] {
        let mut bash = Command::new("bash");
        bash.current_dir(world.dir()).args(["-c", complete]).arg(&path).args([word, before]);
        let out = bash.stdin(Stdio::null()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stdout), offered, "{out:?}");
    }
}

#[test]
fn zsh_is_to_offer_no_files_where_there_are_none() {
    let world = World::new();
    let script = world.run(&["completions", "zsh"]).succeeds();
    assert!(script.contains(":FILE:_files'"), "{script}");
    assert!(!script.contains(":_default"), "{script}");
}

#[test]
fn fish_offers_files_only_for_files() {
    let world = World::new();
    let path = completions(&world, "fish");
    let cases = [
        ("write a --file a-f", "a-file"),
        #[cfg(feature = "gateway")]
        ("domain join a-f", "a-file"),
        #[cfg(feature = "gateway")]
        ("domain create a-f", ""),
        ("completions ", "bash elvish fish powershell zsh"),
        ("completions a-f", ""),
        ("read a-f", ""),
        ("read --count a-f", ""),
        ("read --form", "--format"),
        ("write a a-f", ""),
        ("ls a-f", ""),
        ("demo a-f", ""),
    ];
    for (typed, offered) in cases {
        let complete =
            format!("source {}; complete --do-complete 'mailslot {typed}'", path.display());
        let mut fish = Command::new("fish");
        fish.current_dir(world.dir()).env("HOME", world.dir()).args([
            "--no-config",
            "-c",
            &complete,
        ]);
        let out = match fish.stdin(Stdio::null()).output() {
            Ok(out) => out,
            Err(error) => return skipped("fish", &error),
        };
        let said = String::from_utf8_lossy(&out.stdout);
        // Behind a tab is what it means.
        let words: Vec<_> = said.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(words.join(" "), offered, "{typed}: {out:?}");
    }
}

fn skipped(tool: &str, error: &io::Error) {
    let required = std::env::var_os("MAILSLOT_REQUIRE_TOOLS").is_some();
    assert!(!required, "this test needs {tool}: {error}");
    eprintln!("skipped: needs {tool}");
}

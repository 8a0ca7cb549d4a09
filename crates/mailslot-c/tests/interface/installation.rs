//! The installation, as those use it who have only read how.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::run::{self, finish, program};
use crate::support::{Scratch, built, package, prefix};

/// The files below a directory, sorted.
fn everything(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                directories.push(path);
            } else {
                let path = path.strip_prefix(root).expect("it is below");
                files.push(path.to_str().expect("a plain name").to_owned());
            }
        }
    }
    files.sort();
    files
}

/// Runs a line of the shell in a directory of its own, with an installation as the page on porting
/// says that it be used.
fn shell(line: &str, prefix: &Path, scratch: &Scratch) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-euc", line]).current_dir(scratch.path());
    shell.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    shell.env("LD_LIBRARY_PATH", prefix.join("lib")).env("MAILSLOT_DIR", scratch.slots());
    finish(&mut shell, run::BUILD).expect_success()
}

/// A program that uses a good part of the library.
fn source(scratch: &Scratch) -> PathBuf {
    for name in ["data.c", "check.h"] {
        let from = package().join("tests/c").join(name);
        std::fs::copy(from, scratch.path().join(name)).expect("a copy");
    }
    scratch.path().join("data")
}

/// For packagers: everything below DESTDIR, of which no file speaks.
#[test]
fn installs_below_destdir() {
    prefix();
    let scratch = Scratch::new();
    let (target, profile) = built::target_and_profile();
    let install = |more: &[&str]| {
        let mut install = Command::new(package().join("install.sh"));
        install.args(["--prefix=/usr", "--libdir", "/usr/lib/x", "--profile", &profile]);
        install.arg("--destdir").arg(scratch.path().join("dest")).args(more);
        install.env("CARGO", built::cargo()).env("CARGO_TARGET_DIR", &target);
        finish(&mut install, run::BUILD).expect_success();
    };
    install(&[]);
    let dest = scratch.path().join("dest/usr");
    for file in ["lib/x/libmailslot.so", "lib/x/libmailslot.a", "include/mailslot.h"] {
        assert!(dest.join(file).exists(), "{file}");
    }
    let text = std::fs::read_to_string(dest.join("lib/x/pkgconfig/mailslot.pc")).expect("the file");
    assert!(text.contains("libdir=${prefix}/lib/x\n") && !text.contains("dest"), "{text}");

    // What others have put there stays.
    std::fs::write(dest.join("include/other.h"), "").expect("a file");
    install(&["--uninstall"]);
    assert_eq!(everything(&scratch.path().join("dest")), ["usr/include/other.h"]);

    for arguments in [&["--prefix"][..], &["--nonsense", "x"], &["x"]] {
        let mut install = Command::new(package().join("install.sh"));
        finish(install.args(arguments), run::PLAIN).expect_code(2);
    }
    let mut help = Command::new(package().join("install.sh"));
    assert!(finish(help.arg("--help"), run::PLAIN).expect_success().contains("--destdir"));
}

/// The commands that the page on porting shows, as they stand there.
#[test]
fn documented_commands() {
    let page = package().join("../../docs/porting-from-windows.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let commands: Vec<_> = page.lines().filter(|line| line.starts_with("cc ")).collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let scratch = Scratch::new();
    let examples = package().join("../../examples/c");
    std::fs::copy(examples.join("serverslot.c"), scratch.path().join("serverslot.c"))
        .expect("a copy");
    let sample = package().join("tests/c/samples/reader.c");
    std::fs::copy(sample, scratch.path().join("sample.c")).expect("a copy");
    for command in commands {
        shell(command, prefix(), &scratch);
    }
    // Windows.h took the wide functions, so the second command's flags have arrived.
    let symbols = shell("nm -D sample", prefix(), &scratch);
    assert!(symbols.contains("mailslot_CreateMailslotW32"), "{symbols}");
    let linked = shell("ldd serverslot", prefix(), &scratch);
    assert!(linked.contains("libmailslot.so.0 =>"), "{linked}");
}

/// Without the shared library: all that is needed besides is in the pkg-config file.
#[test]
fn static_by_pkg_config() {
    let scratch = Scratch::new();
    let program = source(&scratch);
    shell(
        "cc -static data.c -o data $(pkg-config --static --cflags --libs mailslot)",
        prefix(),
        &scratch,
    );
    let mut run = Command::new(&program);
    finish(run.env("MAILSLOT_DIR", scratch.slots()), run::PLAIN).expect_success();
    let mut readelf = Command::new("readelf");
    let needed = finish(readelf.arg("-d").arg(&program), run::PLAIN).expect_success();
    assert!(!needed.contains("NEEDED"), "{needed}");

    // Or this library alone, as the page says.
    let line = "cc data.c -o data $(pkg-config --cflags mailslot) \
                $(pkg-config --variable=libdir mailslot)/libmailslot.a -lpthread -ldl -lm";
    shell(line, prefix(), &scratch);
    finish(Command::new(&program).env("MAILSLOT_DIR", scratch.slots()), run::PLAIN)
        .expect_success();
}

/// An installation that was moved says where it is now.
#[test]
fn relocated() {
    let scratch = Scratch::new();
    let moved = scratch.path().join("moved");
    let from = prefix();
    finish(Command::new("cp").arg("-a").arg(from).arg(&moved), run::PLAIN).expect_success();
    let told = shell("pkg-config --define-prefix --cflags --libs mailslot", &moved, &scratch);
    let from = from.to_str().expect("a plain name");
    assert!(told.contains(moved.to_str().expect("a plain name")), "{told}");
    assert!(!told.contains(from), "{told}");
    let path = source(&scratch);
    let line = "cc data.c -o data $(pkg-config --define-prefix --cflags --libs mailslot)";
    shell(line, &moved, &scratch);
    let mut run = program(path, &scratch);
    finish(run.env("LD_LIBRARY_PATH", moved.join("lib")), run::PLAIN).expect_success();
}

//! Each program of `tests/c`, plainly, under valgrind, and with the address sanitizer.

use std::path::Path;
use std::process::Command;

use crate::support::run::{self, Running, finish, program};
use crate::support::{Compilation, Scratch, package, prefix, tools};

const STRICT: [&str; 3] = ["-Wall", "-Wextra", "-Werror"];

/// Compiles and runs a program of `tests/c`.
fn check(name: &str, compilation: &Compilation<'_>) {
    let scratch = Scratch::new();
    let source = Path::new("tests/c").join(name).with_extension("c");
    let path = compilation.compile(&source, &scratch);
    finish(&mut program(path, &scratch), run::PLAIN).expect_success();
    scratch.expect_no_slots();
}

fn under_valgrind(name: &str, arguments: &[&str]) {
    if !tools::have("valgrind", "valgrind") {
        return;
    }
    let scratch = Scratch::new();
    let source = Path::new("tests/c").join(name).with_extension("c");
    let compilation =
        Compilation { package: "mailslot-windows", flags: &STRICT, ..Compilation::default() };
    let path = compilation.compile(&source, &scratch);
    let mut command = program("valgrind", &scratch);
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--trace-children=yes"]);
    command.args(["--fair-sched=yes", "--errors-for-leak-kinds=definite,indirect"]);
    finish(command.arg(path).args(arguments), run::SLOW).expect_success();
}

fn with_sanitizer(name: &str) {
    let flags = [&STRICT[..], &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]];
    let flags = flags.concat();
    let compilation =
        Compilation { package: "mailslot-windows", flags: &flags, ..Compilation::default() };
    let scratch = Scratch::new();
    let source = Path::new("tests/c").join(name).with_extension("c");
    let path = compilation.compile(&source, &scratch);
    let mut command = program(path, &scratch);
    command.env("ASAN_OPTIONS", "allocator_may_return_null=1");
    finish(&mut command, run::SLOW).expect_success();
}

/// One module for each program, with a test for each way to run it.
macro_rules! programs {
    ($($name:ident $(under valgrind with $($argument:literal)*)?;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn plain() {
                let flags = [&STRICT[..], &["-std=gnu99"]].concat();
                check(stringify!($name), &Compilation { flags: &flags, ..Compilation::default() });
            }

            #[test]
            fn valgrind() {
                under_valgrind(stringify!($name), &[$($($argument),*)?]);
            }

            #[test]
            fn address_sanitizer() {
                with_sanitizer(stringify!($name));
            }
        })*
    };
}

programs! {
    names;
    open;
    data;
    info;
    lifetime;
    overlapped;
    waits;
    cancel under valgrind with "10";
    wrong_use;
    errors;
    inherit;
    wide;
    threads;
}

/// Hard times, in which tools can't live either.
#[test]
fn hard_times() {
    for name in
        ["storm", "scarce", "odd_times", "races", "one_reader", "cancelled_threads", "cancel_storm"]
    {
        check(name, &Compilation { flags: &STRICT, ..Compilation::default() });
    }
}

#[test]
fn linked_statically() {
    for name in ["data", "waits", "cancel"] {
        check(name, &Compilation { linked_statically: true, ..Compilation::default() });
    }
}

/// Wide text with both widths of wchar_t, and both meanings of TCHAR.
#[test]
fn wide_text() {
    for width in ["-fwide-exec-charset=UTF-32LE", "-fshort-wchar"] {
        for unicode in ["-UUNICODE", "-DUNICODE"] {
            let flags = [&STRICT[..], &[width, unicode]].concat();
            check("wide", &Compilation { flags: &flags, ..Compilation::default() });
        }
    }
}

/// The strings and the printf of Windows, in C and C++, with both widths of wchar_t and both
/// meanings of TCHAR.
#[test]
fn text_of_windows() {
    for language in [&["cc", "-xc"], &["c++", "-xc++"]] {
        for width in [&[][..], &["-fshort-wchar"]] {
            for unicode in [&[][..], &["-DUNICODE", "-D_UNICODE"]] {
                let flags = [&STRICT[..], &language[1..], width, unicode].concat();
                let compilation = Compilation {
                    compiler: language[0],
                    package: "mailslot-windows",
                    flags: &flags,
                    ..Compilation::default()
                };
                let scratch = Scratch::new();
                let path = compilation.compile(Path::new("tests/c/compat.c"), &scratch);
                let mut command = program(path, &scratch);
                let running = Running::start(command.args(["one", "Ärger"]));
                let output = running.type_in("a\n").finish(run::PLAIN).expect_code(5);
                let expected = "printf, _tprintf Ärger 2, wprintf Grüße, _putts\n97 13 -1\n";
                assert_eq!(output, expected, "{flags:?}");
            }
        }
    }
}

/// A program that ends without closing its slots leaves nothing behind, and one whose threads still
/// use them doesn't hang.
#[test]
fn careless_ends() {
    let scratch = Scratch::new();
    let path = Compilation::default().compile(Path::new("tests/c/careless.c"), &scratch);
    for end in ["return", "exit", "reading"] {
        let mut command = program(&path, &scratch);
        finish(command.arg(end), run::PLAIN).expect_code(3);
        if end != "reading" {
            scratch.expect_no_slots();
        }
    }
    // The name is free, though there was no time to clear it away.
    finish(program(&path, &scratch).arg("exit"), run::PLAIN).expect_code(3);
    scratch.expect_no_slots();
}

/// What the library exports is what the headers declare, and nothing else.
#[test]
fn exports() {
    let library = prefix().join("lib/libmailslot.so");
    let mut nm = Command::new("nm");
    let listed = finish(nm.args(["-D", "--defined-only"]).arg(&library), run::PLAIN);
    let listed = listed.expect_success();
    let mut exported: Vec<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().last()).collect();
    exported.sort_unstable();
    let mut declared = declared_symbols();
    declared.sort_unstable();
    declared.dedup();
    assert_eq!(exported, declared);

    let mut readelf = Command::new("readelf");
    let dynamic = finish(readelf.arg("-d").arg(&library), run::PLAIN).expect_success();
    assert!(dynamic.contains("Library soname: [libmailslot.so.0]"), "{dynamic}");
}

/// The symbols that the headers name, for both widths of wchar_t.
fn declared_symbols() -> Vec<String> {
    let headers = [
        "mailslot.h",
        "compat/windows.h",
        "compat/mailslot-crt.h",
        "compat/mailslot-printf.h",
        "compat/mailslot-console.h",
        "compat/sddl.h",
        "compat/conio.h",
    ];
    let text = headers
        .map(|name| std::fs::read_to_string(package().join("include").join(name)).expect(name))
        .concat();
    let mut symbols = Vec::new();
    for (marker, suffixes) in
        [("MAILSLOT_SYMBOL(", &[""][..]), ("MAILSLOT_SYMBOL_WIDE(", &["16", "32"])]
    {
        for (at, _) in text.match_indices(marker) {
            let name = &text[at + marker.len()..];
            let name = &name[..name.find(')').expect("a closing parenthesis")];
            if name != "name" {
                symbols.extend(suffixes.iter().map(|suffix| format!("mailslot_{name}{suffix}")));
            }
        }
    }
    symbols
}

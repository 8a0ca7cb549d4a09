//! Every class of error: what is said, and the exit code.

use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;

use crate::util::{Process, World};

#[test]
fn no_such_slot() {
    let world = World::new();
    let message = r"cannot open \\.\mailslot\taxes\sue: there is no such slot; start the program that reads it first";
    world.run(&["write", "taxes/sue", "x"]).fails(3, message);
    world.run_with(&["write", "taxes/sue"], b"x").fails(3, message);
    world.run(&["info", "taxes/sue"]).fails(3, r"there is no slot \\.\mailslot\taxes\sue");
    world.run(&["ls", "taxes/*"]).fails(3, r#"no slot matches "taxes/*""#);
    assert_eq!(world.run(&["ls"]).succeeds(), "");
}

#[cfg(feature = "gateway")]
#[test]
fn no_gateway() {
    let world = World::new();
    let done = world.run(&["write", "//JOE/mailslot/a", "x"]);
    done.fails(
        10,
        r"cannot open \\JOE\mailslot\a: no gateway is running on this computer; start one with `mailslot gateway`",
    );
}

#[test]
fn the_name_is_taken() {
    let world = World::new();
    let reader = world.reader("Taxes", &[]);
    let done = world.run(&["read", "TAXES"]);
    let start = format!(
        r"mailslot: cannot create \\.\mailslot\TAXES: it exists already, created by process {} of ",
        reader.pid(),
    );
    assert_eq!(done.code, Some(7));
    assert!(done.stderr.starts_with(&start), "{done:?}");
}

#[test]
fn too_large() {
    let world = World::new();
    let reader = world.reader("a", &["--max-size", "4", "-n", "1"]);
    let max = r"to \\.\mailslot\a: its records have at most 4 bytes";
    world.run(&["write", "a", "12345"]).fails(8, &format!("cannot write 5 bytes {max}"));
    world.run_with(&["write", "a"], b"12345").fails(
        8,
        "standard input has more than 4 bytes, the most that a record of this slot may have",
    );
    world.run_with(&["write", "-l", "a"], b"1234\n12345\n").fails(
        8,
        r"record 2, after 1 record had been written: it has more than 4 bytes, the most that \\.\mailslot\a takes",
    );
    assert_eq!(reader.finish().succeeds(), "1234\n");
}

#[test]
fn too_large_for_the_quota() {
    let world = World::new();
    let _reader = world.reader("a", &["--quota", "4"]);
    let done = world.run(&["write", "a", "12345"]);
    assert_eq!(done.code, Some(8), "{done:?}");
}

#[test]
fn the_reader_is_gone() {
    for signal in [Signal::TERM, Signal::KILL] {
        let world = World::new();
        let mut reader = world.reader("a", &[]);
        let mut writer = Process::start(world.command(&["write", "-l", "a"]).stdin(Stdio::piped()));
        let mut stdin = writer.stdin();
        stdin.write_all(b"1\n2\n").unwrap();
        reader.output_until(|seen| seen == "1\n2\n");
        reader.signal(signal);
        reader.finish();
        // A writer notices within a millisecond of its next write: one of the next few.
        while stdin.write_all(b"more\n").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let done = writer.finish();
        let (start, end) = done.stderr.split_once(" had been written: ").unwrap();
        assert!(start.starts_with("mailslot: record "), "{done:?}");
        let gone = r"cannot write to \\.\mailslot\a: its reader is gone, with the records it had not read;";
        assert!(end.starts_with(gone), "{done:?}");
        assert_eq!(done.code, Some(9));
    }
}

#[test]
fn a_dead_slot() {
    let world = World::new();
    let reader = world.reader("a", &[]);
    let pid = reader.pid();
    reader.signal(Signal::KILL);
    reader.finish();
    assert_eq!(world.run(&["write", "a", "x"]).code, Some(3));
    let info = world.run(&["info", "a"]);
    assert_eq!(info.code, Some(9));
    assert!(info.stdout.contains(&format!("gone (it was process {pid})")), "{info:?}");
    let listed = world.run(&["ls"]).succeeds();
    assert!(listed.lines().nth(1).unwrap().starts_with("gone "), "{listed}");
    // The next create clears it away.
    let reader = world.reader("a", &["-n", "1"]);
    world.write("a", "x");
    assert_eq!(reader.finish().succeeds(), "x\n");
    world.is_empty();
}

#[test]
fn files_that_cannot_be_read() {
    let world = World::new();
    let _reader = world.reader("a", &[]);
    let done = world.run(&["write", "a", "--file", "/no/such/file"]);
    done.fails(1, r#"cannot open "/no/such/file": No such file or directory (os error 2)"#);
    let done = world.run(&["write", "a", "--lines", "--file", "/"]);
    done.fails(1, r#"cannot read "/": Is a directory (os error 21)"#);
}

#[test]
fn no_directory_of_slots() {
    let world = World::new();
    let missing = world.dir().join("missing");
    let run =
        |args: &[&str]| Process::start(world.command(args).env("MAILSLOT_DIR", &missing)).finish();
    let done = run(&["read", "a"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("missing"), "{done:?}");
    assert!(done.stderr.contains("MAILSLOT_DIR sets another"), "{done:?}");
    let done = run(&["ls"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("MAILSLOT_DIR sets another"), "{done:?}");
    assert_eq!(run(&["info", "a"]).code, Some(3));
}

#[test]
fn what_is_no_directory_of_slots_is_said_to_be_none() {
    let world = World::new();
    let file = world.dir().join("file");
    std::fs::write(&file, "").unwrap();
    let run = |dir: &std::path::Path, args: &[&str]| {
        Process::start(world.command(args).env("MAILSLOT_DIR", dir)).finish()
    };
    for (args, said) in
        [(&["read", "a"][..], "it is not a directory"), (&["write", "a", "b"], "is no directory")]
    {
        let done = run(&file, args);
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.stderr.contains(said) && done.stderr.contains("file"), "{done:?}");
        assert!(done.stderr.contains("MAILSLOT_DIR sets another"), "{done:?}");
    }
    let done = run("/proc".as_ref(), &["read", "a"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("MAILSLOT_DIR sets another"), "{done:?}");
}

#[test]
fn the_system_s_answer_is_told_once() {
    let world = World::new();
    let mut told = 0;
    for limit in 5..20 {
        let limited = format!("ulimit -n {limit}; exec \"$@\"");
        let mut command =
            world.wrapped(&["sh", "-c", &limited, "sh"], &["read", "a", "--timeout", "0"]);
        let done = Process::start(&mut command).finish();
        assert!(done.stderr.matches("Too many open files").count() <= 1, "{done:?}");
        told += usize::from(done.stderr.contains("raise this process's limit"));
    }
    assert!(told > 0, "no limit was one that a slot can't be created with");
    world.is_empty();
}

#[test]
fn what_was_typed_does_not_drive_the_terminal() {
    let world = World::new();
    for typed in ["a\u{1b}[2J/\u{9b}2J", "\u{1b}]0;x\u{7}/\n", "a\u{80}"] {
        let cases: [&[&str]; 5] = [
            &["read", typed],
            &["write", typed, "x"],
            &["ls", typed],
            &["read", "a", "--quota", typed],
            &[typed],
        ];
        for args in cases {
            let done = world.run(args);
            assert_eq!(done.code, Some(2), "{done:?}");
            let harmful = |c: char| c.is_control() && c != '\n';
            assert!(!done.stderr.contains(harmful), "{done:?}");
        }
    }
    let long = world.run(&["read", &"x/".repeat(50_000)]);
    assert!(long.code == Some(2) && long.stderr.len() < 1000, "{long:?}");
    let strange = world.run(&["write", "a\u{202e}b", "x"]);
    strange.fails(
        3,
        r"cannot open \\.\mailslot\a\u{202e}b: there is no such slot; start the program that reads it first",
    );
}

#[test]
fn misuse() {
    let world = World::new();
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage: mailslot"),
        (&["frobnicate"], "unrecognized subcommand 'frobnicate'"),
        (&["read"], "<SLOT>"),
        (&["read", "a", "--format", "xml"], "[possible values: lines, raw, null, text, hex, json]"),
        (&["read", "a", "--count", "0"], "0 is not in 1.."),
        (&["read", "a", "--timeout", "5"], "it has no unit; durations look like 5s or 5ms"),
        (&["read", "a", "--quota", "lots"], "sizes look like 1000, 64K, 1M or 4G"),
        (&["read", "a", "--quota", "0"], "a quota of 0 bytes"),
        (&["read", "a", "--max-size", "4G"], "the largest limit is 4294967294"),
        (&["read", "a", "--allow", "nobody-special"], "give one of: user, everyone"),
        (&["read", "a", "--allow", "group:no-such-group"], r#"there is no group "no-such-group""#),
        (&["read", "a", "--allow", "users:no-such-user"], r#"there is no user "no-such-user""#),
        (&["read", "a", "--exec", "cat", "--null"], "cannot be used with"),
        (&["read", "a", "--stop-on-failure"], "--exec <CMD>"),
        (&["read", ""], "the slot name is empty"),
        (&["read", "//JOE/mailslot/a"], "the one on this computer is a"),
        (&["info", "//JOE/mailslot/a/b"], "the one on this computer is a/b"),
        (&["write", "/mailslot/a", "x"], "it starts with one separator instead of two"),
        (&["write", "a", "x", "--lines"], "--lines splits standard input or a file"),
        (&["write", "a", "x", "--null"], "--null splits standard input or a file"),
        (&["write", "a", "x", "--file", "y"], "cannot be used with"),
        (&["write", "a", "--lines", "--null"], "cannot be used with"),
        (&["write", "a", "--lines", "--repeat", "2"], "cannot be used with"),
        (&["write", "a", "x", "--no-wait", "--timeout", "1s"], "cannot be used with"),
        (&["ls", "//JOE/mailslot/*"], "a pattern is for the slots of this computer"),
        (&["completions", "tcsh"], "possible values: bash"),
    ];
    for (args, message) in cases {
        world.run(args).is_misused(message);
    }
    world.is_empty();
}

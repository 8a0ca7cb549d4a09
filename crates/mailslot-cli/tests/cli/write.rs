//! Where `write` gets its records from.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;

use crate::util::{Process, World};

/// What arrives, each record ended by a bar.
#[track_caller]
fn arrives(args: &[&str], input: &[u8], count: usize) -> Vec<u8> {
    let world = World::new();
    fs::write(world.dir().join("file"), input).unwrap();
    let file = world.dir().join("file");
    let args: Vec<_> =
        args.iter().map(|&arg| if arg == "FILE" { file.to_str().unwrap() } else { arg }).collect();
    let reader = world.reader("a", &["-0", "-n", &count.to_string()]);
    world.run_with(&[&["write", "a"], &args[..]].concat(), input).succeeds();
    let mut bytes = reader.finish().bytes;
    bytes.iter_mut().filter(|b| **b == 0).for_each(|b| *b = b'|');
    bytes
}

#[test]
fn arguments() {
    assert_eq!(arrives(&["one"], b"", 1), b"one|");
    assert_eq!(arrives(&["one", "", "three"], b"", 3), b"one||three|");
    assert_eq!(arrives(&[""], b"", 1), b"|");
    assert_eq!(arrives(&["--", "-n", "--lines"], b"", 2), b"-n|--lines|");
    assert_eq!(arrives(&["-", "x"], b"", 2), b"-|x|");
    assert_eq!(arrives(&["a", "b", "--repeat", "2"], b"", 4), b"a|b|a|b|");
}

#[test]
fn all_of_the_input() {
    assert_eq!(arrives(&[], b"two\nlines\n", 1), b"two\nlines\n|");
    assert_eq!(arrives(&["-"], b"x", 1), b"x|");
    assert_eq!(arrives(&[], b"", 1), b"|");
    assert_eq!(arrives(&["--repeat", "3"], b"x", 3), b"x|x|x|");
    assert_eq!(arrives(&["--file", "FILE"], b"from a file", 1), b"from a file|");
    assert_eq!(arrives(&["-f", "-"], b"x", 1), b"x|");
}

#[test]
fn lines() {
    assert_eq!(arrives(&["--lines"], b"a\n\nb\r\nc", 4), b"a||b\r|c|");
    assert_eq!(arrives(&["-l", "-"], b"a\nb\n", 2), b"a|b|");
    assert_eq!(arrives(&["-l", "--file", "FILE"], b"a\nb\n", 2), b"a|b|");
    assert_eq!(arrives(&["-l", "-i", "1ms"], b"a\nb\n", 2), b"a|b|");
}

#[test]
fn pieces_between_nuls() {
    assert_eq!(arrives(&["--null"], b"a\nb\0\0c", 3), b"a\nb||c|");
    assert_eq!(arrives(&["-0f", "FILE"], b"a\0b\0", 2), b"a|b|");
}

#[test]
fn lines_are_written_as_they_come() {
    let world = World::new();
    let mut reader = world.reader("a", &[]);
    let mut writer =
        Process::start(world.command(&["write", "--lines", "a"]).stdin(Stdio::piped()));
    let mut stdin = writer.stdin();
    for line in ["first\n", "second\n"] {
        stdin.write_all(line.as_bytes()).unwrap();
        reader.output_until(|seen| seen.ends_with(line));
    }
    // A line without its end may still grow.
    stdin.write_all(b"thi").unwrap();
    stdin.write_all(b"rd\n").unwrap();
    reader.output_until(|seen| seen == "first\nsecond\nthird\n");
    drop(stdin);
    writer.finish().succeeds();
}

#[test]
fn every_form_of_a_name_reaches_the_slot() {
    let world = World::new();
    let names = ["taxes/sue", r"\\.\mailslot\taxes\sue", "//./mailslot/TAXES/Sue", r"TAXES\sue"];
    let reader = world.reader("Taxes/Sue", &["-n", "4"]);
    for name in names {
        world.write(name, name);
    }
    assert_eq!(reader.finish().succeeds(), names.join("\n") + "\n");
}

/// A reader that does not read until it is told to, and takes 1,000 bytes.
fn stopped_reader(world: &World, args: &[&str]) -> Process {
    let reader = world.reader("a", &[&["--quota", "1000"], args].concat());
    reader.signal(Signal::STOP);
    reader
}

#[test]
fn arguments_do_not_wait_for_room() {
    let world = World::new();
    let record = "x".repeat(600);
    let reader = stopped_reader(&world, &["-n", "2"]);
    let done = world.run(&["write", "a", "short", &record, &record]);
    assert_eq!(done.code, Some(5), "{done:?}");
    let start = "mailslot: record 3, after 2 records had been written: cannot write to \
                 \\\\.\\mailslot\\a: full;";
    assert!(done.stderr.starts_with(start), "{}", done.stderr);
    reader.signal(Signal::CONT);
    assert_eq!(reader.finish().succeeds(), format!("short\n{record}\n"));
}

#[test]
fn a_time_out_ends_the_wait_for_room() {
    let world = World::new();
    let record = "x".repeat(600);
    let _reader = stopped_reader(&world, &[]);
    for args in [&["--timeout", "20ms"][..], &["--no-wait"]] {
        let input = format!("{record}\n{record}\n{record}\n");
        let done = world.run_with(&[&["write", "--lines", "a"], args].concat(), input.as_bytes());
        assert_eq!(done.code, Some(5), "{done:?}");
        assert!(done.stderr.contains("full"), "{done:?}");
    }
}

#[test]
fn input_waits_for_room() {
    let world = World::new();
    let reader = stopped_reader(&world, &["-n", "1000"]);
    let lines: String = (0..1000).map(|i| format!("line {i}\n")).collect();
    let mut writer =
        Process::start(world.command(&["write", "--lines", "a"]).stdin(Stdio::piped()));
    writer.stdin().write_all(lines.as_bytes()).unwrap();
    assert!(writer.is_running());
    reader.signal(Signal::CONT);
    assert_eq!(reader.finish().succeeds(), lines);
    writer.finish().succeeds();
}

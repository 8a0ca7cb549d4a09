//! When `read` ends, and what it creates.

use std::process::Stdio;

use serde_json::Value;

use crate::util::{Process, World};

#[test]
fn count_ends_it() {
    let world = World::new();
    let reader = world.reader("a", &["-n", "2"]);
    world.write("a", "1");
    world.write("a", "2");
    assert_eq!(reader.finish().succeeds(), "1\n2\n");
    world.is_empty();
}

#[test]
fn records_show_as_they_arrive() {
    let world = World::new();
    for format in ["lines", "text", "json"] {
        let mut reader = world.reader("a", &["--format", format]);
        for record in ["first", "second"] {
            world.write("a", record);
            reader.output_until(|seen| seen.contains(record) && seen.ends_with('\n'));
        }
    }
}

#[test]
fn time_out_without_a_record_is_a_failure() {
    let world = World::new();
    let done = world.run(&["read", "a", "--timeout", "20ms"]);
    done.fails(6, r"no record arrived in \\.\mailslot\a within 20ms");
    let done = world.run(&["read", "a", "--timeout", "0"]);
    done.fails(6, r"no record was waiting in \\.\mailslot\a");
    let done = world.run(&["read", "a", "-t", "20ms", "--exec", "cat"]);
    done.fails(6, r"no record arrived in \\.\mailslot\a within 20ms");
    world.is_empty();
}

#[test]
fn time_out_after_a_record_is_the_end_or_a_failure_before_the_count() {
    let world = World::new();
    // Long enough to start other programs meanwhile; both wait for it at the same time.
    let one = world.reader("a", &["--timeout", "9s"]);
    let three = world.reader("b", &["--timeout", "9s", "-n", "3"]);
    world.write("a", "x");
    world.write("b", "x");
    assert_eq!(one.finish().succeeds(), "x\n");
    let done = three.finish();
    assert_eq!(done.stdout, "x\n");
    done.fails(6, r"only 1 of 3 records arrived in \\.\mailslot\b, then none within 9s");
}

#[test]
fn records_of_any_size() {
    let world = World::new();
    let sizes = [0, 1, 200_000, 262_143, 262_144, 300_000, 5, 3_000_000, 7];
    let mut sent = Vec::new();
    for format in [&["--format", "raw"][..], &["--format", "lines"], &["-0"]] {
        let reader = world.reader("a", &[format, &["-n", "9"]].concat());
        let mut expected = Vec::new();
        for (i, size) in sizes.into_iter().enumerate() {
            sent.clear();
            sent.resize(size, b'a' + i as u8);
            world.run_with(&["write", "a"], &sent).succeeds();
            expected.extend_from_slice(&sent);
            match format {
                ["-0"] => expected.push(0),
                [_, "lines"] => expected.push(b'\n'),
                _ => {}
            }
        }
        let done = reader.finish();
        assert!(done.bytes == expected, "{format:?}: {} bytes", done.bytes.len());
    }
}

#[test]
fn the_slot_is_as_asked_for() {
    let world = World::new();
    let args = ["--max-size", "4K", "--quota", "1M", "--allow", "users:0,4000000001"];
    let _reader = world.reader("//./mailslot/Taxes/Sue", &args);
    let info: Value =
        serde_json::from_str(&world.run(&["info", "--json", "taxes/sue"]).succeeds()).unwrap();
    assert_eq!(info["name"], r"\\.\mailslot\Taxes\Sue");
    assert_eq!(info["max_size"], 4096);
    assert_eq!(info["quota"], 1 << 20);
    assert_eq!(info["allow"], "users:root,4000000001");
    assert_eq!(info["alive"], true);
}

#[test]
fn defaults() {
    let world = World::new();
    let reader = world.reader("a", &["--spin", "10us"]);
    let info: Value = serde_json::from_str(&world.run(&["info", "-j", "a"]).succeeds()).unwrap();
    assert_eq!(info["max_size"], Value::Null);
    assert_eq!(info["quota"], 64 << 20);
    assert_eq!(info["allow"], "user");
    assert_eq!(info["inheritable"], false);
    // The process that the wrapper became.
    assert_eq!(info["pid"], reader.pid());
}

#[test]
fn the_limit_on_descriptors_is_raised() {
    let world = World::new();
    let args = ["read", "a"];
    let mut command = world.wrapped(&["bash", "-c", "ulimit -S -n 64; exec \"$@\"", "bash"], &args);
    let reader = Process::start(command.stdin(Stdio::null()));
    world.await_slot("a");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", reader.pid())).unwrap();
    let line = limits.lines().find(|l| l.starts_with("Max open files")).unwrap();
    let numbers: Vec<_> = line.split_whitespace().skip(3).take(2).collect();
    assert_eq!(numbers[0], numbers[1]);
    assert_ne!(numbers[0], "64");
}

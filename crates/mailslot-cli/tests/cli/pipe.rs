//! Many records from a pipe to a file.

use std::fs::{self, File};
use std::thread;

use crate::util::{Process, World};

#[test]
fn a_million_lines_arrive_byte_by_byte() {
    let world = World::new();
    let lines: String = (0..1_000_000).map(|i| format!("{i}\n")).collect();
    let path = world.dir().join("out");
    let mut command = world.command(&["read", "a", "-n", "1000000"]);
    let reader = Process::start_into(&mut command, File::create(&path).unwrap());
    world.await_slot("a");
    world.run_with(&["write", "--lines", "a"], lines.as_bytes()).succeeds();
    reader.finish().succeeds();
    assert!(fs::read(&path).unwrap() == lines.as_bytes());
}

#[test]
fn a_small_quota_loses_nothing() {
    let world = World::new();
    let lines: String = (0..100_000).map(|i| format!("{i} {}\n", "x".repeat(i % 97))).collect();
    let reader = world.reader("a", &["-n", "100000", "--quota", "200"]);
    world.run_with(&["write", "--lines", "a"], lines.as_bytes()).succeeds();
    assert!(reader.finish().succeeds() == lines);
}

#[test]
fn several_writers_keep_their_order() {
    const EACH: usize = 50_000;
    let world = World::new();
    let reader = world.reader("a", &["-n", &(4 * EACH).to_string()]);
    thread::scope(|scope| {
        for writer in 0..4 {
            let world = &world;
            scope.spawn(move || {
                let lines: String = (0..EACH).map(|i| format!("{writer} {i}\n")).collect();
                world.run_with(&["write", "--lines", "a"], lines.as_bytes()).succeeds();
            });
        }
    });
    let out = reader.finish().succeeds();
    let mut next = [0; 4];
    for line in out.lines() {
        let (writer, number) = line.split_once(' ').unwrap();
        let expected = &mut next[writer.parse::<usize>().unwrap()];
        assert_eq!(number.parse::<usize>().unwrap(), *expected, "writer {writer}");
        *expected += 1;
    }
    assert_eq!(next, [EACH; 4]);
}

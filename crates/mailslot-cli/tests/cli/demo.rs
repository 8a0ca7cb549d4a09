//! The demo, from outside.

use std::fs;

use rustix::process::Signal;

use crate::util::{Process, World, eventually};

#[test]
fn it_ends_well_and_leaves_nothing() {
    let world = World::new();
    let done = Process::start(world.command(&["demo"]).env("TMPDIR", world.dir())).finish();
    let said = done.succeeds();
    let wanted = [
        r"This process creates \\.\mailslot\taxes\sue",
        "A question on line 12.",
        "no record arrived",
        "with a larger buffer",
        "is dead (kill -9)",
        "1,000,000 records",
        "None lost, none twice",
        "its reader is gone",
        "there is no such slot",
    ];
    for words in wanted {
        // Wherever a line was broken.
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert!(!said.contains('\u{1b}'));
    world.is_empty();
}

#[test]
fn it_clears_up_when_interrupted() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let world = World::new();
        let env = ["env", "--default-signal=INT,TERM"];
        let mut demo = Process::start(world.wrapped(&env, &["demo"]).env("TMPDIR", world.dir()));
        demo.output_until(|seen| seen.contains("RECORD"));
        demo.signal(signal);
        assert_eq!(demo.finish().code, Some(code));
        world.is_empty();
        eventually("no process of the demo is left", || !somebody_uses(&world));
    }
}

/// Whether a process has this world's directory in its environment.
fn somebody_uses(world: &World) -> bool {
    let dir = format!("MAILSLOT_DIR={}/", world.dir().display());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let environments = processes.filter_map(|p| fs::read(p.path().join("environ")).ok());
    environments.into_iter().any(|e| String::from_utf8_lossy(&e).contains(&dir))
}

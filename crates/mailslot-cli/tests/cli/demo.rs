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
        #[cfg(feature = "gateway")]
        "JOE has answered",
        #[cfg(feature = "gateway")]
        "JOE SUE of WORKGROUP",
        #[cfg(feature = "gateway")]
        "JOE accepted SUE accepted",
        #[cfg(feature = "gateway")]
        "JOE no answer SUE accepted JOE is back",
        #[cfg(not(feature = "gateway"))]
        "built without networks",
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
    let two_computers = if cfg!(feature = "gateway") { "accepted" } else { "RECORD" };
    let cases = [(Signal::INT, 130, "RECORD"), (Signal::TERM, 143, two_computers)];
    for (signal, code, at) in cases {
        let world = World::new();
        let env = ["env", "--default-signal=INT,TERM"];
        let mut demo = Process::start(world.wrapped(&env, &["demo"]).env("TMPDIR", world.dir()));
        demo.output_until(|seen| seen.contains(at));
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

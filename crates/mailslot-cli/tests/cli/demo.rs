//! The demo, from outside.

use std::fs::{self, File};
use std::io::Read;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

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

/// Nothing of it runs on, and the next demo removes what it had no time for.
#[test]
fn a_killed_one_is_cleared_up_after() {
    let world = World::new();
    let start = || Process::start(world.command(&["demo"]).env("TMPDIR", world.dir()));
    let mut demo = start();
    demo.output_until(|seen| seen.contains("RECORD"));
    demo.signal(Signal::KILL);
    demo.finish();
    eventually("no process of the demo is left", || !somebody_uses(&world));
    let left = |world: &World| world.dir().read_dir().unwrap().flatten().map(|e| e.path()).next();
    let killed = left(&world).expect("a killed demo removes nothing");
    let mut next = start();
    next.output_until(|seen| seen.contains("RECORD"));
    assert!(!killed.exists());
    // A living one is left alone.
    let mut third = start();
    third.output_until(|seen| seen.contains("RECORD"));
    assert_eq!(world.dir().read_dir().unwrap().count(), 2);
    for demo in [next, third] {
        demo.signal(Signal::TERM);
        assert_eq!(demo.finish().code, Some(143));
    }
    world.is_empty();
}

#[test]
fn it_keeps_within_a_narrow_terminal() {
    const COLUMNS: u16 = 60;
    let world = World::new();
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = File::options().read(true).write(true).open(name).unwrap();
    let mut command = world.command(&["demo"]);
    let demo = Process::start_into(command.env("TMPDIR", world.dir()), theirs);
    drop(command);
    let (mut ours, mut seen, mut some) = (File::from(ours), Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&seen).contains("TOOK") {
        let count = ours.read(&mut some).expect("the demo goes on");
        seen.extend_from_slice(&some[..count]);
    }
    demo.signal(Signal::TERM);
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.lines().count() > 10, "{seen}");
    let wide: Vec<_> = seen.lines().filter(|line| line.chars().count() > COLUMNS.into()).collect();
    assert!(wide.is_empty(), "{wide:?}");
    assert_eq!(demo.finish().code, Some(143));
    world.is_empty();
}

/// Whether a process has this world's directory in its environment.
fn somebody_uses(world: &World) -> bool {
    let dir = format!("MAILSLOT_DIR={}/", world.dir().display());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let environments = processes.filter_map(|p| fs::read(p.path().join("environ")).ok());
    environments.into_iter().any(|e| String::from_utf8_lossy(&e).contains(&dir))
}

//! Another user. These tests need root and setpriv, and do nothing without.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::util::{BIN, Done, Process, World};

/// What runs a command as a user who owns nothing, in a group of its own.
const OTHER: [&str; 4] = ["setpriv", "--reuid=4000000001", "--regid=4000000002", "--clear-groups"];

/// A world that others may use, or `None` if there can be no others here.
fn shared_world() -> Option<World> {
    let can_run = Command::new(OTHER[0]).args(&OTHER[1..]).args(["test", "-x", BIN]).status();
    if !rustix::process::geteuid().is_root() || !can_run.is_ok_and(|status| status.success()) {
        eprintln!("skipped: needs root, setpriv, and a test binary that others may run");
        return None;
    }
    let world = World::new();
    fs::set_permissions(world.dir(), Permissions::from_mode(0o1777)).unwrap();
    Some(world)
}

fn as_other(world: &World, args: &[&str]) -> Done {
    Process::start(&mut world.wrapped(&OTHER, args)).finish()
}

#[test]
fn others_are_refused() {
    let Some(world) = shared_world() else { return };
    let _reader = world.reader("a", &[]);
    let done = as_other(&world, &["write", "a", "x"]);
    done.fails(
        4,
        r"cannot open \\.\mailslot\a: access denied; it belongs to user root, who can let others write when creating it",
    );
    // Everybody may see that it is there.
    as_other(&world, &["info", "a"]).succeeds();
}

#[test]
fn others_are_let_in_as_asked() {
    let Some(world) = shared_world() else { return };
    let cases = [
        ("everyone", true),
        ("group:4000000002", true),
        ("group:4000000003", false),
        ("users:4000000001", true),
        ("users:4000000003", false),
    ];
    for (allow, allowed) in cases {
        let mut reader = world.reader("a", &["--allow", allow, "--format", "json"]);
        let done = as_other(&world, &["write", "a", "x"]);
        if allowed {
            done.succeeds();
            let seen = reader.output_until(|seen| seen.ends_with('\n'));
            assert!(seen.contains(r#""uid":4000000001,"user":null"#), "{seen}");
        } else {
            assert_eq!(done.code, Some(4), "{allow}: {done:?}");
        }
    }
}

#[test]
fn anothers_dead_slot() {
    let Some(world) = shared_world() else { return };
    let reader = world.reader("a", &[]);
    reader.signal(rustix::process::Signal::KILL);
    reader.finish();
    let done = as_other(&world, &["read", "a"]);
    assert_eq!(done.code, Some(7), "{done:?}");
    assert!(done.stderr.contains("a dead slot of user root has this name"), "{done:?}");
}

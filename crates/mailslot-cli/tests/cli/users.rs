//! Another user. These tests need root and setpriv, and do nothing without.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::util::{BIN, Done, Process, World};

/// What runs a command as a user who owns nothing, in a group of its own.
const OTHER: [&str; 4] = ["setpriv", "--reuid=4000000001", "--regid=4000000002", "--clear-groups"];

/// What others run.
struct Others {
    command: PathBuf,
    _copy: Option<TempDir>,
}

impl Others {
    /// `None` if there can be no others here.
    fn new() -> Option<Self> {
        if !can_run(Path::new("/bin/sh")) {
            let required = std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_some();
            assert!(!required, "this case needs root and setpriv");
            eprintln!("skipped: needs root and setpriv");
            return None;
        }
        if can_run(Path::new(BIN)) {
            return Some(Self { command: BIN.into(), _copy: None });
        }
        // Where this was built is closed to them.
        let copy = tempfile::Builder::new().prefix("mailslot-cli-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
        let command = copy.path().join("mailslot");
        fs::copy(BIN, &command).unwrap();
        Some(Self { command, _copy: Some(copy) })
    }

    fn run(&self, world: &World, args: &[&str]) -> Done {
        let mut command = Command::new(OTHER[0]);
        command.args(&OTHER[1..]).arg(&self.command).args(args).env("MAILSLOT_DIR", world.dir());
        Process::start(&mut command).finish()
    }
}

fn can_run(command: &Path) -> bool {
    let tried = Command::new(OTHER[0]).args(&OTHER[1..]).args(["test", "-x"]).arg(command).status();
    rustix::process::geteuid().is_root() && tried.is_ok_and(|status| status.success())
}

fn shared_world() -> World {
    let world = World::new();
    fs::set_permissions(world.dir(), Permissions::from_mode(0o1777)).unwrap();
    world
}

#[test]
fn others_are_refused() {
    let Some(others) = Others::new() else { return };
    let world = shared_world();
    let _reader = world.reader("a", &[]);
    let done = others.run(&world, &["write", "a", "x"]);
    done.fails(
        4,
        r"cannot open \\.\mailslot\a: access denied; it belongs to user root, who can let others write when creating it",
    );
    // Everybody may see that it is there.
    others.run(&world, &["info", "a"]).succeeds();
}

#[test]
fn others_are_let_in_as_asked() {
    let Some(others) = Others::new() else { return };
    let world = shared_world();
    let cases = [
        ("everyone", true),
        ("group:4000000002", true),
        ("group:4000000003", false),
        ("users:4000000001", true),
        ("users:4000000003", false),
    ];
    for (allow, allowed) in cases {
        let mut reader = world.reader("a", &["--allow", allow, "--format", "json"]);
        let done = others.run(&world, &["write", "a", "x"]);
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
    let Some(others) = Others::new() else { return };
    let world = shared_world();
    let reader = world.reader("a", &[]);
    reader.signal(rustix::process::Signal::KILL);
    reader.finish();
    let done = others.run(&world, &["read", "a"]);
    assert_eq!(done.code, Some(7), "{done:?}");
    assert!(done.stderr.contains("a dead slot of user root has this name"), "{done:?}");
}

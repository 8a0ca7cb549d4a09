//! Local users: who may use the computer's gateway, and who may say to which domain it belongs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use rustix::process::Signal;

use crate::util::{Computer, PROGRAM, Running, eventually};

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// `mailslot ARGS` by the user nobody.
fn nobody(on: &Computer, config: &str, args: &[&str]) -> Command {
    let mut command = on.program("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(on.path("mailslot"));
    command.args(args).env("MAILSLOT_CONFIG_DIR", on.path(config));
    command
}

fn error(out: &Output) -> String {
    assert!(!out.status.success(), "{out:?}");
    String::from_utf8(out.stderr.clone()).unwrap()
}

pub(crate) fn others_may_use_roots_gateway_and_no_more() {
    let (mut sue, mut joe) = (Computer::new("SUE", None, "lo"), Computer::new("JOE", None, "lo"));
    // As it is on a real computer: the registry is everybody's, and so is the program.
    fs::copy(PROGRAM, sue.path("mailslot")).unwrap();
    open(&sue.path("."), 0o755);
    open(&sue.path("slots"), 0o1777);
    fs::create_dir(sue.path("own")).unwrap();
    open(&sue.path("own"), 0o777);
    sue.meets(&mut joe);
    let by_nobody = |args: &[&str]| nobody(&sue, "config", args).output().unwrap();

    // Writing, and asking.
    let slot =
        Running::start(&mut joe.command(&["read", "--format", "json", "x"]), &joe.path("records"));
    eventually("the slot exists", || joe.run(&["info", "x"]).status.success());
    let confirm = ["write", "--confirm", "--timeout", "60s", "//JOE/mailslot/x", "from nobody"];
    let written = by_nobody(&confirm);
    assert_eq!(String::from_utf8(written.stdout).unwrap(), "JOE  accepted\n");
    let record = || fs::read_to_string(joe.path("records")).unwrap();
    eventually("it arrives", || record().contains("from nobody"));
    assert!(record().contains(r#""user":"nobody""#), "{}", record());
    for args in [&["ping", "JOE"][..], &["ls", "//JOE/"], &["gateway", "status"]] {
        let out = by_nobody(args);
        assert!(out.status.success(), "{out:?}");
    }
    drop(slot);

    // What the computer belongs to is root's business; its keys can't even be read.
    let file = sue.path("own/eve.invite");
    let file = file.to_str().unwrap();
    for args in [
        &["domain", "list"][..],
        &["domain", "invite", "EVE", "--output", file],
        &["domain", "revoke", "JOE"],
        &["domain", "leave", "WORKGROUP"],
        &["domain", "create", "OTHER"],
        &["domain", "router", "MEETING", "--dir", file],
        &["gateway", "--check-config"],
    ] {
        let out = by_nobody(args);
        assert_eq!(out.status.code(), Some(4), "{args:?}");
        let why = error(&out);
        assert!(why.contains("Permission denied"), "{args:?}: {why}");
    }
    sue.ok(&["domain", "invite", "EVE", "--output", file]);
    let why = error(&by_nobody(&["domain", "join", file]));
    assert!(why.contains("Permission denied"), "an invitation is private: {why}");
    assert!(sue.ok(&["domain", "list"]).contains("JOE"));

    // Nor is there a second gateway; and one of nobody's own is nobody's alone.
    let why = error(&nobody(&sue, "own", &["gateway"]).output().unwrap());
    assert!(why.contains("is this computer's gateway already"), "{why}");
    sue.signal(Signal::TERM);
    assert_eq!(sue.gateway().ends(), Some(0));
    let mut theirs = Running::start(&mut nobody(&sue, "own", &["gateway"]), &sue.path("theirs"));
    eventually("it is ready", || fs::read_to_string(sue.path("theirs")).unwrap().contains("ready"));
    let why = error(&sue.run(&["write", "//JOE/mailslot/x", "for nobody's eyes"]));
    assert!(why.contains("nobody"), "{why}");
    theirs.signal(Signal::TERM);
    assert_eq!(theirs.ends(), Some(0));
}

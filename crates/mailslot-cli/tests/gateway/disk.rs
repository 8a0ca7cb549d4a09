//! A registry with no room: the journal can't be kept, and records go on.

use std::process::Command;

use crate::util::{Computer, eventually};

/// A file system of 64 KiB in place of a computer's registry. Gone when dropped.
struct Tiny<'a>(&'a Computer);

impl<'a> Tiny<'a> {
    fn mount(on: &'a Computer) -> Self {
        let args = ["-t", "tmpfs", "-o", "size=64k,mode=1777", "tmpfs"];
        let mounted = Command::new("mount").args(args).arg(on.path("slots")).status().unwrap();
        assert!(mounted.success());
        Self(on)
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        // Lazily: what is still there has descriptors in it.
        let _ = Command::new("umount").arg("-l").arg(self.0.path("slots")).status();
    }
}

pub(crate) fn a_full_disk_stops_no_record() {
    let mut sue = Computer::new("SUE", None, "lo");
    let joe = Computer::new("JOE", None, "lo");
    sue.create("WORKGROUP");
    sue.invite(&joe);
    sue.start();
    let _tiny = Tiny::mount(&joe);
    let log = joe.path("log");
    // And a limit on the size of files, which must not end the gateway with a signal.
    for limit in ["unlimited", "100000"] {
        let mut command = joe.program("prlimit");
        command.args([&format!("--fsize={limit}"), crate::util::PROGRAM, "gateway"]);
        let _gateway = crate::util::Running::start(&mut command, &log);
        let slot = joe.read("x");
        sue.reaches(&joe);
        let lines: Vec<String> = (0..1500).map(|number| format!("{limit} {number}")).collect();
        std::fs::write(sue.path("lines"), lines.join("\n")).unwrap();
        let args = ["write", "--confirm", "--timeout", "60s", "--lines", "//JOE/mailslot/x"];
        let mut write = sue.command(&args);
        write.stdin(std::fs::File::open(sue.path("lines")).unwrap());
        let written = write.output().unwrap();
        assert!(written.status.success(), "{written:?}");
        let here = || {
            let mut all = slot.lines();
            all.retain(|line| line.starts_with(limit));
            all
        };
        eventually("all arrive", || here().len() >= lines.len());
        assert_eq!(here(), lines);
        let said = joe.log().matches("cannot keep the journal").count();
        let expected = if limit == "unlimited" { 1 } else { 2 };
        assert_eq!(said, expected, "{}", joe.log());
    }
}

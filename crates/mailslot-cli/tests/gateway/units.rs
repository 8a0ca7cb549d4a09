//! The systemd units, as systemd itself reads them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::util::PROGRAM;

/// Whether there is something that reads them.
pub(crate) fn can_be_read() -> bool {
    Command::new("systemd-analyze").arg("--version").output().is_ok_and(|out| out.status.success())
}

pub(crate) fn systemd_finds_nothing_wrong_with_them() {
    let units = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/systemd"));
    for (kind, manager) in [("system", "--system"), ("user", "--user")] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("systemd-analyze");
        command.args([manager, "--man=no", "verify"]).env("XDG_RUNTIME_DIR", dir.path());
        for unit in ["mailslot-gateway.service", "mailslot-gateway.socket"] {
            let text = fs::read_to_string(units.join(kind).join(unit)).unwrap();
            // It wants the program to be there.
            let text = text.replace("/usr/bin/mailslot", PROGRAM);
            fs::write(dir.path().join(unit), text).unwrap();
            command.arg(dir.path().join(unit));
        }
        let out = command.output().unwrap();
        assert!(out.status.success() && out.stderr.is_empty(), "{kind}: {out:?}");
    }
}

//! Gives the demo a place of its own and clears it up.

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use anyhow::Context;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tempfile::TempDir;

use super::show::PATIENCE;
use super::{PART, myself};
use crate::exit::Exit;
use crate::signals::Stop;

pub(super) fn run() -> anyhow::Result<Exit> {
    let stop = Stop::on_signals()?;
    let dir = tempfile::Builder::new()
        .prefix("mailslot-demo-")
        .tempdir_in(short_temp_dir())
        .context("cannot create a temporary directory")?;
    let mut show = myself()?
        .arg("demo")
        .env(PART, "show")
        .env("MAILSLOT_DIR", dir.path())
        .spawn()
        .context("cannot start the demo's process")?;
    let handle = pidfd_open(Pid::from_child(&show), PidfdFlags::empty())
        .context("cannot keep hold of the demo's process")?;
    // Ctrl-C reaches it anyway; other signals only come here. Should it be gone, so much the better.
    let pass_on = || {
        let _ = pidfd_send_signal(&handle, Signal::TERM);
    };
    let status = stop.interrupting(None, pass_on, || show.wait())??;
    remove(dir).context("cannot remove the demo's directory")?;
    // It has said itself why it failed.
    let result = if status.success() { Exit::Success } else { Exit::Failure };
    Ok(stop.reason().unwrap_or(result))
}

/// What the demo has started ends with it, and may put something there until then.
fn remove(dir: TempDir) -> io::Result<()> {
    let began = Instant::now();
    while let Err(error) = fs::remove_dir_all(dir.path()) {
        if error.kind() != io::ErrorKind::DirectoryNotEmpty || began.elapsed() > PATIENCE {
            return Err(error);
        }
        thread::sleep(Duration::from_millis(5));
    }
    // It is gone.
    let _ = dir.keep();
    Ok(())
}

/// A socket's path holds 107 bytes: a long TMPDIR leaves too little for a slot.
fn short_temp_dir() -> PathBuf {
    let dir = std::env::temp_dir();
    if dir.as_os_str().len() <= 20 { dir } else { "/tmp".into() }
}

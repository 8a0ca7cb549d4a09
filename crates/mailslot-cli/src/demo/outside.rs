//! Gives the demo a place of its own and clears it up.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use anyhow::Context;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tempfile::TempDir;

use super::show::PATIENCE;
use super::{PART, myself};
use crate::exit::Exit;
use crate::signals::Stop;

const PREFIX: &str = "mailslot-demo-";

pub(super) fn run() -> anyhow::Result<Exit> {
    let stop = Stop::on_signals()?;
    let temp = short_temp_dir();
    clear(&temp);
    // Locked for as long as this process lives.
    let (dir, _lock) = create(&temp).context("cannot create a temporary directory")?;
    let mut show = myself()?
        .arg("demo")
        .env(PART, format!("show {}", std::process::id()))
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

/// A directory for a demo that lives: it holds the lock.
fn create(temp: &Path) -> io::Result<(TempDir, File)> {
    loop {
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(temp)?;
        let open = File::open(&dir)?;
        match flock(&open, FlockOperation::NonBlockingLockExclusive) {
            // Another demo may have taken it for a dead one's before it was locked.
            Err(Errno::WOULDBLOCK) => {}
            Ok(()) if !dir.path().exists() => {}
            // Where there are no locks nobody takes it for that.
            _ => return Ok((dir, open)),
        }
    }
}

/// Removes what demos that were killed have left.
fn clear(temp: &Path) {
    let me = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(temp).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let Ok(open) = rustix::fs::open(entry.path(), flags, Mode::empty()) else { continue };
        let mine = rustix::fs::fstat(&open).is_ok_and(|stat| stat.st_uid == me);
        if mine && flock(&open, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // What a process that is just ending still puts there the next demo removes.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
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

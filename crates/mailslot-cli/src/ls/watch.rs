//! `mailslot ls --watch`.
//!
//! inotify tells when a slot appears in the directory of slots or is taken out of it. A reader that
//! was killed leaves no trace there, so the list is also looked at now and then.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, SystemTime};
use std::{io, thread};

use mailslot::{SlotEntry, SlotName};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::list;
use super::pattern::Pattern;
use crate::exit::Exit;
use crate::stdout::Stdout;
use crate::text::{self, Users};
use crate::{entry, values};

/// How often to look for readers that were killed.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
/// The least time between two looks, so that a busy directory costs little.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) fn run(pattern: Option<&Pattern>, json: bool) -> anyhow::Result<Exit> {
    let mut out = Stdout::new()?;
    let mut users = Users::default();
    let mut known = BTreeMap::new();
    let mut directory = None;
    loop {
        // First the watch, then the list: nothing in between is missed.
        directory = directory.or_else(watch_directory);
        let now = living(pattern)?;
        let mut lines = String::new();
        for (identity, slot) in &known {
            if !now.contains_key(identity) {
                lines += &line(slot, Change::Vanished, json, &mut users);
            }
        }
        for (identity, slot) in &now {
            if !known.contains_key(identity) {
                lines += &line(slot, Change::Appeared, json, &mut users);
            }
        }
        out.write(lines.as_bytes())?;
        known = now;
        if nobody_reads(directory.as_ref(), out.as_fd())? {
            return Ok(Exit::Success);
        }
        thread::sleep(PAUSE);
    }
}

/// What tells a slot from a later one with the same name.
type Identity = (SlotName, SystemTime, u32);

fn living(pattern: Option<&Pattern>) -> anyhow::Result<BTreeMap<Identity, SlotEntry>> {
    let slots = list(pattern)?.into_iter().filter(|slot| slot.alive);
    Ok(slots.map(|slot| ((slot.name.clone(), slot.created, slot.pid), slot)).collect())
}

/// `None` if there is no such directory (yet), or no watch to be had: then looking must do.
fn watch_directory() -> Option<OwnedFd> {
    let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    let what = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::ONLYDIR;
    inotify::add_watch(&fd, mailslot::registry_root(), what).ok()?;
    Some(fd)
}

/// Waits until it is time for another look. Whether nobody reads the output any more.
fn nobody_reads(directory: Option<&OwnedFd>, out: BorrowedFd<'_>) -> io::Result<bool> {
    // Asked for nothing, poll still tells of errors: on a pipe, that its reader is gone.
    let mut fds = vec![PollFd::from_borrowed_fd(out, PollFlags::empty())];
    fds.extend(directory.map(|fd| PollFd::new(fd, PollFlags::IN)));
    match poll(&mut fds, Some(&LOOK)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => return Err(e.into()),
    }
    let closed = !fds[0].revents().is_empty();
    if let Some(directory) = directory {
        // What happened does not matter, only that something did.
        let mut events = [0; 4096];
        while rustix::io::read(directory, &mut events).is_ok_and(|n| n > 0) {}
    }
    Ok(closed)
}

#[derive(Clone, Copy)]
enum Change {
    Appeared,
    Vanished,
}

fn line(slot: &SlotEntry, change: Change, json: bool, users: &mut Users) -> String {
    let (sign, event) = match change {
        Change::Appeared => ('+', "appeared"),
        Change::Vanished => ('-', "vanished"),
    };
    if json {
        return entry::json(slot, Some(event), users) + "\n";
    }
    let name = slot.name.to_string();
    let name = text::harmless(&name);
    match change {
        Change::Appeared => format!(
            "{sign} {name}  process {}, user {}, writers {}\n",
            slot.pid,
            users.show(slot.owner),
            values::show_access(&slot.access),
        ),
        Change::Vanished => format!("{sign} {name}\n"),
    }
}

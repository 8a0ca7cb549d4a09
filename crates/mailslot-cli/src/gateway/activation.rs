//! The socket that a service manager has made and hands over: see sd_listen_fds(3).

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::{env, fs};

use anyhow::{Context, bail};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// The number of the first.
const FIRST: i32 = 3;
/// What it may be called: as in our unit, as that unit, or not at all.
const NAMES: [&str; 3] = ["gateway", "mailslot-gateway.socket", "unknown"];

/// The socket that was handed to this process, if any was.
pub(super) fn listener() -> anyhow::Result<Option<OwnedFd>> {
    let variable = |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let me = getpid().as_raw_nonzero().to_string();
    if variable("LISTEN_PID").is_none_or(|pid| pid != me) {
        return Ok(None);
    }
    let failed = "cannot start the gateway with sockets of the service manager";
    let count = variable("LISTEN_FDS").unwrap_or_default();
    match count.parse::<u32>() {
        Ok(0) => return Ok(None),
        Ok(1) => {}
        Ok(n) => bail!("{failed}: it takes one, and LISTEN_FDS says that there are {n}"),
        Err(_) => bail!("{failed}: LISTEN_FDS is {count:?}, which is no number"),
    }
    if let Some(name) = variable("LISTEN_FDNAMES")
        && !NAMES.contains(&name.as_str())
    {
        bail!("{failed}: LISTEN_FDNAMES says {name:?}, where {:?} is expected", NAMES[0]);
    }
    let link = fs::read_link(format!("/proc/self/fd/{FIRST}"));
    let link = link.with_context(|| format!("{failed}: there is no descriptor {FIRST}"))?;
    if !link.as_os_str().as_bytes().starts_with(b"socket:") {
        bail!("{failed}: descriptor {FIRST} is no socket, but {link:?}");
    }
    // A second descriptor, since one that only a number tells of can't be taken without `unsafe`.
    let me = pidfd_open(getpid(), PidfdFlags::empty());
    let socket = me.and_then(|me| pidfd_getfd(me, FIRST, PidfdGetfdFlags::empty()));
    let socket = socket.with_context(|| format!("{failed}: cannot take descriptor {FIRST}"))?;
    Ok(Some(socket))
}

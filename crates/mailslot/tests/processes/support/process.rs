//! Further processes of a case.

use std::io::Write;
use std::panic::AssertUnwindSafe;

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, set_parent_process_death_signal, waitpid,
};
use rustix::thread::CpuSet;

use super::harness::survives;

/// A process that this one has started. Dropped, it is killed.
#[must_use]
pub(crate) struct Process {
    pid: Pid,
    ended: bool,
}

/// Runs `body` in a new process which, as if it were a program of its own, has none of this one's
/// descriptors: `body` may use of this process's memory what it likes, but no handle or file.
pub(crate) fn spawn(body: impl FnOnce()) -> Process {
    fork(|| {
        // SAFETY: whatever owns these descriptors is a copy in this process, which ends without
        // dropping it and by the rule above doesn't use it.
        let code = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
        assert_eq!(code, 0, "closing the parent's descriptors");
        body();
    })
}

/// Runs `body` in a new process that has copies of all that this one has.
pub(crate) fn fork(body: impl FnOnce()) -> Process {
    let _ = std::io::stdout().flush();
    // SAFETY: the processes of a case are single-threaded where they fork, or keep to what is safe
    // after a fork of a process with threads: memory allocation, which libc keeps usable, and
    // system calls.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // An interrupted run leaves nobody behind.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        let code = if survives(AssertUnwindSafe(body)) { 0 } else { 101 };
        let _ = std::io::stdout().flush();
        // SAFETY: ends the process, and runs nothing of what the parent has registered or owns.
        unsafe { libc::_exit(code) };
    }
    assert!(pid > 0, "fork: {}", std::io::Error::last_os_error());
    Process { pid: Pid::from_raw(pid).unwrap(), ended: false }
}

/// Keeps this process, and those it starts, to one processor.
pub(crate) fn keep_to_one_processor() {
    let allowed = rustix::thread::sched_getaffinity(None).unwrap();
    let first = (0..CpuSet::MAX_CPU).find(|&cpu| allowed.is_set(cpu)).unwrap();
    let mut one = CpuSet::new();
    one.set(first);
    rustix::thread::sched_setaffinity(None, &one).unwrap();
}

/// Lets this process go on when the one that started it ends.
pub(crate) fn outlive_parent() {
    set_parent_process_death_signal(None).unwrap();
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get() as u32
    }

    fn wait(&mut self, options: WaitOptions) -> Option<WaitStatus> {
        loop {
            match waitpid(Some(self.pid), options) {
                Err(rustix::io::Errno::INTR) => {}
                found => break found.unwrap().map(|(_, status)| status),
            }
        }
    }

    /// Waits until it ends, which it must do without a failure.
    pub(crate) fn finish(mut self) {
        let status = self.wait(WaitOptions::empty()).unwrap();
        self.ended = true;
        assert_eq!(status.exit_status(), Some(0), "process {} failed: {status:?}", self.id());
    }

    /// Waits until it ends, however it does.
    pub(crate) fn end(mut self) -> WaitStatus {
        let status = self.wait(WaitOptions::empty()).unwrap();
        self.ended = true;
        status
    }

    /// Itself, unless it has ended, which it must have done without a failure.
    pub(crate) fn unless_ended(mut self) -> Option<Self> {
        let Some(status) = self.wait(WaitOptions::NOHANG) else {
            return Some(self);
        };
        self.ended = true;
        assert_eq!(status.exit_status(), Some(0), "process {} failed: {status:?}", self.id());
        None
    }

    /// `kill -9`, without waiting for the end, for which [`Process::kill`] waits.
    pub(crate) fn doom(&self) {
        kill_process(self.pid, Signal::KILL).unwrap();
    }

    /// `kill -9`, and waits until it is gone. It must have been alive.
    pub(crate) fn kill(mut self) {
        kill_process(self.pid, Signal::KILL).unwrap();
        let status = self.wait(WaitOptions::empty()).unwrap();
        self.ended = true;
        assert!(status.signaled(), "process {} had ended: {status:?}", self.id());
    }

    /// Stops it, and waits until it stands still.
    pub(crate) fn stop(&mut self) {
        kill_process(self.pid, Signal::STOP).unwrap();
        let status = self.wait(WaitOptions::UNTRACED).unwrap();
        assert!(status.stopped(), "process {} has ended: {status:?}", self.id());
    }

    pub(crate) fn resume(&mut self) {
        kill_process(self.pid, Signal::CONT).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.wait(WaitOptions::empty());
        }
    }
}

/// Somebody whom a process of root can become.
#[derive(Clone, Copy)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: &'static [u32],
}

impl User {
    /// From here on this process, which has one thread, is this user's.
    pub(crate) fn become_it(self) {
        // SAFETY: plain system calls; the list is as long as said.
        let codes = unsafe {
            [
                libc::setgroups(self.groups.len(), self.groups.as_ptr()),
                libc::setresgid(self.gid, self.gid, self.gid),
                libc::setresuid(self.uid, self.uid, self.uid),
            ]
        };
        assert_eq!(codes, [0; 3], "becoming user {}", self.uid);
        // Another user's process loses it.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

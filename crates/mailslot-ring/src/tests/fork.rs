use std::sync::Mutex;

use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use crate::fork_generation;

/// Runs `child` in a forked process; its result is the exit code. It must not allocate, lock or
/// panic: other threads of this process may hold any lock at the moment of the fork.
pub(super) fn fork(child: impl FnOnce() -> i32) -> Pid {
    // SAFETY: the child runs nothing but `child`, which touches no lock of this process, and ends
    // without running destructors or exit handlers.
    match unsafe { libc::fork() } {
        0 => {
            let code = child();
            // SAFETY: ends this process at once; takes no lock.
            unsafe { libc::_exit(code) }
        }
        pid => Pid::from_raw(pid).expect("fork failed"),
    }
}

pub(super) fn wait(pid: Pid) -> WaitStatus {
    waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap().1
}

#[test]
fn a_forked_child_and_its_child_have_generations_of_their_own() {
    let own = fork_generation();
    assert_ne!(own, 0);
    assert_eq!(own, fork_generation());
    let child = fork(|| {
        let child = fork_generation();
        let grandchild = fork(|| {
            let grandchild = fork_generation();
            i32::from(grandchild == own || grandchild == child)
        });
        let same = child == own || child != fork_generation();
        i32::from(same) * 2 + wait(grandchild).exit_status().unwrap_or(1)
    });
    assert_eq!(wait(child).exit_status(), Some(0));
    assert_eq!(own, fork_generation());
}

#[test]
fn all_threads_have_one_generation() {
    let found = Mutex::new(vec![fork_generation()]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| found.lock().unwrap().push(fork_generation()));
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.iter().all(|generation| *generation == found[0]));
}

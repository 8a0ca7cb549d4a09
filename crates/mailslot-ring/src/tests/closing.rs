//! Closing many descriptors at once.

use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::close_all;

/// Whether each pipe has lost its writer.
fn ended(readers: &[OwnedFd]) -> Vec<bool> {
    let mut polled: Vec<_> = readers.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap();
    polled.iter().map(|fd| fd.revents().contains(PollFlags::HUP)).collect()
}

/// Waits until that is so: children that other tests fork have copies until they end.
#[track_caller]
fn becomes(readers: &[OwnedFd], expected: &[bool]) {
    let start = Instant::now();
    while ended(readers) != expected {
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", ended(readers));
        thread::yield_now();
    }
}

#[test]
fn all_are_closed_and_no_others() {
    let pipes = (0..40).map(|_| pipe_with(PipeFlags::CLOEXEC).unwrap());
    let (readers, writers): (Vec<_>, Vec<_>) = pipes.unzip();
    // Copies made one after the other are neighbours, but for numbers that other tests take.
    let mut copies: Vec<_> = writers.iter().map(|fd| fd.try_clone().unwrap()).collect();
    drop(writers);
    assert_eq!(ended(&readers), [false; 40]);
    let kept = [17, 3].map(|at| copies.remove(at));
    copies.swap(0, 20);
    close_all(&mut copies);
    assert!(copies.is_empty());
    let expected: Vec<_> = (0..40).map(|at| at != 3 && at != 17).collect();
    becomes(&readers, &expected);
    drop(kept);
    becomes(&readers, &[true; 40]);
}

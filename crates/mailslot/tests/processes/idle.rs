//! Who has nothing to do does nothing.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mailslot::Mailslot;

use crate::support::{
    Case, NAME, Process, both_kinds, cpu_time, fork, inheritable_slot, shared, sleeps, spawn,
    switches, wait_for, wait_until, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("idle::a_reader_and_its_writers", a_reader_and_its_writers),
    Case::new("idle::a_reader_that_polls", a_reader_that_polls),
    Case::new("idle::two_holders", two_holders),
];

/// How long nothing may happen.
const REST: Duration = Duration::from_secs(2);

/// Writers that have written once, or more often, or not at all, and wait for something else.
fn idle_writers(state: &'static [AtomicU64]) -> Vec<Process> {
    (0..12)
        .map(|n| {
            spawn(move || {
                let mut writer = writer();
                for _ in 0..n % 4 {
                    writer.write(b"x").unwrap();
                }
                state[0].fetch_add(1, Ordering::AcqRel);
                rustix::event::pause();
            })
        })
        .collect()
}

/// Records that they write.
const WRITTEN: u64 = 3 * (1 + 2 + 3);

/// Once all of them sleep, none of these processes wakes up.
fn all_rest(processes: &[&Process]) {
    let counts = || -> Vec<_> {
        processes.iter().map(|process| (switches(process.id()), cpu_time(process.id()))).collect()
    };
    // One that waits for a processor does nothing either, but will.
    let asleep = || processes.iter().all(|process| sleeps(process.id()));
    let mut before = counts();
    wait_until("all of them to fall asleep", || {
        let early = asleep();
        std::thread::sleep(Duration::from_millis(100));
        let now = counts();
        std::mem::replace(&mut before, now) == before && early && asleep()
    });
    std::thread::sleep(REST);
    assert_eq!(counts(), before, "somebody has woken up meanwhile");
}

/// Once `readers` have read all that the writers write, by their count in `state`, they all rest.
fn all_rest_with_writers(state: &'static [AtomicU64], count: u64, readers: &[Process]) {
    let writers = idle_writers(state);
    wait_for(&state[0], 12);
    wait_for(&state[1], count);
    all_rest(&writers.iter().chain(readers).collect::<Vec<_>>());
}

fn a_reader_and_its_writers() {
    for options in both_kinds() {
        let state = shared(2);
        let reader = spawn(|| {
            let slot = options.create(NAME).unwrap();
            state[1].store(1, Ordering::Release);
            for n in 0.. {
                slot.receive().unwrap();
                state[1].store(2 + n, Ordering::Release);
            }
        });
        wait_for(&state[1], 1);
        all_rest_with_writers(state, 1 + WRITTEN, std::slice::from_ref(&reader));
        reader.kill();
        drop(Mailslot::create(NAME).unwrap());
    }
}

fn a_reader_that_polls() {
    let state = shared(2);
    let reader = spawn(|| {
        let slot = Mailslot::create(NAME).unwrap();
        state[1].store(1, Ordering::Release);
        loop {
            let fd = slot.as_fd();
            let mut fds = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::IN)];
            rustix::event::poll(&mut fds, None).unwrap();
            while slot.try_receive().is_ok() {
                state[1].fetch_add(1, Ordering::AcqRel);
            }
        }
    });
    wait_for(&state[1], 1);
    all_rest_with_writers(state, 1 + WRITTEN, std::slice::from_ref(&reader));
    reader.kill();
    drop(Mailslot::create(NAME).unwrap());
}

fn two_holders() {
    let state = shared(2);
    let slot = inheritable_slot(1 << 20);
    let holders: Vec<_> = (0..2)
        .map(|_| {
            let handle = slot.to_fd().unwrap();
            fork(move || {
                let slot = Mailslot::from_fd(handle).unwrap();
                loop {
                    slot.receive_timeout(None).unwrap();
                    state[1].fetch_add(1, Ordering::AcqRel);
                }
            })
        })
        .collect();
    all_rest_with_writers(state, WRITTEN, &holders);
    drop((holders, slot));
}

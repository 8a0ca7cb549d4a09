//! A reader under attack, with an honest writer beside the attacker.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mailslot::{Mailslot, MailslotOptions, ReadError};

use crate::raw::QUOTA;
use crate::support::{
    NAME, PATIENCE, both_kinds, check, fill, open_descriptors, patient_writer, rings, shared,
    spawn, thread_cpu_time, wait_until,
};

/// What the reader may keep beyond what it had, in bytes.
const MEMORY: u64 = 48 << 20;

/// Reads both kinds of slot while `attack` runs in another process and an honest writer in a third.
/// All of the latter's records must arrive, once and in order, and afterwards the reader must have
/// nothing left of either. Gives how many records came from the attacker.
pub(crate) fn withstand(attack: impl Fn()) -> u64 {
    let [private, inheritable] = both_kinds();
    withstand_with(private, &attack) + withstand_with(inheritable, &attack)
}

pub(crate) fn withstand_with(mut options: MailslotOptions, attack: impl Fn()) -> u64 {
    let slot = options.quota(QUOTA).create(NAME).unwrap();
    let _ = slot.try_read(&mut []);
    let (descriptors, memory) = (open_descriptors(), memory_in_use());
    let words = shared(2);
    let [stop, written] = [&words[0], &words[1]];
    let mut attacker = Some(spawn(&attack));
    let honest = spawn(|| {
        let mut steady = patient_writer();
        let mut bytes = Vec::new();
        for n in 0.. {
            if stop.load(Ordering::Acquire) != 0 && n > 100 {
                break;
            }
            fill(&mut bytes, 1, n, 24 + n as usize * 7 % 3000);
            match n % 9 {
                0 => patient_writer().write(&bytes).unwrap(),
                _ => steady.write(&bytes).unwrap(),
            }
            written.store(n + 1, Ordering::Release);
            if n % 50 == 0 {
                // Now and then the reader falls asleep.
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    });
    let (mut read, mut foreign) = (0, 0);
    let id = honest.id();
    let mut honest = Some(honest);
    while honest.is_some() || read < written.load(Ordering::Acquire) {
        match slot.receive_timeout(Some(Duration::from_millis(5))) {
            Ok(record) if record.sender().pid == id => {
                assert_eq!(check(&record), (1, read), "the honest writer's next record");
                read += 1;
            }
            Ok(_) => foreign += 1,
            Err(ReadError::TimedOut { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        attacker = attacker.and_then(|attacker| attacker.unless_ended());
        if attacker.is_none() {
            stop.store(1, Ordering::Release);
        }
        honest = honest.and_then(|honest| honest.unless_ended());
    }
    wait_until("the reader's giving everything back", || {
        foreign += drain(&slot);
        open_descriptors() == descriptors && rings(std::process::id()) == 0
    });
    let grown = memory_in_use().saturating_sub(memory);
    assert!(grown < MEMORY, "the reader has {grown} bytes more than before");
    assert_idle(&slot);
    foreign
}

/// Reads what is there. Gives how many records.
pub(crate) fn drain(slot: &Mailslot) -> u64 {
    (0..).take_while(|_| slot.try_receive().is_ok()).count() as u64
}

/// With nothing to read, reading sleeps.
#[track_caller]
pub(crate) fn assert_idle(slot: &Mailslot) {
    let (start, cpu) = (Instant::now(), thread_cpu_time());
    let time = Duration::from_millis(200);
    while start.elapsed() < time {
        let _ = slot.receive_timeout(time.checked_sub(start.elapsed()));
    }
    let used = thread_cpu_time() - cpu;
    assert!(used < time / 4, "an idle read used {used:?} of {time:?}");
}

/// Memory of this process that is not shared with others, in bytes.
pub(crate) fn memory_in_use() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes * 1024
}

/// Runs `body`, which must not take long.
#[track_caller]
pub(crate) fn at_once<T>(what: &str, body: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = body();
    assert!(start.elapsed() < PATIENCE / 2, "{what} took {:?}", start.elapsed());
    result
}

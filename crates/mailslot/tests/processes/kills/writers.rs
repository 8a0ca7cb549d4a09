//! Writers that are killed. What each has written successfully is written down, after the write has
//! returned, in memory that it shares with the case: at most the last record is missing there.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use mailslot::{Mailslot, ReadError};

use crate::support::{
    NAME, PATIENCE, Process, Random, check, fill, fork, inheritable_slot, number, patient_writer,
    scale, shared, slot, spawn, wait_for, writer,
};

/// How many are writing at any moment.
const AT_ONCE: usize = 4;

/// A life that has written as many only waits to be killed.
const MOST: usize = 16384;

/// Writes until it is killed. `written` counts what has been written successfully.
fn write_on(life: u64, written: &AtomicU64) {
    let mut random = Random::of(life + 1);
    let mut bytes = Vec::new();
    let way = life % 5;
    let mut kept = patient_writer();
    for n in 0..MOST as u64 {
        // Long ones are caught half way more often.
        let len = if way == 4 { 300_000 } else { 200 };
        fill(&mut bytes, life, n, 24 + random.below(len) as usize);
        match way {
            // Each by a handle of its own: the first record goes by the socket.
            0 => patient_writer().write(&bytes).unwrap(),
            1 if n % 3 == 2 => kept = patient_writer(),
            _ => {}
        }
        if way != 0 {
            kept.write(&bytes).unwrap();
        }
        written.store(n + 1, Ordering::Release);
        if n == 0 {
            // Those that come next, and who kills, need not wait until this one's time is over.
            rustix::process::nice(10).unwrap();
        }
    }
    loop {
        thread::park();
    }
}

/// How many may be dying: each needs a moment for it, that the next need not wait for.
const DYING: usize = 8;

/// Starts a number of lives one after the other and kills each at a random moment.
fn kill_all(lives: &'static [AtomicU64]) {
    let mut random = Random::new();
    let (mut running, mut dying) = (Vec::new(), VecDeque::new());
    for (life, written) in lives.iter().enumerate() {
        running.push((spawn(move || write_on(life as u64, written)), written));
        if running.len() == AT_ONCE {
            dying.push_back(kill_one(&mut running, &mut random));
        }
        if dying.len() > DYING
            && let Some(first) = dying.pop_front()
        {
            first.kill();
        }
    }
    while !running.is_empty() {
        dying.push_back(kill_one(&mut running, &mut random));
    }
    dying.into_iter().for_each(Process::kill);
}

/// Kills one, and gives it back dying.
fn kill_one(running: &mut Vec<(Process, &AtomicU64)>, random: &mut Random) -> Process {
    let mut at = random.below(running.len() as u64) as usize;
    // Some before they begin, most when they are at it.
    if random.below(16) > 0 {
        let begun = |at: &usize| running[*at].1.load(Ordering::Acquire) > 0;
        let others = (at..running.len()).chain(0..at).find(begun);
        at = others.unwrap_or(at);
        wait_for(running[at].1, 1);
    }
    let victim = running.swap_remove(at).0;
    thread::sleep(Duration::from_micros(random.below(300)));
    victim.doom();
    victim
}

/// How many of the records there may be: those written down, and perhaps one more.
fn judge(life: usize, written: &AtomicU64, found: u64) {
    let written = written.load(Ordering::Acquire);
    let right = found == written || found == written + 1;
    assert!(right, "life {life} wrote {written} records successfully; {found} arrived");
}

pub(super) fn ten_thousand() {
    let lives = shared(10_000 * scale() as usize);
    let done = shared(1);
    let slot = slot(1 << 20);
    let mut killing = Some(spawn(|| {
        kill_all(lives);
        done[0].store(1, Ordering::Release);
    }));
    let mut next = vec![0; lives.len()];
    let mut buffer = vec![0; 1 << 20];
    loop {
        let over = done[0].load(Ordering::Acquire) == 1;
        match slot.read_timeout(&mut buffer, Some(Duration::from_millis(10))) {
            Ok(len) => {
                let (life, n) = check(&buffer[..len]);
                assert_eq!(n, next[life as usize], "of life {life}");
                next[life as usize] = n + 1;
            }
            Err(ReadError::TimedOut { .. }) if over => break,
            Err(ReadError::TimedOut { .. }) => killing = killing.and_then(Process::unless_ended),
            Err(other) => panic!("{other}"),
        }
    }
    for (life, (written, found)) in lives.iter().zip(&next).enumerate() {
        judge(life, written, *found);
    }
    let idle = next.iter().filter(|&&found| found == 0).count();
    println!("{} records, {idle} lives without one", next.iter().sum::<u64>());
    assert!(idle < lives.len() / 2, "{idle} lives were killed before they wrote anything");
    let info = slot.info().unwrap();
    assert_eq!((info.waiting, info.waiting_bytes), (0, 0));
    assert_eq!(crate::support::rings(std::process::id()), 0, "the reader keeps no ring");
}

/// As above, with two processes that read side by side.
pub(super) fn to_two_holders() {
    let lives = shared(600 * scale() as usize);
    let found = shared(lives.len() * MOST);
    let done = shared(1);
    let slot = inheritable_slot(512 * 1024);
    let holders: Vec<_> = (0..2)
        .map(|_| {
            let handle = slot.to_fd().unwrap();
            fork(move || {
                let slot = Mailslot::from_fd(handle).unwrap();
                let mut next = vec![0; lives.len()];
                loop {
                    let over = done[0].load(Ordering::Acquire) == 1;
                    match slot.receive_timeout(Some(Duration::from_millis(10))) {
                        Ok(record) => {
                            let (life, n) = check(&record);
                            assert!(n >= next[life as usize], "{n} of life {life}");
                            next[life as usize] = n + 1;
                            found[life as usize * MOST + n as usize].fetch_add(1, Ordering::AcqRel);
                        }
                        Err(ReadError::TimedOut { .. }) if over => break,
                        Err(ReadError::TimedOut { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    spawn(|| kill_all(lives)).finish();
    done[0].store(1, Ordering::Release);
    holders.into_iter().for_each(Process::finish);
    for (life, written) in lives.iter().enumerate() {
        let found = &found[life * MOST..][..MOST];
        let count = found.iter().take_while(|found| found.load(Ordering::Acquire) == 1).count();
        judge(life, written, count as u64);
        let rest = found[count..].iter().all(|found| found.load(Ordering::Acquire) == 0);
        assert!(rest, "life {life}: a record came twice, or one is missing before the last");
    }
}

/// A writer that is killed, or ends, at once after its write: by each way that a record can go.
pub(super) fn after_the_last_write() {
    let rounds = 500 * scale();
    let slot = Mailslot::create(NAME).unwrap();
    let progress = shared(1);
    for n in 0..rounds {
        let process = spawn(|| {
            let mut writer = writer();
            for _ in 0..n % 3 {
                writer.write(b"before").unwrap();
            }
            writer.write(&n.to_le_bytes()).unwrap();
            progress[0].store(n + 1, Ordering::Release);
            if n % 2 == 0 {
                thread::sleep(PATIENCE);
            }
        });
        if n % 2 == 0 {
            wait_for(&progress[0], n + 1);
            process.kill();
        } else {
            process.finish();
        }
        if n % 7 == 6 {
            for m in n - 6..=n {
                for _ in 0..m % 3 {
                    assert_eq!(slot.try_receive().unwrap().bytes(), b"before");
                }
                assert_eq!(number(&slot.try_receive().unwrap()), m);
            }
            assert!(slot.try_receive().is_err());
        }
    }
}

//! Steady streams of numbered records, and what becomes of them.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::util::{Computer, eventually};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// `mailslot write`, fed with records at a steady pace. Each says its number and when it was written.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Load {
    pub(crate) fn start(from: &Computer, target: &str, per_second: u32, size: usize) -> Self {
        let mut command = from.command(&["write", "--lines", target]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let theirs = stop.clone();
        let start = Instant::now().max(*BEGAN);
        let thread = thread::spawn(move || {
            let mut number = 0;
            while !theirs.load(Ordering::Relaxed) {
                let due = start.elapsed().as_millis() as u64 * u64::from(per_second) / 1000;
                while number < due {
                    let record = format!("{number} {}", BEGAN.elapsed().as_nanos());
                    writeln!(input, "{record:size$}").expect("the writer takes it");
                    number += 1;
                }
                // A pace, not a wait for anything.
                thread::sleep(Duration::from_millis(1));
            }
            drop(input);
            assert!(child.wait().unwrap().success());
            number
        });
        Self { stop, thread }
    }

    /// Ends it. How many records were written.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// `mailslot write`, fed with so many numbered records as fast as it takes them.
pub(crate) fn flood(from: &Computer, target: &str, total: u64, size: usize) -> JoinHandle<()> {
    let mut command = from.command(&["write", "--lines", target]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    thread::spawn(move || {
        for number in 0..total {
            writeln!(input, "{number:size$}").expect("the writer takes it");
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    })
}

/// A reader that checks the records of a [`flood`]: all, in order.
pub(crate) struct Check {
    process: Child,
    count: Arc<AtomicU64>,
    wrong: Arc<Mutex<Option<String>>>,
}

impl Check {
    pub(crate) fn start(on: &Computer, slot: &str) -> Self {
        let mut process = on.command(&["read", slot]).stdout(Stdio::piped()).spawn().unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let wrong: Arc<Mutex<Option<String>>> = Arc::default();
        let (counted, found) = (count.clone(), wrong.clone());
        let output = process.stdout.take().unwrap();
        thread::spawn(move || {
            for (due, line) in BufReader::new(output).lines().map_while(Result::ok).enumerate() {
                if line.trim().parse() != Ok(due) {
                    *found.lock().unwrap() = Some(format!("{line:?} in place of {due}"));
                    return;
                }
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        eventually("the slot exists", || on.run(&["info", slot]).status.success());
        Self { process, count, wrong }
    }

    /// Waits until all have come; all the while `look` is told how many have. Fails when none comes
    /// any more.
    #[track_caller]
    pub(crate) fn gets_all(&self, total: u64, mut look: impl FnMut(u64)) {
        let mut count = 0;
        while count < total {
            eventually(&format!("more than {count} of {total} come"), || {
                let wrong = self.wrong.lock().unwrap();
                assert!(wrong.is_none(), "{wrong:?}");
                self.count.load(Ordering::Relaxed) > count
            });
            count = self.count.load(Ordering::Relaxed);
            look(count);
        }
        assert_eq!(count, total);
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A reader that notes when each record of a [`Load`] has come.
pub(crate) struct Watch {
    pub(crate) name: String,
    process: Child,
    arrived: Arc<Mutex<Vec<Arrival>>>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    number: u64,
    at: Instant,
    delay: Duration,
}

impl Watch {
    pub(crate) fn start(on: &Computer, slot: &str) -> Self {
        let mut process = on.command(&["read", slot]).stdout(Stdio::piped()).spawn().unwrap();
        let arrived: Arc<Mutex<Vec<Arrival>>> = Arc::default();
        let (theirs, output) = (arrived.clone(), process.stdout.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut words = line.split_whitespace().map(|word| word.parse().expect("a number"));
                let (number, nanos) = (words.next().unwrap(), words.next().unwrap());
                let at = Instant::now();
                let delay = (at - *BEGAN).saturating_sub(Duration::from_nanos(nanos));
                theirs.lock().unwrap().push(Arrival { number, at, delay });
            }
        });
        eventually("the slot exists", || on.run(&["info", slot]).status.success());
        Self { name: on.name.clone(), process, arrived }
    }

    pub(crate) fn count(&self) -> u64 {
        self.arrived.lock().unwrap().len() as u64
    }

    /// How many of `total` records have not come. Those that have are in order, each once.
    #[track_caller]
    pub(crate) fn missing(&self, total: u64) -> u64 {
        let arrived = self.arrived.lock().unwrap();
        for pair in arrived.windows(2) {
            assert!(pair[0].number < pair[1].number, "{}: {pair:?} of {total}", self.name);
        }
        assert!(arrived.last().is_none_or(|last| last.number < total));
        total - arrived.len() as u64
    }

    /// Waits until all have come.
    #[track_caller]
    pub(crate) fn gets_all(&self, total: u64) {
        eventually(&format!("{} gets {total} records", self.name), || self.count() >= total);
        assert_eq!(self.missing(total), 0);
    }

    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.arrived.lock().unwrap().iter().map(|arrival| arrival.number).collect()
    }

    /// The first that came after `when`.
    pub(crate) fn next_after(&self, when: Instant) -> Option<Instant> {
        let arrived = self.arrived.lock().unwrap();
        arrived.iter().map(|arrival| arrival.at).find(|at| *at > when)
    }

    /// How long all were on their way, the slowest last.
    pub(crate) fn delays(&self) -> Vec<Duration> {
        let arrived = self.arrived.lock().unwrap();
        let mut delays: Vec<_> = arrived.iter().map(|arrival| arrival.delay).collect();
        delays.sort_unstable();
        delays
    }

    /// How long the slowest of them was.
    pub(crate) fn slowest(&self) -> Duration {
        self.delays().last().copied().unwrap_or_default()
    }

    /// Kills the reader.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.kill();
    }
}

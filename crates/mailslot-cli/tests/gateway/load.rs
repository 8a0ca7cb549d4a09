//! Steady streams of numbered records, and what becomes of them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
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

/// A reader that notes when each record of a [`Load`] has come.
pub(crate) struct Watch {
    name: String,
    process: Child,
    arrived: Arc<Mutex<Vec<(u64, Duration)>>>,
}

impl Watch {
    pub(crate) fn start(on: &Computer, slot: &str) -> Self {
        let mut process = on.command(&["read", slot]).stdout(Stdio::piped()).spawn().unwrap();
        let arrived: Arc<Mutex<Vec<_>>> = Arc::default();
        let (theirs, output) = (arrived.clone(), process.stdout.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut words = line.split_whitespace().map(|word| word.parse().expect("a number"));
                let (number, nanos) = (words.next().unwrap(), words.next().unwrap());
                let delay = BEGAN.elapsed().saturating_sub(Duration::from_nanos(nanos));
                theirs.lock().unwrap().push((number, delay));
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
            assert!(pair[0].0 < pair[1].0, "{}: {pair:?} of {total}", self.name);
        }
        assert!(arrived.last().is_none_or(|last| last.0 < total));
        total - arrived.len() as u64
    }

    /// Waits until all have come.
    #[track_caller]
    pub(crate) fn gets_all(&self, total: u64) {
        eventually(&format!("{} gets {total} records", self.name), || self.count() >= total);
        assert_eq!(self.missing(total), 0);
    }

    /// How long the slowest was on its way.
    pub(crate) fn longest_delay(&self) -> Duration {
        self.arrived.lock().unwrap().iter().map(|(_, delay)| *delay).max().unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

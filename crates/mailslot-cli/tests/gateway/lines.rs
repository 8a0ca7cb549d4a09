//! Long streams, and bad lines.

use std::time::Instant;

use crate::lan::{Lan, Line};
use crate::load::{Check, flood};
use crate::util::Computer;

/// `MAILSLOT_TEST_SCALE` makes it so many times as long; 50: ten million.
const RECORDS: u64 = 200_000;
/// What more memory a gateway may have at the end than after a tenth, in MiB.
const GROWTH: u64 = 24;

fn two(lan: &mut Lan, line: Option<Line>) -> (Computer, Computer) {
    let mut sue = lan.computer("SUE");
    let mut joe = match line {
        Some(line) => lan.computer_behind(line, "JOE"),
        None => lan.computer("JOE"),
    };
    sue.meets(&mut joe);
    (sue, joe)
}

/// A stream as fast as it goes: nothing is lost, all is in order, and it takes no more memory.
pub(crate) fn millions_of_records() {
    let scale = std::env::var("MAILSLOT_TEST_SCALE").ok().and_then(|n| n.parse().ok());
    let total = RECORDS * scale.unwrap_or(1);
    let mut lan = Lan::new();
    let (sue, joe) = two(&mut lan, None);
    let check = Check::start(&joe, "x");
    let start = Instant::now();
    let writer = flood(&sue, "//JOE/mailslot/x", total, 20);
    let memory = || [&sue, &joe].map(Computer::memory);
    let mut most = [0, 0];
    let mut early = None;
    check.gets_all(total, |count| {
        let now = memory();
        most = [most[0].max(now[0]), most[1].max(now[1])];
        if count >= total / 10 {
            early.get_or_insert(most);
        }
    });
    let took = start.elapsed();
    writer.join().unwrap();
    let early = early.unwrap();
    let rate = total as f64 / took.as_secs_f64();
    println!(
        "{total} records in {took:?} ({rate:.0}/s); MiB after a tenth {early:?}, at most {most:?}"
    );
    assert_eq!(sue.of_computer("JOE", "lost"), 0);
    assert!(most.iter().zip(early).all(|(most, early)| *most <= early + GROWTH));
}

pub(crate) fn a_lossy_line_and_a_slow_one() {
    let lossy = Line { delay_millis: 50, loss_percent: 1, rate: 0 };
    let slow = Line { delay_millis: 0, loss_percent: 0, rate: 1_000_000 };
    for (line, total) in [(lossy, 20_000), (slow, 5000)] {
        let mut lan = Lan::new();
        let (sue, joe) = two(&mut lan, Some(line));
        let check = Check::start(&joe, "x");
        let start = Instant::now();
        let writer = flood(&sue, "//JOE/mailslot/x", total, 100);
        check.gets_all(total, |_| {});
        println!("{total} records over {line:?} took {:?}", start.elapsed());
        writer.join().unwrap();
        assert_eq!(sue.of_computer("JOE", "lost"), 0);
        let confirm = ["write", "--confirm", "--timeout", "60s", "//JOE/mailslot/y", "last"];
        let _slot = joe.read("y");
        assert_eq!(sue.ok(&confirm), "JOE  accepted\n");
    }
}

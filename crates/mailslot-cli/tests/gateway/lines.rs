//! Long streams, and bad lines.

use std::fs::File;
use std::time::Instant;

use crate::lan::{Lan, Line};
use crate::load::{Check, Load, Watch, flood};
use crate::util::{Computer, Running, eventually};

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

pub(crate) fn millions_of_records() {
    stream(Lan::new());
}

pub(crate) fn millions_of_records_through_zenoh() {
    stream(Lan::through_zenoh());
}

/// A stream as fast as it goes: nothing is lost, all is in order, and it takes no more memory.
fn stream(mut lan: Lan) {
    let scale = std::env::var("MAILSLOT_TEST_SCALE").ok().and_then(|n| n.parse().ok());
    let total = RECORDS * scale.unwrap_or(1);
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

/// Over a line that carries the largest records in some seconds, one after the other.
pub(crate) fn large_records_let_small_ones_pass() {
    const SIZE: usize = 16 << 20;
    let line = Line { delay_millis: 1, rate: 40_000_000, ..Line::default() };
    let mut lan = Lan::new();
    let (sue, joe) = two(&mut lan, Some(line));
    let watch = Watch::start(&joe, "small");
    let mut read = joe.command(&["read", "--format", "raw", "--count", "2", "large"]);
    let mut reader = Running::start(&mut read, &joe.path("large"));
    eventually("the slot exists", || joe.run(&["info", "large"]).status.success());
    let record: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
    std::fs::write(sue.path("record"), &record).unwrap();
    let load = Load::start(&sue, "//JOE/mailslot/small", 500, 100);
    eventually("it runs", || watch.count() > 0);
    let start = Instant::now();
    for _ in 0..2 {
        let args = ["write", "--confirm", "--timeout", "60s", "//JOE/mailslot/large"];
        let mut write = sue.command(&args);
        let out = write.stdin(File::open(sue.path("record")).unwrap()).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    }
    let took = start.elapsed();
    watch.gets_all(load.stop());
    assert_eq!(reader.ends(), Some(0));
    let arrived = std::fs::read(joe.path("large")).unwrap();
    assert!(arrived.chunks(SIZE).all(|whole| whole == record) && arrived.len() == 2 * SIZE);
    let delays = watch.delays();
    let [half, most, longest] = [500, 990, 1000].map(|n| delays[(delays.len() - 1) * n / 1000]);
    println!(
        "2 of {SIZE} bytes took {took:?}; {} small: {half:?}, of 99 % {most:?}, at most {longest:?}",
        delays.len()
    );
    // What waits for a large one waits for half of that.
    assert!(longest < took * 2 / 5, "{longest:?}");
}

pub(crate) fn a_lossy_line_and_a_slow_one() {
    let lossy = Line { delay_millis: 50, loss_percent: 1, ..Line::default() };
    let slow = Line { rate: 1_000_000, ..Line::default() };
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

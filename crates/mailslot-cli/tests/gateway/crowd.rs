//! Many computers on one bridge.

use std::time::Instant;

use crate::lan::Lan;
use crate::util::{Computer, eventually};

const COMPUTERS: usize = 20;

pub(crate) fn twenty_computers() {
    let mut lan = Lan::new();
    let mut all: Vec<Computer> =
        (0..COMPUTERS).map(|number| lan.computer(&format!("PC{number}"))).collect();
    let (first, others) = all.split_first_mut().unwrap();
    first.create("WORKGROUP");
    others.iter().for_each(|other| first.invite(other));

    let start = Instant::now();
    all.iter_mut().for_each(Computer::start);
    let started = start.elapsed();
    // The domain's name doesn't mean those who are only invited, nor would LAST find them on its list.
    all[1..].iter().for_each(|other| all[0].knows_as_member(other));
    let mut left: Vec<&Computer> = all.iter().collect();
    eventually("all have met", || {
        left.retain(|computer| in_reach(computer) < COMPUTERS - 1);
        left.is_empty()
    });
    let met = start.elapsed() - started;
    let memory: Vec<u64> = all.iter().map(Computer::memory).collect();
    println!("{COMPUTERS} gateways: started in {started:?}, met {met:?} later, MiB: {memory:?}");
    assert!(memory.iter().all(|memory| *memory < 100), "{memory:?}");

    // Who has just started is heard by all that were up.
    let mut last = lan.computer("LAST");
    all[0].invite(&last);
    let slots: Vec<_> = all.iter().map(|computer| computer.read("x")).collect();
    last.start();
    last.ok(&["write", "//*/mailslot/x", "hello"]);
    let start = Instant::now();
    slots.iter().for_each(|slot| slot.gets(&["hello"]));
    println!("a broadcast right after the start took {:?}", start.elapsed());
}

/// How many computers it reaches.
fn in_reach(computer: &Computer) -> usize {
    let status = computer.status();
    let computers = status["domains"][0]["computers"].as_array();
    computers
        .into_iter()
        .flatten()
        .filter(|computer| computer["reachable_seconds"].is_u64())
        .count()
}

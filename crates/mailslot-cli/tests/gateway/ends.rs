//! Processes that end, or have never known what time it is.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::lan::Lan;
use crate::load::{Load, Watch};
use crate::namespaces::three;
use crate::util::{Computer, eventually};

/// While plain records go there: JOE's gateway, and ANN's reader.
pub(crate) fn gateways_and_readers_are_killed() {
    let mut lan = Lan::new();
    let [sue, mut joe, ann] = three(&mut lan);
    let at_joe = Watch::start(&joe, "x");
    let mut at_ann = vec![Watch::start(&ann, "x")];
    let to_joe = Load::start(&sue, "//JOE/mailslot/x", 1000, 100);
    let to_ann = Load::start(&sue, "//ANN/mailslot/x", 1000, 100);
    let runs = |watch: &Watch| {
        let before = watch.count();
        eventually("records come", || watch.count() > before + 100);
    };
    for round in 0..3 {
        runs(&at_joe);
        joe.signal(Signal::KILL);
        joe.gateway().ends();
        runs(&at_ann[round]);
        at_ann[round].kill();
        joe.start();
        at_ann.push(Watch::start(&ann, "x"));
        runs(&at_joe);
        runs(&at_ann[round + 1]);
    }
    let (to_joe, to_ann) = (to_joe.stop(), to_ann.stop());
    eventually("nothing waits any more", || {
        ["JOE", "ANN"].iter().all(|name| sue.of_computer(name, "queued_bytes") == 0)
    });
    // All of them in order, each once. Only what stood between journal and slot at that moment may be
    // missing; that takes some microseconds.
    let one_frame = 64_000 / 100;
    eventually("JOE has all", || at_joe.missing(to_joe) <= 3 * one_frame);
    // Each was given to the slot, or there was none. A reader that is killed takes with it what waits.
    let count = |what: &str| ann.status()["counters"][what].as_u64().unwrap();
    assert_eq!(count("delivered") + count("missed"), to_ann);
    let arrived: Vec<u64> = at_ann.iter().flat_map(Watch::numbers).collect();
    assert!(arrived.is_sorted_by(|a, b| a < b), "in order, each once");
    assert_eq!(sue.of_computer("JOE", "lost") + sue.of_computer("ANN", "lost"), 0);
    let (of_joe, missed) = (at_joe.missing(to_joe), count("missed"));
    println!("JOE: {of_joe} of {to_joe} missing");
    println!("ANN: {} of {to_ann} read, {missed} found no slot", arrived.len());
}

pub(crate) fn a_writer_that_ends_at_once() {
    let mut lan = Lan::new();
    let [sue, joe, _ann] = three(&mut lan);
    let slot = joe.read("x");
    let records: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    for (number, record) in records.iter().enumerate() {
        match number % 2 {
            0 => sue.ok(&["write", "//JOE/mailslot/x", record]),
            _ => sue.ok(&["write", "--confirm", "--timeout", "60s", "//JOE/mailslot/x", record]),
        };
    }
    // Those of different writers may overtake each other.
    eventually("all arrive", || slot.lines().len() >= records.len());
    let mut arrived = slot.lines();
    arrived.sort_by_key(|record| record.parse::<u64>().unwrap());
    assert_eq!(arrived, records);
}

/// Certificates bear it, and records have no use for the time.
pub(crate) fn a_clock_that_is_wrong_by_a_day() {
    let mut lan = Lan::new();
    let mut all = ["SUE", "EARLY", "LATE"].map(|name| lan.computer(name));
    let [sue, early, late] = &mut all;
    sue.create("WORKGROUP");
    sue.invite(early);
    sue.invite(late);
    let (early_clock, late_clock) = (clock(sue, -86_400), clock(sue, 86_400));
    let variables = |(library, offset): &(String, String)| {
        [("LD_PRELOAD", library.clone()), ("CLOCK_OFFSET", offset.clone())]
    };
    sue.start();
    for (computer, clock) in [(early, early_clock), (late, late_clock)] {
        let variables = variables(&clock);
        let variables: Vec<(&str, &str)> = variables.iter().map(|(k, v)| (*k, &v[..])).collect();
        computer.start_with(&variables);
    }
    for a in &all {
        for b in &all {
            a.reaches(b);
        }
    }
    let slots = [0, 1, 2].map(|number| all[number].read("x"));
    for computer in &all {
        computer.ok(&["write", "--confirm", "--timeout", "30s", "//*/mailslot/x", &computer.name]);
    }
    slots.iter().for_each(|slot| slot.gets(&["SUE", "EARLY", "LATE"]));

    // Who would join a day and more late is told what the clock says.
    let invitation = all[0].path("invitation");
    let [sue, ..] = &all;
    sue.ok(&["domain", "invite", "NEW", "--output", invitation.to_str().unwrap()]);
    let new = lan.computer("NEW");
    let mut command = new.command(&["domain", "join", invitation.to_str().unwrap()]);
    let (library, offset) = clock(sue, 2 * 86_400);
    let out = command.envs([("LD_PRELOAD", library), ("CLOCK_OFFSET", offset)]).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success() && text.contains("by this computer's clock it is"), "{text}");
}

/// What to load into a process so that its clock is so many seconds wrong, and the setting for it.
fn clock(on: &Computer, offset: i64) -> (String, String) {
    let library = on.path("clock.so");
    if !fs::exists(&library).unwrap() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/clock.c");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(compile.status().expect("a C compiler").success());
    }
    (library.to_str().unwrap().to_owned(), offset.to_string())
}

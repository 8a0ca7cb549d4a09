//! Computers that are cut off, frozen or slow, while a steady stream goes to all of their domain.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::lan::{Lan, Line};
use crate::load::{Load, Watch};
use crate::util::{Computer, eventually};

/// How long each is away, in seconds.
const CUTS: [u64; 5] = [1, 5, 10, 12, 30];
const FROZEN: u64 = 8;

/// One of a domain is cut off for each of [`CUTS`], one frozen, and one behind a line that is too slow for
/// the stream, all at once. What they miss is counted, and one that is well gets everything in time.
pub(crate) fn who_is_away_holds_up_nobody() {
    hold_up_nobody(Lan::new(), "direct");
}

pub(crate) fn who_is_away_holds_up_nobody_through_zenoh() {
    hold_up_nobody(Lan::through_zenoh(), "zenoh");
}

fn hold_up_nobody(mut lan: Lan, way: &str) {
    let mut sue = lan.computer("SUE");
    let names = CUTS.map(|seconds| format!("CUT{seconds}"));
    // The cable of number i is i + 2.
    let mut cut = names.each_ref().map(|name| lan.computer(name));
    let (mut frozen, mut well) = (lan.computer("FROZEN"), lan.computer("WELL"));
    let line = Line { rate: 256_000, ..Line::default() };
    let mut slow = lan.computer_behind(line, "SLOW");
    sue.create("WORKGROUP");
    sue.start();
    for other in cut.iter_mut().chain([&mut frozen, &mut well, &mut slow]) {
        sue.invite(other);
        other.start();
    }
    let others: Vec<&Computer> = cut.iter().chain([&frozen, &well, &slow]).collect();
    // Before that the domain's name doesn't mean one that is out of reach.
    others.iter().for_each(|other| sue.knows_as_member(other));
    eventually("all go that way", || others.iter().all(|other| sue.goes(other) == way));
    let watches: Vec<Watch> = others.iter().map(|other| Watch::start(other, "x")).collect();
    let (of_cut, rest) = watches.split_at(CUTS.len());
    let [of_frozen, of_well, of_slow] = rest else { unreachable!() };

    // The line carries 320 records a second.
    // What is slow on this computer has nothing to do with the others.
    let here = Watch::start(&sue, "x");
    let load = Load::start(&sue, "//*/mailslot/x", 1000, 100);
    eventually("it runs", || watches.iter().all(|watch| watch.count() > 0));
    let start = Instant::now();
    (2..).zip(CUTS).for_each(|(cable, _)| lan.cable(cable, "down"));
    frozen.signal(Signal::STOP);
    let mut back: Vec<_> = (2..).zip(CUTS).map(|(cable, seconds)| (seconds, Some(cable))).collect();
    back.push((FROZEN, None));
    back.sort_unstable();
    let mut ends = Vec::new();
    for (seconds, cable) in back {
        let due = start + Duration::from_secs(seconds);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        match cable {
            Some(cable) => lan.cable(cable, "up"),
            None => frozen.signal(Signal::CONT),
        }
        ends.push((cable, Instant::now()));
    }
    // Those that are away get what waits, and then what comes.
    for (cable, end) in ends {
        let watch = cable.map_or(of_frozen, |cable| &of_cut[cable as usize - 2]);
        eventually("who is back gets records", || watch.next_after(end).is_some());
        let after = watch.next_after(end).unwrap() - end;
        println!("{}: reached {after:?} after it is back", watch.name);
        // One or two seconds where nothing else runs.
        let most = Duration::from_secs(8) + here.slowest();
        assert!(after < most, "{}: {after:?}", watch.name);
    }
    let total = load.stop();
    of_well.gets_all(total);
    eventually("nothing waits any more", || {
        others.iter().all(|other| sue.of_computer(&other.name, "queued_bytes") == 0)
    });
    let delays = of_well.delays();
    let [half, most, longest] = [500, 999, 1000].map(|n| delays[(delays.len() - 1) * n / 1000]);
    println!("the delay of {total} records: {half:?}, of 99.9 % {most:?}, at most {longest:?}");
    // Some 50 ms where nothing else runs. What held up all for the sake of one took 5 to 10 seconds.
    let slowest = here.slowest();
    assert!(longest < Duration::from_secs(4) + slowest, "{longest:?}, here {slowest:?}");
    for (other, watch) in others.iter().zip(&watches) {
        let lost = || sue.of_computer(&other.name, "lost");
        eventually("what is missing is counted, and no more", || watch.missing(total) == lost());
        println!("{}: {} missing, {} lost", other.name, watch.missing(total), lost());
    }
    for (seconds, watch) in CUTS.iter().zip(of_cut) {
        assert!(*seconds > 10 || watch.missing(total) == 0, "{seconds}: {}", watch.missing(total));
    }
    assert_eq!(of_frozen.missing(total), 0);
    assert!(of_cut[4].missing(total) > 0 && of_slow.missing(total) > 0);
}

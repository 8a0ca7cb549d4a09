//! Direct connections between gateways, and what happens where there can be none.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::lan::{Lan, Line};
use crate::load::{Load, Watch};
use crate::loopback::two;
use crate::util::{Computer, eventually};

/// Where computers behind a firewall take them.
const PORT: u16 = 7451;
/// A firewall is noticed after two seconds, and what was on its way goes again after one more.
const NOTICED: Duration = Duration::from_secs(6);

fn direct(a: &Computer, b: &Computer) -> bool {
    a.goes(b) == "direct" && b.goes(a) == "direct"
}

pub(crate) fn status_says_which_way_is_taken() {
    let (sue, joe) = two();
    sue.knows_as_member(&joe);
    let slot = joe.read("x");
    eventually("they are connected directly", || direct(&sue, &joe));
    let count = |what: &str| sue.status()["counters"][what].as_u64().unwrap();
    let before = ["direct_frames_sent", "zenoh_frames_sent"].map(count);
    sue.ok(&["write", "--confirm", "//JOE/mailslot/x", "direct"]);
    let after = ["direct_frames_sent", "zenoh_frames_sent"].map(count);
    assert!(after[0] > before[0] && after[1] == before[1], "{before:?} {after:?}");
    assert!(sue.ok(&["gateway", "status"]).contains(", directly"));

    joe.configure("[network]\ninterface = 'lo'\ndirect = false\n");
    joe.signal(Signal::HUP);
    eventually("the other way is taken", || sue.goes(&joe) == "zenoh" && joe.goes(&sue) == "zenoh");
    sue.ok(&["write", "--confirm", "--timeout", "30s", "//JOE/mailslot/x", "through Zenoh"]);
    assert!(["direct_frames_sent", "zenoh_frames_sent"].map(count)[1] > after[1]);
    assert!(sue.ok(&["gateway", "status"]).contains(", through Zenoh"));
    slot.gets(&["direct", "through Zenoh"]);
}

/// It lets through what belongs to Zenoh, and from one moment to the next nothing of direct connections.
pub(crate) fn a_firewall_in_the_middle_of_a_stream() {
    let mut lan = Lan::new();
    let mut sue = lan.computer("SUE");
    let line = Line { port: PORT, ..Line::default() };
    let mut joe = lan.computer_behind(line, "JOE");
    for computer in [&sue, &joe] {
        computer.configure(&format!("[network]\ninterface = 'eth0'\ndirect = {PORT}\n"));
    }
    sue.meets(&mut joe);
    sue.knows_as_member(&joe);
    eventually("they are connected directly", || direct(&sue, &joe));
    let watch = Watch::start(&joe, "x");
    let load = Load::start(&sue, "//JOE/mailslot/x", 500, 100);
    eventually("it runs", || watch.count() > 0);
    File::create(joe.path("closed")).unwrap();
    let start = Instant::now();
    eventually("the other way is taken", || sue.goes(&joe) == "zenoh" && joe.goes(&sue) == "zenoh");
    println!("noticed after {:?}", start.elapsed());
    let before = watch.count();
    eventually("records come again", || watch.count() > before + 500);
    fs::remove_file(joe.path("closed")).unwrap();
    eventually("they are connected directly again", || direct(&sue, &joe));
    let total = load.stop();
    watch.gets_all(total);
    assert_eq!(sue.of_computer("JOE", "lost"), 0);
    let longest = *watch.delays().last().unwrap();
    println!("{total} records, the longest took {longest:?}");
    assert!(longest < NOTICED, "{longest:?}");
}

/// By a connection that it makes itself, after SUE, who begins, has tried in vain.
pub(crate) fn one_behind_a_firewall_is_reached() {
    let mut lan = Lan::new();
    let mut sue = lan.computer("SUE");
    let line = Line { port: PORT, ..Line::default() };
    let mut zoe = lan.computer_behind(line, "ZOE");
    zoe.configure(&format!("[network]\ninterface = 'eth0'\ndirect = {PORT}\n"));
    File::create(zoe.path("closed")).unwrap();
    sue.meets(&mut zoe);
    sue.knows_as_member(&zoe);
    let slot = zoe.read("x");
    sue.ok(&["write", "--confirm", "//ZOE/mailslot/x", "at first"]);
    eventually("they are connected directly", || direct(&sue, &zoe));
    sue.ok(&["write", "--confirm", "//ZOE/mailslot/x", "in spite of it"]);
    slot.gets(&["at first", "in spite of it"]);
}

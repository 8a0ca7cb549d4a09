//! Computers in network namespaces on one bridge. They need root.

use std::process::{Command, id};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use crate::util::{Computer, eventually, is_root};

/// A bridge in a namespace of its own, and a namespace for each computer. Gone when dropped.
struct Lan {
    tag: String,
    computers: u32,
}

static LANS: AtomicU32 = AtomicU32::new(0);

fn ip(args: &str) -> bool {
    Command::new("ip").args(args.split(' ')).output().unwrap().status.success()
}

fn must(args: &str) {
    assert!(ip(args), "ip {args} has failed");
}

impl Lan {
    fn new() -> Self {
        // The pid and a number: tests run at the same time.
        let tag = format!("ms{}-{}", id(), LANS.fetch_add(1, Ordering::Relaxed));
        let lan = Self { tag, computers: 0 };
        must(&format!("netns add {}-bridge", lan.tag));
        must(&format!("-n {}-bridge link add br0 type bridge", lan.tag));
        must(&format!("-n {}-bridge link set br0 up", lan.tag));
        lan
    }

    /// A computer on the bridge.
    fn computer(&mut self, name: &str) -> Computer {
        self.computers += 1;
        let (tag, n) = (&self.tag, self.computers);
        let own = format!("{tag}-{n}");
        must(&format!("netns add {own}"));
        must(&format!("-n {own} link add eth0 type veth peer name port{n} netns {tag}-bridge"));
        must(&format!("-n {tag}-bridge link set port{n} master br0"));
        must(&format!("-n {tag}-bridge link set port{n} up"));
        must(&format!("-n {own} addr add 10.99.0.{n}/24 dev eth0"));
        must(&format!("-n {own} link set lo up"));
        must(&format!("-n {own} link set eth0 up"));
        Computer::new(name, &["ip", "netns", "exec", &own], "eth0")
    }

    /// Plugs the cable of the computer that was made as number `n`, or pulls it.
    fn cable(&self, n: u32, state: &str) {
        must(&format!("-n {}-bridge link set port{n} {state}", self.tag));
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for n in 1..=self.computers {
            ip(&format!("netns del {}-{n}", self.tag));
        }
        ip(&format!("netns del {}-bridge", self.tag));
    }
}

fn three(lan: &mut Lan) -> [Computer; 3] {
    let mut all = ["SUE", "JOE", "ANN"].map(|name| lan.computer(name));
    let [sue, joe, ann] = &all;
    sue.create("WORKGROUP");
    sue.invite(joe);
    sue.invite(ann);
    all.iter_mut().for_each(Computer::start);
    for a in &all {
        for b in &all {
            a.reaches(b);
        }
    }
    all
}

#[test]
fn three_computers_on_a_bridge() {
    if !is_root("three_computers_on_a_bridge") {
        return;
    }
    let mut lan = Lan::new();
    let [sue, joe, ann] = three(&mut lan);
    let slots = [&sue, &joe, &ann].map(|computer| computer.read("x"));
    joe.ok(&["write", "//*/mailslot/x", "to all"]);
    joe.ok(&["write", "//WORKGROUP/mailslot/x", "to the domain"]);
    slots.iter().for_each(|slot| slot.gets(&["to all", "to the domain"]));
    ann.ok(&["write", "--confirm", "//JOE/mailslot/x", "to Joe"]);
    slots[1].gets(&["to all", "to the domain", "to Joe"]);
}

#[test]
fn a_pulled_cable_loses_nothing_and_holds_up_nobody() {
    if !is_root("a_pulled_cable_loses_nothing_and_holds_up_nobody") {
        return;
    }
    let mut lan = Lan::new();
    let [sue, joe, ann] = three(&mut lan);
    let (at_joe, at_ann) = (joe.read("x"), ann.read("x"));
    lan.cable(2, "down");
    let records: Vec<String> = (0..50).map(|i| format!("record {i}")).collect();
    for record in &records {
        sue.ok(&["write", "//*/mailslot/x", record]);
    }
    // ANN, whose cable is in, has them long before JOE's is.
    eventually("ANN has all", || at_ann.lines() == records);
    assert!(at_joe.lines().is_empty());
    lan.cable(2, "up");
    eventually("JOE has all", || at_joe.lines() == records);
}

#[test]
fn a_frozen_computer_is_no_answer() {
    if !is_root("a_frozen_computer_is_no_answer") {
        return;
    }
    let mut lan = Lan::new();
    let [sue, mut joe, ann] = three(&mut lan);
    let (at_joe, _at_ann, _at_sue) = (joe.read("x"), ann.read("x"), sue.read("x"));
    joe.gateway().signal(Signal::STOP);
    let confirm = ["write", "--confirm", "--timeout", "2s", "//*/mailslot/x", "who is there?"];
    let out = sue.run(&confirm);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text, "ANN  accepted\nJOE  no answer\nSUE  accepted\n");
    assert!(!out.status.success());
    joe.gateway().signal(Signal::CONT);
    sue.reaches(&joe);
    let text = sue.ok(&confirm);
    assert_eq!(text, "ANN  accepted\nJOE  accepted\nSUE  accepted\n");
    // The first may have arrived or not, but none twice.
    assert!(at_joe.lines().len() <= 2, "{:?}", at_joe.lines());
}

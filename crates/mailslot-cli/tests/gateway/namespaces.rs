//! Computers in network namespaces on one bridge. They need root.

use rustix::process::Signal;

use crate::lan::Lan;
use crate::util::{Computer, eventually};

pub(crate) fn three(lan: &mut Lan) -> [Computer; 3] {
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

pub(crate) fn three_computers_on_a_bridge() {
    let mut lan = Lan::new();
    let [sue, joe, ann] = three(&mut lan);
    let slots = [&sue, &joe, &ann].map(|computer| computer.read("x"));
    // Each sender is heard by all before the next one writes.
    let mut due = [&sue, &joe, &ann].map(|_| Vec::new());
    for sender in [&sue, &joe, &ann] {
        let from = &sender.name;
        sender.ok(&["write", "//*/mailslot/x", &format!("{from} to all")]);
        sender.ok(&["write", "//workgroup/mailslot/x", &format!("{from} to the domain")]);
        for (receiver, due) in [&sue, &joe, &ann].iter().zip(&mut due) {
            let to = &receiver.name;
            let record = format!("{from} to {to}");
            sender.ok(&["write", &format!("//{to}/mailslot/x"), &record]);
            due.extend([format!("{from} to all"), format!("{from} to the domain"), record]);
        }
        for (slot, due) in slots.iter().zip(&due) {
            slot.gets(&due.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }

    // A slot that appears later is reached at once.
    let confirm = ["write", "--confirm", "--timeout", "30s", "//ANN/mailslot/late", "now?"];
    let out = joe.run(&confirm);
    assert_eq!(String::from_utf8_lossy(&out.stdout), "ANN  no such slot\n", "{out:?}");
    let late = ann.read("late");
    assert_eq!(joe.ok(&confirm), "ANN  accepted\n");
    late.gets(&["now?"]);
}

pub(crate) fn a_pulled_cable_loses_nothing_and_holds_up_nobody() {
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

pub(crate) fn a_frozen_computer_is_no_answer() {
    let mut lan = Lan::new();
    let [sue, joe, ann] = three(&mut lan);
    let (at_joe, _at_ann, _at_sue) = (joe.read("x"), ann.read("x"), sue.read("x"));
    joe.signal(Signal::STOP);
    let ask = ["//*/mailslot/x", "who is there?"];
    // So long it takes, as JOE is silent.
    let out = sue.run(&[&["write", "--confirm", "--timeout", "8s"], &ask[..]].concat());
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text, "ANN  accepted\nJOE  no answer\nSUE  accepted\n");
    assert!(!out.status.success());
    joe.signal(Signal::CONT);
    sue.reaches(&joe);
    let text = sue.ok(&[&["write", "--confirm", "--timeout", "60s"], &ask[..]].concat());
    assert_eq!(text, "ANN  accepted\nJOE  accepted\nSUE  accepted\n");
    // The first may have arrived or not, but none twice.
    assert!(at_joe.lines().len() <= 2, "{:?}", at_joe.lines());
}

/// Their cables are not in yet; one has its interface by name.
pub(crate) fn gateways_that_are_up_before_their_network() {
    let mut lan = Lan::new();
    let mut all = ["SUE", "JOE", "ANN"].map(|name| lan.computer(name));
    let [sue, joe, ann] = &mut all;
    sue.create("WORKGROUP");
    sue.start();
    joe.configure("");
    for (cable, other, says) in
        [(2, joe, "no network is up yet"), (3, ann, "no network interface \"eth0\" is up")]
    {
        sue.invite(other);
        lan.cable(cable, "down");
        other.start();
        eventually(says, || other.log().contains(says));
        lan.cable(cable, "up");
        sue.reaches(other);
        other.reaches(sue);
    }
    let [_, joe, ann] = &all;
    joe.reaches(ann);
}

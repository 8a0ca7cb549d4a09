//! Beyond one LAN, by the configuration that docs/networks.md prints. As a router stands the `zenohd` that
//! `MAILSLOT_TEST_ZENOHD` names, or else Python's Zenoh, which has the same inside.

use std::any::Any;

use mailslot_gateway::transport::zenoh::environment;

use crate::lan::Lan;
use crate::python::Program;
use crate::util::{Computer, Running, eventually};

const DOCUMENT: &str = include_str!("../../../../docs/networks.md");

/// The first configuration below `heading` that has this line.
fn printed(heading: &str, line: &str) -> String {
    let (_, section) = DOCUMENT.split_once(&format!("\n### {heading}\n")).unwrap();
    let mut blocks = section.split("```toml\n").skip(1).map(|rest| rest.split("```").next());
    let found = blocks.find_map(|block| block.filter(|block| block.contains(line)));
    found.unwrap_or_else(|| panic!("{heading} has no {line}")).to_owned()
}

/// A router, until it is dropped.
fn start_router(on: &Computer) -> Box<dyn Any> {
    let config = on.path("zenohd/zenohd.json5");
    let setting = format!("{}='{}'", environment::VARIABLE, environment::SETTING);
    assert!(DOCUMENT.contains(&setting), "{setting}");
    if let Some(zenohd) = std::env::var_os("MAILSLOT_TEST_ZENOHD") {
        let mut command = on.program(zenohd.to_str().unwrap());
        command.arg("-c").arg(config).env(environment::VARIABLE, environment::SETTING);
        // Who connects to it waits for it by itself.
        return Box::new(Running::start(&mut command, &on.path("zenohd/log")));
    }
    let router = Program::start(on, "router", &[config.to_str().unwrap()]);
    router.says("ready");
    Box::new(router)
}

pub(crate) fn computers_on_networks_apart_meet_at_a_router() {
    let (mut near, mut far) = (Lan::new(), Lan::new());
    let (mut sue, meeting) = (near.computer("SUE"), near.computer("MEETING"));
    let near_address = near.last_address();
    let mut joe = far.computer("JOE");
    far.plug_into(&meeting, "eth1");
    sue.create("WORKGROUP");
    sue.invite(&joe);
    let dir = meeting.path("zenohd");
    sue.ok(&["domain", "router", "MEETING", "--dir", dir.to_str().unwrap()]);
    let config = printed("Routers", "routers = [");
    sue.configure(&config.replace("router.example", &near_address));
    joe.configure(&config.replace("router.example", &far.last_address()));
    sue.start();
    joe.start();
    assert!(!sue.run(&["ping", "JOE", "--timeout", "1s"]).status.success());

    let router = start_router(&meeting);
    sue.reaches(&joe);
    joe.reaches(&sue);
    let (at_sue, at_joe) = (sue.read("x"), joe.read("x"));
    sue.ok(&["write", "//JOE/mailslot/x", "to Joe"]);
    at_joe.gets(&["to Joe"]);
    joe.ok(&["write", "//*/mailslot/x", "to all"]);
    at_sue.gets(&["to all"]);
    at_joe.gets(&["to Joe", "to all"]);
    let to_all = ["write", "--confirm", "--timeout", "60s", "//WORKGROUP/mailslot/x", "surely"];
    let confirmed = sue.ok(&to_all);
    assert_eq!(confirmed, "JOE  accepted\nSUE  accepted\n");

    // Nothing but the router connects them, and what is written while it is away arrives.
    drop(router);
    assert!(!sue.run(&["ping", "JOE", "--timeout", "1s"]).status.success());
    sue.ok(&["write", "//JOE/mailslot/x", "meanwhile"]);
    let _router = start_router(&meeting);
    at_joe.gets(&["to Joe", "to all", "surely", "meanwhile"]);

    // One more, on the network of the first: they meet at the router, too.
    let mut ann = near.computer("ANN");
    sue.invite(&ann);
    ann.configure(&config.replace("router.example", &near_address));
    ann.start();
    for other in [&sue, &joe] {
        ann.reaches(other);
        other.reaches(&ann);
    }
    let at_ann = ann.read("x");
    joe.ok(&["write", "//ANN/mailslot/x", "to Ann"]);
    at_ann.gets(&["to Ann"]);
}

pub(crate) fn peers_by_address_need_no_multicast() {
    let mut lan = Lan::new();
    let sue = lan.computer("SUE");
    sue.configure(&printed("Peers by address", "listen = ["));
    let config = printed("Peers by address", "peers = [");
    let config = config.replace("sue.example", &lan.last_address());
    let (joe, ann) = (lan.computer("JOE"), lan.computer("ANN"));
    sue.create("WORKGROUP");
    for other in [&joe, &ann] {
        other.configure(&config);
        sue.invite(other);
    }
    let mut all = [sue, joe, ann];
    all.iter_mut().for_each(Computer::start);
    // JOE and ANN know no address of each other: they learn it from SUE.
    for from in &all {
        for to in all.iter().filter(|to| to.name != from.name) {
            from.reaches(to);
        }
    }
    let [sue, joe, ann] = &all;
    let slots = [sue, joe, ann].map(|computer| computer.read("x"));
    joe.ok(&["write", "//*/mailslot/x", "to all"]);
    slots.iter().for_each(|slot| slot.gets(&["to all"]));
    // Directly: SUE needn't be there.
    sue.signal(rustix::process::Signal::STOP);
    eventually("it is confirmed", || {
        joe.run(&["write", "--confirm", "--timeout", "9s", "//ANN/mailslot/x", "to Ann"])
            .status
            .success()
    });
    sue.signal(rustix::process::Signal::CONT);
}

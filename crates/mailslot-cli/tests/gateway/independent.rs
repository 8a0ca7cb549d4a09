//! Another implementation of the protocol, made from its documents alone.

use std::fs::{self, File};

use crate::python::Program;
use crate::util::{Computer, Running, eventually};

/// Records in both directions, plain, confirmed and large, and questions.
pub(crate) fn a_client_in_python_is_a_computer_like_any_other() {
    let mut sue = Computer::new("SUE", None, "lo");
    sue.create("WORKGROUP");
    let invitation = sue.path("joe.invite");
    let invitation = invitation.to_str().unwrap();
    sue.ok(&["domain", "invite", "JOE", "--output", invitation]);
    sue.start();
    let mut joe = Program::start(&sue, "client", &[invitation, "inbox"]);
    joe.says("reaches sue");
    eventually("SUE reaches JOE", || sue.run(&["ping", "JOE", "--timeout", "5s"]).status.success());

    // From the gateway.
    assert_eq!(sue.ok(&["ls", "//JOE/"]), "\\\\JOE\\mailslot\\inbox\n");
    sue.ok(&["write", "//JOE/mailslot/INBOX", "plain"]);
    let confirm = |slot, record| sue.run(&["write", "--confirm", "--timeout", "60s", slot, record]);
    let taken = confirm("//JOE/mailslot/inbox", "surely");
    assert_eq!(String::from_utf8(taken.stdout).unwrap(), "JOE  accepted\n");
    let missed = confirm("//JOE/mailslot/nothing", "nowhere");
    assert_eq!(String::from_utf8(missed.stdout).unwrap(), "JOE  no such slot\n");
    let user = joe.says("record sue ");
    let user = user.split(' ').next().unwrap();
    joe.says(&format!("record sue {user} INBOX plain"));
    joe.says(&format!("record sue {user} inbox surely"));

    // To the gateway.
    let slot =
        Running::start(&mut sue.command(&["read", "--format", "json", "x"]), &sue.path("records"));
    eventually("the slot exists", || sue.run(&["info", "x"]).status.success());
    for number in 0..100 {
        joe.tell(&format!("write sue x {number}"));
    }
    joe.tell("confirm sue x sure");
    assert_eq!(joe.says("outcome sue "), "accepted");
    joe.tell("confirm sue nothing x");
    joe.says("outcome sue no such slot");
    joe.tell("ping sue");
    joe.tell("slots sue");
    joe.says("answer x");
    let records = || -> Vec<serde_json::Value> {
        let text = fs::read_to_string(sue.path("records")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    eventually("all arrive", || records().len() == 101);
    // Of one writer in order; the confirmed one is another's.
    let texts = records().into_iter().map(|record| record["text"].as_str().unwrap().to_owned());
    let texts: Vec<_> = texts.filter(|text| text != "sure").collect();
    assert_eq!(texts, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
    for record in records() {
        assert_eq!(record["computer"], "JOE");
        assert_eq!((&record["domain"], &record["user"]), (&"WORKGROUP".into(), &"snake".into()));
    }

    // A list that it doesn't seem to have heard of is told to it again.
    let serials = || -> Vec<u64> {
        let lines = joe.lines();
        let serials = lines.iter().filter_map(|line| line.strip_prefix("list "));
        serials.map(|serial| serial.parse().unwrap()).collect()
    };
    sue.ok(&["domain", "invite", "EVE", "--output", sue.path("eve.invite").to_str().unwrap()]);
    eventually("the newest list comes again and again", || {
        let serials = serials();
        let newest = serials.iter().max();
        newest > Some(&2) && serials.iter().filter(|serial| newest == Some(serial)).count() > 2
    });

    // Larger than a frame, both ways.
    drop(slot);
    let big = sue.path("big");
    eventually("the slot has gone", || !sue.run(&["info", "x"]).status.success());
    let _slot = Running::start(&mut sue.command(&["read", "--format", "raw", "x"]), &big);
    eventually("the slot exists", || sue.run(&["info", "x"]).status.success());
    joe.tell("large sue x 3000000");
    let wrote = joe.says("wrote ");
    eventually("it arrives", || fs::metadata(&big).unwrap().len() == 3_000_000);
    let args = ["write", "--confirm", "--timeout", "60s", "//JOE/mailslot/inbox"];
    let mut write = sue.command(&args);
    let written = write.stdin(File::open(&big).unwrap()).output().unwrap();
    assert!(written.status.success(), "{written:?}");
    // The same checksum: so both ways are right.
    joe.says(&format!("record sue {user} inbox {wrote}"));
}

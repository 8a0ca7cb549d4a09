//! Remote names, with a gateway that these tests play themselves in a process of its own.

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use mailslot::gateway::{
    Event, ForwardingWriter, GatewayOptions, GatewayRecord, Outcome, TargetState,
};
use mailslot::{Host, Origin};
use serde_json::{Value, json};
use util::{Process, World, eventually};

#[path = "cli/util.rs"]
#[allow(dead_code)]
mod util;

/// Set in the process that plays the gateway.
const ROLE: &str = "MAILSLOT_TEST_GATEWAY";

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        play_gateway();
    }
    let cases: [(&str, fn()); 6] = [
        ("unknown_computers", unknown_computers),
        ("confirmed_on_one_computer", confirmed_on_one_computer),
        ("confirmed_on_several", confirmed_on_several),
        ("confirmed_as_json", confirmed_as_json),
        ("confirmed_here", confirmed_here),
        ("records_from_another_computer", records_from_another_computer),
    ];
    let trial = |(name, body): (&str, fn())| {
        Trial::test(name, move || {
            body();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), cases.map(trial).into()).exit_code()
}

/// Answers as the computer's name says, and lets what is written to ANN arrive here.
fn play_gateway() -> ! {
    let slot = GatewayOptions::new("HERE").create().unwrap();
    let mut events = Vec::new();
    loop {
        slot.receive(&mut events, 10, None).unwrap();
        for event in events.drain(..) {
            match event {
                Event::Opened(connection) => {
                    let unknown = host(connection.target().host()) == "NOBODY";
                    let state = if unknown { TargetState::Unknown } else { TargetState::Known };
                    connection.tell_target(state);
                }
                Event::Record(record) => take(&record),
                _ => {}
            }
        }
    }
}

fn host(host: &Host) -> &str {
    match host {
        Host::Named(name) => name,
        _ => "*",
    }
}

fn take(record: &GatewayRecord) {
    let target = record.connection.target();
    let reply = |outcomes: &[(Outcome, &str)]| {
        record.connection.reply(record.number, true, outcomes.iter().copied());
    };
    match host(target.host()) {
        "ANN" => {
            let local = mailslot::SlotName::parse_short(target.path()).unwrap();
            let origin = Origin::new("ANN", "WORKGROUP", "sue", 4711);
            ForwardingWriter::open(local, &origin).unwrap().write(&record.bytes).unwrap();
        }
        "NOSLOT" => reply(&[(Outcome::NoSuchSlot, "NOSLOT")]),
        "FULL" => reply(&[(Outcome::Full, "FULL")]),
        "DENIED" => reply(&[(Outcome::Denied, "DENIED")]),
        "SMALL" => reply(&[(Outcome::TooLarge, "SMALL")]),
        "AWAY" => reply(&[(Outcome::NoAnswer, "AWAY")]),
        "NOWHERE" => reply(&[]),
        "SILENT" => {}
        "OFFICE" => reply(&[(Outcome::Accepted, "JOE"), (Outcome::NoSuchSlot, "EMMA")]),
        other => reply(&[(Outcome::Accepted, other)]),
    }
}

/// A world with a gateway.
fn world() -> (World, Process) {
    let world = World::new();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let gateway = Process::start(command.env(ROLE, "1").env("MAILSLOT_DIR", world.dir()));
    eventually("the gateway runs", || {
        world.run(&["write", "//JOE/mailslot/x", "x"]).code == Some(0)
    });
    (world, gateway)
}

fn unknown_computers() {
    let (world, gateway) = world();
    world.run(&["write", "//NOBODY/mailslot/x", "x"]).fails(
        11,
        r"cannot write to \\NOBODY\mailslot\x: computer not found; check its name, and that it runs a gateway and belongs to a domain of this computer",
    );
    drop(gateway);
    assert_eq!(world.run(&["write", "//JOE/mailslot/x", "x"]).code, Some(10));
}

fn confirmed_on_one_computer() {
    let (world, _gateway) = world();
    let write_within = |timeout: &str, computer: &str| {
        let slot = format!("//{computer}/mailslot/x");
        world.run(&["write", "--confirm", "--timeout", timeout, &slot, "x"])
    };
    let write = |computer: &str| write_within("60s", computer);
    assert_eq!(write("JOE").succeeds(), "JOE  accepted\n");
    for (computer, shown, code, why) in [
        ("NOSLOT", "no such slot", 3, "no such slot"),
        ("DENIED", "denied", 4, "access denied"),
        ("FULL", "full", 5, "full"),
        ("AWAY", "no answer", 6, "no answer in time"),
        ("SMALL", "too large", 8, "too large"),
    ] {
        let done = write(computer);
        assert_eq!(done.stdout, format!("{computer}  {shown}\n"));
        done.fails(code, &format!("the record was not confirmed: {why}"));
    }
    // Silence is no success, nor is that nobody was there.
    for (computer, timeout) in [("SILENT", "300ms"), ("NOWHERE", "60s")] {
        let done = write_within(timeout, computer);
        assert_eq!(done.stdout, "");
        done.fails(6, "the record was not confirmed: no answer in time");
    }
    assert_eq!(write("NOBODY").code, Some(11));
}

fn confirmed_on_several() {
    let (world, _gateway) = world();
    let done = world.run(&["write", "--confirm", "//OFFICE/mailslot/x", "one", "two"]);
    assert_eq!(done.stdout, "EMMA  no such slot\nJOE   accepted\n".repeat(2));
    done.fails(12, "2 of 2 records were not confirmed: not accepted everywhere");
    let done = world.run_with(&["write", "--confirm", "-l", "//*/mailslot/x"], b"one\ntwo\nthree");
    // What stands for the domain is no computer's name, and left out.
    assert_eq!((done.code, &done.stdout[..]), (Some(6), ""));
}

fn confirmed_as_json() {
    let (world, _gateway) = world();
    let done = world.run(&["write", "--confirm", "--json", "//OFFICE/mailslot/x", "one", "two"]);
    assert_eq!(done.code, Some(12));
    let lines: Vec<Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = |record: u64| {
        json!({
            "record": record,
            "accepted": false,
            "complete": true,
            "outcomes": [
                { "computer": "EMMA", "outcome": "no such slot" },
                { "computer": "JOE", "outcome": "accepted" },
            ],
        })
    };
    assert_eq!(lines, [expected(1), expected(2)]);
    let silent = ["write", "--confirm", "-j", "-t", "10ms", "//SILENT/mailslot/x", "x"];
    let line: Value = serde_json::from_str(&world.run(&silent).stdout).unwrap();
    assert_eq!(line, json!({ "record": 1, "accepted": false, "complete": false, "outcomes": [] }));
    world.run(&["write", "--json", "x", "x"]).is_misused("--confirm");
}

fn confirmed_here() {
    let (world, _gateway) = world();
    // A reader that ends before it is known that it lives has not accepted.
    let reader = world.reader("a", &["-n", "3"]);
    for name in ["a", "//localhost/mailslot/A"] {
        assert_eq!(world.run(&["write", "--confirm", name, "x"]).succeeds(), "HERE  accepted\n");
    }
    world.write("a", "last");
    assert_eq!(reader.finish().succeeds(), "x\nx\nlast\n");
    assert_eq!(world.run(&["write", "--confirm", "a", "x"]).code, Some(3));
}

fn records_from_another_computer() {
    let (world, _gateway) = world();
    let arrives = |args: &[&str]| {
        let reader = world.reader("b", &[args, &["-n", "2"]].concat());
        world.write("//ANN/mailslot/b", "remote");
        world.write("b", "local");
        reader.finish().succeeds()
    };
    let out = arrives(&["-f", "text"]);
    let header = |found: &str| {
        let line = out.lines().find(|line| line.contains(found));
        line.unwrap_or_else(|| panic!("{found:?} is not in {out}")).to_owned()
    };
    let remote = header("computer");
    let expected =
        "  computer ANN, authenticated by domain WORKGROUP  pid 4711  user \"sue\"  6 bytes";
    assert!(remote.ends_with(expected), "{remote}");
    assert!(header("5 bytes").contains("Z  pid "), "{out}");

    let out = arrives(&["-f", "json"]);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let remote = lines.iter().find(|line| line["text"] == "remote").unwrap();
    assert_eq!(remote["computer"], "ANN");
    assert_eq!(remote["domain"], "WORKGROUP");
    assert_eq!(
        (&remote["pid"], &remote["uid"], &remote["user"]),
        (&json!(4711), &json!(null), &json!("sue"))
    );
    let local = lines.iter().find(|line| line["text"] == "local").unwrap();
    assert_eq!(local["uid"], rustix::process::getuid().as_raw());
    assert!(local.get("computer").is_none() && local.get("domain").is_none());

    let shown = ["PID", "UID", "USER", "COMPUTER", "DOMAIN"]
        .map(|part| format!("${{MAILSLOT_SENDER_{part}-none}}"));
    let out = arrives(&["--exec", &format!("cat; echo \" {}\"", shown.join(" "))]);
    assert!(out.contains("remote 4711 none sue ANN WORKGROUP\n"), "{out}");
    let uid = rustix::process::getuid().as_raw();
    assert!(out.contains(&format!(" {uid} none none none\n")), "{out}");

    // One that takes nothing from other computers.
    let _reader = world.reader("closed", &["--network", "none"]);
    let info = world.run(&["info", "closed", "--json"]).succeeds();
    assert_eq!(serde_json::from_str::<Value>(&info).unwrap()["network"], "none");
    let wrong = ["read", "x", "--network", "computers:a,*", "--timeout", "0"];
    world.run(&wrong).is_misused("can't be the name of a computer");
}

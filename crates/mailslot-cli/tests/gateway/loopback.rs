//! Several computers on this one.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Stdio;

use rustix::process::Signal;

use crate::load::{Load, Watch};
use crate::util::{Computer, Running, eventually};

pub(crate) fn two() -> (Computer, Computer) {
    let mut sue = Computer::new("SUE", None, "lo");
    let mut joe = Computer::new("JOE", None, "lo");
    sue.meets(&mut joe);
    (sue, joe)
}

pub(crate) fn every_form_of_a_name_reaches_its_computers() {
    let (sue, joe) = two();
    let (here, there) = (sue.read("taxes/sue"), joe.read("taxes/sue"));
    sue.ok(&["write", "//JOE/mailslot/taxes/sue", "to Joe"]);
    sue.ok(&["write", "//joe.workgroup/mailslot/TAXES/SUE", "to Joe in full"]);
    there.gets(&["to Joe", "to Joe in full"]);
    sue.ok(&["write", "//WORKGROUP/mailslot/taxes/sue", "to the domain"]);
    sue.ok(&["write", "//*/mailslot/taxes/sue", "to all"]);
    sue.ok(&["write", "//SUE/mailslot/taxes/sue", "to myself"]);
    here.gets(&["to the domain", "to all", "to myself"]);
    there.gets(&["to Joe", "to Joe in full", "to the domain", "to all"]);

    let confirm = ["write", "--confirm", "--timeout", "60s", "//*/mailslot/taxes/sue", "surely"];
    let confirmed = sue.ok(&confirm);
    assert_eq!(confirmed, "JOE  accepted\nSUE  accepted\n");
    let unknown = sue.run(&["write", "//NOBODY/mailslot/x", "lost"]);
    assert_eq!(unknown.status.code(), Some(11), "{unknown:?}");
}

pub(crate) fn peers_that_cannot_be_connected_to() {
    let mut sue = Computer::new("SUE", None, "lo");
    let mut joe = Computer::new("JOE", None, "lo");
    sue.create("WORKGROUP");
    sue.invite(&joe);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let network = |rest| format!("[network]\ninterface = 'lo'\nmulticast = false\n{rest}\n");
    sue.configure(&network(format!("listen = ['127.0.0.1:{port}']")));
    joe.configure(&network(format!("peers = ['127.0.0.1:{port}', 'nowhere.invalid:7450']")));
    joe.start();
    let address = format!("127.0.0.1:{port}");
    for address in [&address[..], "nowhere.invalid:7450"] {
        let line = format!("cannot connect to {address} (will try again): ");
        eventually(&line, || joe.log().contains(&line));
    }
    sue.start();
    joe.reaches(&sue);
    let line = format!("connected to {address}");
    eventually(&line, || joe.log().contains(&line));
    println!("{}", joe.log());
    assert_eq!(joe.log().matches(&format!("connect to {address}")).count(), 1, "{}", joe.log());
}

pub(crate) fn what_there_is_on_other_computers() {
    let (sue, joe) = two();
    let _slot = joe.read("notes");
    assert_eq!(sue.ok(&["ls", "//JOE/"]), "\\\\JOE\\mailslot\\notes\n");
    let computers = sue.ok(&["ls", "//*/"]);
    assert!(computers.contains("SUE") && computers.contains("this computer"), "{computers}");
    let json = sue.ok(&["ls", "--json", r"\\workgroup\"]);
    assert!(json.contains(r#"{"computer":"JOE","domain":"WORKGROUP","reachable":true}"#), "{json}");
    let unknown = sue.run(&["ls", "//NOBODY/"]);
    assert_eq!(unknown.status.code(), Some(11));
    let status = sue.ok(&["gateway", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["domains"][0]["computers"][0]["name"], "JOE");
    assert!(joe.ok(&["gateway", "status"]).contains("in reach for"));

    let alone = Computer::new("ANN", None, "lo");
    for args in [&["ping", "JOE"][..], &["ls", "//JOE/"], &["gateway", "status"]] {
        let refused = alone.run(args);
        assert_eq!(refused.status.code(), Some(10), "{refused:?}");
    }
}

/// Before anybody has met it. Until then the domain's name doesn't mean it.
pub(crate) fn an_invited_computer_can_be_written_to() {
    let mut sue = Computer::new("SUE", None, "lo");
    let mut joe = Computer::new("JOE", None, "lo");
    sue.create("WORKGROUP");
    sue.invite(&joe);
    sue.start();
    let (here, there) = (sue.read("x"), joe.read("x"));
    sue.ok(&["write", "//JOE/mailslot/x", "first"]);
    let confirm = ["write", "--confirm", "--timeout", "60s"];
    let to_all = sue.ok(&[&confirm[..], &["//*/mailslot/x", "to all"]].concat());
    assert_eq!(to_all, "SUE  accepted\n");
    joe.start();
    there.gets(&["first"]);
    here.gets(&["to all"]);
    let to_joe = sue.ok(&[&confirm[..], &["//JOE/mailslot/x", "second"]].concat());
    assert_eq!(to_joe, "JOE  accepted\n");
}

pub(crate) fn a_revoked_computer_is_out() {
    let (sue, joe) = two();
    let there = sue.read("x");
    joe.ok(&["write", "//SUE/mailslot/x", "before"]);
    there.gets(&["before"]);
    sue.ok(&["domain", "revoke", "JOE"]);
    eventually("SUE knows no JOE", || {
        sue.run(&["ping", "JOE", "--timeout", "1s"]).status.code() == Some(11)
    });
    let late = joe.run(&["write", "--confirm", "--timeout", "1s", "//SUE/mailslot/x", "after"]);
    assert!(!late.status.success());
    assert_eq!(there.lines(), ["before"]);
}

pub(crate) fn signals() {
    let (mut sue, joe) = two();
    fs::write(sue.path("config/config.toml"), "[network]\ninterface = 'lo'\nnonsense = 1\n")
        .unwrap();
    sue.signal(Signal::HUP);
    eventually("it says what is wrong", || sue.log().contains("line 3"));
    let check = sue.run(&["gateway", "--check-config"]);
    let error = String::from_utf8(check.stderr).unwrap();
    assert!(check.status.code() == Some(1) && error.contains("line 3: unknown field `nonsense`"));
    sue.reaches(&joe);
    fs::write(sue.path("config/config.toml"), "[network]\ninterface = 'lo'\n").unwrap();
    sue.signal(Signal::HUP);
    eventually("it reads it again", || sue.log().contains("is read again"));
    sue.ok(&["gateway", "--check-config"]);
    joe.reaches(&sue);

    // A slip of the pen, by which nobody would be found, and a port for two.
    sue.configure("[network]\ninterface = 'nonesuch'\n");
    sue.ok(&["gateway", "--check-config"]);
    sue.signal(Signal::HUP);
    eventually("it says what is missing", || {
        sue.log().contains("no network interface \"nonesuch\"")
    });
    sue.configure("[network]\ninterface = 'lo'\nlisten = ['127.0.0.1:7450']\n");
    sue.ok(&["domain", "create", "LAB", "--computer", "SUE"]);
    sue.signal(Signal::HUP);
    let check = sue.run(&["gateway", "--check-config"]);
    assert!(String::from_utf8_lossy(&check.stderr).contains("both listen on 127.0.0.1:7450"));
    eventually("it says why", || sue.log().contains("Address already in use"));
    assert!(!sue.log().contains(".rs:"), "{}", sue.log());
    sue.ok(&["domain", "leave", "LAB"]);
    sue.configure("[network]\ninterface = 'lo'\n");
    sue.signal(Signal::HUP);
    joe.reaches(&sue);

    // There is one gateway at a time.
    let second = sue.run(&["gateway"]);
    assert!(!second.status.success(), "{second:?}");
    sue.signal(Signal::TERM);
    assert_eq!(sue.gateway().ends(), Some(0), "{}", sue.log());
    sue.start();
    joe.reaches(&sue);
    sue.signal(Signal::INT);
    assert_eq!(sue.gateway().ends(), Some(0), "{}", sue.log());
}

/// Each reload makes a new session, since it listens elsewhere.
pub(crate) fn reloads_under_load_lose_nothing() {
    let (sue, joe) = two();
    sue.knows_as_member(&joe);
    let watch = Watch::start(&joe, "x");
    let load = Load::start(&sue, "//JOE/mailslot/x", 500, 100);
    for address in ["127.0.0.2:0", "127.0.0.3:0", "127.0.0.4:0"] {
        for computer in [&sue, &joe] {
            let before = watch.count();
            computer.configure(&format!("[network]\ninterface = 'lo'\nlisten = ['{address}']\n"));
            computer.signal(Signal::HUP);
            let read = || computer.log().matches("is read again").count();
            eventually("it is read again", || read() > 0);
            eventually("records come again", || watch.count() > before + 500);
        }
    }
    let total = load.stop();
    watch.gets_all(total);
    assert_eq!(sue.of_computer("JOE", "lost"), 0);
}

pub(crate) fn a_killed_gateway_comes_back() {
    let (mut sue, mut joe) = two();
    let slot = joe.read("x");
    for round in 0..3 {
        joe.signal(Signal::KILL);
        joe.gateway().ends();
        // What is written meanwhile waits.
        sue.ok(&["write", "//JOE/mailslot/x", &format!("to Joe {round}")]);
        joe.start();
        eventually("it arrives", || slot.lines().len() == round + 1);
    }
    assert_eq!(slot.lines(), ["to Joe 0", "to Joe 1", "to Joe 2"]);
    sue.signal(Signal::TERM);
    assert_eq!(sue.gateway().ends(), Some(0));
}

/// Confirmed records arrive once, whichever gateway is killed when.
pub(crate) fn killed_gateways_double_nothing() {
    const RECORDS: usize = 400;
    /// So many there are for the writer to do at each kill, and at most twice as many.
    const PART: usize = 40;
    let (mut sue, mut joe) = two();
    let slots = [sue.read("x"), joe.read("x")];
    let args = ["write", "--confirm", "--timeout", "60s", "--lines", "//*/mailslot/x"];
    let mut command = sue.command(&args);
    let mut writer = Running::start(command.stdin(Stdio::piped()), &sue.path("confirmed"));
    let mut input = writer.input();
    let file = sue.path("confirmed");
    let written = || fs::read_to_string(&file).unwrap().lines().count() / 2;
    let mut kills = 0;
    let mut give = |part: usize| {
        (part..part + PART).for_each(|number| writeln!(input, "{number}").unwrap());
    };
    give(0);
    for part in (PART..RECORDS).step_by(PART) {
        give(part);
        eventually("it goes on", || written() > part - PART);
        let killed = if kills % 3 == 2 { &mut joe } else { &mut sue };
        killed.signal(Signal::KILL);
        killed.gateway().ends();
        killed.start();
        kills += 1;
    }
    drop(input);
    writer.ends();
    let said = fs::read_to_string(sue.path("confirmed")).unwrap();
    for (computer, slot) in ["SUE", "JOE"].iter().zip(&slots) {
        let arrived: Vec<usize> = slot.lines().iter().map(|line| line.parse().unwrap()).collect();
        assert!(arrived.is_sorted_by(|a, b| a < b), "{computer} got {arrived:?}");
        let outcomes = said.lines().filter_map(|line| line.strip_prefix(computer));
        let outcomes: Vec<&str> = outcomes.map(str::trim).collect();
        assert_eq!(outcomes.len(), RECORDS, "{said}");
        for (number, outcome) in outcomes.iter().enumerate() {
            match *outcome {
                "accepted" => assert!(arrived.contains(&number), "{computer} has no {number}"),
                // Its gateway was killed between noting it and giving it to the slot, or after.
                "no answer" => {}
                _ => panic!("{number}: {outcome}"),
            }
        }
        let unclear = outcomes.iter().filter(|outcome| **outcome == "no answer").count();
        assert!(unclear <= kills, "{unclear} of {kills}: {said}");
    }
}

pub(crate) fn metrics_and_readiness() {
    let sue = Computer::new("SUE", None, "lo");
    sue.create("WORKGROUP");
    let socket = sue.path("metrics");
    let config = format!("metrics = 'unix:{}'\nnetwork.interface = 'lo'\n", socket.display());
    fs::write(sue.path("config/config.toml"), config).unwrap();
    let manager = UnixDatagram::bind(sue.path("notify")).unwrap();
    manager.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let mut command = sue.command(&["gateway"]);
    command.env("NOTIFY_SOCKET", sue.path("notify"));
    let mut gateway = Running::start(&mut command, &sue.path("log"));
    let heard = || {
        let mut buffer = [0; 100];
        let n = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..n].to_vec()).unwrap()
    };
    assert_eq!(heard(), "READY=1");
    // By then it knows who belongs to its domains.
    assert!(sue.ok(&["gateway", "status", "--json"]).contains(r#""own":"SUE""#));
    let get = |path: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let text = get("/metrics");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("\nmailslot_records_written_total 0\n"), "{text}");
    assert!(get("/other").starts_with("HTTP/1.1 404 "));
    gateway.signal(Signal::HUP);
    assert!(heard().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(heard(), "READY=1");
    gateway.signal(Signal::TERM);
    assert_eq!(heard(), "STOPPING=1");
    assert_eq!(gateway.ends(), Some(0));
}

//! Gateways, readers and writers as real processes, on several "computers" of this machine: each has
//! a registry of its own, and a socket in a directory that serves as their network.

mod computer;
mod network;
mod roles;

use std::time::Duration;

use computer::{Lan, wait_for};
use libtest_mimic::{Arguments, Trial};

fn main() -> std::process::ExitCode {
    if let Ok(role) = std::env::var("GATEWAY_TEST_ROLE") {
        roles::play(&role);
        return std::process::ExitCode::SUCCESS;
    }
    let cases: [(&str, fn()); 9] = [
        ("the_three_name_forms", the_three_name_forms),
        ("confirmed_outcomes", confirmed_outcomes),
        ("what_nobody_is_there_to_read_is_not_accepted", what_nobody_is_there_to_read),
        ("a_burst_arrives_in_order", a_burst_arrives_in_order),
        ("records_outlive_a_restart_of_the_other_gateway", restart_of_the_other_gateway),
        ("a_stopped_gateway_passes_on_what_it_has", a_stopped_gateway_passes_on_what_it_has),
        ("a_killed_receiver_doubles_nothing", a_killed_receiver_doubles_nothing),
        ("status_ping_and_slots", status_ping_and_slots),
        ("large_records", large_records),
    ];
    let trials = cases.map(|(name, case)| {
        Trial::test(name, move || {
            case();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
}

fn the_three_name_forms() {
    let lan = Lan::new(&["ANN", "JOE", "SUE"]);
    let _gateways: Vec<_> = lan.names().map(|name| lan.gateway(name)).collect();
    let readers: Vec<_> = lan.names().map(|name| lan.reader(name, "taxes", "domains")).collect();
    lan.write("ANN", r"\\JOE\mailslot\taxes", 1, 10);
    lan.write("ANN", r"\\workgroup\mailslot\taxes", 1, 11);
    lan.write("ANN", r"\\*\mailslot\taxes", 1, 12);
    lan.write("ANN", r"\\joe.workgroup\mailslot\taxes", 1, 13);
    assert_eq!(readers[1].lines(4), ["ANN 0:10", "ANN 0:11", "ANN 0:12", "ANN 0:13"]);
    // The sender's own computer is one of its domain's.
    assert_eq!(readers[0].lines(2), ["ANN 0:11", "ANN 0:12"]);
    assert_eq!(readers[2].lines(2), ["ANN 0:11", "ANN 0:12"]);
}

fn confirmed_outcomes() {
    let lan = Lan::new(&["ANN", "JOE", "SUE"]);
    let _gateways = [lan.gateway("ANN"), lan.gateway("JOE")];
    let _open = lan.reader("JOE", "taxes", "domains");
    let _closed = lan.reader("JOE", "private", "none");
    // For this computer only, and this computer is in the domain.
    let _own = lan.reader("ANN", "private", "none");
    let told = |target| lan.confirm("ANN", target, 1, Duration::from_secs(50));
    assert_eq!(told(r"\\JOE\mailslot\taxes"), ["JOE Accepted"]);
    assert_eq!(told(r"\\JOE\mailslot\nothing"), ["JOE NoSuchSlot"]);
    assert_eq!(told(r"\\JOE\mailslot\private"), ["JOE Denied"]);
    // So long it takes, as SUE is silent.
    let to_all = lan.confirm("ANN", r"\\*\mailslot\private", 1, Duration::from_secs(5));
    assert_eq!(to_all, ["ANN Accepted", "JOE Denied", "SUE NoAnswer"]);
    assert_eq!(told(r"\\NOBODY\mailslot\taxes"), ["error: computer not found"]);
}

/// A write notices that its reader has gone only a little later.
fn what_nobody_is_there_to_read() {
    let lan = Lan::new(&["JOE"]);
    let _joe = lan.gateway("JOE");
    let outcomes = lan.leave("JOE", r"\\*\mailslot\taxes", "taxes");
    let count = |what: &str| outcomes.iter().filter(|outcome| *outcome == what).count();
    let (unclear, none) = (count("NoAnswer"), count("NoSuchSlot"));
    assert_eq!((outcomes.len(), unclear + none), (300, 300), "{outcomes:?}");
    // Otherwise none was written in the moment that matters.
    assert!(unclear > 0, "{none}");
}

fn a_burst_arrives_in_order() {
    let lan = Lan::new(&["ANN", "JOE"]);
    let _gateways = [lan.gateway("ANN"), lan.gateway("JOE")];
    let reader = lan.reader("JOE", "taxes", "domains");
    assert_eq!(lan.write("ANN", r"\\JOE\mailslot\taxes", 50_000, 100), 0);
    let lines = reader.lines(50_000);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("ANN {number}:100"));
    }
}

fn restart_of_the_other_gateway() {
    let lan = Lan::new(&["ANN", "JOE"]);
    let _ann = lan.gateway("ANN");
    let joe = lan.gateway("JOE");
    let reader = lan.reader("JOE", "taxes", "domains");
    lan.write("ANN", r"\\JOE\mailslot\taxes", 100, 50);
    assert_eq!(reader.lines(100).len(), 100);
    joe.kill();
    lan.write("ANN", r"\\JOE\mailslot\taxes", 200, 50);
    let _joe = lan.gateway("JOE");
    let lines = reader.lines(200);
    assert_eq!(lines, (0..200).map(|n| format!("ANN {n}:50")).collect::<Vec<_>>());
}

fn a_stopped_gateway_passes_on_what_it_has() {
    let lan = Lan::new(&["ANN", "JOE"]);
    let ann = lan.gateway("ANN");
    let _joe = lan.gateway("JOE");
    let reader = lan.reader("JOE", "taxes", "domains");
    lan.write("ANN", r"\\JOE\mailslot\taxes", 20_000, 50);
    ann.stop();
    assert_eq!(reader.lines(20_000).len(), 20_000);
}

/// The receiving gateway is killed again and again while confirmed records come: each that is said
/// to be accepted is there, and none is there twice.
fn a_killed_receiver_doubles_nothing() {
    let lan = Lan::new(&["ANN", "JOE"]);
    let _ann = lan.gateway("ANN");
    let reader = lan.reader("JOE", "taxes", "domains");
    let mut joe = lan.gateway("JOE");
    let writer = lan.start_confirm("ANN", r"\\JOE\mailslot\taxes", 3000, Duration::from_secs(50));
    for round in 0..12 {
        wait_for("progress", || writer.seen() > round * 40);
        joe.kill();
        joe = lan.gateway("JOE");
    }
    let outcomes = writer.lines(3000);
    let accepted: Vec<usize> =
        (0..3000).filter(|number| outcomes[*number] == "JOE Accepted").collect();
    assert!(accepted.len() > 2900, "{}", accepted.len());
    lan.write("ANN", r"\\JOE\mailslot\taxes", 1, 9);
    let arrived = reader.lines_until("ANN 0:9");
    let mut numbers: Vec<usize> = Vec::new();
    for line in &arrived {
        let number = line.strip_prefix("ANN ").and_then(|rest| rest.split(':').next());
        numbers.push(number.and_then(|number| number.parse().ok()).expect("a number"));
    }
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "once, and in order: {numbers:?}");
    for number in accepted {
        assert!(numbers.binary_search(&number).is_ok(), "{number} is said to be accepted");
    }
}

fn status_ping_and_slots() {
    let lan = Lan::new(&["ANN", "JOE", "SUE"]);
    let _gateways = [lan.gateway("ANN"), lan.gateway("JOE")];
    let _taxes = lan.reader("JOE", r"taxes\sue", "domains");
    let _private = lan.reader("JOE", "private", "none");
    let ask = |request: &str| lan.ask("ANN", request);
    let ping =
        |name: &str| ask(&format!(r#"{{"ping":{{"computer":"{name}","milliseconds":500}}}}"#));
    wait_for("JOE", || ping("JOE").starts_with(r#"{"here":"#));
    assert_eq!(ping("SUE"), r#""no_answer""#);
    assert_eq!(ping("NOBODY"), r#""unknown_computer""#);
    assert_eq!(ping("WORKGROUP"), r#""several""#);
    assert_eq!(ping("ANN"), r#"{"here":0}"#);
    let slots = ask(r#"{"slots":{"computer":"joe.workgroup","milliseconds":50000}}"#);
    assert_eq!(slots, r#"{"slots":["taxes\\sue"]}"#);
    lan.write("ANN", r"\\*\mailslot\taxes\sue", 3, 20);
    wait_for("the count", || {
        let status: serde_json::Value = serde_json::from_str(&ask(r#""status""#)).unwrap();
        let status = &status["status"];
        let domain = &status["domains"][0];
        assert_eq!((&domain["name"], &domain["own"]), (&"WORKGROUP".into(), &"ANN".into()));
        let joe = &domain["computers"][0];
        assert_eq!(joe["name"], "JOE");
        assert!(joe["reachable_seconds"].is_u64(), "{status}");
        assert!(domain["computers"][1]["reachable_seconds"].is_null(), "{status}");
        status["counters"]["written"] == 9
    });
}

fn large_records() {
    let lan = Lan::new(&["ANN", "JOE"]);
    let _gateways = [lan.gateway("ANN"), lan.gateway("JOE")];
    let reader = lan.reader("JOE", "taxes", "domains");
    lan.write("ANN", r"\\JOE\mailslot\taxes", 1, 16 << 20);
    lan.write("ANN", r"\\JOE\mailslot\taxes", 3, 60_000);
    let mut lines = reader.lines(4);
    lines.sort();
    let expected = ["ANN 0:16777216", "ANN 0:60000", "ANN 1:60000", "ANN 2:60000"];
    assert_eq!(lines, expected);
}

//! What a process of these tests can be. Its environment says the rest.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mailslot::gateway::GatewayOptions;
use mailslot::{Mailslot, MailslotOptions, MailslotWriter, NetworkAccess};
use mailslot_gateway::service::status::{Request, ask};
use mailslot_gateway::service::{MAX_RECORD_SIZE, Service};
use mailslot_gateway::transport::events;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

pub(crate) fn play(role: &str) {
    match role {
        "gateway" => gateway(),
        "reader" => reader(),
        "writer" => writer(),
        "confirm" => confirm(),
        "leaver" => leaver(),
        "ask" => {
            let request: Request = serde_json::from_str(&variable("REQUEST")).unwrap();
            say(&serde_json::to_string(&ask(&request).unwrap()).unwrap());
        }
        _ => panic!("{role} is no role"),
    }
}

fn gateway() {
    let own = variable("COMPUTER");
    let computers = variable("COMPUTERS");
    let computers: Vec<&str> = computers.split(',').collect();
    let slot = GatewayOptions::new(own.as_str()).max_record_size(MAX_RECORD_SIZE).create().unwrap();
    let (sink, source) = events().unwrap();
    let network = PathBuf::from(variable("NETWORK"));
    let transport = super::network::connect(&network, &own, &computers, sink);
    let log = Arc::new(|line: &str| eprintln!("{line}"));
    let service = Service::new(slot, Arc::new(transport), source, log).unwrap();
    let stopper = service.stopper();
    std::thread::spawn(move || {
        // Until the test closes it.
        let _ = std::io::stdin().read(&mut [0]);
        stopper.stop();
    });
    say("ready");
    service.run().unwrap();
}

fn reader() {
    let access = match variable("ACCESS").as_str() {
        "none" => NetworkAccess::ThisComputer,
        _ => NetworkAccess::Domains,
    };
    let name = format!(r"\\.\mailslot\{}", variable("SLOT"));
    let slot: Mailslot = MailslotOptions::new().network(access).create(name.as_str()).unwrap();
    say("ready");
    loop {
        let record = slot.receive().unwrap();
        let from = record.origin().map_or("here", |origin| origin.computer.as_str());
        let bytes = record.bytes();
        let number = String::from_utf8_lossy(&bytes[..8]).trim().to_owned();
        assert!(bytes[8..].iter().all(|byte| *byte == b'.'));
        say(&format!("{from} {number}:{}", bytes.len()));
    }
}

/// Reads slot after slot, goes, and at once writes to the one that was there.
fn leaver() {
    let (target, count, milliseconds) = numbers();
    let timeout = Duration::from_millis(milliseconds as u64);
    let mut writer = MailslotWriter::options().confirmed(true).open(target.as_str()).unwrap();
    let mut write = || {
        let confirmation = writer.write_confirmed(b"record", timeout).unwrap();
        confirmation.outcomes().map(|(_, outcome)| format!("{outcome:?}")).next().unwrap()
    };
    let name = format!(r"\\.\mailslot\{}", variable("SLOT"));
    for _ in 0..count {
        let slot = MailslotOptions::new().create(name.as_str()).unwrap();
        // The gateway makes a ring for the second, and with the third it looks whether somebody is there.
        assert_eq!([(); 3].map(|()| write()), ["Accepted"; 3]);
        drop(slot);
        say(&write());
    }
}

fn record(number: usize, len: usize) -> Vec<u8> {
    let mut bytes = format!("{number:8}").into_bytes();
    bytes.resize(len.max(8), b'.');
    bytes
}

fn numbers() -> (String, usize, usize) {
    (variable("TARGET"), variable("COUNT").parse().unwrap(), variable("SIZE").parse().unwrap())
}

fn writer() {
    let (target, count, size) = numbers();
    let mut writer = MailslotWriter::open(target.as_str()).unwrap();
    for number in 0..count {
        writer.write_timeout(&record(number, size), Duration::from_secs(50)).unwrap();
    }
    say(&writer.lost().to_string());
}

fn confirm() {
    let (target, count, milliseconds) = numbers();
    let timeout = Duration::from_millis(milliseconds as u64);
    let mut writer = MailslotWriter::options().confirmed(true).open(target.as_str()).unwrap();
    for number in 0..count {
        match writer.write_confirmed(&record(number, 50), timeout) {
            Ok(confirmation) => {
                let outcomes = confirmation.outcomes();
                let mut outcomes: Vec<_> =
                    outcomes.map(|(name, outcome)| format!("{name} {outcome:?}")).collect();
                outcomes.sort();
                say(&outcomes.join("\n"));
            }
            Err(mailslot::WriteError::ComputerNotFound(_)) => say("error: computer not found"),
            Err(error) => say(&format!("error: {error}")),
        }
    }
}

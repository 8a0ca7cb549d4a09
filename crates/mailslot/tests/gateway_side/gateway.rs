//! The gateway of the cases: it knows computer JOE and domain OFFICE, and keeps what it is sent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailslot::gateway::{
    Connection, Event, GatewayOptions, GatewayRecord, GatewaySlot, Outcome, TargetState,
};
use mailslot::{Host, ReadError};

use crate::support::PATIENCE;

pub(crate) const JOE: &str = r"\\JOE\mailslot\taxes\sue";
pub(crate) const OFFICE: &str = r"\\OFFICE\mailslot\taxes\sue";

/// This computer, as others call it.
pub(crate) const HERE: &str = "THISONE";

pub(crate) fn gateway() -> GatewaySlot {
    GatewayOptions::new(HERE).create().unwrap()
}

/// A gateway's memory of one connection.
pub(crate) struct Seen {
    pub(crate) connection: Arc<Connection>,
    /// The number of its first record.
    pub(crate) first: u64,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) closed: bool,
}

/// What a gateway does with what its slot tells, and checks of it.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) seen: HashMap<u64, Seen>,
    /// In the order they came.
    pub(crate) records: Vec<Vec<u8>>,
}

impl Desk {
    /// Takes in what happens next, and answers as [`Desk::answer`] does.
    pub(crate) fn serve(&mut self, slot: &GatewaySlot, timeout: Duration) -> bool {
        let mut events = Vec::new();
        match slot.receive(&mut events, 100, Some(timeout)) {
            Ok(()) => assert!(!events.is_empty()),
            Err(ReadError::TimedOut { .. }) => return false,
            Err(error) => panic!("{error}"),
        }
        for event in events {
            match event {
                Event::Opened(connection) => self.open(connection),
                Event::Record(record) => self.take(record),
                Event::Closed(connection) => {
                    let seen = self.seen.get_mut(&connection.id()).unwrap();
                    assert!(!seen.closed, "closed twice");
                    seen.closed = true;
                    assert!(!connection.tell_lost(1), "nobody is there to be told");
                }
                other => panic!("{other:?}"),
            }
        }
        true
    }

    /// Serves until `done`.
    pub(crate) fn until(&mut self, slot: &GatewaySlot, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "in vain");
            self.serve(slot, Duration::from_millis(50));
        }
    }

    pub(crate) fn closed(&self) -> usize {
        self.seen.values().filter(|seen| seen.closed).count()
    }

    fn open(&mut self, connection: Arc<Connection>) {
        let known = match connection.target().host() {
            Host::Named(name) => matches!(name.to_uppercase().as_str(), "JOE" | "OFFICE"),
            _ => true,
        };
        connection.tell_target(if known { TargetState::Known } else { TargetState::Unknown });
        let records = Vec::new();
        let seen = Seen { connection: connection.clone(), first: 0, records, closed: false };
        assert!(self.seen.insert(connection.id(), seen).is_none(), "an id came twice");
    }

    fn take(&mut self, record: GatewayRecord) {
        let seen = self.seen.get_mut(&record.connection.id()).expect("it was opened before");
        let confirmed = record.connection.is_confirmed();
        assert_eq!(
            (record.timeout.is_some(), record.connection.handle().is_some()),
            (confirmed, confirmed)
        );
        if confirmed && seen.records.is_empty() {
            seen.first = record.number;
        }
        assert!(!seen.closed && record.number == seen.first + seen.records.len() as u64);
        seen.records.push(record.bytes.clone());
        self.records.push(record.bytes.clone());
        if confirmed {
            let repeated = record.number > 0 && record.number == seen.first;
            answer(&record, repeated);
        }
    }
}

/// Answers as the record's first word asks for.
fn answer(record: &GatewayRecord, repeated: bool) {
    let word = String::from_utf8_lossy(&record.bytes);
    let reply = |last, outcomes: &[(Outcome, &str)]| {
        assert!(record.connection.reply(record.number, last, outcomes.iter().copied()));
    };
    match word.split(' ').next().unwrap_or_default() {
        "accept" => reply(true, &[(Outcome::Accepted, "JOE")]),
        "repeat" if !repeated => {}
        "repeat" => reply(true, &[(Outcome::Accepted, "JOE")]),
        "mixed" => {
            reply(false, &[(Outcome::NoAnswer, "JOE"), (Outcome::Full, "ANN")]);
            reply(false, &[(Outcome::Accepted, "JOE"), (Outcome::NoSuchSlot, "SUE")]);
            reply(true, &[(Outcome::Denied, "BOB")]);
        }
        "many" => {
            let names: Vec<String> = (0..3000).map(|n| format!("COMPUTER{n:04}")).collect();
            let outcomes: Vec<_> =
                names.iter().map(|name| (Outcome::Accepted, name.as_str())).collect();
            reply(true, &outcomes);
        }
        "partly" => reply(false, &[(Outcome::Accepted, "JOE")]),
        "none" => reply(true, &[]),
        "wrong" => {
            assert!(record.connection.reply(record.number + 1, true, [(Outcome::Accepted, "JOE")]));
        }
        "unknown" => assert!(record.connection.tell_target(TargetState::Unknown)),
        "late" => {
            std::thread::sleep(record.timeout.unwrap() * 2);
            reply(true, &[(Outcome::Accepted, "JOE")]);
        }
        _ => {}
    }
}

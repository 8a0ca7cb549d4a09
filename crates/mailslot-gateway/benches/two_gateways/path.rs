//! The two ways that records go.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mailslot::{Mailslot, MailslotOptions, MailslotWriter, NetworkAccess};
use mailslot_gateway::identity::Store;
use serde_json::json;
use zenoh::pubsub::Publisher;
use zenoh::qos::CongestionControl;
use zenoh::{Session, Wait};

use crate::record::Checker;

/// Nothing takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where records of a case go.
pub(crate) trait Target: Send {
    fn put(&mut self, record: &[u8]);

    /// All that was put has gone, as far as is known.
    fn check(&mut self) {}
}

/// Reads a slot until `checker` has all of its records.
pub(crate) fn take(slot: &mut Mailslot, mut checker: Checker) -> Checker {
    let mut buffer = vec![0; checker.size];
    let mut reader = slot.exclusive();
    while !checker.is_done() {
        let len = reader.read(&mut buffer).expect("a record in time");
        checker.check(&buffer[..len]);
    }
    checker
}

impl Target for MailslotWriter {
    fn put(&mut self, record: &[u8]) {
        self.write_timeout(record, PATIENCE).expect("to write");
    }

    fn check(&mut self) {
        assert_eq!(self.lost(), 0, "records are lost");
    }
}

/// A slot of this computer.
pub(crate) fn slot(name: &str) -> Mailslot {
    let mut options = MailslotOptions::new();
    options.network(NetworkAccess::Domains).read_timeout(Some(PATIENCE));
    options.create(format!(r"\\.\mailslot\{name}").as_str()).expect("to create a slot")
}

/// A slot of JOE.
pub(crate) fn writer(name: &str) -> MailslotWriter {
    MailslotWriter::open(format!(r"\\JOE\mailslot\{name}").as_str()).expect("to open a slot")
}

/// A session with the certificates of the computer of `store`, as a gateway's is, but otherwise as
/// Zenoh comes.
pub(crate) fn session(store: &Path, listen: Option<&str>, connect: Option<&str>) -> Session {
    let identity = Store::at(store).identities().expect("an identity").remove(0);
    let pem = |text: &str| STANDARD.encode(text);
    let config = json!({
        "mode": "peer",
        "listen": { "endpoints": listen.iter().map(|a| format!("tls/{a}")).collect::<Vec<_>>() },
        "connect": { "endpoints": connect.iter().map(|a| format!("tls/{a}")).collect::<Vec<_>>() },
        "scouting": { "multicast": { "enabled": false }, "gossip": { "enabled": false } },
        "transport": { "link": { "protocols": ["tls"], "tls": {
            "root_ca_certificate_base64": pem(&identity.authority_certificate),
            "enable_mtls": true,
            "listen_private_key_base64": pem(&identity.key),
            "listen_certificate_base64": pem(&identity.certificate),
            "connect_private_key_base64": pem(&identity.key),
            "connect_certificate_base64": pem(&identity.certificate),
            "verify_name_on_connect": false,
        } } },
    });
    let config = zenoh::Config::from_json5(&config.to_string()).expect("a configuration");
    zenoh::open(config).wait().expect("to open a session")
}

/// Records are checked where Zenoh hands them over.
pub(crate) struct Subscriber(Arc<(Mutex<Option<Checker>>, Condvar)>);

impl Subscriber {
    pub(crate) fn new(session: &Session, key: &'static str) -> Self {
        let shared = Arc::<(Mutex<Option<Checker>>, Condvar)>::default();
        let theirs = shared.clone();
        let subscriber = session.declare_subscriber(key).callback(move |sample| {
            let mut checker = theirs.0.lock().expect("no panic");
            let expected = checker.as_mut().expect("records are expected");
            expected.check(&sample.payload().to_bytes());
            if expected.is_done() {
                theirs.1.notify_all();
            }
        });
        // For as long as the session.
        subscriber.background().wait().expect("to subscribe");
        Self(shared)
    }

    /// Before the first record can come.
    pub(crate) fn expect(&mut self, checker: Checker) {
        *self.0.0.lock().expect("no panic") = Some(checker);
    }

    pub(crate) fn finish(&mut self) -> Checker {
        let checker = self.0.0.lock().expect("no panic");
        let waits = |checker: &mut Option<Checker>| checker.as_ref().is_some_and(|c| !c.is_done());
        let (mut checker, _) =
            self.0.1.wait_timeout_while(checker, PATIENCE, waits).expect("no panic");
        let checker = checker.take().expect("was put there");
        assert!(checker.is_done(), "{} of {} records came", checker.next, checker.count);
        checker
    }
}

impl Target for Publisher<'static> {
    fn put(&mut self, record: &[u8]) {
        Publisher::put(self, record).wait().expect("to put");
    }
}

/// Nothing is dropped: who puts waits.
pub(crate) fn publisher(session: &Session, key: &'static str) -> Publisher<'static> {
    let publisher = session.declare_publisher(key).congestion_control(CongestionControl::Block);
    let publisher = publisher.wait().expect("to declare a publisher");
    while !publisher.matching_status().wait().expect("a status").matching() {
        std::thread::sleep(Duration::from_millis(5));
    }
    publisher
}

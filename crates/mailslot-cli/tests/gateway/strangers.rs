//! Who has no business with a gateway, on a network of their own: nothing arrives, nothing is heard, the
//! gateway serves the others, stays small, and says what happened without filling its log.

use std::time::{Duration, Instant};

use crate::lan::Lan;
use crate::python::Program;
use crate::util::{Computer, Reader, eventually};

/// Of a gateway at work, in KiB. Idle it has some 30 MiB; the largest messages and the queues for them,
/// some 100. The attacks send 400 MB.
const MEMORY: u64 = 250 * 1024;
/// What the attacker looks for.
const SECRET: &str = "the secret of the record";
/// No attack goes on for so long.
const LONGEST: Duration = Duration::from_secs(300);
const REVOKED_WITHIN: Duration = Duration::from_secs(10);

/// SUE, whom all attacks are for, JOE, whom she is to be there for, and where MALLORY sits.
struct Scene {
    lan: Lan,
    sue: Computer,
    joe: Computer,
    mallory: Computer,
    address: String,
    slot: Reader,
    expected: Vec<String>,
    began: Instant,
}

impl Scene {
    fn new() -> Self {
        let mut lan = Lan::new();
        let mut sue = lan.computer("SUE");
        let address = format!("{}:7450", lan.last_address());
        sue.configure("[network]\nlisten = ['0.0.0.0:7450']\ninterface = 'eth0'\ndirect = 7451\n");
        let (mut joe, mallory) = (lan.computer("JOE"), lan.computer("MALLORY"));
        sue.meets(&mut joe);
        let slot = sue.read("x");
        let began = Instant::now();
        Self { lan, sue, joe, mallory, address, slot, expected: vec![], began }
    }

    /// A file by which `name` could join.
    fn invitation(&self, name: &str, lifetime: &str) -> String {
        let file = self.sue.path(&format!("{name}.invite"));
        let file = file.to_str().unwrap();
        self.sue.ok(&["domain", "invite", name, "--output", file, "--expires", lifetime]);
        file.to_owned()
    }

    fn attack(&self, mode: &str, identity: &str) -> Program {
        Program::start(&self.mallory, "attack", &[mode, identity, &self.address])
    }

    /// JOE writes to SUE until the attack is over.
    #[track_caller]
    fn goes_on_during(&mut self, attack: &Program) {
        attack.says("begins");
        let start = Instant::now();
        while !attack.lines().iter().any(|line| line == "done") {
            assert!(
                attack.lines().iter().all(|line| !line.contains("Traceback")),
                "{:?}",
                attack.lines()
            );
            assert!(start.elapsed() < LONGEST, "the attack doesn't end: {:?}", attack.lines());
            let record = format!("{SECRET} {}", self.expected.len());
            let written = ["write", "--confirm", "--timeout", "60s", "//SUE/mailslot/x", &record];
            assert_eq!(self.joe.ok(&written), "SUE  accepted\n");
            self.expected.push(record);
        }
        assert!(!attack.lines().iter().any(|line| line == "leaked"));
    }

    /// What JOE wrote has arrived and nothing else, and SUE's gateway is well.
    #[track_caller]
    fn is_well(&self) {
        let expected: Vec<_> = self.expected.iter().map(String::as_str).collect();
        self.slot.gets(&expected);
        let [most] = self.sue.memory_of(["VmHWM:"]);
        println!("at most {} MiB after {:?}", most / 1024, self.began.elapsed());
        assert!(most < MEMORY, "{most} KiB");
    }

    /// The lines of SUE's log that say so: some, and at most one every ten seconds of each kind.
    #[track_caller]
    fn logs(&self, what: &str) {
        let lines = || self.sue.log().lines().filter(|line| line.contains(what)).count();
        eventually("it is in the log", || lines() > 0);
        let most = 2 + self.began.elapsed().as_secs() as usize / 10;
        assert!(lines() <= most, "{} lines", lines());
        assert!(self.sue.log().lines().count() < 100);
    }
}

/// Without a certificate, with one of another domain of the same name, and with one that has expired.
pub(crate) fn strangers_get_no_connection() {
    let mut scene = Scene::new();
    let own = scene.invitation("ANN", "1h");
    let expired = scene.invitation("OLD", "1s");
    let foreign = scene.mallory.path("foreign.invite");
    let foreign = foreign.to_str().unwrap().to_owned();
    scene.mallory.ok(&["domain", "create", "WORKGROUP", "--computer", "SUE"]);
    scene.mallory.ok(&["domain", "invite", "JOE", "--output", &foreign]);
    eventually("the invitation has expired", || {
        let joined = scene.mallory.run(&["domain", "join", &expired]);
        !joined.status.success() && String::from_utf8_lossy(&joined.stderr).contains("expired")
    });
    for (mode, identity) in [("nobody", &own), ("stranger", &foreign), ("stranger", &expired)] {
        let attack = scene.attack(mode, identity);
        scene.goes_on_during(&attack);
        assert_eq!(attack.says("heard "), "0", "{mode}");
    }
    scene.is_well();
    scene.logs("refused");
}

pub(crate) fn a_member_neither_forges_nor_reads_nor_floods() {
    let mut scene = Scene::new();
    let invitation = scene.invitation("ANN", "1h");
    let attack = scene.attack("member", &invitation);
    scene.goes_on_during(&attack);
    // It did sit in the middle.
    assert_ne!(attack.says("heard "), "0");
    scene.is_well();
    scene.logs("thrown away");
}

pub(crate) fn garbage_on_every_port_harms_nobody() {
    let mut scene = Scene::new();
    let invitation = scene.invitation("ANN", "1h");
    let attack = scene.attack("ports", &invitation);
    scene.goes_on_during(&attack);
    scene.is_well();
    scene.logs("refused");
    // Somebody new still gets in.
    let mut eve = scene.lan.computer("EVE");
    scene.sue.invite(&eve);
    eve.start();
    eve.reaches(&scene.sue);
    scene.sue.reaches(&eve);
}

/// Who connects to the port of direct connections, and isn't who it says, or says nothing, in bulk.
pub(crate) fn garbage_for_direct_connections_harms_nobody() {
    let mut scene = Scene::new();
    let invitation = scene.invitation("ANN", "1h");
    eventually("they are connected directly", || scene.sue.goes(&scene.joe) == "direct");
    scene.address = scene.address.replace("7450", "7451");
    let attack = scene.attack("direct", &invitation);
    scene.goes_on_during(&attack);
    assert_eq!(attack.says("heard "), "0");
    scene.is_well();
    scene.logs("turned away");
    assert_eq!(scene.sue.goes(&scene.joe), "direct");
    // Somebody new still gets in.
    let mut eve = scene.lan.computer("EVE");
    scene.sue.invite(&eve);
    eve.start();
    eventually("she is connected directly", || scene.sue.goes(&eve) == "direct");
}

/// Also for one whose gateway doesn't go by the list, and while another sees to it that JOE misses the list
/// that is sent to him.
pub(crate) fn a_revoked_member_is_out_everywhere_in_time() {
    let mut scene = Scene::new();
    let invitation = scene.invitation("ANN", "1h");
    scene.joe.configure("[network]\ninterface = 'eth0'\n");
    let at_joe = scene.joe.read("x");
    let mut ann = Program::start(&scene.mallory, "client", &[&invitation, "inbox", "--on", "eth0"]);
    ann.says("reaches sue");
    ann.says("reaches joe");
    for computer in ["sue", "joe"] {
        ann.tell(&format!("write {computer} x before"));
    }
    at_joe.gets(&["before"]);
    scene.expected.push("before".into());
    scene.is_well();
    let bob = scene.invitation("BOB", "1h");
    let flood = scene.attack("flood", &bob);
    flood.says("begins");
    eventually("JOE notices", || scene.joe.log().contains("thrown away"));
    let start = Instant::now();
    scene.sue.ok(&["domain", "revoke", "ANN"]);
    for computer in [&scene.sue, &scene.joe] {
        let unknown =
            || computer.run(&["ping", "ANN", "--timeout", "1s"]).status.code() == Some(11);
        eventually("ANN is unknown", unknown);
    }
    println!("revoked everywhere after {:?}", start.elapsed());
    assert!(start.elapsed() < REVOKED_WITHIN, "{:?}", start.elapsed());
    drop(flood);
    for computer in ["sue", "joe"] {
        for _ in 0..20 {
            ann.tell(&format!("write {computer} x after"));
        }
    }
    // She has sent, and was heard: it is thrown away.
    scene.logs("thrown away");
    eventually("JOE says so, too", || scene.joe.log().contains("thrown away"));
    scene.is_well();
    assert_eq!(at_joe.lines(), ["before"]);
}

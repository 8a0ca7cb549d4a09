//! A gateway whose socket a service manager has made.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::loopback::two;
use crate::python::Program;
use crate::util::{Computer, PROGRAM, eventually};

/// A service manager for the gateway of a computer.
struct Manager(Program);

impl Manager {
    fn start(on: &Computer, path: &str, name: &str) -> Self {
        let path = on.path(path);
        let args = [path.to_str().unwrap(), name, PROGRAM, "gateway"];
        let program = Program::start_plain(on, "activate", &args);
        program.says("listening");
        Self(program)
    }

    /// How often it has started the gateway.
    fn starts(&self) -> usize {
        self.0.lines().iter().filter(|line| line.starts_with("started")).count()
    }

    /// Ends the gateway that runs, and waits for that.
    #[track_caller]
    fn end(&self, signal: Signal, code: &str) {
        let lines = self.0.lines();
        let pid = lines.iter().rev().find_map(|line| line.strip_prefix("started ")).unwrap();
        kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), signal).unwrap();
        let ended = format!("ended {code}");
        eventually(&ended, || self.0.lines().last().is_some_and(|line| *line == ended));
    }
}

pub(crate) fn who_writes_before_the_gateway_is_up_is_served() {
    let (mut sue, joe) = two();
    sue.knows_as_member(&joe);
    sue.signal(Signal::TERM);
    assert_eq!(sue.gateway().ends(), Some(0));
    let slot = joe.read("x");
    let manager = Manager::start(&sue, "slots/mailslot-gateway/s", "gateway");
    assert_eq!(sue.run(&["gateway", "status"]).status.code(), Some(10), "none runs");
    assert_eq!(manager.starts(), 0);
    // The writer has gone before anybody has read what it wrote.
    sue.ok(&["write", "//JOE/mailslot/x", "before"]);
    slot.gets(&["before"]);
    assert_eq!(manager.starts(), 1);
    sue.ok(&["gateway", "status"]);
    let second = sue.run(&["gateway"]);
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("is this computer's gateway already"), "{error}");

    // The socket outlives the gateway, however that ends, and isn't used by its end.
    manager.end(Signal::TERM, "0");
    assert_eq!(manager.starts(), 1);
    assert_eq!(sue.run(&["gateway", "status"]).status.code(), Some(10), "none runs");
    sue.ok(&["write", "//JOE/mailslot/x", "after a stop"]);
    slot.gets(&["before", "after a stop"]);
    manager.end(Signal::KILL, "-9");
    let confirm = ["write", "--confirm", "--timeout", "60s", "//JOE/mailslot/x", "after a kill"];
    assert_eq!(sue.ok(&confirm), "JOE  accepted\n");
    slot.gets(&["before", "after a stop", "after a kill"]);
    manager.end(Signal::TERM, "0");
    // Starting one by hand would take the place of the service manager's.
    let by_hand = sue.run(&["gateway"]);
    let error = String::from_utf8(by_hand.stderr).unwrap();
    assert!(error.contains("systemctl stop mailslot-gateway.socket"), "{error}");
}

pub(crate) fn what_is_no_gateways_socket_is_refused() {
    let sue = Computer::new("SUE", None, "lo");
    for (set, descriptor, expected) in [
        ("LISTEN_FDS=2", "3</dev/null", "it takes one, and LISTEN_FDS says that there are 2"),
        ("LISTEN_FDS=all", "3</dev/null", "LISTEN_FDS is \"all\", which is no number"),
        ("LISTEN_FDS=1 LISTEN_FDNAMES=web", "3</dev/null", "LISTEN_FDNAMES says \"web\""),
        ("LISTEN_FDS=1", "3<&-", "there is no descriptor 3"),
        ("LISTEN_FDS=1", "3</dev/null", "descriptor 3 is no socket, but \"/dev/null\""),
    ] {
        let line = format!("LISTEN_PID=$$ {set} exec {PROGRAM} gateway {descriptor}");
        let mut command: Command = sue.program("sh");
        let out = command.args(["-c", &line]).output().unwrap();
        let error = String::from_utf8(out.stderr).unwrap();
        assert!(out.status.code() == Some(1) && error.contains(expected), "{line}: {error}");
    }
    // A right one, at a place where nobody would look for it.
    let manager = Manager::start(&sue, "slots/elsewhere", "gateway");
    sue.program("python3")
        .args(["-c", "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])"])
        .arg(sue.path("slots/elsewhere"))
        .status()
        .unwrap();
    manager.0.says("ended 1");
    manager.0.says("mailslot: cannot start the gateway: cannot create");
    assert!(manager.0.lines().iter().any(|line| line.contains("programs look for the gateway at")));

    // Another process's sockets are none of ours.
    let line = format!("LISTEN_PID=1 LISTEN_FDS=1 exec {PROGRAM} gateway 3</dev/null");
    let mut command = sue.program("sh");
    let mut gateway = crate::util::Running::start(command.args(["-c", &line]), &sue.path("log"));
    eventually("it starts", || sue.log().contains("ready"));
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.ends(), Some(0));
}

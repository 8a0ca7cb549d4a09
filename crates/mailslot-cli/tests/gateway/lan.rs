//! Networks between network namespaces: bridges, cables and bad lines.

use std::process::{Command, Stdio, id};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::util::{Computer, Running, eventually};

/// A bridge in a namespace of its own, and a namespace for each computer. Gone when dropped.
pub(crate) struct Lan {
    tag: String,
    number: u32,
    ports: u32,
    namespaces: Vec<String>,
    lines: Vec<Running>,
    /// Its computers do without direct connections.
    relayed: bool,
}

/// What a bad line does to all that goes through it, in each direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    pub(crate) delay_millis: u32,
    pub(crate) loss_percent: u32,
    /// Bits a second; 0 for no limit.
    pub(crate) rate: u32,
    /// While the computer behind it has a file `closed`, TCP doesn't get through from or to this port.
    pub(crate) port: u16,
}

static LANS: AtomicU32 = AtomicU32::new(0);

fn ip(args: &str) {
    let out = Command::new("ip").args(args.split(' ')).output().unwrap();
    assert!(out.status.success(), "ip {args}: {out:?}");
}

impl Lan {
    pub(crate) fn new() -> Self {
        // The pid and a number: tests run at the same time.
        let number = LANS.fetch_add(1, Ordering::Relaxed);
        let tag = format!("ms{}-{number}", id());
        // To compare the two ways by hand.
        let relayed = std::env::var_os("MAILSLOT_TEST_THROUGH_ZENOH").is_some();
        let mut lan = Self { tag, number, ports: 0, namespaces: vec![], lines: vec![], relayed };
        let bridge = lan.namespace("bridge");
        ip(&format!("-n {bridge} link add br0 type bridge"));
        ip(&format!("-n {bridge} link set br0 up"));
        lan
    }

    /// One on which all goes through Zenoh.
    pub(crate) fn through_zenoh() -> Self {
        let mut lan = Self::new();
        lan.relayed = true;
        lan
    }

    fn namespace(&mut self, name: &str) -> String {
        let namespace = format!("{}-{name}", self.tag);
        ip(&format!("netns add {namespace}"));
        self.namespaces.push(namespace.clone());
        namespace
    }

    fn bridge(&self) -> String {
        format!("{}-bridge", self.tag)
    }

    /// A computer on the bridge.
    pub(crate) fn computer(&mut self, name: &str) -> Computer {
        let namespace = self.namespace(name);
        self.plug(&namespace, "eth0");
        self.new_computer(name, &namespace)
    }

    fn new_computer(&self, name: &str, namespace: &str) -> Computer {
        let computer = Computer::new(name, Some(namespace), "eth0");
        if self.relayed {
            computer.configure("[network]\ninterface = 'eth0'\ndirect = false\n");
        }
        computer
    }

    /// Plugs a computer of another network into this one, too.
    pub(crate) fn plug_into(&mut self, computer: &Computer, interface: &str) {
        self.plug(computer.namespace().unwrap(), interface);
    }

    /// The address of what was plugged in last.
    pub(crate) fn last_address(&self) -> String {
        format!("10.99.{}.{}", self.number % 250, self.ports)
    }

    fn plug(&mut self, namespace: &str, interface: &str) {
        let (bridge, n) = (self.bridge(), self.ports + 1);
        ip(&format!(
            "-n {namespace} link add {interface} type veth peer name port{n} netns {bridge}"
        ));
        self.configure(namespace, interface);
    }

    /// A computer at the end of a bad line.
    pub(crate) fn computer_behind(&mut self, line: Line, name: &str) -> Computer {
        let (namespace, bridge, n) = (self.namespace(name), self.bridge(), self.ports + 1);
        let computer = self.new_computer(name, &namespace);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/relay.py");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &bridge, "python3", script]);
        command.args([format!("port{n}"), format!("far{n}")]);
        command.args([line.delay_millis, line.loss_percent, line.rate].map(|n| n.to_string()));
        command.arg(line.port.to_string()).arg(computer.path("closed"));
        let log = computer.path("line");
        self.lines.push(Running::start(command.stdin(Stdio::null()), &log));
        eventually("the line exists", || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("ready"))
        });
        ip(&format!("-n {bridge} link set far{n} netns {namespace} name eth0"));
        self.configure(&namespace, "eth0");
        computer
    }

    fn configure(&mut self, namespace: &str, interface: &str) {
        self.ports += 1;
        let (bridge, n) = (self.bridge(), self.ports);
        ip(&format!("-n {bridge} link set port{n} master br0"));
        ip(&format!("-n {bridge} link set port{n} up"));
        ip(&format!("-n {namespace} addr add {}/24 dev {interface}", self.last_address()));
        ip(&format!("-n {namespace} link set lo up"));
        ip(&format!("-n {namespace} link set {interface} up"));
    }

    /// Plugs the cable that was laid as number `n`, or pulls it.
    pub(crate) fn cable(&self, n: u32, state: &str) {
        ip(&format!("-n {} link set port{n} {state}", self.bridge()));
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        self.lines.clear();
        for namespace in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "del", namespace]).output();
        }
    }
}

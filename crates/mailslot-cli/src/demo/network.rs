//! Two computers on this machine: each is a directory of slots, one of keys, and a gateway. The
//! gateways meet over loopback.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::lines::Lines;
use super::part::SLOT;
use super::processes::Process;
use super::show::{PATIENCE, Show};
use super::{PART, myself};
use crate::exit::Exit;

/// The slot on every computer of the domain.
const EVERYWHERE: &str = "//*/mailslot/taxes/sue";

struct Computer {
    name: &'static str,
    dir: PathBuf,
    running: Option<Running>,
}

/// What a computer that is on runs.
struct Running {
    _reader: Process,
    records: Lines,
    _gateway: Process,
    /// Read on, so that the gateway never waits for us.
    _log: Lines,
}

impl Computer {
    fn new(name: &'static str, place: &Path, network: &str) -> anyhow::Result<Self> {
        let dir = place.join(name);
        for part in ["slots", "config"] {
            fs::create_dir_all(dir.join(part))?;
        }
        fs::write(dir.join("config/config.toml"), format!("[network]\n{network}"))?;
        Ok(Self { name, dir, running: None })
    }

    /// This program on that computer.
    fn myself(&self) -> anyhow::Result<Command> {
        let mut command = myself()?;
        command.current_dir(&self.dir).env("MAILSLOT_DIR", self.dir.join("slots"));
        command.env("MAILSLOT_CONFIG_DIR", self.dir.join("config"));
        Ok(command)
    }

    /// Starts `mailslot ARGS`, to end with the demo.
    fn start(&self, args: &str) -> anyhow::Result<Process> {
        let part = format!("command {} {args}", std::process::id());
        Process::spawn(self.myself()?.arg("demo").env(PART, part))
    }

    fn start_all(&mut self) -> anyhow::Result<()> {
        let mut reader = self.start(&format!("read --format json {SLOT}"))?;
        let records = reader.output()?;
        let mut gateway = self.start("gateway")?;
        let mut log = gateway.errors()?;
        let mut said = String::new();
        while !said.contains("ready") {
            said = log.next().with_context(|| format!("{}'s gateway: {said}", self.name))?;
        }
        self.running = Some(Running { _reader: reader, records, _gateway: gateway, _log: log });
        Ok(())
    }

    /// The next record of its slot, which is to be this one, written on SUE.
    fn receive(&mut self, text: &str) -> anyhow::Result<Value> {
        let running = self.running.as_mut().context("the computer is off")?;
        let line = running.records.next().with_context(|| format!("{} got nothing", self.name))?;
        let record: Value = serde_json::from_str(&line)?;
        let wanted = record["text"] == text && record["computer"] == "SUE";
        ensure!(wanted, "{} got another record: {line}", self.name);
        Ok(record)
    }
}

impl Show {
    pub(super) fn two_computers(&mut self) -> anyhow::Result<()> {
        let place = mailslot::registry_root();
        // Anybody could take a port of 127.0.0.1 before the gateway does.
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 77, high, low);
        let address = TcpListener::bind((address, 0))?.local_addr()?;
        let network = |rest: &str| format!("multicast = false\n{rest}");
        let listen = network(&format!("listen = ['{address}']\n"));
        let peers = network(&format!("listen = ['127.0.0.1:0']\npeers = ['{address}']\n"));
        let mut sue = Computer::new("SUE", &place, &listen)?;
        let mut joe = Computer::new("JOE", &place, &peers)?;
        self.join(&mut sue, &mut joe)?;
        self.write_to_all(&mut sue, &mut joe)?;
        self.confirmed(&mut sue, &mut joe)?;
        self.one_goes_away(&mut sue, &mut joe)
    }

    fn join(&mut self, sue: &mut Computer, joe: &mut Computer) -> anyhow::Result<()> {
        self.step(
            "Two computers, SUE and JOE, each a few directories on this machine, meet here:",
        )?;
        self.on(sue, &["domain", "create", "WORKGROUP", "--computer", "SUE"])?.succeed()?;
        self.on(sue, &["domain", "invite", "JOE", "--output", "../joe.invite"])?.succeed()?;
        self.on(joe, &["domain", "join", "../joe.invite"])?.succeed()?;
        for computer in [&mut *sue, joe] {
            computer.start_all()?;
            self.typed(computer, &["gateway"])?;
            self.typed(computer, &["read", SLOT])?;
        }
        Self::meet(sue)
    }

    /// A computer that is only invited becomes known when the two gateways meet.
    fn meet(sue: &Computer) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let ping = &["ping", "JOE", "--timeout", "5s"];
            let output = Process::spawn(sue.myself()?.args(ping).stdin(Stdio::null()))?.finish()?;
            if output.status.success() {
                return Ok(());
            }
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(began.elapsed() < PATIENCE, "the two computers don't meet: {said}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn write_to_all(&mut self, sue: &mut Computer, joe: &mut Computer) -> anyhow::Result<()> {
        self.step(r"One write to \\*\ reaches every computer, the writer's own too:")?;
        let answered = self.on(sue, &["ping", "JOE", "--timeout", "20s"])?.succeed()?;
        self.show(answered)?;
        let words = "Who has form 1040?";
        self.on(sue, &["write", EVERYWHERE, words])?.succeed()?;
        self.show(format!("{:<10}{:<22}{:<12}RECORD", "READ ON", "FROM", "USER"))?;
        for computer in [sue, joe] {
            let record = computer.receive(words)?;
            let field = |name: &str| record[name].as_str().unwrap_or("?").to_owned();
            let from = format!("{} of {}", field("computer"), field("domain"));
            self.show(format!("{:<10}{from:<22}{:<12}{words}", computer.name, field("user")))?;
        }
        Ok(())
    }

    fn confirmed(&mut self, sue: &mut Computer, joe: &mut Computer) -> anyhow::Result<()> {
        self.step("A confirmed write waits, and says what became of it on each computer:")?;
        let words = "Send it to me, please.";
        let said = self.on(sue, &["write", "--confirm", EVERYWHERE, words])?.succeed()?;
        ensure!(said == "JOE  accepted\nSUE  accepted\n", "it was confirmed otherwise: {said}");
        self.show(said)?;
        sue.receive(words)?;
        joe.receive(words)?;
        Ok(())
    }

    fn one_goes_away(&mut self, sue: &mut Computer, joe: &mut Computer) -> anyhow::Result<()> {
        self.step("JOE goes away (kill -9). Its silence is no success, and delays nobody:")?;
        joe.running = None;
        let words = "The office closes at five.";
        let args = ["write", "--confirm", "--timeout", "2s", EVERYWHERE, words];
        let output = self.on(sue, &args)?.finish()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let code = Some(Exit::NotEverywhere.code().into());
        let wanted = said == "JOE  no answer\nSUE  accepted\n" && output.status.code() == code;
        ensure!(wanted, "JOE is gone, and yet: {said} ({})", output.status);
        self.show(&said)?;
        sue.receive(words)?;
        joe.start_all()?;
        joe.receive(words)?;
        self.show("JOE is back, and has got what waited for it.")?;
        let last = "See you tomorrow.";
        self.on(sue, &["write", "--confirm", EVERYWHERE, last])?.succeed()?;
        // So what had waited came once.
        sue.receive(last)?;
        joe.receive(last)?;
        Ok(())
    }

    /// Starts a command on a computer, and shows it as one would type it there.
    fn on(&mut self, computer: &Computer, args: &[&str]) -> anyhow::Result<Process> {
        self.typed(computer, args)?;
        Process::spawn(computer.myself()?.args(args).stdin(Stdio::null()))
    }

    fn typed(&mut self, computer: &Computer, args: &[&str]) -> anyhow::Result<()> {
        self.show_command(&format!("{}$", computer.name.to_lowercase()), args)
    }
}

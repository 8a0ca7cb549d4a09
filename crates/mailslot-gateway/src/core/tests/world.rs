//! Computers, a network between them, and a record of all that was written and that arrived.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use mailslot_wire::name::SlotName;

use super::super::*;
use crate::transport::{Domain, SendError};

/// What the network does to frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    /// Of 1000.
    pub(super) loss: u64,
    /// Of 1000.
    pub(super) double: u64,
    /// Of 1000.
    pub(super) busy: u64,
    pub(super) delay: Duration,
    /// What may come on top of the delay, so that frames overtake each other.
    pub(super) spread: Duration,
    /// Bytes a second that go each way; 0 for no limit.
    pub(super) rate: u64,
}

impl Faults {
    pub(super) const NONE: Faults = Faults {
        loss: 0,
        double: 0,
        busy: 0,
        delay: Duration::from_millis(1),
        spread: Duration::ZERO,
        rate: 0,
    };
}

pub(super) struct Node {
    pub(super) core: Core,
    pub(super) id: PeerId,
    pub(super) running: bool,
    deliveries: HashMap<u64, Delivery>,
    journal: HashMap<(Option<PeerId>, WriterId), Restored>,
    /// Dies at the next delivery: before it, or after.
    pub(super) dies: Option<bool>,
    pub(super) answers: HashMap<u64, Option<Vec<u8>>>,
}

pub(super) struct Program {
    pub(super) node: usize,
    pub(super) id: WriterId,
    pub(super) path: String,
    who: Writer,
    /// The length of its last record.
    len: usize,
    pub(super) written: u64,
    pub(super) lost: u64,
    pub(super) state: Option<TargetState>,
    /// Its gateway takes none of its records for now.
    pub(super) held: bool,
    /// How many times its gateway had been started when it came.
    start: u64,
}

/// When it arrives, a number, where from, where to, and the frame.
type InTransit = (Time, u64, usize, usize, Vec<u8>);

pub(super) struct World {
    pub(super) now: Time,
    pub(super) random: Random,
    pub(super) nodes: Vec<Node>,
    starts: Vec<u64>,
    pub(super) faults: Faults,
    pub(super) cuts: HashSet<(usize, usize)>,
    network: BinaryHeap<Reverse<InTransit>>,
    /// Until when each way is busy with what was sent.
    busy: HashMap<(usize, usize), Time>,
    sent: u64,
    pub(super) programs: Vec<Program>,
    /// By computer and program: the sequence numbers, and when.
    pub(super) arrived: HashMap<(usize, u64), Vec<(u64, Time)>>,
    /// By program and sequence number.
    pub(super) confirmed: HashMap<(u64, u64), Vec<(String, Outcome)>>,
    config: Config,
}

/// What a slot does with a record: its name says.
pub(super) fn outcome_of(path: &str, sequence: u64) -> Outcome {
    match path {
        "none" => Outcome::NoSuchSlot,
        "closed" => Outcome::Denied,
        "full" if sequence % 3 == 1 => Outcome::Full,
        _ => Outcome::Accepted,
    }
}

/// A record whose bytes say whose it is.
pub(super) fn record(program: u64, sequence: u64, len: usize) -> Vec<u8> {
    let mut bytes = [program.to_le_bytes(), sequence.to_le_bytes()].concat();
    let pattern: Vec<u8> = (0..251).map(|at| (program ^ sequence) as u8 ^ at).collect();
    while bytes.len() < len {
        bytes.extend(&pattern[..pattern.len().min(len - bytes.len())]);
    }
    bytes
}

impl World {
    pub(super) fn new(computers: usize, seed: u64) -> World {
        let config = Config { queue: 4 * 1024 * 1024, ..Config::new(8192) };
        let mut world = World {
            now: Time::from_secs(1),
            random: Random::new(seed),
            nodes: Vec::new(),
            starts: vec![0; computers],
            faults: Faults::NONE,
            cuts: HashSet::new(),
            network: BinaryHeap::new(),
            busy: HashMap::new(),
            sent: 0,
            programs: Vec::new(),
            arrived: HashMap::new(),
            confirmed: HashMap::new(),
            config,
        };
        for index in 0..computers {
            let core = world.core(computers, index);
            world.nodes.push(Node {
                core,
                id: PeerId::new("WORKGROUP", &format!("PC{index}")),
                running: true,
                deliveries: HashMap::new(),
                journal: HashMap::new(),
                dies: None,
                answers: HashMap::new(),
            });
        }
        for index in 0..computers {
            world.meet(index);
        }
        world
    }

    fn core(&mut self, computers: usize, index: usize) -> Core {
        let mut core = Core::new(self.config, self.random.next());
        let name = |index| format!("PC{index}");
        let membership = Membership {
            domains: vec![Domain {
                name: "WORKGROUP".into(),
                own: name(index),
                // As from the transport: without this one.
                computers: (0..computers).filter(|other| *other != index).map(name).collect(),
                invited: Vec::new(),
            }],
        };
        core.handle(self.now, Input::Membership(membership));
        core
    }

    /// All running computers and this one hear of each other.
    fn meet(&mut self, index: usize) {
        for other in 0..self.nodes.len() {
            if other != index && self.nodes[other].running && self.nodes[index].running {
                let (a, b) = (self.nodes[index].id.clone(), self.nodes[other].id.clone());
                self.nodes[other].core.handle(self.now, Input::Up(a));
                self.nodes[index].core.handle(self.now, Input::Up(b));
            }
        }
    }

    pub(super) fn chance(&mut self, of_1000: u64) -> bool {
        self.random.next() % 1000 < of_1000
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.random.next() % limit
    }

    pub(super) fn open(&mut self, node: usize, host: &str, path: &str, confirmed: bool) -> u64 {
        let program = self.programs.len() as u64;
        let id = WriterId(
            [self.random.next().to_le_bytes(), program.to_le_bytes()].concat().try_into().unwrap(),
        );
        let target = SlotName::parse(&format!(r"\\{host}\mailslot\{path}")).unwrap();
        let who = Writer { id, target, confirmed, pid: 1, user: "sue".into() };
        self.programs.push(Program {
            node,
            id,
            path: path.into(),
            who: who.clone(),
            len: 0,
            written: 0,
            lost: 0,
            state: None,
            held: false,
            start: self.starts[node],
        });
        self.nodes[node].core.handle(self.now, Input::Open { writer: program, who });
        self.work(node);
        program
    }

    pub(super) fn alive(&self, program: u64) -> bool {
        let program = &self.programs[program as usize];
        self.nodes[program.node].running && program.start == self.starts[program.node]
    }

    /// Gives the record's number.
    pub(super) fn write(&mut self, program: u64, len: usize, timeout: Duration) -> u64 {
        let known = &mut self.programs[program as usize];
        let (node, sequence) = (known.node, known.written);
        known.written += 1;
        known.len = len;
        let bytes = record(program, sequence, len);
        let input = Input::Write { writer: program, sequence, bytes, timeout };
        self.nodes[node].core.handle(self.now, input);
        self.work(node);
        sequence
    }

    /// A program with confirmed records finds its gateway started anew, and repeats the last record
    /// if it has heard nothing of it.
    pub(super) fn come_back(&mut self, program: u64, timeout: Duration) {
        let known = &mut self.programs[program as usize];
        known.start = self.starts[known.node];
        let (node, who, written, len) = (known.node, known.who.clone(), known.written, known.len);
        self.nodes[node].core.handle(self.now, Input::Open { writer: program, who });
        self.work(node);
        if written > 0 && !self.confirmed.contains_key(&(program, written - 1)) {
            self.programs[program as usize].written -= 1;
            self.write(program, len, timeout);
        }
    }

    /// Whether it can come back.
    pub(super) fn waits_for_gateway(&self, program: u64) -> bool {
        let known = &self.programs[program as usize];
        known.who.confirmed && self.nodes[known.node].running && !self.alive(program)
    }

    pub(super) fn close(&mut self, program: u64) {
        let node = self.programs[program as usize].node;
        self.nodes[node].core.handle(self.now, Input::Close { writer: program });
        self.work(node);
    }

    pub(super) fn cut(&mut self, a: usize, b: usize, cut: bool) {
        for pair in [(a, b), (b, a)] {
            if cut {
                self.cuts.insert(pair);
            } else {
                self.cuts.remove(&pair);
            }
        }
    }

    pub(super) fn stop(&mut self, node: usize) {
        self.nodes[node].running = false;
        self.nodes[node].dies = None;
        self.nodes[node].deliveries.clear();
        for other in 0..self.nodes.len() {
            if other != node && self.nodes[other].running {
                let id = self.nodes[node].id.clone();
                self.nodes[other].core.handle(self.now, Input::Down(id));
            }
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn start(&mut self, node: usize) {
        self.starts[node] += 1;
        let mut core = Core::new(self.config, self.random.next());
        for ((peer, _), restored) in &self.nodes[node].journal {
            core.restore(peer.clone(), *restored);
        }
        let membership = self.nodes[node].core.membership().clone();
        core.handle(self.now, Input::Membership(membership));
        self.nodes[node].core = core;
        self.nodes[node].running = true;
        self.meet(node);
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let mut idle_turns = 0;
        loop {
            let deadlines =
                self.nodes.iter().filter(|n| n.running).filter_map(|n| n.core.deadline());
            let frame = self.network.peek().map(|Reverse((at, ..))| *at);
            let next = deadlines.chain(frame).min().unwrap_or(end).max(self.now);
            if next > end {
                break;
            }
            idle_turns = if next == self.now { idle_turns + 1 } else { 0 };
            assert!(idle_turns < 10_000, "time stands still");
            self.now = next;
            while let Some(Reverse((at, ..))) = self.network.peek()
                && *at <= self.now
                && let Some(Reverse((_, _, from, to, bytes))) = self.network.pop()
            {
                if self.nodes[to].running {
                    let from = self.nodes[from].id.clone();
                    self.nodes[to].core.handle(self.now, Input::Frame { from, bytes });
                    self.work(to);
                }
            }
            for node in 0..self.nodes.len() {
                let due = self.nodes[node].core.deadline().is_some_and(|at| at <= self.now);
                if self.nodes[node].running && due {
                    self.nodes[node].core.handle(self.now, Input::Tick);
                    self.work(node);
                }
            }
            if next == end && self.network.is_empty() {
                break;
            }
        }
        self.now = end;
    }

    pub(super) fn work(&mut self, node: usize) {
        while self.nodes[node].running
            && let Some(output) = self.nodes[node].core.poll()
        {
            self.perform(node, output);
        }
    }

    fn perform(&mut self, node: usize, output: Output) {
        match output {
            Output::Send { to, frame, number } => self.send(node, to, frame, number),
            Output::OpenDelivery(delivery) => {
                let known = self.nodes[node].deliveries.insert(delivery.delivery, *delivery);
                assert_eq!(known, None);
            }
            Output::Deliver { delivery, first, records } => {
                self.deliver(node, delivery, first, &records);
            }
            Output::CloseDelivery { delivery } => {
                let known = self.nodes[node].deliveries.remove(&delivery);
                assert!(known.is_some());
            }
            Output::Target { writer, state } => {
                self.programs[writer as usize].state = Some(state);
            }
            Output::Hold { writer } => {
                let was = std::mem::replace(&mut self.programs[writer as usize].held, true);
                assert!(!was, "held once");
            }
            Output::Release { writer } => {
                let was = std::mem::replace(&mut self.programs[writer as usize].held, false);
                assert!(was, "released when it is held");
            }
            Output::Lost { writer, records } => self.programs[writer as usize].lost = records,
            Output::Confirmed { writer, sequence, outcomes } => {
                let known = self.confirmed.insert((writer, sequence), outcomes);
                assert_eq!(known, None, "told once");
            }
            Output::Slots { to, question } => {
                let paths = vec![r"taxes\sue".to_owned(), "x".repeat(10_000), "last".to_owned()];
                let input = Input::Slots { to, question, paths };
                self.nodes[node].core.handle(self.now, input);
            }
            Output::Answered { question, answer } => {
                let known = self.nodes[node].answers.insert(question, answer);
                assert_eq!(known, None);
            }
        }
    }

    fn send(&mut self, from: usize, to: PeerId, frame: Vec<u8>, number: Option<u64>) {
        assert!(frame.len() <= self.config.largest_frame);
        let destination = self.nodes.iter().position(|node| node.id == to).unwrap();
        if !self.nodes[destination].running || self.chance(self.faults.busy) {
            let stopped = !self.nodes[destination].running;
            let error = if stopped { SendError::Unreachable } else { SendError::Busy };
            self.nodes[from].core.handle(self.now, Input::Refused { to, number, error });
            return;
        }
        if self.cuts.contains(&(from, destination)) {
            return;
        }
        let copies =
            u32::from(!self.chance(self.faults.loss)) + u32::from(self.chance(self.faults.double));
        for _ in 0..copies {
            let spread = self.below(self.faults.spread.as_micros() as u64 + 1);
            let busy = self.busy.entry((from, destination)).or_default();
            *busy = self.now.max(*busy);
            if let Some(micros) = (frame.len() as u64 * 1_000_000).checked_div(self.faults.rate) {
                *busy += Duration::from_micros(micros);
            }
            let mut at = *busy + self.faults.delay + Duration::from_micros(spread);
            if self.faults.double > 0 && self.chance(2) {
                // Some come back much later.
                at += Duration::from_millis(self.below(20_000));
            }
            self.sent += 1;
            self.network.push(Reverse((at, self.sent, from, destination, frame.clone())));
        }
    }

    fn deliver(&mut self, node: usize, delivery: u64, first: u64, records: &Run) {
        let from = self.nodes[node].deliveries.get(&delivery).cloned().expect("it was opened");
        let comes_again = from.from.is_some() || from.confirmed;
        let key = comes_again.then(|| (from.from.clone(), from.writer));
        let count = records.records().count() as u64;
        if let Some(key) = &key {
            let entry = self.nodes[node].journal.entry(key.clone());
            let restored = entry.or_insert(Restored { writer: from.writer, next: 0, last: None });
            restored.next = first + count;
        }
        let dies = self.nodes[node].dies;
        if dies == Some(false) {
            return self.stop(node);
        }
        let mut outcomes = Vec::new();
        for (sequence, bytes) in (first..).zip(records.records()) {
            let program = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            assert_eq!(bytes, record(program, sequence, bytes.len()), "whole");
            let writer = &self.programs[program as usize];
            assert_eq!(from.writer, writer.id);
            assert_eq!(from.slot.path(), writer.path);
            assert_eq!(from.computer, format!("PC{}", writer.node));
            let outcome = outcome_of(&writer.path, sequence);
            if outcome == Outcome::Accepted {
                self.arrived.entry((node, program)).or_default().push((sequence, self.now));
            }
            outcomes.push(outcome);
        }
        if dies == Some(true) {
            return self.stop(node);
        }
        if let Some(restored) = key.and_then(|key| self.nodes[node].journal.get_mut(&key)) {
            restored.last = outcomes.last().map(|outcome| (first + count - 1, *outcome));
        }
        self.nodes[node].core.handle(self.now, Input::Delivered { delivery, first, outcomes });
    }

    /// What must hold whatever happens.
    pub(super) fn check(&self) {
        for ((node, program), records) in &self.arrived {
            let in_order = records.windows(2).all(|pair| pair[0].0 < pair[1].0);
            assert!(in_order, "PC{node} has of program {program}: {records:?}");
        }
        for ((program, sequence), outcomes) in &self.confirmed {
            for (name, outcome) in outcomes {
                let node: usize = name.strip_prefix("PC").unwrap().parse().unwrap();
                let arrived = self.has(node, *program, *sequence);
                match outcome {
                    Outcome::Accepted => assert!(arrived, "{name} has no {program}/{sequence}"),
                    Outcome::NoAnswer => {}
                    _ => assert!(!arrived, "{name} has {program}/{sequence}, {outcome:?}"),
                }
            }
        }
        for node in self.nodes.iter().filter(|node| node.running) {
            for peer in node.core.peers() {
                assert!(peer.queued_bytes < self.config.queue + 1024 * 1024, "{peer:?}");
            }
        }
    }

    pub(super) fn has(&self, node: usize, program: u64, sequence: u64) -> bool {
        let records = self.arrived.get(&(node, program));
        records.is_some_and(|all| all.iter().any(|(number, _)| *number == sequence))
    }

    pub(super) fn numbers(&self, node: usize, program: u64) -> Vec<u64> {
        let records = self.arrived.get(&(node, program));
        records.map_or(Vec::new(), |all| all.iter().map(|(number, _)| *number).collect())
    }
}

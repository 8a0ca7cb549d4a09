//! A member of the domain that breaks the rules.

use mailslot_wire::envelope::{self, Definition, Items};
use mailslot_wire::name::SlotName;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn definition(number: u8) -> Definition {
    Definition {
        writer: WriterId([number; 16]),
        confirmed: number.is_multiple_of(2),
        wide: false,
        pid: 1,
        user: "mallory".into(),
        slot: SlotName::parse(r"\\.\mailslot\taxes").unwrap(),
    }
}

fn data(connection: u64, number: u64, items: Items) -> Vec<u8> {
    [&envelope::data_header(connection, number)[..], &items.into_bytes()].concat()
}

/// A core, and how it answers a frame from its one neighbour.
struct Victim(Core, Time);

impl Victim {
    fn new() -> Victim {
        let mut core = Core::new(Config::new(65536), 1);
        let computers = vec!["ME".into(), "MALLORY".into()];
        let domain = crate::transport::Domain {
            name: "D".into(),
            own: "ME".into(),
            computers,
            invited: vec![],
        };
        core.handle(Time::ZERO, Input::Membership(Membership { domains: vec![domain] }));
        core.handle(Time::ZERO, Input::Up(PeerId::new("D", "MALLORY")));
        Victim(core, Time::ZERO)
    }

    fn frame(&mut self, bytes: Vec<u8>) -> Vec<Output> {
        self.1 += Duration::from_micros(10);
        let from = PeerId::new("D", "MALLORY");
        self.0.handle(self.1, Input::Frame { from, bytes });
        let mut outputs = Vec::new();
        while let Some(output) = self.0.poll() {
            if let Output::Deliver { delivery, first, records } = &output {
                let outcomes = records.records().map(|_| Outcome::Accepted).collect();
                let (delivery, first) = (*delivery, *first);
                self.0.handle(self.1, Input::Delivered { delivery, first, outcomes });
            }
            outputs.push(output);
        }
        outputs
    }

    fn connect(&mut self, token: u64) -> u64 {
        let outputs = self.frame(envelope::open(token));
        let [Output::Send { frame, .. }] = &outputs[..] else { panic!("{outputs:?}") };
        match envelope::Frame::parse(frame) {
            Ok(envelope::Frame::Accept { connection, .. }) => connection,
            other => panic!("{other:?}"),
        }
    }

    fn refused(&self) -> u64 {
        self.0.counters().frames_refused
    }
}

#[test]
fn items_that_make_no_sense_end_the_connection() {
    let cases: [fn(&mut Items); 6] = [
        |items| items.record(1, 0, b"no such channel"),
        |items| items.close(1),
        |items| {
            items.define(1, &definition(1));
            items.define(1, &definition(2));
        },
        |items| {
            items.define(1, &definition(1));
            items.fragment(1, 0, 100, 50, b"not its beginning");
        },
        |items| {
            items.define(1, &definition(1));
            items.fragment(1, 0, 100, 0, b"not whole");
            items.record(1, 1, b"and another");
        },
        |items| {
            items.define(1, &definition(1));
            items.fragment(1, 0, u32::MAX, 0, b"too large");
        },
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let mut victim = Victim::new();
        let connection = victim.connect(1);
        let mut items = Items::new();
        case(&mut items);
        let outputs = victim.frame(data(connection, 0, items));
        assert_eq!(victim.refused(), 1, "case {number}");
        assert!(!outputs.iter().any(|o| matches!(o, Output::Deliver { .. })), "case {number}");
        // And the next connection is as good as the first.
        let connection = victim.connect(2);
        let mut items = Items::new();
        items.define(1, &definition(9));
        items.record(1, 0, b"well");
        let outputs = victim.frame(data(connection, 0, items));
        assert!(outputs.iter().any(|o| matches!(o, Output::Deliver { .. })), "case {number}");
    }
}

#[test]
fn a_record_of_an_earlier_connection_does_not_come_again() {
    let mut victim = Victim::new();
    let first = victim.connect(1);
    let frame = |connection| {
        let mut items = Items::new();
        items.define(1, &definition(1));
        items.record(1, 0, b"once");
        data(connection, 0, items)
    };
    let delivered = |outputs: Vec<Output>| {
        outputs.iter().filter(|o| matches!(o, Output::Deliver { .. })).count()
    };
    assert_eq!(delivered(victim.frame(frame(first))), 1);
    assert_eq!(delivered(victim.frame(frame(first))), 0);
    let second = victim.connect(2);
    assert_eq!(delivered(victim.frame(frame(second))), 0, "its writer is remembered");
    assert_eq!(delivered(victim.frame(frame(first))), 0, "the connection is over");
    assert_eq!(victim.0.counters().duplicates, 1);
}

#[test]
fn memory_is_bounded() {
    let mut victim = Victim::new();
    let connection = victim.connect(1);
    // Frames that never come to their turn.
    for number in 1..100_000 {
        let mut items = Items::new();
        items.fragment(1, 0, 10_000_000, 0, &[0; 60_000]);
        victim.frame(data(connection, number, items));
    }
    assert!(victim.refused() > 90_000);
    // Many large records begun.
    let connection = victim.connect(2);
    for number in 0..1000 {
        let mut items = Items::new();
        items.define(number, &definition(number as u8));
        items.fragment(number, 0, 30_000_000, 0, &[0; 60_000]);
        items.fragment(number, 0, 30_000_000, 60_000, &[0; 60_000]);
        victim.frame(data(connection, u64::from(number), items));
    }
    assert!(victim.0.peers()[0].queued_bytes < 100_000);
    // Channels, and answers that it never takes.
    let connection = victim.connect(3);
    for number in 0..200_000u32 {
        let mut items = Items::new();
        items.define(number % 5000, &definition(number as u8));
        items.record(number % 5000, u64::from(number), b"x");
        victim.frame(data(connection, u64::from(number), items));
    }
    assert!(victim.0.deliveries.len() <= 2 * memory::CHANNELS_MAX);
    assert!(victim.0.peers()[0].queued_bytes < victim.0.config.queue + 100_000);
}

#[test]
fn strangers_are_not_heard() {
    let mut victim = Victim::new();
    let from = PeerId::new("D", "STRANGER");
    victim.0.handle(SECOND, Input::Frame { from, bytes: envelope::open(1) });
    assert_eq!(victim.0.poll(), None);
    assert_eq!(victim.refused(), 1);
}

/// Right frames with some bytes changed, beside honest traffic of another computer.
#[test]
fn garbage_hurts_nobody_else() {
    seeds(20, |seed| {
        let mut world = World::new(3, seed);
        let honest = world.open(1, "pc0", "taxes", true);
        let mallory = PeerId::new("WORKGROUP", "PC2");
        for round in 0..200 {
            let mut items = Items::new();
            items.define(1, &definition(3));
            items.record(1, round, &[7; 20]);
            items.fragment(2, round, 100, 0, &[7; 20]);
            items.result(WriterId([1; 16]), round, Outcome::Accepted);
            let connection = world.below(5);
            let mut bytes = match world.below(4) {
                0 => envelope::open(connection),
                1 => envelope::ack(connection, world.below(100), &[255; 10]),
                2 => envelope::accept(connection, round),
                _ => data(connection, world.below(10), items),
            };
            for _ in 0..world.below(4) {
                let at = world.below(bytes.len() as u64) as usize;
                bytes[at] ^= world.below(256) as u8;
            }
            let now = world.now;
            world.nodes[0].core.handle(now, Input::Frame { from: mallory.clone(), bytes });
            // What it delivers is no program's of this world.
            while let Some(output) = world.nodes[0].core.poll() {
                assert!(!matches!(output, Output::Deliver { .. }), "it has no connection");
            }
            world.write(honest, 100, SECOND);
            world.run(Duration::from_millis(10));
        }
        world.run(SECOND * 2);
        world.check();
        assert_eq!(world.numbers(0, honest).len(), 200);
        assert!(world.confirmed.values().all(|o| o[0].1 == Outcome::Accepted));
    });
}

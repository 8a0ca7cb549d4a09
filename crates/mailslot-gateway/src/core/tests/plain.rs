//! What happens on a network without faults, or with one.

use super::*;
use mailslot_wire::envelope::Question;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_three_name_forms() {
    let mut world = World::new(3, 1);
    let one = world.open(0, "pc1", "taxes", false);
    let domain = world.open(0, "workgroup", "taxes", false);
    let primary = world.open(0, "*", "taxes", false);
    let both = world.open(0, "PC2.WORKGROUP", "taxes", false);
    let own = world.open(0, "PC0", "taxes", false);
    for program in [one, domain, primary, both, own] {
        world.write(program, 100, SECOND);
    }
    world.run(SECOND);
    let reached = |program| (0..3).filter(|node| world.has(*node, program, 0)).collect::<Vec<_>>();
    assert_eq!(reached(one), [1]);
    assert_eq!(reached(domain), [0, 1, 2]);
    assert_eq!(reached(primary), [0, 1, 2]);
    assert_eq!(reached(both), [2]);
    assert_eq!(reached(own), [0]);
}

#[test]
fn confirmed_outcomes_per_computer() {
    let mut world = World::new(3, 1);
    for (path, expected) in
        [("taxes", Outcome::Accepted), ("none", Outcome::NoSuchSlot), ("closed", Outcome::Denied)]
    {
        let program = world.open(0, "*", path, true);
        world.write(program, 100, SECOND);
        world.run(SECOND / 10);
        let mut outcomes = world.confirmed[&(program, 0)].clone();
        outcomes.sort();
        let all = ["PC0", "PC1", "PC2"].map(|name| (name.to_owned(), expected));
        assert_eq!(outcomes, all, "long before the time is over");
    }
}

#[test]
fn silence_is_no_answer_after_the_time() {
    let mut world = World::new(3, 1);
    world.cut(0, 2, true);
    let program = world.open(0, "*", "taxes", true);
    world.write(program, 100, SECOND);
    world.run(SECOND - Duration::from_millis(2));
    assert!(world.confirmed.is_empty());
    world.run(Duration::from_millis(4));
    let mut outcomes = world.confirmed[&(program, 0)].clone();
    outcomes.sort();
    let outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Accepted, Outcome::NoAnswer]);
}

#[test]
fn unknown_computers_are_told_and_come_to_be_known() {
    let mut world = World::new(2, 1);
    let program = world.open(0, "nobody", "taxes", false);
    assert_eq!(world.programs[program as usize].state, Some(TargetState::Unknown));
    world.write(program, 10, SECOND);
    world.run(SECOND);
    assert_eq!(world.programs[program as usize].lost, 1);
    let mut membership = world.nodes[0].core.membership().clone();
    membership.domains[0].computers.push("NOBODY".into());
    world.nodes[0].core.handle(world.now, Input::Membership(membership));
    world.work(0);
    assert_eq!(world.programs[program as usize].state, Some(TargetState::Known));
}

#[test]
fn a_computer_that_is_cut_delays_nobody() {
    let mut world = World::new(4, 1);
    let program = world.open(0, "*", "taxes", false);
    let mut written = Vec::new();
    for number in 0..3000 {
        match number {
            500 => world.cut(0, 3, true),
            2500 => world.cut(0, 3, false),
            _ => {}
        }
        written.push(world.now);
        world.write(program, 200, SECOND);
        world.run(Duration::from_millis(1));
    }
    world.run(SECOND * 3);
    for node in 1..3 {
        let arrived = &world.arrived[&(node, program)];
        assert_eq!(arrived.len(), 3000);
        for (number, at) in arrived {
            let delay = *at - written[*number as usize];
            // The very first waits for its connection.
            assert!(delay < Duration::from_millis(5), "{number} took {delay:?}");
        }
    }
    assert_eq!(world.numbers(3, program), (0..3000).collect::<Vec<_>>());
}

#[test]
fn what_waits_too_long_is_lost_and_counted_and_the_rest_arrives() {
    let mut world = World::new(2, 1);
    world.stop(1);
    let program = world.open(0, "pc1", "taxes", false);
    for _ in 0..25 {
        world.write(program, 200, SECOND);
        world.run(SECOND);
    }
    world.start(1);
    world.run(SECOND * 2);
    let arrived = world.numbers(1, program);
    let lost = world.programs[program as usize].lost;
    assert_eq!(arrived.len() as u64 + lost, 25);
    // One that was packed with another waits with it.
    assert!((5..=6).contains(&lost), "{lost}");
    assert_eq!(arrived, (lost..25).collect::<Vec<_>>());
}

/// It may have arrived, so it goes again after a cut that is too long for others; but not for ever.
#[test]
fn what_was_on_the_way_when_a_cut_began_waits_longer() {
    let written_before_a_cut_of = |cut: Duration| {
        let mut world = World::new(2, 1);
        let program = world.open(0, "pc1", "taxes", false);
        let large = world.open(0, "pc1", "taxes", false);
        world.write(program, 200, SECOND);
        world.run(SECOND);
        world.cut(0, 1, true);
        for _ in 0..9 {
            world.write(program, 200, SECOND);
            world.run(Duration::from_millis(1));
        }
        for _ in 0..9 {
            world.write(large, 100_000, SECOND);
        }
        world.run(cut);
        world.cut(0, 1, false);
        world.run(SECOND * 10);
        assert!(world.nodes[0].core.is_drained());
        [program, large].map(|of| {
            let arrived = world.numbers(1, of);
            assert!(arrived.iter().copied().eq(0..arrived.len() as u64), "{arrived:?}");
            (arrived.len() as u64, world.programs[of as usize].lost)
        })
    };
    let [small, large] = written_before_a_cut_of(SECOND * 250);
    assert_eq!(small, (10, 0));
    // One had begun, or two, as far as the window goes.
    assert!((1..3).contains(&large.0) && large.0 + large.1 == 9, "{large:?}");
    assert_eq!(written_before_a_cut_of(SECOND * 310), [(1, 9), (0, 9)]);
}

#[test]
fn past_the_queue_records_are_counted_at_once() {
    let mut world = World::new(2, 1);
    world.cut(0, 1, true);
    let plain = world.open(0, "pc1", "taxes", false);
    for _ in 0..100 {
        world.write(plain, 100_000, SECOND);
    }
    let lost = world.programs[plain as usize].lost;
    assert!((50..70).contains(&lost), "{lost}");
    let confirmed = world.open(0, "pc1", "taxes", true);
    world.write(confirmed, 100_000, SECOND);
    assert_eq!(world.confirmed[&(confirmed, 0)], [("PC1".to_owned(), Outcome::Full)]);
    world.cut(0, 1, false);
    world.run(SECOND * 3);
    assert_eq!(world.numbers(1, plain), (0..100 - lost).collect::<Vec<_>>());
    assert!(world.nodes[0].core.is_drained());
}

#[test]
fn large_records_let_small_ones_pass_and_arrive_whole() {
    let mut world = World::new(2, 1);
    let large = world.open(0, "pc1", "taxes", false);
    let small = world.open(0, "pc1", "taxes", false);
    world.write(large, 3_000_000, SECOND);
    // Behind a large one of the same program.
    world.write(large, 50, SECOND);
    for _ in 0..100 {
        world.write(small, 100, SECOND);
    }
    world.run(SECOND * 5);
    assert_eq!(world.numbers(1, large), [0, 1]);
    assert_eq!(world.numbers(1, small).len(), 100);
    let of_large = world.arrived[&(1, large)][0].1;
    let of_small = world.arrived[&(1, small)][99].1;
    assert!(of_small < of_large, "{of_small:?} {of_large:?}");
}

#[test]
fn many_programs_of_one_record_each() {
    let mut world = World::new(2, 1);
    for _ in 0..10_000 {
        let program = world.open(0, "pc1", "taxes", false);
        world.write(program, 40, SECOND);
        world.close(program);
    }
    world.run(SECOND * 5);
    for program in 0..10_000 {
        assert_eq!(world.numbers(1, program), [0], "program {program}");
    }
    assert!(world.nodes[1].core.peers[0].incoming.memory.len() <= 3 * 4096);
}

#[test]
fn more_programs_than_channels() {
    let mut world = World::new(2, 1);
    world.stop(1);
    let programs: Vec<_> = (0..5000).map(|_| world.open(0, "pc1", "taxes", false)).collect();
    for _ in 0..2 {
        for program in &programs {
            if *program == 1000 && !world.nodes[1].running {
                world.start(1);
            }
            world.write(*program, 40, SECOND);
            if program % 4321 == 4320 {
                world.run(SECOND / 10);
            }
        }
    }
    world.run(SECOND);
    for program in programs {
        assert_eq!(world.numbers(1, program), [0, 1], "program {program}");
    }
    let counters = world.nodes[1].core.counters();
    assert_eq!((counters.frames_refused, counters.duplicates), (0, 0));
}

#[test]
fn what_no_slot_took_is_told() {
    let mut world = World::new(2, 1);
    let full = world.open(0, "pc1", "full", false);
    let wide = world.open(0, "*", "none", false);
    for _ in 0..9 {
        world.write(full, 40, SECOND);
        world.write(wide, 40, SECOND);
    }
    world.run(SECOND);
    assert_eq!(world.programs[full as usize].lost, 3);
    assert_eq!(world.programs[wide as usize].lost, 0, "a domain needs no such slot everywhere");
}

#[test]
fn questions() {
    let mut world = World::new(3, 1);
    world.cut(0, 2, true);
    for (question, node, what) in
        [(1, 1, Question::Ping), (2, 1, Question::Slots), (3, 2, Question::Ping)]
    {
        let (peer, timeout) = (world.nodes[node].id.clone(), SECOND);
        let input = Input::Ask { question, peer, what, timeout };
        world.nodes[0].core.handle(world.now, input);
        world.work(0);
    }
    world.run(SECOND * 2);
    let answers = &world.nodes[0].answers;
    assert_eq!(answers[&1], Some(Vec::new()));
    let slots = String::from_utf8(answers[&2].clone().unwrap()).unwrap();
    assert!(slots.starts_with("taxes\\sue\nxxx") && slots.ends_with("\nlast"), "{slots}");
    assert_eq!(answers[&3], None);
}

#[test]
fn nothing_to_do_is_no_deadline() {
    let mut world = World::new(3, 1);
    let program = world.open(0, "*", "taxes", true);
    world.write(program, 100, SECOND);
    world.run(SECOND * 2);
    for node in &world.nodes {
        assert_eq!(node.core.deadline(), None);
        assert!(node.core.is_drained());
    }
}

#[test]
fn a_computer_that_no_longer_belongs_gets_nothing_and_is_not_heard() {
    let mut world = World::new(3, 1);
    let to_all = world.open(0, "*", "taxes", false);
    let from_it = world.open(2, "pc0", "taxes", false);
    world.write(to_all, 10, SECOND);
    world.write(from_it, 10, SECOND);
    world.run(SECOND);
    let mut membership = world.nodes[0].core.membership().clone();
    membership.domains[0].computers.retain(|computer| computer != "PC2");
    world.nodes[0].core.handle(world.now, Input::Membership(membership));
    world.work(0);
    world.write(to_all, 10, SECOND);
    world.write(from_it, 10, SECOND);
    world.run(SECOND);
    assert_eq!(world.numbers(2, to_all), [0]);
    assert_eq!(world.numbers(0, from_it), [0]);
    assert_eq!(world.numbers(1, to_all), [0, 1]);
    assert!(world.nodes[0].core.counters().frames_refused > 0);
}

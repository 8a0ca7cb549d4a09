//! Faults of all kinds, at random.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn random_faults(world: &mut World) -> Faults {
    Faults {
        loss: world.below(300),
        double: world.below(200),
        busy: world.below(100),
        delay: Duration::from_micros(world.below(60_000)),
        spread: Duration::from_micros(world.below(80_000)),
        rate: 0,
    }
}

fn some_programs(world: &mut World, count: u64) -> Vec<u64> {
    let computers = world.nodes.len() as u64;
    let mut programs = Vec::new();
    for _ in 0..count {
        let node = world.below(computers) as usize;
        let host = match world.below(3) {
            0 => "*".to_owned(),
            1 => "WORKGROUP".to_owned(),
            _ => format!("pc{}", world.below(computers)),
        };
        let path = ["taxes", "taxes", "full", "none", "closed"][world.below(5) as usize];
        let confirmed = world.chance(400);
        if world.nodes[node].running {
            programs.push(world.open(node, &host, path, confirmed));
        }
    }
    programs
}

fn write_some(world: &mut World, programs: &[u64]) {
    for &program in programs {
        if world.alive(program) && world.chance(300) {
            for _ in 0..world.below(5) {
                let len = match world.below(20) {
                    0 => 16 + world.below(50_000),
                    1 => 16 + world.below(9_000),
                    _ => 16 + world.below(200),
                };
                let timeout = Duration::from_millis(world.below(25_000));
                if world.alive(program) {
                    world.write(program, len as usize, timeout);
                }
            }
        }
    }
}

/// Loss, delay, duplication, overtaking, cuts and restarts: nothing twice, nothing out of order, no
/// false confirmation; and once all is well again, all works again.
#[test]
fn of_all_kinds() {
    seeds(200, |seed| {
        let mut world = World::new(2 + seed as usize % 4, seed);
        world.faults = random_faults(&mut world);
        let mut programs = some_programs(&mut world, 6);
        let computers = world.nodes.len() as u64;
        for _ in 0..60 {
            write_some(&mut world, &programs);
            let (a, b) = (world.below(computers) as usize, world.below(computers) as usize);
            match world.below(30) {
                0 | 1 => world.cut(a, b, true),
                2 | 3 => world.cuts.clear(),
                4 if world.nodes[a].running => world.stop(a),
                5 if world.nodes[a].running => world.nodes[a].dies = Some(seed % 2 == 0),
                6..=9 if !world.nodes[a].running => world.start(a),
                10 => programs.extend(some_programs(&mut world, 2)),
                11 if world.alive(programs[0]) => world.close(programs.remove(0)),
                12 => world.faults = random_faults(&mut world),
                _ => {}
            }
            for &program in &programs {
                if world.waits_for_gateway(program) && world.chance(500) {
                    let timeout = Duration::from_millis(world.below(25_000));
                    world.come_back(program, timeout);
                }
            }
            if programs.is_empty() {
                programs = some_programs(&mut world, 6);
            }
            let time = Duration::from_millis(world.below(800));
            world.run(time);
        }
        world.check();
        // All is well again.
        world.faults = Faults::NONE;
        world.cuts.clear();
        for node in 0..world.nodes.len() {
            world.nodes[node].dies = None;
            if !world.nodes[node].running {
                world.start(node);
            }
        }
        let last = some_programs(&mut world, 4);
        for &program in &last {
            world.write(program, 60, SECOND * 10);
        }
        world.run(SECOND * 60);
        world.check();
        for &program in &last {
            let path = world.programs[program as usize].path.clone();
            if let Some(outcomes) = world.confirmed.get(&(program, 0)) {
                for (_, outcome) in outcomes {
                    assert_eq!(*outcome, outcome_of(&path, 0));
                }
            }
        }
        let idle = world.nodes.iter().all(|n| n.core.is_drained() && n.core.deadline().is_none());
        assert!(idle, "nothing is left over");
    });
}

/// Without restarts, and with cuts no longer than records are kept, everything arrives.
#[test]
fn that_end_in_time() {
    seeds(300, |seed| {
        let mut world = World::new(2 + seed as usize % 3, seed);
        world.faults = random_faults(&mut world);
        world.faults.loss /= 4;
        let mut programs: Vec<u64> = Vec::new();
        for node in 0..world.nodes.len() {
            programs.push(world.open(node, "*", "taxes", false));
            programs.push(world.open(node, "pc0", "taxes", true));
        }
        for _ in 0..3 {
            for _ in 0..20 {
                write_some(&mut world, &programs);
                world.run(SECOND / 20);
            }
            world.cut(0, 1, true);
            let cut = 500 + world.below(9500);
            for _ in 0..cut / 50 {
                write_some(&mut world, &programs[..1]);
                world.run(SECOND / 20);
            }
            world.cuts.clear();
            world.run(SECOND * 5);
        }
        world.run(SECOND * 30);
        world.check();
        for &program in &programs {
            let known = &world.programs[program as usize];
            assert_eq!(known.lost, 0);
            let all: Vec<u64> = (0..known.written).collect();
            let nodes = if program % 2 == 0 { 0..world.nodes.len() } else { 0..1 };
            for node in nodes {
                assert_eq!(world.numbers(node, program), all, "program {program} at PC{node}");
            }
        }
    });
}

/// What was written has arrived or is counted, exactly, also when cuts are too long: what was on the way
/// goes again, and what has never gone is given up.
#[test]
fn that_last_are_counted() {
    seeds(300, |seed| {
        let mut world = World::new(2, seed);
        world.faults = random_faults(&mut world);
        let program = world.open(0, "pc1", "taxes", false);
        for _ in 0..8 {
            for _ in 0..30 {
                write_some(&mut world, &[program]);
                world.run(SECOND / 10);
            }
            let cut = world.chance(500);
            world.cut(0, 1, cut);
            let time = Duration::from_millis(world.below(28_000));
            world.run(time);
        }
        world.cuts.clear();
        world.run(SECOND * 60);
        world.check();
        let known = &world.programs[program as usize];
        let arrived = world.numbers(1, program).len() as u64;
        assert_eq!(arrived + known.lost, known.written);
    });
}

/// Over a line that is too slow: what is lost is exactly what doesn't arrive, since nothing is given up
/// that may be on its way.
#[test]
fn what_a_slow_line_loses_is_counted_exactly() {
    seeds(60, |seed| {
        let mut world = World::new(2, seed);
        world.faults.rate = 30_000 + world.below(30_000);
        let mut programs: Vec<u64> = (0..6).map(|_| world.open(0, "pc1", "taxes", false)).collect();
        for _ in 0..500 {
            let program = world.below(6) as usize;
            let len = if world.chance(30) { 9_000 + world.below(100_000) } else { 3_000 };
            for _ in 0..world.below(12) {
                world.write(programs[program], len as usize, SECOND);
            }
            if world.chance(20) {
                // One goes, and another comes.
                world.close(programs[program]);
                programs.push(world.open(0, "pc1", "taxes", false));
                programs.swap_remove(program);
            }
            world.run(SECOND / 5);
        }
        world.run(SECOND * 120);
        world.check();
        let core = &world.nodes[0].core;
        let written: u64 = world.programs.iter().map(|program| program.written).sum();
        let arrived: usize =
            (0..world.programs.len()).map(|program| world.numbers(1, program as u64).len()).sum();
        let lost = core.counters().lost;
        assert!(lost > 0 && arrived > 50, "{lost} {arrived}");
        assert_eq!(arrived as u64 + lost, written);
        assert!(core.is_drained());
        let refused = world.nodes[1].core.counters();
        assert_eq!((refused.frames_refused, refused.duplicates), (0, 0));
    });
}

#[test]
fn a_confirmation_outlives_a_restart_of_the_receiver() {
    seeds(200, |seed| {
        let mut world = World::new(2, seed);
        let program = world.open(0, "pc1", "taxes", true);
        world.write(program, 100, SECOND);
        world.run(SECOND);
        world.nodes[1].dies = Some(seed % 2 == 0);
        world.write(program, 100, SECOND * 8);
        // Long enough for the record to arrive, and so for the receiver to die.
        let time = Duration::from_millis(20 + world.below(500));
        world.run(time);
        assert!(!world.nodes[1].running);
        world.start(1);
        world.run(SECOND * 9);
        world.check();
        let outcome = world.confirmed[&(program, 1)][0].1;
        // It died between taking note and noting the outcome: nobody knows.
        assert_eq!(outcome, Outcome::NoAnswer);
        world.write(program, 100, SECOND);
        world.run(SECOND);
        assert_eq!(world.confirmed[&(program, 2)][0].1, Outcome::Accepted);
    });
}

#[test]
fn a_result_that_was_lost_with_its_gateway_is_told_again() {
    seeds(100, |seed| {
        let mut world = World::new(2, seed);
        let program = world.open(0, "pc1", "taxes", true);
        world.write(program, 100, SECOND);
        world.run(SECOND);
        // It arrives, its acknowledgement too, but not its result.
        world.write(program, 100, SECOND * 8);
        world.run(Duration::from_micros(1000 + 500 * (seed % 5)));
        assert!(world.has(1, program, 1));
        world.stop(1);
        world.run(SECOND);
        world.start(1);
        world.run(SECOND * 9);
        world.check();
        assert_eq!(world.confirmed[&(program, 1)][0].1, Outcome::Accepted);
        assert_eq!(world.numbers(1, program), [0, 1]);
    });
}

#[test]
fn a_hundred_computers() {
    let mut world = World::new(100, 7);
    world.faults =
        Faults { loss: 20, double: 20, spread: Duration::from_millis(5), ..Faults::NONE };
    let programs: Vec<u64> =
        (0..5).map(|node| world.open(node * 17, "*", "taxes", node == 3)).collect();
    for node in 50..60 {
        world.cut(0, node, true);
    }
    for _ in 0..10 {
        for &program in &programs {
            world.write(program, 100, SECOND * 5);
        }
        world.run(SECOND / 10);
    }
    world.cuts.clear();
    world.run(SECOND * 8);
    world.check();
    for &program in &programs {
        for node in 0..100 {
            assert_eq!(world.numbers(node, program).len(), 10, "program {program} at PC{node}");
        }
    }
    for sequence in 0..10 {
        let outcomes = &world.confirmed[&(programs[3], sequence)];
        assert_eq!(outcomes.len(), 100);
        assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Accepted));
    }
}

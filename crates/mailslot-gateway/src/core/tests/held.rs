//! Writers that are faster than the network.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const LEN: usize = 1000;

/// It writes as much as its gateway takes, up to `most` records.
fn flood(world: &mut World, program: u64, most: u64) {
    while !world.programs[program as usize].held && world.programs[program as usize].written < most
    {
        world.write(program, LEN, SECOND);
    }
}

fn queued(world: &World) -> usize {
    world.nodes[0].core.peers().iter().map(|peer| peer.queued_bytes).max().unwrap_or(0)
}

/// Far more than any queue holds: nothing is lost, and no more waits than the mark and a record.
#[test]
fn a_flood_loses_nothing_and_fills_no_memory() {
    seeds(10, |seed| {
        let mut world = World::new(2, seed);
        world.faults = Faults { spread: Duration::from_millis(1), ..Faults::NONE };
        world.faults.loss = seed % 3 * 5;
        let (first, second) =
            (world.open(0, "pc1", "taxes", false), world.open(0, "pc1", "taxes", false));
        world.write(first, LEN, SECOND);
        world.run(SECOND);
        let most = 8000;
        let all = |world: &World| world.numbers(1, first).len() + world.numbers(1, second).len();
        while all(&world) < 2 * most as usize {
            flood(&mut world, first, most);
            flood(&mut world, second, most);
            assert!(queued(&world) <= world.config().hold_above() + 2 * LEN + 8192);
            world.run(Duration::from_millis(5));
            assert!(world.now < SECOND * 60, "{} have come", all(&world));
        }
        world.run(SECOND * 3);
        for program in [first, second] {
            let program = &world.programs[program as usize];
            assert_eq!((program.lost, program.held), (0, false));
        }
        assert!(world.nodes[0].core.is_drained());
        assert_eq!(world.nodes[0].core.deadline(), None);
    });
}

/// One that doesn't take anything any more is no reason to wait, and delays no other.
#[test]
fn nobody_is_held_for_a_computer_that_is_cut() {
    let mut world = World::new(3, 1);
    let [cut, other] = ["pc1", "pc2"].map(|host| world.open(0, host, "taxes", false));
    for program in [cut, other] {
        world.write(program, LEN, SECOND);
    }
    world.run(SECOND);
    world.cut(0, 1, true);
    flood(&mut world, cut, 20_000);
    assert!(world.programs[cut as usize].held, "it isn't known to be cut yet");
    flood(&mut world, other, 100);
    world.run(SECOND / 10);
    assert_eq!(world.numbers(2, other).len(), 100);
    world.run(SECOND * 2);
    assert!(!world.programs[cut as usize].held);
    flood(&mut world, cut, 20_000);
    let program = &world.programs[cut as usize];
    assert!(program.written == 20_000 && program.lost > 10_000 && !program.held);
    world.cut(0, 1, false);
    world.run(SECOND * 5);
    let (arrived, lost) = (world.numbers(1, cut).len(), world.programs[cut as usize].lost);
    assert_eq!(arrived as u64 + lost, 20_000);
}

/// Who writes to a domain is not held: the slowest computer would set the pace for all.
#[test]
fn nobody_is_held_for_one_of_a_domain() {
    let mut world = World::new(3, 1);
    let program = world.open(0, "*", "taxes", false);
    world.write(program, LEN, SECOND);
    world.run(SECOND);
    flood(&mut world, program, 2000);
    let program = &world.programs[program as usize];
    assert_eq!((program.written, program.held), (2000, false));
}

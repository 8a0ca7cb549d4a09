//! Names that many create at once, some of whom are killed at it.

use std::io::{Read, Write, pipe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mailslot::{CreateError, Mailslot};

use crate::support::{
    Case, NAME, Process, Random, fork, names_in, scale, shared, spawn, wait_for, wait_until,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("names::sixty_four_creators", sixty_four_creators).long(),
    Case::new("names::creators_that_are_killed", creators_that_are_killed).long(),
    Case::new("names::a_list_knows_the_dead", a_list_knows_the_dead),
];

const CREATORS: u64 = 64;

/// All create the name at the same instant: exactly one has it, and the others hear whose it is.
fn sixty_four_creators() {
    let rounds = 1000 * scale();
    // The winner's process and, counted over all rounds: who has won, lost, and let go.
    let [winner, wins, losses, over] = shared(4) else { panic!() };
    // Rounds by turns have one pipe or the other, so that nobody can start twice in one.
    let (starts, mut triggers): (Vec<_>, Vec<_>) = (0..2).map(|_| pipe().unwrap()).unzip();
    let creators: Vec<_> = (0..CREATORS)
        .map(|_| {
            fork(|| {
                for round in 1..=rounds {
                    (&starts[round as usize % 2]).read_exact(&mut [0]).unwrap();
                    match Mailslot::create(NAME) {
                        Ok(slot) => {
                            winner.store(std::process::id().into(), Ordering::Release);
                            wins.fetch_add(1, Ordering::AcqRel);
                            wait_for(losses, round * (CREATORS - 1));
                            drop(slot);
                            over.store(round, Ordering::Release);
                        }
                        Err(CreateError::AlreadyExists { pid, .. }) => {
                            wait_for(wins, round);
                            assert_eq!(u64::from(pid), winner.load(Ordering::Acquire));
                            losses.fetch_add(1, Ordering::AcqRel);
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    for round in 1..=rounds {
        triggers[round as usize % 2].write_all(&[0; CREATORS as usize]).unwrap();
        wait_for(over, round);
        assert_eq!(wins.load(Ordering::Acquire), round, "winners in so many rounds");
        assert!(names_in(&mailslot::registry_root()).is_empty(), "after round {round}");
    }
    creators.into_iter().for_each(Process::finish);
}

/// What the creators that are killed share.
#[derive(Clone, Copy)]
struct Arena {
    /// Who holds the name: a number, counted from 1. 0 is nobody.
    holder: &'static AtomicU64,
    created: &'static AtomicU64,
    taken_over: &'static AtomicU64,
    /// Those that are being killed, by number.
    doomed: &'static [AtomicU64],
}

impl Arena {
    /// Creates the name again and again until it is killed.
    fn create(self, own: u64) -> Process {
        spawn(move || {
            let mut random = Random::of(own);
            loop {
                let slot = match Mailslot::create(NAME) {
                    Ok(slot) => slot,
                    Err(CreateError::AlreadyExists { .. }) => continue,
                    Err(other) => panic!("{other}"),
                };
                let before = self.holder.swap(own, Ordering::AcqRel);
                if before != 0 {
                    let dead = self.doomed[before as usize].load(Ordering::Acquire) == 1;
                    assert!(dead, "{own} was given the name while {before} held it");
                    self.taken_over.fetch_add(1, Ordering::AcqRel);
                }
                self.created.fetch_add(1, Ordering::AcqRel);
                std::thread::sleep(Duration::from_micros(random.below(300)));
                let held =
                    self.holder.compare_exchange(own, 0, Ordering::AcqRel, Ordering::Relaxed);
                assert_eq!(held, Ok(own), "another was given the name meanwhile");
                drop(slot);
            }
        })
    }
}

fn creators_that_are_killed() {
    let kills = 1000 * scale();
    let [holder, created, taken_over] = shared(3) else { panic!() };
    let doomed = shared((CREATORS + kills + 1) as usize);
    let arena = Arena { holder, created, taken_over, doomed };
    let mut numbers = 1..;
    let mut start = || {
        let own = numbers.next().unwrap();
        (own, arena.create(own))
    };
    let mut creators: Vec<_> = (0..CREATORS).map(|_| start()).collect();
    let mut random = Random::new();
    let kill = |(own, victim): (u64, Process)| {
        doomed[own as usize].store(1, Ordering::Release);
        victim.kill();
    };
    for round in 0..kills {
        std::thread::sleep(Duration::from_micros(random.below(500)));
        let at = match round % 4 {
            // Whoever has the name; sometimes in the middle of giving it back.
            0 => {
                let mut own = 0;
                wait_until("somebody to have it", || {
                    own = holder.load(Ordering::Acquire);
                    own != 0
                });
                creators.iter().position(|creator| creator.0 == own)
            }
            _ => None,
        };
        kill(creators.swap_remove(at.unwrap_or(random.below(CREATORS) as usize)));
        creators.push(start());
        if round % 50 == 0 {
            let before = created.load(Ordering::Acquire);
            wait_until("another's turn", || created.load(Ordering::Acquire) > before);
        }
    }
    creators.into_iter().for_each(kill);
    let (created, taken_over) =
        (created.load(Ordering::Acquire), taken_over.load(Ordering::Acquire));
    println!("{created} created, {taken_over} after the holder was killed");
    println!("left over: {:?}", names_in(&mailslot::registry_root()));
    assert!(taken_over >= kills / 50);
    let slot = Mailslot::create(NAME).unwrap();
    assert_eq!(names_in(&mailslot::registry_root()).len(), 1, "the next create clears the rest");
    drop(slot);
}

/// Whoever lists slots while a killed reader's name goes to the next one never finds the killed one
/// alive.
fn a_list_knows_the_dead() {
    let [created, dead, over] = shared(3) else { panic!() };
    let lister = spawn(|| {
        while over.load(Ordering::Acquire) == 0 {
            let gone = dead.load(Ordering::Acquire);
            for entry in mailslot::list().unwrap() {
                let alive = entry.alive && u64::from(entry.pid) == gone;
                assert!(!alive, "{gone} was gone before");
            }
        }
    });
    for round in 1..=500 * scale() {
        let reader = spawn(|| {
            let _slot = Mailslot::create(NAME).unwrap();
            created.store(round, Ordering::Release);
            wait_for(over, 1);
        });
        wait_for(created, round);
        let pid = u64::from(reader.id());
        reader.kill();
        dead.store(pid, Ordering::Release);
    }
    over.store(1, Ordering::Release);
    lister.finish();
    // It clears away what the last one has left.
    drop(Mailslot::create(NAME).unwrap());
}

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;

type Restorations = Vec<(Option<PeerId>, Restored)>;
/// What is known of each writer of each computer.
type Known = BTreeMap<(String, WriterId), (u64, Option<(u64, Outcome)>)>;

/// A registry, and what is said of its journal.
struct World {
    dir: TempDir,
    said: Arc<Mutex<Vec<String>>>,
    log: Log,
}

impl World {
    fn new() -> Self {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let theirs = said.clone();
        let log: Log = Arc::new(move |line: &str| theirs.lock().unwrap().push(line.to_owned()));
        Self { dir: tempfile::tempdir().unwrap(), said, log }
    }

    fn path(&self) -> PathBuf {
        let user = rustix::process::geteuid().as_raw();
        self.dir.path().join(format!("gateway-journal-{user}"))
    }

    fn open(&self) -> (Journal, Restorations) {
        Journal::open(self.dir.path(), [7; 24], &self.log)
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut *self.said.lock().unwrap())
    }
}

fn joe() -> Option<PeerId> {
    Some(PeerId::new("WORKGROUP", "JOE"))
}

fn id(number: u64) -> WriterId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    WriterId(id)
}

fn known(restored: Restorations) -> Known {
    let entry = |(peer, known): (Option<PeerId>, Restored)| {
        let peer = peer.map_or_else(String::new, |peer| format!("{peer:?}"));
        ((peer, known.writer), (known.next, known.last))
    };
    restored.into_iter().map(entry).collect()
}

#[test]
fn what_was_noted_is_known_to_the_next() {
    let world = World::new();
    let (mut journal, restored) = world.open();
    assert!(restored.is_empty());
    journal.intend(&joe(), id(1), 5, &world.log);
    journal.done(&joe(), id(1), 4, Outcome::Full, &world.log);
    journal.intend(&None, id(2), 1, &world.log);
    // An earlier number takes nothing back.
    journal.intend(&joe(), id(1), 3, &world.log);
    let name = journal.writer(1, 2, [3; 16]);
    drop(journal);
    assert_eq!(fs::metadata(world.path()).unwrap().permissions().mode() & 0o777, 0o600);
    for _ in 0..2 {
        let (journal, restored) = Journal::open(world.dir.path(), [8; 24], &world.log);
        let restored = known(restored);
        assert_eq!(restored.len(), 2);
        assert_eq!(
            restored[&(format!("{:?}", joe().unwrap()), id(1))],
            (5, Some((4, Outcome::Full)))
        );
        assert_eq!(restored[&(String::new(), id(2))], (1, None));
        assert_eq!(journal.writer(1, 2, [3; 16]), name, "the key is the first one");
        assert_ne!(journal.writer(1, 3, [3; 16]), name);
        assert_ne!(journal.writer(2, 2, [3; 16]), name);
    }
    assert!(world.said().is_empty());
}

/// Wherever it ends, what stands whole before that is known, and nothing else.
#[test]
fn a_torn_tail_is_as_if_it_were_not_there() {
    let world = World::new();
    let (mut journal, _) = world.open();
    let long = Some(PeerId::new(&"D".repeat(60), &"C".repeat(60)));
    let mut states = vec![(0, known(Vec::new()))];
    let mut expected = known(Vec::new());
    let mut note = |peer: &Option<PeerId>, number, next, size: u64| {
        let name = peer.as_ref().map_or_else(String::new, |peer| format!("{peer:?}"));
        expected.insert((name, id(number)), (next, None));
        states.push((size, expected.clone()));
    };
    for (peer, number) in [(joe(), 1), (long.clone(), 2), (None, 3), (joe(), 1), (long, 4)] {
        let next = journal.size;
        journal.intend(&peer, id(number), next, &world.log);
        note(&peer, number, next, journal.size);
    }
    let whole = fs::read(world.path()).unwrap();
    assert_eq!(whole.len() as u64, journal.size);
    drop(journal);
    for length in 0..=whole.len() {
        fs::write(world.path(), &whole[..length]).unwrap();
        let (mut journal, restored) = world.open();
        let (_, expected) = states.iter().rev().find(|(size, _)| *size <= length as u64).unwrap();
        assert_eq!(known(restored), *expected, "{length} bytes");
        // What is noted from here on stands where it is found.
        journal.intend(&joe(), id(9), 77, &world.log);
        drop(journal);
        let restored = known(world.open().1);
        assert_eq!(restored[&(format!("{:?}", joe().unwrap()), id(9))].0, 77, "{length} bytes");
        assert_eq!(restored.len(), expected.len() + 1, "{length} bytes");
    }
    assert!(world.said().is_empty());
}

#[test]
fn it_grows_to_a_bound_and_keeps_the_latest() {
    let world = World::new();
    let (mut journal, _) = world.open();
    let writers = WRITERS_MAX as u64 + 1000;
    let mut largest = 0;
    for round in 0..20 {
        for number in 0..writers {
            journal.intend(&joe(), id(number), round + 1, &world.log);
            journal.done(&joe(), id(number), round, Outcome::Accepted, &world.log);
            largest = largest.max(journal.size);
        }
    }
    assert!(largest <= SIZE_MAX + 1024, "{largest}");
    assert!(fs::metadata(world.path()).unwrap().len() == journal.size);
    drop(journal);
    let (_, restored) = world.open();
    assert!(restored.len() >= WRITERS_MAX && restored.len() <= WRITERS_MAX + 1000);
    let latest = restored.last().unwrap();
    assert_eq!((latest.1.writer, latest.1.next), (id(writers - 1), 20));
    assert!(world.said().is_empty());
}

/// Computers that no writer is known of any more are forgotten.
#[test]
fn computers_do_not_pile_up() {
    let world = World::new();
    let (mut journal, _) = world.open();
    for number in 0..200_000u64 {
        let peer = Some(PeerId::new("WORKGROUP", &format!("C{number}")));
        journal.intend(&peer, id(number), 1, &world.log);
    }
    assert!(journal.size <= SIZE_MAX + 1024);
    drop(journal);
    let (journal, _) = world.open();
    assert_eq!(journal.peers.len(), WRITERS_MAX);
    assert_eq!(world.open().1.len(), WRITERS_MAX);
}

#[test]
fn what_others_put_there_is_replaced_or_told_of() {
    let world = World::new();
    let elsewhere = world.dir.path().join("elsewhere");
    fs::write(&elsewhere, b"precious").unwrap();
    symlink(&elsewhere, world.path()).unwrap();
    let (mut journal, restored) = world.open();
    assert!(restored.is_empty() && world.said()[0].contains("can't be used"));
    journal.intend(&joe(), id(1), 5, &world.log);
    drop(journal);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    assert_eq!(world.open().1.len(), 1);

    // A directory with something in it can't be taken away.
    fs::remove_file(world.path()).unwrap();
    fs::create_dir(world.path()).unwrap();
    fs::write(world.path().join("x"), b"").unwrap();
    let (mut journal, restored) = world.open();
    journal.intend(&joe(), id(1), 5, &world.log);
    journal.done(&joe(), id(1), 4, Outcome::Accepted, &world.log);
    let said = world.said();
    assert!(restored.is_empty() && said.len() == 2, "{said:?}");
    assert!(said[1].contains("cannot keep the journal") && said[1].contains("may arrive twice"));
}

/// Needs root, to make a file another's.
#[test]
fn another_users_file_is_not_believed() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_none(), "this test needs root");
        eprintln!("not root: not tested");
        return;
    }
    let world = World::new();
    let (mut journal, _) = world.open();
    journal.intend(&joe(), id(1), 5, &world.log);
    drop(journal);
    std::os::unix::fs::chown(world.path(), Some(65534), None).unwrap();
    let (_, restored) = world.open();
    assert!(restored.is_empty() && world.said()[0].contains("it is no file of this user"));
    let (_, restored) = world.open();
    assert!(restored.is_empty() && world.said().is_empty(), "it is this user's again");
}

#[test]
fn no_bytes_panic() {
    let mut random = 1u64;
    for _ in 0..500 {
        let world = World::new();
        let bytes: Vec<u8> = (0..(random >> 56) * 2)
            .map(|_| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                // Kinds, short lengths and the like, and now and then anything.
                if random >> 60 == 0 { (random >> 40) as u8 } else { (random >> 33) as u8 % 6 }
            })
            .collect();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        fs::write(world.path(), &bytes).unwrap();
        let (mut journal, restored) = world.open();
        let mut core = crate::core::Core::new(crate::core::Config::new(1000), 1);
        for (peer, writer) in restored {
            core.restore(peer, writer);
        }
        journal.intend(&joe(), id(1), 5, &world.log);
        drop(journal);
        assert!(known(world.open().1).contains_key(&(format!("{:?}", joe().unwrap()), id(1))));
    }
}

//! Writers to a reader that is stopped (SIGSTOP).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mailslot::{Mailslot, MailslotOptions, MailslotWriter, OpenError, WriteError};

use crate::support::{
    Case, NAME, PATIENCE, Process, both_kinds, may_have_descriptors, number, shared, spawn,
    wait_for, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("stopped::four_thousand_writers", four_thousand_writers).long(),
    Case::new("stopped::connected_writers", connected_writers).alone(),
    Case::new("stopped::opening_waits_if_asked", opening_waits_if_asked),
];

/// Far less than a stopped reader makes anybody wait, far more than a call takes on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(20);

/// A process that reads numbers and stores them one after the other. `found[0]` counts them; that
/// it reads is told by `found[1]`.
fn reader(options: &MailslotOptions, found: &'static [AtomicU64]) -> Process {
    let options = options.clone();
    let process = spawn(move || {
        let slot = options.create(NAME).unwrap();
        found[1].store(1, Ordering::Release);
        loop {
            let n = number(&slot.receive().unwrap());
            let count = found[0].load(Ordering::Relaxed);
            found[2 + count as usize].store(n, Ordering::Relaxed);
            found[0].store(count + 1, Ordering::Release);
        }
    });
    wait_for(&found[1], 1);
    process
}

/// One process after the other opens, writes and exits, until the kernel holds no more.
fn four_thousand_writers() {
    for options in both_kinds() {
        let found = shared(10_000);
        let mut reader = reader(&options, found);
        writer().write(&0u64.to_le_bytes()).unwrap();
        wait_for(&found[0], 1);
        reader.stop();

        let full = shared(1);
        let mut sent = 1u64;
        while full[0].load(Ordering::Acquire) == 0 {
            spawn(|| {
                let start = Instant::now();
                let opened = MailslotWriter::open(NAME);
                assert!(start.elapsed() < AT_ONCE, "opening waited {:?}", start.elapsed());
                match opened {
                    Ok(mut writer) => writer.write(&sent.to_le_bytes()).unwrap(),
                    Err(OpenError::Full(_)) => full[0].store(1, Ordering::Release),
                    Err(other) => panic!("writer {sent}: {other}"),
                }
            })
            .finish();
            sent += 1 - full[0].load(Ordering::Acquire);
            assert!(sent < 9000, "the kernel holds no end of writers");
        }
        println!("{} writers are held", sent - 1);
        let most = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let most: u64 = most.trim().parse().unwrap();
        assert!(sent > 4000.min(most), "only {sent} writers are held");
        assert_eq!(found[0].load(Ordering::Acquire), 1);

        reader.resume();
        wait_for(&found[0], sent);
        for (n, record) in found[2..][..sent as usize].iter().enumerate() {
            assert_eq!(record.load(Ordering::Acquire), n as u64, "in the order of their exits");
        }
        writer().write(&sent.to_le_bytes()).unwrap();
        wait_for(&found[0], sent + 1);
        assert_eq!(found[2 + sent as usize].load(Ordering::Acquire), sent);
        reader.kill();
        drop(Mailslot::create(NAME).unwrap());
    }
}

/// Writers that are there go on without waiting until their quota is used up, by turns with new
/// ones; all of it is read in the order written.
fn connected_writers() {
    const QUOTA: u64 = 100_000;
    for mut options in both_kinds() {
        let found = shared(100_000);
        let mut reader = reader(options.quota(QUOTA), found);
        let (mut early, mut asleep) = (writer(), writer());
        let mut sent = 0u64;
        let mut send = |writer: &mut MailslotWriter| {
            let start = Instant::now();
            let result = writer.write(&sent.to_le_bytes());
            assert!(start.elapsed() < AT_ONCE, "writing waited {:?}", start.elapsed());
            match result {
                Ok(()) => sent += 1,
                Err(WriteError::Full { quota: QUOTA, .. }) => return false,
                Err(other) => panic!("{other}"),
            }
            true
        };
        for _ in 0..5 {
            assert!(send(&mut early) && send(&mut asleep));
        }
        wait_for(&found[0], 10);
        std::thread::sleep(Duration::from_millis(20));
        reader.stop();
        let mut late = writer();
        let mut count = 0;
        while send(&mut early) {
            count += 1;
            if count % 20 == 0 {
                assert!(send(&mut asleep) && send(&mut late) && send(&mut writer()));
            }
        }
        assert!(count > QUOTA / 40, "{count} records are the quota");
        assert!(send(&mut late), "the others have quotas of their own");
        let start = Instant::now();
        let wait = Duration::from_millis(30);
        let found_full = early.write_timeout(&[0; 8], wait);
        assert!(matches!(found_full, Err(WriteError::Full { .. })), "{found_full:?}");
        assert!(start.elapsed() >= wait);

        reader.resume();
        wait_for(&found[0], sent);
        for (n, record) in found[2..][..sent as usize].iter().enumerate() {
            assert_eq!(record.load(Ordering::Acquire), n as u64, "in the order written");
        }
        early.write_timeout(&sent.to_le_bytes(), PATIENCE).unwrap();
        wait_for(&found[0], sent + 1);
        reader.kill();
        drop(Mailslot::create(NAME).unwrap());
    }
}

fn opening_waits_if_asked() {
    // More than the kernel's list holds.
    if !may_have_descriptors(5_000) {
        return;
    }
    let found = shared(10_000);
    let mut reader = reader(&MailslotOptions::new(), found);
    reader.stop();
    // Connections that say nothing fill the kernel's list as well as any.
    let mut held = Vec::new();
    let full = loop {
        match MailslotWriter::open(NAME) {
            Ok(writer) => held.push(writer),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, OpenError::Full(_)), "{full}");
    let (start, wait) = (Instant::now(), Duration::from_millis(50));
    let patient = |wait| MailslotWriter::options().wait_when_full(wait).open(NAME);
    assert!(matches!(patient(wait), Err(OpenError::Full(_))));
    assert!(start.elapsed() >= wait);
    let waiting = spawn(move || {
        patient(PATIENCE).unwrap().write(&7u64.to_le_bytes()).unwrap();
    });
    std::thread::sleep(Duration::from_millis(20));
    reader.resume();
    waiting.finish();
    wait_for(&found[0], 1);
    assert_eq!(found[2].load(Ordering::Acquire), 7);
    reader.kill_and_clear();
}

impl Process {
    fn kill_and_clear(self) {
        self.kill();
        drop(Mailslot::create(NAME).unwrap());
    }
}

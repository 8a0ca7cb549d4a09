//! A limit on memory itself. Whoever passes it is killed by Linux, unless it can be told; whatever
//! happens to a writer, what it has written is there.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use mailslot::WriteError;

use crate::support::{is_root, number, patient_writer, shared, slot, spawn, wait_for, writer};

const LIMIT: u64 = 48 << 20;

/// A group of processes that may together have [`LIMIT`] bytes. Removed when dropped.
struct Group(PathBuf);

impl Group {
    fn new() -> Option<Self> {
        let name = format!("mailslot-test-{}", std::process::id());
        let limit = LIMIT.to_string();
        let [first, second] = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].map(Path::new);
        let (parent, file) =
            if first.is_dir() { (first, "memory.limit_in_bytes") } else { (second, "memory.max") };
        let group = Self(parent.join(name));
        std::fs::create_dir(&group.0).ok()?;
        std::fs::write(group.0.join(file), limit).ok()?;
        // Where there is no swap there is no such file.
        let _ = std::fs::write(group.0.join("memory.swap.max"), "0");
        Some(group)
    }

    /// Puts this process into the group.
    fn enter(&self) {
        std::fs::write(self.0.join("cgroup.procs"), std::process::id().to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

pub(super) fn a_writer_out_of_memory() {
    if !is_root() {
        return;
    }
    let Some(group) = Group::new() else {
        let why = "no group with a limit on memory can be made here";
        assert!(std::env::var_os("MAILSLOT_REQUIRE_TOOLS").is_none(), "{why}");
        eprintln!("skipped: {why}");
        return;
    };
    let slot = slot(256 << 20);
    let words = shared(2);
    let [accepted, over] = [&words[0], &words[1]];
    for round in 1..=2 {
        accepted.store(0, Ordering::Release);
        let status = spawn(|| {
            group.enter();
            let mut writer = writer();
            let mut record = [round as u8; 10_000];
            for n in 0u64.. {
                record[..8].copy_from_slice(&n.to_le_bytes());
                match writer.write(&record) {
                    Ok(()) => accepted.store(n + 1, Ordering::Release),
                    Err(WriteError::Io { source, .. }) => {
                        return assert_eq!(source.kind(), std::io::ErrorKind::OutOfMemory);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        })
        .end();
        let killed = status.terminating_signal() == Some(libc::SIGKILL);
        assert!(killed || status.exit_status() == Some(0), "round {round}: {status:?}");
        let accepted = accepted.load(Ordering::Acquire);
        println!("round {round}: {accepted} records, {status:?}");
        assert!(accepted * 10_000 > LIMIT / 2 && accepted * 10_000 < 2 * LIMIT);
        let mut count = 0;
        while let Ok(record) = slot.try_receive() {
            assert!(record.len() == 10_000 && record[8..].iter().all(|&byte| byte == round as u8));
            assert_eq!(number(&record[..8]), count);
            count += 1;
        }
        assert!(count == accepted || count == accepted + 1, "{count} of {accepted}");
    }
    accepted.store(0, Ordering::Release);
    // One that doesn't leave so much waiting writes on.
    let writing = spawn(|| {
        group.enter();
        let mut writer = patient_writer();
        for n in 0u64..10_000 {
            crate::support::yield_until(|| accepted.load(Ordering::Acquire) + 500 > n);
            writer.write(&[n as u8; 10_000]).unwrap();
        }
        wait_for(over, 1);
    });
    for n in 0u64..10_000 {
        let record = slot.receive_timeout(Some(crate::support::PATIENCE)).unwrap();
        assert_eq!(record[0], n as u8);
        accepted.store(n + 1, Ordering::Release);
    }
    over.store(1, Ordering::Release);
    writing.finish();
}

//! Instructions per operation, counted by callgrind: figures that don't depend on how busy the
//! machine is, so that CI can compare them with those in `instructions.json`.
//!
//! An operation's count is the difference between two runs that do it often and less often.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use mailslot::{MailslotOptions, MailslotWriter};

/// What becomes of the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They may not exceed the baseline's, on the machine and with the compiler that made it.
    Compare,
    /// Nor elsewhere, where other code is generated and the C library copies with other instructions.
    CompareGenerously,
    /// They become the baseline.
    Update,
}

impl Mode {
    /// The largest count of an operation that isn't worse than the one `before`.
    fn allows(self, operation: &str, before: f64) -> f64 {
        match self {
            Mode::Compare | Mode::Update => before * 1.03 + 3.0,
            Mode::CompareGenerously => before * 1.2 + 10.0 + bytes_copied(operation) as f64 / 8.0,
        }
    }
}

/// How many bytes an operation copies, in and out.
fn bytes_copied(operation: &str) -> usize {
    let size = operation.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
    if operation.contains("and read") { size * 2 } else { size }
}

const SLOT: &str = r"\\.\mailslot\bench\instructions";

const OPERATIONS: [&str; 8] = [
    "write 32",
    "write 400",
    "write 4096",
    "write and read 32",
    "write and read 400",
    "write and read 4096",
    "open and close",
    "open, write 32, close and read",
];

/// Does one operation `count` times: what callgrind looks at.
pub(crate) fn perform(operation: &str, count: u64) -> Result<()> {
    let slot = MailslotOptions::new().quota(64 << 20).create(SLOT)?;
    let mut buffer = vec![0; 4096];
    if let Some(size) = operation.strip_prefix("write and read ") {
        let record = vec![7; size.parse()?];
        let mut writer = MailslotWriter::open(SLOT)?;
        for _ in 0..count / 100 {
            for _ in 0..100 {
                writer.write(&record)?;
            }
            for _ in 0..100 {
                slot.read(&mut buffer)?;
            }
        }
    } else if let Some(size) = operation.strip_prefix("write ") {
        let record = vec![7; size.parse()?];
        let mut writer = MailslotWriter::open(SLOT)?;
        for _ in 0..count {
            writer.write(&record)?;
        }
    } else {
        for _ in 0..count {
            let mut writer = MailslotWriter::open(SLOT)?;
            if operation.contains("write") {
                writer.write(&[7; 32])?;
                drop(writer);
                slot.read(&mut buffer)?;
            }
        }
    }
    Ok(())
}

fn count_once(operation: &str, count: u64, dir: &Path) -> Result<u64> {
    let out = dir.join("callgrind.out");
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["perform", operation, &count.to_string()])
        .env("MAILSLOT_DIR", dir)
        .stderr(Stdio::null())
        .status()
        .context("running valgrind (Debian package valgrind)")?;
    ensure!(status.success(), "{operation:?} failed under valgrind");
    let text = std::fs::read_to_string(&out)?;
    let total = text.lines().find_map(|line| {
        line.strip_prefix("summary: ")
            .or_else(|| line.strip_prefix("totals: "))?
            .trim()
            .parse()
            .ok()
    });
    total.context("callgrind's file has no total")
}

/// The file with the counts to compare with.
pub(crate) fn baseline() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json")
}

/// Counts all operations, prints them, and compares them with the baseline or replaces it.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let dir = tempfile::Builder::new().prefix("mailslot-bench-").tempdir_in("/dev/shm")?;
    let path = baseline();
    let known: BTreeMap<String, f64> = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).context("the baseline")?,
        Err(_) => BTreeMap::new(),
    };
    let mut found = BTreeMap::new();
    let mut worse = Vec::new();
    for operation in OPERATIONS {
        let few = if operation.starts_with("open") { 200 } else { 2000 };
        let many = few * 4;
        let difference = count_once(operation, many, dir.path())?.saturating_sub(count_once(
            operation,
            few,
            dir.path(),
        )?);
        let each = difference as f64 / (many - few) as f64;
        let before = known.get(operation).copied();
        let note = before.map_or("new".into(), |b| format!("{:+.1} %", (each / b - 1.0) * 100.0));
        println!("{operation:<32}{each:>10.1} instructions  {note}");
        if before.is_some_and(|before| each > mode.allows(operation, before)) {
            worse.push(operation);
        }
        found.insert(operation.to_owned(), (each * 10.0).round() / 10.0);
    }
    if mode == Mode::Update {
        std::fs::write(&path, serde_json::to_string_pretty(&found)? + "\n")?;
    } else if !worse.is_empty() {
        bail!("more instructions than in {}: {}", path.display(), worse.join("; "));
    }
    Ok(())
}

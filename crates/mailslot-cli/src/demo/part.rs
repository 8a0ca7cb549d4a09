//! Processes of the demo: writers that tell what they are doing, the records of its burst, and
//! commands that end with the demo.

use std::io::{self, BufRead, Write};

use anyhow::{Context, bail, ensure};
use mailslot::{MailslotWriter, SlotName};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::exit::Exit;
use crate::values;

/// The slot of the demo.
pub(super) const SLOT: &str = "taxes/sue";

/// What the writer says once it has opened the slot, or written its record.
pub(super) const READY: &str = "ready";

/// The record of the writer that is killed.
pub(super) const LAST_WORDS: &str = "I was killed right after I wrote this.";

/// Bytes of a record in the burst.
pub(super) const BURST_SIZE: usize = 32;

pub(super) fn slot() -> SlotName {
    values::slot(SLOT).expect("the demo's slot has a good name")
}

pub(super) fn run(part: &str) -> anyhow::Result<Exit> {
    let words: Vec<_> = part.split(' ').collect();
    match words[..] {
        ["show", demo] => {
            tie_to(demo)?;
            return super::show::run();
        }
        ["write-and-wait"] => write_and_wait()?,
        ["burst", writer, count] => burst(writer.parse()?, count.parse()?)?,
        #[cfg(feature = "gateway")]
        ["command", demo, ref args @ ..] => return command(demo, args),
        _ => bail!("{part:?} is no part of the demo (unset {})", super::PART),
    }
    Ok(Exit::Success)
}

/// `mailslot ARGS`, for as long as the demo, its parent, lives.
#[cfg(feature = "gateway")]
fn command(demo: &str, args: &[&str]) -> anyhow::Result<Exit> {
    use clap::Parser;

    tie_to(demo)?;
    crate::run(crate::flags::Cli::try_parse_from(["mailslot"].iter().chain(args))?)
}

/// Ends this process with its parent, the demo's process of this number.
fn tie_to(demo: &str) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("cannot tie it to the demo")?;
    // It may have gone before that.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    ensure!(parent == Some(demo.parse()?), "the demo is gone");
    Ok(())
}

fn write_and_wait() -> anyhow::Result<()> {
    let mut writer = MailslotWriter::open(slot())?;
    writer.write(LAST_WORDS.as_bytes())?;
    say_ready_and_wait()
}

fn burst(writer_number: u64, count: u64) -> anyhow::Result<()> {
    let mut writer = MailslotWriter::open(slot())?;
    say_ready_and_wait()?;
    for number in 0..count {
        writer.write(&burst_record(writer_number, number))?;
    }
    Ok(())
}

fn say_ready_and_wait() -> anyhow::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{READY}").and_then(|()| out.flush()).context("the demo is gone")?;
    io::stdin().lock().read_line(&mut String::new()).context("the demo is gone")?;
    Ok(())
}

/// The record that a writer writes as its `number`th. No two are alike, and a part of one is no
/// other.
pub(super) fn burst_record(writer: u64, number: u64) -> [u8; BURST_SIZE] {
    let mixed = (writer << 48 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut record = [0; BURST_SIZE];
    for (slot, word) in record.chunks_exact_mut(8).zip([writer, number, mixed, !mixed]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    record
}

/// Which writer a record claims to be from.
pub(super) fn burst_writer(record: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*record.first_chunk()?))
}

//! The flags of `mailslot write`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use mailslot::SlotName;

use super::help;
use crate::values;

/// Write records to a slot
///
/// Each RECORD argument is one record; '' is an empty one. Without a RECORD, or with - as the only
/// one, all of standard input is one record, or with --lines or --null many.
///
/// A write never waits for the reader: records wait in the slot. When they have reached the slot's
/// quota, a RECORD argument fails at once, while records from standard input or a file wait until
/// there is room, so that nothing is lost; --timeout and --no-wait change that.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("write"))]
pub(crate) struct WriteArgs {
    /// The slot, such as taxes/sue
    #[arg(value_parser = values::slot)]
    pub(crate) slot: SlotName,

    /// The records to write
    #[arg(value_name = "RECORD")]
    pub(crate) records: Vec<OsString>,

    /// Read FILE instead of standard input; - is standard input
    #[arg(short, long, value_name = "FILE", conflicts_with = "records")]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,

    /// Each line of the input is a record, without its line feed
    #[arg(short, long, conflicts_with = "null")]
    pub(crate) lines: bool,

    /// Each piece of the input up to a NUL byte is a record, without the NUL
    #[arg(short = '0', long)]
    pub(crate) null: bool,

    /// Write the record, or all RECORD arguments, N times
    #[arg(short, long, value_name = "N", default_value_t = 1, conflicts_with_all = ["lines", "null"])]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repeat: u64,

    /// Pause between records, such as 500ms
    #[arg(short, long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) interval: Option<Duration>,

    /// Wait until it is known what became of each record, and print that
    ///
    /// A line for each computer that the slot's name means: its name, and accepted, no such slot,
    /// full, denied, too large or no answer. The exit code is 0 if every record was accepted on
    /// every computer, on one at least. Otherwise, if it was accepted nowhere and for one reason,
    /// it says that reason; else it is 12. All records are written in any case. --timeout says how
    /// long to wait for the answers to each record; 5s unless given.
    #[arg(short, long, conflicts_with = "no_wait")]
    pub(crate) confirm: bool,

    /// With --confirm, print one JSON object for each record
    ///
    /// It tells the record's number, counted from 1, whether it was accepted everywhere, whether
    /// all answers came in time (complete), and computer and outcome of each.
    #[arg(short, long, requires = "confirm")]
    pub(crate) json: bool,

    /// If the slot is full, wait for room at most this long, such as 5s
    #[arg(short, long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,

    /// If the slot is full, fail at once
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) no_wait: bool,
}

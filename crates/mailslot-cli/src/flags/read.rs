//! The flags of `mailslot read`.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use mailslot::{Access, NetworkAccess, SlotName};

use super::help;
use crate::values;

/// Create a slot and print the records written to it
///
/// The slot lives as long as this command: until --count records have been read, --timeout passes,
/// or Ctrl-C. Records appear as they arrive.
#[derive(Debug, Args)]
#[command(after_long_help = help::epilogue("read"))]
pub(crate) struct ReadArgs {
    /// The slot to create, such as taxes/sue
    #[arg(value_parser = values::local_slot)]
    pub(crate) slot: SlotName,

    /// How to print records
    #[arg(short, long, value_enum, default_value_t = Format::Lines)]
    #[arg(help_heading = "Output")]
    format: Format,

    /// End each record with a NUL byte: short for --format null
    #[arg(short = '0', long = "null", conflicts_with = "format")]
    #[arg(help_heading = "Output")]
    null: bool,

    /// Run a shell command for each record instead of printing it
    ///
    /// CMD runs with sh -c, one at a time, with the record on its standard input. Its environment
    /// tells about the record: MAILSLOT_NAME, MAILSLOT_SENDER_PID, MAILSLOT_SENDER_UID and
    /// MAILSLOT_TIME (when it was written, such as 2025-05-01T12:00:00.123456Z). For a record from
    /// another computer there is no MAILSLOT_SENDER_UID, but MAILSLOT_SENDER_USER (a name),
    /// MAILSLOT_SENDER_COMPUTER and MAILSLOT_SENDER_DOMAIN (which vouches for the computer). If CMD fails, that
    /// is reported, reading goes on, and the exit code is 1 in the end.
    #[arg(short = 'x', long, value_name = "CMD", conflicts_with_all = ["format", "null"])]
    #[arg(value_hint = ValueHint::CommandString, help_heading = "Output")]
    pub(crate) exec: Option<OsString>,

    /// Stop at the first command of --exec that fails
    #[arg(long, requires = "exec", help_heading = "Output")]
    pub(crate) stop_on_failure: bool,

    /// Stop after N records
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(help_heading = "When to stop")]
    pub(crate) count: Option<u64>,

    /// Stop when no record arrives for this long, such as 500ms or 5s
    ///
    /// The exit code is 6 if no record had arrived by then, or fewer than --count.
    #[arg(short, long, value_name = "DURATION", value_parser = values::duration)]
    #[arg(help_heading = "When to stop")]
    pub(crate) timeout: Option<Duration>,

    /// The largest record that the slot takes, such as 400 or 64K; 0 for no limit but the quota
    #[arg(short, long, value_name = "SIZE", value_parser = values::max_size, default_value = "0")]
    #[arg(help_heading = "The slot")]
    pub(crate) max_size: u32,

    /// How many bytes of unread records may wait, for each writer, such as 64K, 1M or 4G
    #[arg(short, long, value_name = "SIZE", value_parser = values::size, default_value = "64M")]
    #[arg(help_heading = "The slot")]
    pub(crate) quota: u64,

    /// Who may write, beside you and root: user (nobody else), everyone, group:NAME or
    /// users:NAME,NAME
    ///
    /// A number may stand for a name.
    #[arg(short, long, value_name = "WHO", value_parser = values::access, default_value = "user")]
    #[arg(help_heading = "The slot")]
    pub(crate) allow: Access,

    /// Which records from other computers the slot takes: domains (of all computers of this
    /// computer's domains), none, or computers:NAME,NAME
    ///
    /// A computer is NAME or NAME.DOMAIN. They come through this computer's gateway.
    #[arg(long, value_name = "WHICH", value_parser = values::network, default_value = "domains")]
    #[arg(help_heading = "The slot")]
    pub(crate) network: NetworkAccess,

    /// Look for records in a loop this long, such as 50us, before going to sleep
    ///
    /// Saves the time to wake up for the price of a busy processor. No effect with one processor.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    #[arg(help_heading = "The slot")]
    pub(crate) spin: Option<Duration>,
}

impl ReadArgs {
    /// How to print records, however it was said.
    pub(crate) fn format(&self) -> Format {
        if self.null { Format::Null } else { self.format }
    }
}

/// How records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The record's bytes, and a line feed unless they end with one (on a terminal, control
    /// characters are escaped)
    Lines,
    /// The record's bytes and nothing else
    Raw,
    /// The record's bytes and a NUL byte
    Null,
    /// A line that says when, which process and which user wrote it; then the text, indented, with
    /// control characters shown as \u{1b}
    Text,
    /// The same line, then the bytes in hexadecimal and as characters
    Hex,
    /// An object a line: slot, pid, uid, user (null if it has no name), time, size, and text, or
    /// base64 for what is not UTF-8; from another computer also computer and domain, while uid is
    /// null
    Json,
}

//! `mailslot write`: from arguments, a file or standard input to a slot.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use mailslot::{MailslotWriter, WriteError};

use crate::exit::{Exit, Failure};
use crate::flags::WriteArgs;
use crate::text;

mod confirm;
mod pieces;

use confirm::Confirm;
use pieces::{Piece, Pieces};

pub(crate) fn run(args: WriteArgs) -> anyhow::Result<Exit> {
    let plan = Plan::from(&args)?;
    // Before the input is read, so that a wrong name shows at once.
    let mut options = MailslotWriter::options();
    let writer = options.wait_when_full(plan.wait).confirmed(args.confirm).open(args.slot)?;
    let confirm = args.confirm.then(|| Confirm::new(args.timeout, args.json)).transpose()?;
    let largest = largest_record(&writer);
    let interval = args.interval;
    let mut output = Output { writer, confirm, interval, written: 0, only_one: false };
    match plan.source {
        Source::Arguments(records) => {
            output.only_one = records.len() == 1 && args.repeat == 1;
            for _ in 0..args.repeat {
                for record in &records {
                    output.write(record.as_bytes())?;
                }
            }
        }
        Source::Whole(input) => {
            output.only_one = args.repeat == 1;
            let record = input.read_whole(largest)?;
            for _ in 0..args.repeat {
                output.write(&record)?;
            }
        }
        Source::Pieces(input, delimiter) => {
            let name = input.to_string();
            let mut pieces = Pieces::new(input.open()?, delimiter, largest);
            while let Some(piece) = pieces.next().with_context(|| cannot_read(&name))? {
                match piece {
                    Piece::Record(record) => output.write(record)?,
                    Piece::TooLong => return Err(output.too_long(largest)),
                }
            }
        }
    }
    Ok(output.confirm.map_or(Ok(Exit::Success), |confirm| confirm.finish())?)
}

/// What was typed, understood.
struct Plan {
    source: Source,
    /// How long to wait for room.
    wait: Duration,
}

enum Source {
    Arguments(Vec<OsString>),
    /// All of the input is one record.
    Whole(Input),
    /// The input is records, each ended by this byte.
    Pieces(Input, u8),
}

impl Plan {
    fn from(args: &WriteArgs) -> Result<Plan, Failure> {
        let stdin_named = matches!(&args.records[..], [only] if only == "-");
        let arguments = !args.records.is_empty() && !stdin_named;
        let delimiter = match (args.lines, args.null) {
            (true, _) => Some((b'\n', "--lines")),
            (_, true) => Some((0, "--null")),
            _ => None,
        };
        let source = match delimiter {
            Some((_, flag)) if arguments => {
                let message =
                    format!("{flag} splits standard input or a file, not RECORD arguments");
                return Err(Failure::new(Exit::Usage, message));
            }
            Some((delimiter, _)) => Source::Pieces(Input::of(args), delimiter),
            None if arguments => Source::Arguments(args.records.clone()),
            None => Source::Whole(Input::of(args)),
        };
        let wait = match args.timeout {
            Some(timeout) => timeout,
            None if args.no_wait || arguments => Duration::ZERO,
            None => Duration::MAX,
        };
        Ok(Plan { source, wait })
    }
}

enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    fn of(args: &WriteArgs) -> Input {
        match &args.file {
            Some(path) if path != Path::new("-") => Input::File(path.clone()),
            _ => Input::Stdin,
        }
    }

    fn open(&self) -> anyhow::Result<Box<dyn Read>> {
        Ok(match self {
            Input::Stdin => Box::new(io::stdin().lock()),
            Input::File(path) => {
                Box::new(File::open(path).with_context(|| format!("cannot open {path:?}"))?)
            }
        })
    }

    /// All of the input, but not much more than `largest` bytes: the slot takes no more.
    fn read_whole(&self, largest: u64) -> anyhow::Result<Vec<u8>> {
        let mut record = Vec::new();
        let mut input = self.open()?.take(largest.saturating_add(1));
        input.read_to_end(&mut record).with_context(|| cannot_read(self))?;
        if record.len() as u64 > largest {
            let message = format!(
                "{self} has more than {}, the most that a record of this slot may have",
                text::count(largest, "byte"),
            );
            return Err(Failure::new(Exit::TooLarge, message).into());
        }
        Ok(record)
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("standard input"),
            Input::File(path) => write!(f, "{path:?}"),
        }
    }
}

fn cannot_read(input: impl fmt::Display) -> String {
    format!("cannot read {input}")
}

/// The largest record that the slot takes.
fn largest_record(writer: &MailslotWriter) -> u64 {
    match writer.max_record_size() {
        0 | u32::MAX => writer.quota(),
        max => writer.quota().min(max.into()),
    }
}

/// The slot, and what has been written to it.
struct Output {
    writer: MailslotWriter,
    confirm: Option<Confirm>,
    interval: Option<Duration>,
    written: u64,
    /// Whether there is but one record, so that an error need not say which.
    only_one: bool,
}

impl Output {
    fn write(&mut self, record: &[u8]) -> anyhow::Result<()> {
        if let Some(interval) = self.interval
            && self.written > 0
        {
            thread::sleep(interval);
        }
        let confirmation = match &self.confirm {
            None => self.writer.write(record).map(|()| None),
            Some(confirm) => self.writer.write_confirmed(record, confirm.timeout).map(Some),
        };
        let confirmation = confirmation.map_err(|error| self.failed(error))?;
        self.written += 1;
        if let (Some(confirm), Some(confirmation)) = (&mut self.confirm, confirmation) {
            confirm.show(&confirmation)?;
        }
        Ok(())
    }

    #[cold]
    fn failed(&self, error: WriteError) -> anyhow::Error {
        let error = anyhow::Error::from(error);
        if self.only_one { error } else { error.context(self.where_it_stopped()) }
    }

    fn too_long(&self, largest: u64) -> anyhow::Error {
        let message = format!(
            "it has more than {}, the most that {} takes",
            text::count(largest, "byte"),
            self.writer.name(),
        );
        anyhow::Error::from(Failure::new(Exit::TooLarge, message)).context(self.where_it_stopped())
    }

    fn where_it_stopped(&self) -> String {
        match self.written {
            0 => "record 1, the first".into(),
            n => format!("record {}, after {} had been written", n + 1, text::count(n, "record")),
        }
    }
}

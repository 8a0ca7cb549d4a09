//! `mailslot read`: from a slot to standard output, or to commands.
//!
//! [`pump`] asks a [`Sink`] to take records from the slot and do something with them. There are
//! three: [`plain`] copies bytes at full speed, [`described`] also says who wrote them,
//! [`exec`] runs a command.

use std::time::Duration;

use mailslot::{Mailslot, ReadError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::complain;
use crate::exit::{Exit, Failure};
use crate::flags::{Format, ReadArgs};
use crate::signals::Stop;
use crate::stdout::Stdout;
use crate::text;

mod described;
mod exec;
mod plain;

use described::Described;
use exec::Exec;
use plain::{End, Plain};

pub(crate) fn run(args: ReadArgs) -> anyhow::Result<Exit> {
    let limit = raise_descriptor_limit();
    // Before the slot exists, so that no signal leaves it behind.
    let stop = Stop::on_signals()?;
    let out = Stdout::new()?;
    let format = args.format();
    let until = Until { count: args.count, timeout: args.timeout };
    let slot = Mailslot::options()
        .max_record_size(args.max_size)
        .quota(args.quota)
        .access(args.allow)
        .network(args.network)
        .spin(args.spin.unwrap_or_default())
        .create(args.slot)?;

    if let Some(command) = args.exec {
        let mut sink = Exec::new(command, limit, args.stop_on_failure, slot.name());
        let ended =
            stop.interrupting(None, || slot.cancel(), || pump(&slot, &stop, until, &mut sink))?;
        // Ctrl-C reaches the command, too, which is then no failure of its own.
        return match stop.reason() {
            Some(exit) => Ok(exit),
            None => ended.and_then(|exit| sink.finish().map(|()| exit)),
        };
    }
    let watched = rustix::io::dup(&out).ok();
    let mut sink: Box<dyn Sink> = match format {
        Format::Lines => Box::new(Plain::new(out, End::Line)),
        Format::Raw => Box::new(Plain::new(out, End::Nothing)),
        Format::Null => Box::new(Plain::new(out, End::Nul)),
        Format::Text | Format::Hex | Format::Json => {
            Box::new(Described::new(out, format, slot.name()))
        }
    };
    let watched = watched.as_ref().map(std::os::fd::AsFd::as_fd);
    stop.interrupting(watched, || slot.cancel(), || pump(&slot, &stop, until, &mut *sink))?
}

/// When to stop by oneself.
#[derive(Clone, Copy)]
struct Until {
    count: Option<u64>,
    timeout: Option<Duration>,
}

/// Where records go.
trait Sink {
    /// Takes the next record from the slot, waiting as long as `wait` says, or more of them if that
    /// is as easy, but at most `most`.
    fn take(&mut self, slot: &Mailslot, wait: Option<Duration>, most: u64)
    -> anyhow::Result<Taken>;

    /// Passes on what was kept back.
    fn flush(&mut self) -> anyhow::Result<()>;
}

/// What became of the attempt to take records.
enum Taken {
    /// So many were taken.
    Records(u64),
    /// None came in time.
    Nothing,
    /// The wait was interrupted.
    Interrupted,
}

impl Taken {
    /// A failure to read: one that ends the command, or not.
    fn failed(error: ReadError) -> anyhow::Result<Taken> {
        match error {
            ReadError::TimedOut { .. } => Ok(Taken::Nothing),
            ReadError::Cancelled(_) => Ok(Taken::Interrupted),
            error => Err(error.into()),
        }
    }
}

/// Moves records from the slot to the sink until there is a reason to stop.
fn pump(slot: &Mailslot, stop: &Stop, until: Until, sink: &mut dyn Sink) -> anyhow::Result<Exit> {
    let mut read = 0;
    let mut wait = Some(Duration::ZERO);
    let exit = loop {
        if let Some(exit) = stop.reason() {
            break exit;
        }
        if until.count == Some(read) {
            break Exit::Success;
        }
        let most = until.count.map_or(u64::MAX, |count| count - read);
        match sink.take(slot, wait, most)? {
            Taken::Records(count) => {
                read += count;
                wait = Some(Duration::ZERO);
            }
            Taken::Interrupted => {}
            // Nothing waits, so what was kept back goes out; only then is it time to wait.
            Taken::Nothing if wait == Some(Duration::ZERO) && until.timeout != wait => {
                sink.flush()?;
                wait = until.timeout;
            }
            Taken::Nothing => {
                sink.flush()?;
                return timed_out(slot, until, read);
            }
        }
    };
    sink.flush()?;
    Ok(exit)
}

/// The time-out is what ends a command that was given one; it is a failure if it came too soon.
fn timed_out(slot: &Mailslot, until: Until, read: u64) -> anyhow::Result<Exit> {
    let timeout = until.timeout.unwrap_or_default();
    let name = slot.name();
    let message = match until.count {
        None if read > 0 => return Ok(Exit::Success),
        Some(count) if read > 0 => format!(
            "only {read} of {} arrived in {name}, then none within {timeout:?}",
            text::count(count, "record"),
        ),
        _ if timeout.is_zero() => format!("no record was waiting in {name}"),
        _ => format!("no record arrived in {name} within {timeout:?}"),
    };
    Err(Failure::new(Exit::TimedOut, message).into())
}

/// Every writer takes descriptors of the reader: the usual soft limit of 1,024 would soon be reached.
/// The limit that was raised is returned.
fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return None;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.current,
        Err(error) => {
            complain(&format!("cannot raise the limit on open descriptors: {error}"));
            None
        }
    }
}

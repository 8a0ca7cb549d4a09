//! Connections that come to nothing, of which Zenoh tells by `tracing` alone.
//!
//! Of those that it refuses it says so once for each, and so anybody could fill the log: here they are
//! counted, and told of now and then. Of those to computers of the configuration it says so each time that it
//! tries, every few seconds.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Log, session};

/// Say at most this often that connections were refused.
const COMPLAIN: Duration = Duration::from_secs(10);
/// No more of a reason is repeated, which may hold what a stranger has sent.
const REASON_MAX: usize = 200;
/// Say at most this often of one computer of the configuration why it can't be connected to.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Where Zenoh tells of connections that it refuses, and of those that it makes.
const REFUSED: &str = "zenoh_link_tls::unicast";
const MADE: &str = "zenoh::net::runtime::orchestrator";

/// From now on tells `log`. It is for the whole process, so whoever listens to `tracing` already goes on
/// alone.
pub fn tell(log: Log) {
    let (seen, calls) = Default::default();
    let _ = tracing::subscriber::set_global_default(Refusals { log, seen, calls });
}

struct Refusals {
    log: Log,
    seen: Mutex<Seen>,
    calls: Mutex<Calls>,
}

#[derive(Default)]
pub(super) struct Seen {
    refused: u64,
    told: Option<Instant>,
}

impl Seen {
    /// One more. How many there are to tell of now, if it is time.
    pub(super) fn count(&mut self, now: Instant) -> Option<u64> {
        self.refused += 1;
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < COMPLAIN) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.refused))
    }
}

/// Computers of the configuration that Zenoh can't connect to: why, and when that was said.
#[derive(Default)]
struct Calls(HashMap<String, (String, Instant)>);

impl Calls {
    /// Zenoh says this. What the log is to say.
    fn hear(&mut self, said: &str, now: Instant) -> Option<String> {
        if let Some(address) = said.strip_prefix("Successfully connected to configured peer tls/") {
            return self.0.remove(address).map(|_| format!("connected to {address}"));
        }
        let failed = said.strip_prefix("Unable to connect to configured peer tls/")?;
        let (address, why) = failed.split_once("! ")?;
        let why = why.split(". Retry in ").next().unwrap_or_default();
        // Zenoh begins with the address in its own words.
        let why = match why.starts_with("Can not create a new TLS link") {
            true => why.split_once("): ").map_or(why, |(_, why)| why.trim_start_matches('[')),
            false => why,
        };
        let why: String = session::for_people(why).chars().take(REASON_MAX).collect();
        if let Some((before, at)) = self.0.get(address)
            && (*before == why || now.saturating_duration_since(*at) < SAY_AGAIN)
        {
            return None;
        }
        let line = format!("cannot connect to {address} (will try again): {why}");
        self.0.insert(address.to_owned(), (why, now));
        Some(line)
    }
}

impl Refusals {
    fn refused(&self, event: &Event<'_>) {
        let due = self.seen.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        let Some(refused) = due else { return };
        let reason = said(event);
        // Zenoh goes on with a hint that is right for other reasons.
        let reason = reason.split(". Hint:").next().unwrap_or_default();
        (self.log)(&format!(
            "{refused} connection(s) refused, for lack of a certificate of the domain or for other \
             reasons; the last: {}",
            reason.chars().take(REASON_MAX).collect::<String>()
        ));
    }
}

impl Subscriber for Refusals {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let most = match metadata.target() {
            REFUSED => LevelFilter::WARN,
            MADE => LevelFilter::DEBUG,
            _ => LevelFilter::OFF,
        };
        *metadata.level() <= most
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == REFUSED {
            return self.refused(event);
        }
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let line = calls.hear(&said(event), Instant::now());
        drop(calls);
        if let Some(line) = line {
            (self.log)(&line);
        }
    }

    // Nothing of Zenoh's spans matters here.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The message of `event`.
fn said(event: &Event<'_>) -> String {
    let mut reason = Reason::default();
    event.record(&mut reason);
    reason.0
}

#[derive(Default)]
struct Reason(String);

impl Visit for Reason {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            // Writing to a string succeeds.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_refusals_are_few_lines() {
        let mut seen = Seen::default();
        let start = Instant::now();
        let told: Vec<u64> = (0..30_000)
            .filter_map(|millis| seen.count(start + Duration::from_millis(millis)))
            .collect();
        assert_eq!(told, [1, 10_000, 10_000]);
    }

    #[test]
    fn of_a_computer_that_is_tried_in_vain_the_log_tells_once() {
        let (mut calls, start) = (Calls::default(), Instant::now());
        let mut hear = |said: &str, second| {
            calls.hear(said, start + Duration::from_secs(second)).unwrap_or_default()
        };
        let failed = |why: &str| {
            format!("Unable to connect to configured peer tls/joe:7450! {why}. Retry in 2s.")
        };
        let line = |why: &str| format!("cannot connect to joe:7450 (will try again): {why}");
        assert_eq!(hear(&failed("no such name at /a/b.rs:7"), 0), line("no such name"));
        assert_eq!(hear(&failed("no such name at /a/b.rs:7"), 100), "");
        let refused =
            "Can not create a new TLS link bound to DnsName(\"joe\"): [192.0.2.7:7: refused";
        assert_eq!(hear(&failed(refused), 100), line("192.0.2.7:7: refused"));
        assert_eq!(hear(&failed("no such name"), 101), "", "it may change each time");
        let connected = "Successfully connected to configured peer tls/joe:7450";
        assert_eq!(hear(connected, 102), "connected to joe:7450");
        assert_eq!(hear(connected, 103), "", "it said nothing of a failure");
        assert_eq!(hear(&failed("refused"), 104), line("refused"));
        assert_eq!(hear("Try to connect: tls/joe:7450", 105), "");
    }
}

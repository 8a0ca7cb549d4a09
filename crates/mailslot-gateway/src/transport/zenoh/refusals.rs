//! Connections that Zenoh refuses: it says so by `tracing`, once for each, and so anybody could fill the
//! log. Here they are counted, and told of now and then.

use std::fmt::{Debug, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::Log;

/// Say at most this often that connections were refused.
const COMPLAIN: Duration = Duration::from_secs(10);
/// No more of a reason is repeated, which may hold what a stranger has sent.
const REASON_MAX: usize = 200;

/// From now on tells `log`. It is for the whole process, so whoever listens to `tracing` already goes on
/// alone.
pub fn tell(log: Log) {
    let _ = tracing::subscriber::set_global_default(Refusals { log, seen: Mutex::default() });
}

struct Refusals {
    log: Log,
    seen: Mutex<Seen>,
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

impl Subscriber for Refusals {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= LevelFilter::WARN && metadata.target() == "zenoh_link_tls::unicast"
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, event: &Event<'_>) {
        let due = self.seen.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        let Some(refused) = due else { return };
        let mut reason = Reason::default();
        event.record(&mut reason);
        // Zenoh goes on with a hint that is right for other reasons.
        let reason = reason.0.split(". Hint:").next().unwrap_or_default();
        (self.log)(&format!(
            "{refused} connection(s) refused, for lack of a certificate of the domain or for other \
             reasons; the last: {}",
            reason.chars().take(REASON_MAX).collect::<String>()
        ));
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
}

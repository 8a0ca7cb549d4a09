//! Whom to connect to, when and where. No I/O and no clock.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::seal::Channel;

/// Try again after this long, and twice as long each time.
const AGAIN: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(60);
/// So long the one of two that doesn't begin waits for the other.
const SECOND: Duration = Duration::from_secs(3);
/// A connection that lasts so long was a good one.
const GOOD: Duration = Duration::from_secs(10);
/// Lines of the log about one computer, in so long.
const LINES: u32 = 20;
const IN: Duration = Duration::from_secs(60);
/// How often a computer is asked where it is that doesn't answer: it may be an older one.
const UNHEARD: u32 = 4;

/// One computer.
#[derive(Default)]
struct Dial {
    /// What it has said of itself, if it has.
    addresses: Option<Vec<SocketAddr>>,
    /// Where to try yet.
    left: VecDeque<SocketAddr>,
    /// There is a connection, or one is being tried.
    busy: bool,
    next: Option<Instant>,
    wait: Duration,
    /// Rounds that came to nothing.
    vain: u32,
    /// The keys under which it was told where to find us.
    told: Option<Arc<Channel>>,
    /// Lines of the log about it, since when.
    said: Option<(Instant, u32)>,
}

/// All of them, by folded name.
pub(super) struct Dials {
    by_name: HashMap<Arc<str>, Dial>,
    /// This computer's name.
    me: Arc<str>,
    /// Connections that are being made.
    calls: usize,
}

impl Dials {
    pub(super) fn new(me: Arc<str>) -> Self {
        Self { by_name: HashMap::new(), me, calls: 0 }
    }

    /// A connection is being made.
    pub(super) fn called(&mut self) {
        self.calls += 1;
    }

    /// It is made, or won't be.
    pub(super) fn hung_up(&mut self) {
        self.calls -= 1;
    }

    pub(super) fn are_calling(&self) -> bool {
        self.calls > 0
    }

    /// Whether this computer begins, and `other` only if that comes to nothing.
    pub(super) fn begins(&self, other: &str) -> bool {
        *self.me < *other
    }

    /// `name` has the keys `channel`. If these are new, all else is forgotten, and it has to be told where to
    /// find us.
    pub(super) fn meet(&mut self, name: &Arc<str>, channel: &Arc<Channel>, now: Instant) -> bool {
        let dial = self.by_name.entry(name.clone()).or_default();
        let is_known = dial.told.as_ref().is_some_and(|told| Arc::ptr_eq(told, channel));
        if !is_known {
            let told = Some(channel.clone());
            let next = Some(now + SECOND);
            let Dial { busy, said, .. } = *dial;
            *dial = Dial { told, next, wait: AGAIN, busy, said, ..Dial::default() };
        }
        !is_known
    }

    /// Whether `name` has not said where to find it.
    pub(super) fn knows_nothing_of(&self, name: &str) -> bool {
        self.by_name.get(name).is_none_or(|dial| dial.addresses.is_none())
    }

    /// It has said where it is. If this is news, or it asks, it is tried anew.
    pub(super) fn offered(
        &mut self,
        name: &str,
        addresses: Vec<SocketAddr>,
        ask: bool,
        now: Instant,
    ) {
        let first = self.first(name);
        let Some(dial) = self.by_name.get_mut(name) else { return };
        let news = dial.addresses.as_ref() != Some(&addresses);
        dial.addresses = Some(addresses);
        dial.vain = 0;
        if !dial.busy && (news || ask || dial.next.is_none()) {
            dial.next = Some(now + first);
            dial.wait = AGAIN;
        }
    }

    /// How long this computer waits before it tries `name`.
    fn first(&self, name: &str) -> Duration {
        if self.begins(name) { Duration::ZERO } else { SECOND }
    }

    /// Who is to be tried now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Arc<str>> {
        let mut due = Vec::new();
        for (name, dial) in &mut self.by_name {
            if dial.next.is_some_and(|at| at <= now) {
                dial.next = None;
                dial.left = dial.addresses.iter().flatten().copied().collect();
                due.push(name.clone());
            }
        }
        due
    }

    /// When somebody is due next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.by_name.values().filter_map(|dial| dial.next).min()
    }

    /// The next address to try, after which `name` is busy. Without one the round has come to nothing;
    /// then also says whether to tell it again where to find us.
    pub(super) fn next(&mut self, name: &str, now: Instant) -> Result<SocketAddr, bool> {
        let Some(dial) = self.by_name.get_mut(name) else { return Err(false) };
        if let Some(address) = dial.left.pop_front() {
            dial.busy = true;
            return Ok(address);
        }
        dial.busy = false;
        dial.vain += 1;
        let again = dial.addresses.is_some() || dial.vain <= UNHEARD;
        if again {
            dial.next = Some(now + dial.wait.max(AGAIN));
            dial.wait = (dial.wait.max(AGAIN) * 2).min(SELDOM);
        }
        Err(again)
    }

    /// Whether the log may tell of `name`: one that connects again and again doesn't fill it.
    pub(super) fn may_say(&mut self, name: &str, now: Instant) -> bool {
        let Some(dial) = self.by_name.get_mut(name) else { return false };
        let (since, lines) = dial.said.get_or_insert((now, 0));
        if now.saturating_duration_since(*since) > IN {
            (*since, *lines) = (now, 0);
        }
        *lines += 1;
        *lines <= LINES
    }

    /// There is a connection.
    pub(super) fn linked(&mut self, name: &str) {
        if let Some(dial) = self.by_name.get_mut(name) {
            dial.busy = true;
            dial.next = None;
            dial.left.clear();
        }
    }

    /// What was tried has been given up.
    pub(super) fn idle(&mut self, name: &str) {
        if let Some(dial) = self.by_name.get_mut(name) {
            dial.busy = false;
        }
    }

    /// It has ended, after so long.
    pub(super) fn ended(&mut self, name: &str, lasted: Duration, now: Instant) {
        let first = self.first(name);
        let Some(dial) = self.by_name.get_mut(name) else { return };
        dial.busy = false;
        dial.vain = 0;
        let wait = if lasted >= GOOD { AGAIN } else { dial.wait.max(AGAIN) };
        dial.next = Some(now + wait / 2 + first);
        dial.wait = (wait * 2).min(SELDOM);
    }

    /// It can't be reached at all: until it is met again.
    pub(super) fn rest(&mut self, name: &str) {
        if let Some(dial) = self.by_name.get_mut(name) {
            let Dial { busy, said, .. } = *dial;
            *dial = Dial { busy, said, ..Dial::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use x25519_dalek::StaticSecret;

    use super::super::super::seal::{Ends, Tie};
    use super::*;
    use crate::identity::keys::exchange_public;

    fn channel() -> Arc<Channel> {
        let mine = StaticSecret::from([1; 32]);
        let theirs = exchange_public(&StaticSecret::from([2; 32]));
        let ends = Ends { domain: "d", me: "joe", peer: "sue" };
        Arc::new(Tie::new(&mine, theirs, ends).unwrap().channel(&mine, theirs, ends).unwrap())
    }

    /// The moments at which `name` is tried, in `within`, if that comes to nothing.
    fn rounds(dials: &mut Dials, name: &str, start: Instant, within: Duration) -> Vec<Duration> {
        let mut rounds = Vec::new();
        while let Some(now) = dials.deadline().filter(|at| *at <= start + within) {
            assert_eq!(dials.due(now), [name.into()]);
            rounds.push(now - start);
            while dials.next(name, now).is_ok() {
                assert_eq!(dials.deadline(), None, "one at a time");
            }
        }
        rounds
    }

    fn addresses() -> Vec<SocketAddr> {
        ["192.0.2.1:1", "192.0.2.2:2"].map(|address| address.parse().unwrap()).to_vec()
    }

    #[test]
    fn one_begins_and_the_other_helps_out() {
        for (me, other, first) in [("joe", "sue", Duration::ZERO), ("sue", "joe", SECOND)] {
            let (mut dials, start) = (Dials::new(me.into()), Instant::now());
            let keys = channel();
            assert!(dials.meet(&other.into(), &keys, start) && dials.knows_nothing_of(other));
            assert!(!dials.meet(&other.into(), &keys, start), "it is told once");
            dials.offered(other, addresses(), false, start);
            assert_eq!(dials.due(start + first), [other.into()]);
            assert_eq!(dials.next(other, start), Ok(addresses()[0]));
            dials.idle(other);
            assert_eq!(dials.next(other, start), Ok(addresses()[1]));
            dials.linked(other);
            assert_eq!(dials.deadline(), None);
            // It was a good one, so it is not long until the next.
            dials.ended(other, GOOD, start);
            assert_eq!(dials.deadline(), Some(start + AGAIN / 2 + first));
        }
    }

    #[test]
    fn what_is_tried_in_vain_is_tried_ever_more_seldom() {
        let (mut dials, start) = (Dials::new("joe".into()), Instant::now());
        let keys = channel();
        dials.meet(&"sue".into(), &keys, start);
        dials.offered("sue", addresses(), false, start);
        let hour = Duration::from_secs(3600);
        let count = rounds(&mut dials, "sue", start, hour).len();
        assert!((60..75).contains(&count), "{count}");
        // The same once more changes nothing, something else does, and so does a question.
        let due = dials.deadline();
        dials.offered("sue", addresses(), false, start + hour);
        assert_eq!(dials.deadline(), due);
        dials.offered("sue", addresses(), true, start + hour);
        assert_eq!(dials.deadline(), Some(start + hour));
        assert!(dials.meet(&"sue".into(), &channel(), start), "a new run is told anew");
        assert!(dials.knows_nothing_of("sue"));
    }

    #[test]
    fn the_log_tells_of_some_of_many_connections() {
        let (mut dials, start) = (Dials::new("joe".into()), Instant::now());
        dials.meet(&"sue".into(), &channel(), start);
        let keys = [channel(), channel()];
        let told = (0..150_000).filter(|millis| {
            dials.meet(&"sue".into(), &keys[*millis as usize % 2], start);
            dials.may_say("sue", start + Duration::from_millis(*millis))
        });
        assert_eq!(told.count() as u32, LINES * 3);
    }

    #[test]
    fn who_never_says_where_it_is_is_left_alone() {
        let (mut dials, start) = (Dials::new("joe".into()), Instant::now());
        dials.meet(&"sue".into(), &channel(), start);
        let rounds = rounds(&mut dials, "sue", start, Duration::from_secs(3600));
        assert_eq!(rounds.len(), UNHEARD as usize + 1, "{rounds:?}");
    }
}

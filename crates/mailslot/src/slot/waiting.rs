//! Taking turns: several threads on one read handle, and waiting for records.
//!
//! One thread at a time looks for records. If there are none, the first that wants to wait sleeps
//! on the kernel's report of news, with the lock released; the others wait for it to come back. So
//! no report is ever in the hands of a thread that doesn't hold the lock, where another thread could
//! overtake it.

mod giving_way;
mod spin;
#[cfg(test)]
mod tests;

use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use mailslot_ring::{SharedGuard, fork_generation};
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::Mailslot;
use crate::reader::{Core, Events, Next, Peer};
use crate::{ReadError, clock};

use giving_way::GivingWay;
use spin::Nap;

/// A reader that sleeps as long gives back the memory that its writers keep for more records.
const REST_AFTER: Duration = Duration::from_millis(10);

/// How long a forked child tries for a lock that another thread of its parent may have held.
const FORK_PATIENCE: Duration = Duration::from_secs(1);

/// What the lock guards.
pub(super) struct Turn {
    core: Option<Core>,
    /// A thread sleeps on the kernel's report.
    asleep: bool,
    /// Threads waiting for that one to come back.
    watchers: usize,
    /// How often one has come back.
    reports: u64,
    /// How often reads were cancelled.
    cancels: u64,
    /// Waits that are not to spin, since another process uses this processor.
    crowded: u32,
    /// How a thread has slept since it last looked in vain.
    last_nap: Option<Nap>,
    /// How often it was short, less the other times.
    naps: u32,
    /// How long being woken takes, in nanoseconds: of the last times the longest, more or less.
    waking: u64,
    /// How often in a row it was very short, since a thread last gave way in vain.
    naps_in_a_row: u32,
    giving_way: GivingWay,
}

impl Turn {
    pub(super) fn new(core: Core) -> Self {
        Self {
            core: Some(core),
            asleep: false,
            watchers: 0,
            reports: 0,
            cancels: 0,
            crowded: 0,
            last_nap: None,
            naps: 0,
            waking: 0,
            naps_in_a_row: 0,
            giving_way: GivingWay::default(),
        }
    }

    /// The writers. They are there until the handle is dropped.
    pub(super) fn core(&mut self) -> &mut Core {
        self.core.as_mut().expect("the handle is open")
    }

    /// Lets all writers go.
    pub(super) fn close(&mut self) {
        self.core = None;
    }
}

/// How long a read waits.
pub(super) struct Wait {
    timeout: Option<Duration>,
    /// Set when waiting begins: a read that finds a record needs no clock.
    deadline: Option<Instant>,
}

impl Wait {
    pub(super) fn up_to(timeout: Option<Duration>) -> Self {
        Self { timeout, deadline: None }
    }

    fn blocks(&self) -> bool {
        self.timeout != Some(Duration::ZERO)
    }

    /// What is left of it: `None` for ever.
    fn left(&mut self) -> Option<Duration> {
        let timeout = self.timeout?;
        if timeout.is_zero() {
            return Some(timeout);
        }
        let now = Instant::now();
        let deadline = match self.deadline {
            Some(deadline) => deadline,
            // Beyond what the clock can hold is for ever.
            None => *self.deadline.insert(now.checked_add(timeout)?),
        };
        Some(deadline.saturating_duration_since(now))
    }
}

/// The lock of this process and, for a handle that several processes share, theirs.
struct Entered<'a> {
    turn: MutexGuard<'a, Turn>,
    _table: Option<SharedGuard<'a>>,
}

impl Entered<'_> {
    #[inline]
    fn core(&mut self) -> &mut Core {
        self.turn.core()
    }
}

impl Mailslot {
    /// Copies the next record into `into` where that is simple, and gives its length. What it gives
    /// and when is what [`Mailslot::with_next`] would.
    #[inline(always)]
    pub(super) fn take(&self, into: &mut [u8]) -> Option<usize> {
        self.enter_simply()?.core.as_mut()?.take(into)
    }

    /// [`Mailslot::take`] where no other thread can be at work.
    #[inline]
    pub(super) fn take_alone(&mut self, into: &mut [u8]) -> Option<usize> {
        if *self.generation.get_mut() != fork_generation() || *self.polled.get_mut() {
            return None;
        }
        let turn = self.turn.get_mut().unwrap_or_else(PoisonError::into_inner);
        turn.core.as_mut()?.take(into)
    }

    /// Copies further records behind the last of `ends` while that is simple.
    pub(super) fn take_more(&self, buf: &mut [u8], ends: &mut Vec<usize>, most: usize) {
        let Some(mut turn) = self.enter_simply() else {
            return;
        };
        let mut end = ends.last().copied().unwrap_or(0);
        while ends.len() < most
            && let Some(len) = turn.core().take(&mut buf[end..])
        {
            end += len;
            ends.push(end);
        }
    }

    /// The lock, where nothing else need be seen to.
    #[inline]
    fn enter_simply(&self) -> Option<MutexGuard<'_, Turn>> {
        if self.generation.load(Ordering::Relaxed) != fork_generation()
            || self.polled.load(Ordering::Relaxed)
        {
            return None;
        }
        let turn = self.turn.try_lock().ok()?;
        (!turn.asleep && turn.watchers == 0).then_some(turn)
    }

    /// Waits for the next record and gives it to `take`, which says whether it is taken.
    #[inline]
    pub(super) fn with_next<T>(
        &self,
        mut wait: Wait,
        mut take: impl FnMut(&mut Peer, &Next) -> (Result<T, ReadError>, bool),
    ) -> Result<T, ReadError> {
        let mut entered = self.enter()?;
        if entered.turn.asleep && !wait.blocks() {
            entered = self.rouse(entered)?;
        }
        let cancels = entered.turn.cancels;
        let mut ask_kernel = !wait.blocks() || self.vault.is_some();
        loop {
            if !entered.turn.asleep {
                let core = entered.core();
                // First what the batch still has: looking at all peers takes longer.
                let found = match core.next() {
                    None if ask_kernel || core.has_news() => {
                        core.next_or_collect().map_err(|e| self.io("looking for records", e))?
                    }
                    found => found,
                };
                if let Some((place, next)) = found {
                    if let Some(nap) = &mut entered.turn.last_nap {
                        nap.ended_by(next.stamp);
                    }
                    let core = entered.core();
                    let peer = core.peer(place).expect("the peer of the next record is there");
                    let (result, taken) = take(peer, &next);
                    if taken {
                        core.pop(place, &next);
                    }
                    self.leave(entered);
                    return result;
                }
            }
            if entered.turn.cancels != cancels {
                self.leave(entered);
                return Err(ReadError::Cancelled(self.name.clone()));
            }
            let left = wait.left();
            if ask_kernel && left.is_some_and(|left| left.is_zero()) {
                if !entered.turn.asleep {
                    // It goes away for an unknown time, and nothing is left to read.
                    entered.core().rest();
                }
                self.leave_in_vain(entered);
                let timeout = wait.timeout.unwrap_or_default();
                return Err(ReadError::TimedOut { name: self.name.clone(), timeout });
            }
            entered = self.pause(entered, left)?;
            ask_kernel = true;
        }
    }

    /// Waits until `look` finds something, at most `timeout`.
    pub(crate) fn with_core<T>(
        &self,
        timeout: Option<Duration>,
        mut look: impl FnMut(&mut Core) -> io::Result<Option<T>>,
    ) -> Result<T, ReadError> {
        let mut wait = Wait::up_to(timeout);
        let mut entered = self.enter()?;
        if entered.turn.asleep && !wait.blocks() {
            entered = self.rouse(entered)?;
        }
        let cancels = entered.turn.cancels;
        loop {
            if !entered.turn.asleep {
                let found = look(entered.core()).map_err(|e| self.io("looking for records", e))?;
                if let Some(found) = found {
                    self.leave(entered);
                    return Ok(found);
                }
            }
            if entered.turn.cancels != cancels {
                self.leave(entered);
                return Err(ReadError::Cancelled(self.name.clone()));
            }
            let left = wait.left();
            if left.is_some_and(|left| left.is_zero()) {
                self.leave_in_vain(entered);
                let timeout = timeout.unwrap_or_default();
                return Err(ReadError::TimedOut { name: self.name.clone(), timeout });
            }
            entered = self.pause(entered, left)?;
        }
    }

    /// Bytes of the next record, and how many records and bytes wait.
    pub(super) fn survey(&self) -> Result<(Option<usize>, (u64, u64)), ReadError> {
        let mut entered = self.enter()?;
        if entered.turn.asleep {
            entered = self.rouse(entered)?;
        }
        let core = entered.core();
        // What arrived after the present batch counts, too.
        core.refresh().map_err(|e| self.io("looking for records", e))?;
        let next = core.next_or_collect().map_err(|e| self.io("looking for records", e))?;
        let count = core.count();
        self.leave(entered);
        Ok((next.map(|(_, next)| next.len), count))
    }

    /// Ends the reads that are waiting now, in other threads, with [`ReadError::Cancelled`].
    pub fn cancel(&self) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        turn.cancels += 1;
        if turn.asleep {
            turn.core().kick();
        }
        self.changed.notify_all();
    }

    /// Makes the descriptor tell whether records wait.
    pub(super) fn begin_polling(&self) {
        if let Ok(entered) = self.enter() {
            self.leave(entered);
        }
    }

    #[inline]
    fn enter(&self) -> Result<Entered<'_>, ReadError> {
        if self.generation.load(Ordering::Relaxed) != fork_generation() {
            self.enter_forked()?;
        }
        self.begin(self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the other processes' lock too, and takes note of what they have done.
    #[inline]
    fn begin<'a>(&'a self, mut turn: MutexGuard<'a, Turn>) -> Result<Entered<'a>, ReadError> {
        let table = match &self.vault {
            None => None,
            Some(vault) => {
                let table = vault.lock().map_err(|e| self.io("sharing the handle", e))?;
                turn.core().catch_up().map_err(|e| self.io("sharing the handle", e))?;
                Some(table)
            }
        };
        Ok(Entered { turn, _table: table })
    }

    /// Takes the handle over from the process that this one was forked from.
    #[cold]
    fn enter_forked(&self) -> Result<(), ReadError> {
        let Some(vault) = &self.vault else {
            return Err(ReadError::Forked(self.name.clone()));
        };
        let start = Instant::now();
        let mut turn = loop {
            match self.turn.try_lock() {
                Ok(turn) => break turn,
                Err(TryLockError::Poisoned(turn)) => break turn.into_inner(),
                Err(_) if start.elapsed() < FORK_PATIENCE => std::thread::yield_now(),
                Err(_) => return Err(ReadError::Forked(self.name.clone())),
            }
        };
        let core = Core::shared(vault.clone())
            .map_err(|e| self.io("taking the handle over after a fork", e))?;
        self.polling.replace(core.epoll());
        *turn = Turn::new(core);
        self.generation.store(fork_generation(), Ordering::Relaxed);
        Ok(())
    }

    /// Gives the turn to whoever waits for it.
    #[inline]
    fn leave(&self, mut entered: Entered<'_>) {
        if self.polled.load(Ordering::Relaxed) && !entered.turn.asleep {
            self.show_readiness(entered.core());
        }
        if entered.turn.watchers > 0 && !entered.turn.asleep {
            self.changed.notify_one();
        }
    }

    /// [`Mailslot::leave`] for a read that found nothing.
    fn leave_in_vain(&self, mut entered: Entered<'_>) {
        if !entered.turn.asleep {
            // It may wait for an edge now, as tokio does: what shows from here on must make one.
            entered.core().set_attention(false);
        }
        self.leave(entered);
    }

    /// Whoever polls the descriptor sees it readable exactly while records wait.
    #[cold]
    fn show_readiness(&self, core: &mut Core) {
        // What went wrong the next read says, which must be tried for that.
        let waits = self.waits(core).unwrap_or(true);
        core.set_attention(waits);
    }

    /// True if records wait. Otherwise all peers will ring, and no report is left to be heard.
    fn waits(&self, core: &mut Core) -> io::Result<bool> {
        loop {
            if core.next().is_some() || core.has_news() || !core.events().0.is_empty() {
                return Ok(true);
            }
            if core.arm() {
                // Perhaps only writers that have left: then they are gone now.
                if core.collect()? {
                    return Ok(true);
                }
            } else if self.vault.as_ref().is_some_and(|vault| vault.has_rung()) {
                // The bell was for the other holders.
                core.refresh()?;
            } else {
                // The caller may poll for ever, and it is not known for how long it has.
                core.rest();
                return Ok(false);
            }
        }
    }

    /// Waits for something to happen: by spinning, asleep, or for the thread that sleeps.
    fn pause<'a>(
        &'a self,
        mut entered: Entered<'a>,
        left: Option<Duration>,
    ) -> Result<Entered<'a>, ReadError> {
        if entered.turn.asleep {
            return self.watch(entered, left);
        }
        let (back, found) = self.look_on(entered, left)?;
        entered = back;
        if found || entered.turn.asleep || entered.core().arm() {
            return Ok(entered);
        }
        self.sleep(entered, left)
    }

    /// Sleeps until the kernel reports something.
    fn sleep<'a>(
        &'a self,
        mut entered: Entered<'a>,
        left: Option<Duration>,
    ) -> Result<Entered<'a>, ReadError> {
        entered.turn.asleep = true;
        let rests = entered.core().may_give_back() && left.is_none_or(|left| left > REST_AFTER);
        let left = if rests { Some(REST_AFTER) } else { left };
        drop(entered);

        let timeout = left.map(|left| Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut events: Events = [MaybeUninit::uninit(); 64];
        let start = clock::now();
        let woken = epoll::wait(self.polling.current(), &mut events[..], timeout.as_ref());
        let nap = Nap::new(start, clock::now());

        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        turn.asleep = false;
        turn.last_nap = Some(nap);
        turn.reports += 1;
        if turn.watchers > 0 {
            self.changed.notify_all();
        }
        let mut entered = self.begin(turn)?;
        let applied = match woken {
            Ok(([], _)) if rests => {
                entered.core().rest();
                Ok(())
            }
            Ok((events, _)) => entered.core().apply(events),
            Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        };
        applied.map_err(|e| self.io("waiting for records", e))?;
        Ok(entered)
    }

    /// Waits until the thread that sleeps comes back, or it is time to look again.
    fn watch<'a>(
        &'a self,
        entered: Entered<'a>,
        left: Option<Duration>,
    ) -> Result<Entered<'a>, ReadError> {
        let Entered { mut turn, _table } = entered;
        drop(_table);
        turn.watchers += 1;
        let mut turn = match left {
            None => self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                let waited = self.changed.wait_timeout(turn, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        turn.watchers -= 1;
        drop(turn);
        self.enter()
    }

    /// Makes the thread that sleeps hand in what it may have been told already.
    #[cold]
    fn rouse<'a>(&'a self, entered: Entered<'a>) -> Result<Entered<'a>, ReadError> {
        let Entered { mut turn, _table } = entered;
        drop(_table);
        let reports = turn.reports;
        turn.core().kick();
        turn.watchers += 1;
        while turn.asleep && turn.reports == reports {
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        turn.watchers -= 1;
        drop(turn);
        self.enter()
    }
}

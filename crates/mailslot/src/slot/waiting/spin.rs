//! Looking for records in a loop before sleeping: where the slot's creator asked for it, and for a
//! moment after a stream of records, or where sleeping takes longer than that.

mod nap;

use std::io;
use std::time::{Duration, Instant};

use super::giving_way::{LONG, let_others_run};
use super::{Entered, Mailslot};
use crate::reader::Core;
use crate::slot::STREAM_SPIN;
use crate::{ReadError, clock};

pub(super) use nap::Nap;

/// A reader that took as many records since it last ran dry, beside the one it waited for, serves
/// writers that stream.
const STREAM: u32 = 2;

/// How long it leaves them alone then: some hundred nanoseconds to a microsecond.
const LEAVE_ALONE: u32 = 16;

/// How long a reader that spins because it was asked to keeps other threads from the handle, and
/// other processes from its processor, at a time. (After a stream it is [`STREAM_SPIN`].)
const SPIN_SLICE: Duration = Duration::from_micros(5);

/// Whoever gives way gets its processor back at once unless another process uses it.
const AT_ONCE: Duration = Duration::from_micros(2);

/// So many waits don't spin after one that shared its processor. Perhaps with the writer, who then
/// can't write before the reader sleeps.
const CROWDED: u32 = 8;

/// After so many naps a reader looks before it sleeps. If it does in vain, it sleeps half as often
/// before it tries again.
const NAPS: u32 = 256;

/// It looks for twice as long as being woken takes, but no longer than this.
const LONGEST_LOOK: Duration = Duration::from_micros(100);

/// After so many very short naps in a row it gives way instead of sleeping.
const FEW_NAPS: u32 = 16;

/// Among more writers than these, one look around takes longer than being woken.
const SPIN_AMONG: usize = 32;

impl Mailslot {
    /// Looks for news while that is likely to be quicker than to sleep. False if there are none.
    pub(super) fn look_on<'a>(
        &'a self,
        mut entered: Entered<'a>,
        left: Option<Duration>,
    ) -> Result<(Entered<'a>, bool), ReadError> {
        let streams = std::mem::take(&mut entered.core().taken) >= STREAM;
        entered.turn.count_nap();
        if entered.turn.naps_in_a_row >= FEW_NAPS
            && left.is_none_or(|left| left > LONG)
            && entered.turn.giving_way.is_due()
        {
            let (back, found) = self.give_way(entered)?;
            if found || back.turn.asleep {
                return Ok((back, found));
            }
            entered = back;
        }
        let crowded = entered.turn.crowded > 0;
        entered.turn.crowded = entered.turn.crowded.saturating_sub(1);
        let asked = if crowded { Duration::ZERO } else { self.spin };
        let naps = entered.turn.naps >= NAPS;
        let (time, slice) = match streams || naps {
            true => (asked.max(self.stream_spin), STREAM_SPIN),
            false => (asked, SPIN_SLICE),
        };
        let waking = Duration::from_nanos(entered.turn.waking);
        let time =
            if naps && !time.is_zero() { time.max((2 * waking).min(LONGEST_LOOK)) } else { time };
        if !time.is_zero() && entered.core().active() <= SPIN_AMONG {
            if streams {
                // Looking takes the line that a writer writes away from it. One that streams is
                // better left alone for as long as some more records take.
                (0..LEAVE_ALONE).for_each(|_| std::hint::spin_loop());
            }
            let (mut back, found) = self.spin(entered, left, time, slice)?;
            if !found {
                back.turn.naps /= 2;
            }
            return Ok((back, found));
        }
        Ok((entered, false))
    }

    /// Lets others use this processor once. True if there are news then, or the read is cancelled.
    ///
    /// The kernel likes to wake a reader on the processor of the writer that rang for it. Woken for
    /// each record, it takes the processor from that writer each time. If it gives way instead, it
    /// comes back when the writer has filled its ring, or has nothing more to write.
    fn give_way<'a>(&'a self, mut entered: Entered<'a>) -> Result<(Entered<'a>, bool), ReadError> {
        let cancels = entered.turn.cancels;
        let mut way = std::mem::take(&mut entered.turn.giving_way);
        self.leave(entered);
        let quick = way.give();
        entered = self.enter()?;
        let turn = &mut entered.turn;
        turn.giving_way = way;
        let cancelled = turn.cancels != cancels;
        let found = !turn.asleep && turn.core().has_news();
        if !quick || !found {
            turn.naps_in_a_row = 0;
        }
        Ok((entered, found || cancelled))
    }

    /// Looks for news in a loop, and lets other processes run now and then. True if there are some,
    /// or the read is cancelled.
    fn spin<'a>(
        &'a self,
        mut entered: Entered<'a>,
        left: Option<Duration>,
        time: Duration,
        slice: Duration,
    ) -> Result<(Entered<'a>, bool), ReadError> {
        let start = Instant::now();
        let cancels = entered.turn.cancels;
        let end = left.map_or(time, |left| left.min(time));
        loop {
            let found = look_for(entered.core(), slice);
            let found = found.map_err(|e| self.io("looking for records", e))?;
            let found = found || entered.turn.cancels != cancels;
            if found || start.elapsed() >= end {
                return Ok((entered, found));
            }
            self.leave(entered);
            let alone = let_others_run() < AT_ONCE;
            entered = self.enter()?;
            if !alone {
                entered.turn.crowded = CROWDED;
            }
            let cancelled = entered.turn.cancels != cancels;
            if cancelled || entered.turn.asleep || !alone {
                return Ok((entered, cancelled));
            }
        }
    }
}

/// Looks for records for some time. False if there are none.
fn look_for(core: &mut Core, time: Duration) -> io::Result<bool> {
    if core.collect()? {
        return Ok(true);
    }
    let end = clock::now() + time.as_nanos() as u64;
    loop {
        let now = clock::now();
        if core.collect_again(now)? {
            return Ok(true);
        }
        if now >= end {
            return Ok(false);
        }
    }
}

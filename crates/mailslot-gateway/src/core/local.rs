//! What programs of this computer write, and what they are told.

use std::collections::hash_map::Entry;

use mailslot_wire::envelope::Definition;
use mailslot_wire::name::SlotName;

use super::memory::OUTCOMES_MAX;
use super::outbox::Body;
use super::route::{Place, Reach, reach};
use super::*;

/// The longest time that a confirmation is waited for.
const CONFIRM_MAX: Duration = Duration::from_secs(3600);

/// A computer that a writer's records go to.
#[derive(Debug)]
struct Route {
    to: Destination,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    Own { delivery: u64 },
    Peer { index: usize, channel: Option<u32> },
}

impl Destination {
    fn same_computer(self, other: Destination) -> bool {
        match (self, other) {
            (Destination::Own { .. }, Destination::Own { .. }) => true,
            (Destination::Peer { index: a, .. }, Destination::Peer { index: b, .. }) => a == b,
            _ => false,
        }
    }
}

#[derive(Debug)]
pub(super) struct LocalWriter {
    pub(super) who: Writer,
    /// The slot, as each computer calls it.
    slot: SlotName,
    state: Option<TargetState>,
    wide: bool,
    routes: Vec<Route>,
    pub(super) lost: u64,
    /// None of its records are taken for now.
    pub(super) held: bool,
    /// Records of which the outcome is open.
    outstanding: usize,
}

impl LocalWriter {
    pub(super) fn is_wide(&self) -> bool {
        self.wide
    }

    /// The only computer that it writes to, if its plain records come faster than they go there, and
    /// whether they are large. Nobody else waits with it.
    fn crowds(&self, peers: &[Peer], now: Time, config: &Config) -> Option<(usize, bool)> {
        let [Route { to: Destination::Peer { index, channel }, .. }] = self.routes[..] else {
            return None;
        };
        if self.wide || self.held {
            return None;
        }
        let peer = &peers[index];
        let large = channel.is_some_and(|number| peer.outgoing.outbox.is_large(number));
        peer.is_crowded(now, config.hold_above(), large).then_some((index, large))
    }
}

/// A record whose outcome is open.
#[derive(Debug)]
pub(super) struct Confirm {
    deadline: Time,
    bytes: Arc<Vec<u8>>,
    answers: Vec<(Destination, String, Option<Outcome>)>,
}

impl Core {
    pub(super) fn open(&mut self, writer: u64, who: Writer) {
        let path = format!(r"\\?\mailslot\{}", who.target.path());
        // A path that is in a name can be in another.
        let slot = SlotName::parse(&path).unwrap_or_else(|_| who.target.clone());
        self.by_writer_id.insert(who.id, writer);
        let (state, wide, routes, held) = (None, false, Vec::new(), false);
        let known = LocalWriter { who, slot, state, wide, routes, lost: 0, held, outstanding: 0 };
        self.writers.insert(writer, known);
        self.route(writer);
    }

    pub(super) fn close(&mut self, writer: u64) {
        let Some(known) = self.writers.remove(&writer) else { return };
        if let Entry::Occupied(entry) = self.by_writer_id.entry(known.who.id)
            && *entry.get() == writer
        {
            entry.remove();
        }
        for route in known.routes {
            self.end_route(route);
        }
        if known.outstanding > 0 {
            let open: Vec<_> = self.confirms.extract_if(|(of, _), _| *of == writer).collect();
            for ((_, sequence), confirm) in open {
                self.confirm_deadlines.remove(&(confirm.deadline, writer, sequence));
            }
        }
    }

    fn end_route(&mut self, route: Route) {
        match route.to {
            Destination::Own { delivery } => {
                if let Some(Owner::Own { id: Some(id), .. }) = self.deliveries.get(&delivery) {
                    self.own.close(*id);
                }
                self.outputs.push_back(Output::CloseDelivery { delivery });
            }
            Destination::Peer { index, channel: Some(channel) } => {
                self.peers[index].outgoing.outbox.close(channel, self.now);
                self.mark(index);
            }
            Destination::Peer { channel: None, .. } => {}
        }
    }

    /// Finds the computers that a writer's name reaches now.
    pub(super) fn route(&mut self, writer: u64) {
        let Some(known) = self.writers.get_mut(&writer) else { return };
        let (state, wide, computers) = match reach(&self.membership, known.who.target.host()) {
            Reach::Unknown => (TargetState::Unknown, false, Vec::new()),
            Reach::Computers { wide, computers } => (TargetState::Known, wide, computers),
        };
        known.wide = wide;
        let mut before = std::mem::take(&mut known.routes);
        let mut routes = Vec::new();
        for (place, name) in computers {
            let to = match &place {
                Place::Own { .. } => Destination::Own { delivery: 0 },
                Place::Other(id) => match self.by_id.get(id) {
                    Some(&index) => Destination::Peer { index, channel: None },
                    None => continue,
                },
            };
            if let Some(known) = before.iter().position(|route| route.to.same_computer(to)) {
                routes.push(before.swap_remove(known));
                continue;
            }
            let to = match place {
                Place::Own { domain } => self.open_own(writer, &name, domain),
                Place::Other(_) => to,
            };
            routes.push(Route { to, name });
        }
        for route in before {
            self.end_route(route);
        }
        if let Some(known) = self.writers.get_mut(&writer) {
            known.routes = routes;
            if known.state.replace(state) != Some(state) {
                self.outputs.push_back(Output::Target { writer, state });
            }
        }
    }

    fn open_own(&mut self, writer: u64, computer: &str, domain: String) -> Destination {
        self.last_delivery += 1;
        let delivery = self.last_delivery;
        if let Some(known) = self.writers.get(&writer) {
            let id = known.who.confirmed.then_some(known.who.id);
            id.inspect(|id| self.own.open(*id));
            self.deliveries.insert(delivery, Owner::Own { writer, id });
            self.outputs.push_back(Output::OpenDelivery(Box::new(Delivery {
                delivery,
                from: None,
                computer: computer.to_owned(),
                domain,
                writer: known.who.id,
                confirmed: known.who.confirmed,
                user: known.who.user.clone(),
                pid: known.who.pid,
                slot: known.slot.clone(),
            })));
        }
        Destination::Own { delivery }
    }

    pub(super) fn write(&mut self, writer: u64, sequence: u64, bytes: Vec<u8>, timeout: Duration) {
        let Some(known) = self.writers.get_mut(&writer) else { return };
        let confirmed = known.who.confirmed;
        let mut body = Body::from(bytes);
        let refusal = if body.len() > RECORD_MAX {
            Some(Outcome::TooLarge)
        } else {
            (confirmed && known.outstanding >= OUTCOMES_MAX).then_some(Outcome::Full)
        };
        let deadline = self.now + timeout.min(CONFIRM_MAX);
        let kept = self.now + self.config.keep;
        let expires = if confirmed { kept.max(deadline) } else { kept };
        let mut answers = Vec::new();
        let mut lost = 0;
        if known.routes.is_empty() {
            lost = 1;
        }
        let (who, wide, slot) = (&known.who, known.wide, &known.slot);
        let definition = || Definition {
            writer: who.id,
            confirmed,
            wide,
            pid: who.pid,
            user: who.user.clone(),
            slot: slot.clone(),
        };
        for route in &mut known.routes {
            self.counters.written += 1;
            let failed = match &mut route.to {
                _ if refusal.is_some() => refusal,
                Destination::Own { .. }
                    if confirmed && self.own.advance(who.id, sequence, 1) > 0 =>
                {
                    // An earlier start of this gateway has had it.
                    self.counters.duplicates += 1;
                    let outcome = Some(self.own.outcome(who.id, sequence));
                    answers.push((route.to, route.name.clone(), outcome));
                    continue;
                }
                Destination::Own { delivery } => {
                    let records = Run::One(body.to_vec());
                    let delivery = *delivery;
                    let output = Output::Deliver { delivery, first: sequence, records };
                    self.outputs.push_back(output);
                    None
                }
                Destination::Peer { index, channel } => {
                    let peer = &mut self.peers[*index];
                    let len = body.len();
                    let taken = has_room(&self.config, self.queued, peer, len);
                    if taken {
                        let outbox = &mut peer.outgoing.outbox;
                        let number = channel.filter(|number| outbox.is_open(*number));
                        let number = number.unwrap_or_else(|| outbox.channel(writer, definition()));
                        *channel = Some(number);
                        outbox.record(number, sequence, &mut body, self.now, expires);
                        self.queued += len;
                        peer.mark(*index, &mut self.dirty);
                    }
                    (!taken).then_some(Outcome::Full)
                }
            };
            if failed.is_some()
                && let Destination::Peer { index, .. } = route.to
            {
                self.peers[index].lost += 1;
            }
            lost += u64::from(failed.is_some());
            if confirmed {
                answers.push((route.to, route.name.clone(), failed));
            }
        }
        if confirmed {
            known.outstanding += 1;
        } else if let Some((index, large)) = known.crowds(&self.peers, self.now, &self.config) {
            known.held = true;
            self.peers[index].held.push((writer, large));
            self.outputs.push_back(Output::Hold { writer });
        }
        if lost > 0 {
            self.lose(writer, lost);
        }
        if confirmed {
            self.confirm_deadlines.insert((deadline, writer, sequence));
            let bytes = body.share();
            self.confirms.insert((writer, sequence), Confirm { deadline, bytes, answers });
            self.check_confirm(writer, sequence);
        }
    }

    /// The other side has begun anew: it may have dealt with records whose outcome was on its way
    /// back. It knows them by their numbers.
    pub(super) fn repeat_confirms(&mut self, index: usize) {
        let waits = |confirm: &Confirm| {
            confirm.answers.iter().any(|(to, _, outcome)| {
                matches!(to, Destination::Peer { index: i, .. } if *i == index) && outcome.is_none()
            })
        };
        let all = self.confirms.iter().filter(|(_, confirm)| waits(confirm));
        let mut open: Vec<_> =
            all.map(|(key, confirm)| (*key, confirm.bytes.clone(), confirm.deadline)).collect();
        open.sort_unstable_by_key(|(key, ..)| *key);
        for ((writer, sequence), bytes, deadline) in open {
            let known = self.writers.get(&writer).map(|known| &known.routes);
            let channel = known.and_then(|routes| {
                routes.iter().find_map(|route| match route.to {
                    Destination::Peer { index: i, channel } if i == index => channel,
                    _ => None,
                })
            });
            let outbox = &mut self.peers[index].outgoing.outbox;
            if let Some(channel) = channel.filter(|channel| outbox.is_open(*channel)) {
                outbox.record(channel, sequence, &mut Body::Shared(bytes), self.now, deadline);
            }
        }
        self.mark(index);
    }

    /// What became of a record on a computer: another, or (`None`) this one.
    pub(super) fn answered(
        &mut self,
        peer: Option<usize>,
        writer: u64,
        sequence: u64,
        outcome: Outcome,
    ) {
        let Some(confirm) = self.confirms.get_mut(&(writer, sequence)) else { return };
        for (to, _, answer) in &mut confirm.answers {
            let here = match to {
                Destination::Own { .. } => peer.is_none(),
                Destination::Peer { index, .. } => peer == Some(*index),
            };
            if here && answer.is_none() {
                *answer = Some(outcome);
            }
        }
        self.check_confirm(writer, sequence);
    }

    fn check_confirm(&mut self, writer: u64, sequence: u64) {
        let Some(confirm) = self.confirms.get(&(writer, sequence)) else { return };
        if confirm.answers.iter().all(|(_, _, outcome)| outcome.is_some()) {
            self.tell_confirm(writer, sequence);
        }
    }

    fn tell_confirm(&mut self, writer: u64, sequence: u64) {
        let Some(confirm) = self.confirms.remove(&(writer, sequence)) else { return };
        self.confirm_deadlines.remove(&(confirm.deadline, writer, sequence));
        if let Some(known) = self.writers.get_mut(&writer) {
            known.outstanding = known.outstanding.saturating_sub(1);
        }
        let outcomes = confirm.answers.into_iter();
        let outcomes = outcomes
            .map(|(_, name, outcome)| (name, outcome.unwrap_or(Outcome::NoAnswer)))
            .collect();
        self.outputs.push_back(Output::Confirmed { writer, sequence, outcomes });
    }

    pub(super) fn expire_confirms(&mut self) {
        while let Some(&(at, writer, sequence)) = self.confirm_deadlines.first()
            && at <= self.now
        {
            self.tell_confirm(writer, sequence);
        }
    }

    /// A computer doesn't belong to the domain any more: nothing more is heard from it.
    pub(super) fn give_up_confirms(&mut self, index: usize) {
        let mut open: Vec<_> = self.confirms.keys().copied().collect();
        open.sort_unstable();
        for (writer, sequence) in open {
            self.answered(Some(index), writer, sequence, Outcome::NoAnswer);
        }
    }
}

/// Whether a record of `len` bytes may wait for a computer; `queued` bytes wait for all.
fn has_room(config: &Config, queued: usize, peer: &Peer, len: usize) -> bool {
    let after = peer.outgoing.outbox.bytes() + len;
    let share = after <= Config::QUEUE_SHARE;
    after <= config.queue && (queued + len <= config.queues || share)
}

//! What other computers send: records for slots, outcomes, questions.

use mailslot_wire::envelope::{self, Frame, Question};

use super::incoming::Event;
use super::*;

/// How often a question is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// A question that was asked.
#[derive(Debug)]
pub(super) struct Asked {
    peer: usize,
    what: Question,
    deadline: Time,
    pub(super) again: Time,
    parts: Vec<Option<Vec<u8>>>,
}

impl Core {
    pub(super) fn frame(&mut self, from: &PeerId, bytes: Vec<u8>) {
        let bytes = Arc::new(bytes);
        self.counters.frames_received += 1;
        let Some(&index) = self.by_id.get(from) else {
            self.counters.frames_refused += 1;
            return;
        };
        if !self.peers[index].outgoing.reachable {
            self.set_reachable(from.clone(), true);
        }
        let Ok(frame) = Frame::parse(&bytes) else {
            self.counters.frames_refused += 1;
            return;
        };
        let peer = &mut self.peers[index];
        peer.outgoing.heard();
        let to = from.clone();
        match frame {
            Frame::Open { token } => {
                let connection = peer.incoming.open(token, &mut self.random);
                let frame = envelope::accept(token, connection);
                self.outputs.push_back(Output::Send { to, frame, number: None });
            }
            Frame::Accept { token, connection } => {
                peer.outgoing.accepted(token, connection, self.now);
            }
            Frame::Data { connection, number, items } => {
                let mut events = Vec::new();
                let last = &mut self.last_delivery;
                let place = (connection, number);
                if peer.incoming.data(place, items, &bytes, last, &mut events).is_err() {
                    self.counters.frames_refused += 1;
                }
                self.events(index, events);
            }
            Frame::Ack { connection, next, map } => {
                peer.outgoing.acknowledged((connection, next), map, self.now);
                self.release(index);
            }
            Frame::Reset { connection } => {
                if peer.outgoing.was_reset(connection) {
                    self.repeat_confirms(index);
                }
            }
            Frame::Ask { question, what: Question::Ping } => {
                let frame = envelope::answer(question, 0, 1, &[]);
                self.outputs.push_back(Output::Send { to, frame, number: None });
            }
            Frame::Ask { question, what: Question::Slots } => {
                self.outputs.push_back(Output::Slots { to, question });
            }
            Frame::Answer { question, part, parts, body } => {
                self.answer_came(index, question, (part, parts), body);
            }
        }
        self.mark(index);
    }

    pub(super) fn events(&mut self, index: usize, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Defined { delivery, definition } => {
                    let peer = &self.peers[index];
                    let owner = Owner::Peer {
                        peer: index,
                        writer: definition.writer,
                        confirmed: definition.confirmed,
                        wide: definition.wide,
                    };
                    self.deliveries.insert(delivery, owner);
                    self.outputs.push_back(Output::OpenDelivery(Box::new(Delivery {
                        delivery,
                        from: Some(peer.id.clone()),
                        computer: peer.computer.clone(),
                        domain: peer.domain.clone(),
                        writer: definition.writer,
                        confirmed: definition.confirmed,
                        user: definition.user,
                        pid: definition.pid,
                        slot: definition.slot,
                    })));
                }
                Event::Records { delivery, first, records } => {
                    self.outputs.push_back(Output::Deliver { delivery, first, records });
                }
                Event::Again { delivery, sequence } => {
                    if let Some(Owner::Peer { writer, .. }) = self.deliveries.get(&delivery) {
                        self.again.push((index, *writer, sequence));
                    }
                }
                Event::Duplicates(records) => self.counters.duplicates += records,
                Event::Closed { delivery } => {
                    self.outputs.push_back(Output::CloseDelivery { delivery });
                }
                Event::Result { writer, sequence, outcome } => {
                    if let Some(&writer) = self.by_writer_id.get(&writer) {
                        self.answered(Some(index), writer, sequence, outcome);
                    }
                }
                Event::Missed { writer, count } => {
                    if let Some(&writer) = self.by_writer_id.get(&writer)
                        && let Some(known) = self.writers.get_mut(&writer)
                    {
                        known.lost = known.lost.saturating_add(count);
                        self.unlucky.insert(writer);
                    }
                }
            }
        }
    }

    pub(super) fn tell_again(&mut self) {
        for (index, writer, sequence) in std::mem::take(&mut self.again) {
            let outcome = self.peers[index].incoming.memory.outcome(writer, sequence);
            self.send_result(index, writer, sequence, outcome);
        }
    }

    /// Slots have taken records, or not.
    pub(super) fn delivered(&mut self, delivery: u64, first: u64, outcomes: &[Outcome]) {
        let count = outcomes.len() as u64;
        let accepted = outcomes.iter().filter(|o| **o == Outcome::Accepted).count() as u64;
        match self.deliveries.get(&delivery).copied() {
            None => {}
            Some(Owner::Own { writer, .. }) => {
                let Some(known) = self.writers.get(&writer) else { return };
                if known.who.confirmed {
                    let id = known.who.id;
                    for (sequence, outcome) in (first..).zip(outcomes) {
                        self.own.keep(id, sequence, *outcome);
                        self.answered(None, writer, sequence, *outcome);
                    }
                } else {
                    let missed = missed(outcomes, known.is_wide());
                    if missed > 0 {
                        self.lose(writer, missed);
                    }
                }
            }
            Some(Owner::Peer { peer: index, writer, confirmed, wide }) => {
                self.counters.received += count;
                self.counters.delivered += accepted;
                self.counters.missed += count - accepted;
                if confirmed {
                    for (sequence, outcome) in (first..).zip(outcomes) {
                        self.peers[index].incoming.memory.keep(writer, sequence, *outcome);
                        self.send_result(index, writer, sequence, *outcome);
                    }
                } else {
                    let missed = missed(outcomes, wide);
                    if missed > 0 {
                        self.peers[index].outgoing.outbox.missed(writer, missed);
                        self.mark(index);
                    }
                }
            }
        }
    }

    fn send_result(&mut self, index: usize, writer: WriterId, sequence: u64, outcome: Outcome) {
        let (now, outbox) = (self.now, &mut self.peers[index].outgoing.outbox);
        // A peer that takes no results gets none: bounded, and it hears "no answer".
        if outbox.bytes() < self.config.queue {
            outbox.result(writer, sequence, outcome, now);
            self.mark(index);
        }
    }

    pub(super) fn ask(&mut self, question: u64, peer: &PeerId, what: Question, timeout: Duration) {
        let Some(&peer) = self.by_id.get(peer) else {
            self.outputs.push_back(Output::Answered { question, answer: None });
            return;
        };
        let (now, deadline) = (self.now, self.now + timeout);
        self.asked.insert(question, Asked { peer, what, deadline, again: now, parts: Vec::new() });
    }

    pub(super) fn ask_again(&mut self) {
        let due =
            |(question, asked): (&u64, &Asked)| (asked.again <= self.now).then_some(*question);
        let mut questions: Vec<u64> = self.asked.iter().filter_map(due).collect();
        questions.sort_unstable();
        for question in questions {
            let Some(asked) = self.asked.get_mut(&question) else { continue };
            if asked.deadline <= self.now {
                self.asked.remove(&question);
                self.outputs.push_back(Output::Answered { question, answer: None });
                continue;
            }
            asked.again = (self.now + ASK_AGAIN).min(asked.deadline);
            let to = self.peers[asked.peer].id.clone();
            let frame = envelope::ask(question, asked.what);
            self.outputs.push_back(Output::Send { to, frame, number: None });
        }
    }

    fn answer_came(&mut self, index: usize, question: u64, place: (u16, u16), body: &[u8]) {
        let (part, parts) = (usize::from(place.0), usize::from(place.1));
        let Some(asked) = self.asked.get_mut(&question).filter(|a| a.peer == index) else { return };
        if asked.parts.len() != parts {
            asked.parts = vec![None; parts];
        }
        if let Some(place) = asked.parts.get_mut(part) {
            *place = Some(body.to_vec());
        }
        if asked.parts.iter().all(Option::is_some)
            && let Some(asked) = self.asked.remove(&question)
        {
            let answer = Some(asked.parts.into_iter().flatten().flatten().collect());
            self.outputs.push_back(Output::Answered { question, answer });
        }
    }

    pub(super) fn answer_slots(&mut self, to: &PeerId, question: u64, paths: &[String]) {
        let text = paths.join("\n").into_bytes();
        let room = self.config.largest_frame - envelope::HEADER_LEN - 4;
        let most = room * usize::from(envelope::ANSWER_PARTS_MAX);
        let text = &text[..text.len().min(most)];
        let parts = text.len().div_ceil(room).max(1) as u16;
        for part in 0..parts {
            let begin = usize::from(part) * room;
            let body = &text[begin..text.len().min(begin + room)];
            let frame = envelope::answer(question, part, parts, body);
            self.outputs.push_back(Output::Send { to: to.clone(), frame, number: None });
        }
    }
}

/// How many records no slot took. That a domain's computer has no such slot is as it should be.
fn missed(outcomes: &[Outcome], wide: bool) -> u64 {
    let missed = |outcome: &&Outcome| match outcome {
        Outcome::Accepted => false,
        Outcome::NoSuchSlot => !wide,
        _ => true,
    };
    outcomes.iter().filter(missed).count() as u64
}

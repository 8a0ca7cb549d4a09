use proptest::prelude::*;

use super::*;
use crate::fuzz_checks;

type Read = (u64, bool, Vec<(Outcome, String)>);

fn read(datagrams: &[Vec<u8>]) -> Vec<Read> {
    datagrams
        .iter()
        .map(|datagram| match Answer::parse(datagram) {
            Some(Answer::Outcomes { record, last, outcomes }) => {
                (record, last, outcomes.map(|(o, name)| (o, name.to_owned())).collect())
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_target_answer_has_this_layout() {
    let bytes = *b"MS\x01\x11\0\0\0\0\0\0\0\0\0\0\0\0\x02";
    assert_eq!(target(TargetState::Unknown), bytes);
    for state in TargetState::ALL {
        assert_eq!(Answer::parse(&target(state)), Some(Answer::Target(state)));
    }
}

#[test]
fn a_lost_answer_has_this_layout() {
    let bytes = *b"MS\x01\x12\0\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01";
    assert_eq!(lost(0x0102_0304_0506_0708), bytes);
    assert_eq!(Answer::parse(&bytes), Some(Answer::Lost(0x0102_0304_0506_0708)));
}

#[test]
fn an_outcomes_answer_has_this_layout() {
    let bytes = *b"MS\x01\x13\0\0\0\0\x05\0\0\0\0\0\0\0\x01\x01\x03JOE\x06\x03ANN";
    let entries = [(Outcome::Accepted, "JOE"), (Outcome::NoAnswer, "ANN")];
    assert_eq!(outcomes(5, true, entries), [bytes]);
    let entries = entries.map(|(outcome, name)| (outcome, name.to_owned())).to_vec();
    assert_eq!(read(&[bytes.to_vec()]), [(5, true, entries)]);
    assert_eq!(read(&outcomes(7, true, [])), [(7, true, vec![])]);
}

#[test]
fn many_outcomes_take_several_answers() {
    let names: Vec<String> = (0..2000).map(|n| format!("{n:0200}")).collect();
    let entries = names.iter().map(|name| (Outcome::Full, name.as_str()));
    let datagrams = outcomes(1, true, entries);
    assert!(datagrams.len() > 12 && datagrams.iter().all(|d| d.len() <= ANSWER_MAX));
    let read = read(&datagrams);
    let (ends, others) = read.split_last().unwrap();
    assert!(ends.1 && others.iter().all(|(_, last, _)| !last));
    let all: Vec<_> = read.iter().flat_map(|(.., entries)| entries).map(|e| &e.1).collect();
    assert_eq!(all, names.iter().collect::<Vec<_>>());
}

#[test]
fn anything_else_is_refused() {
    let good = outcomes(5, true, [(Outcome::Accepted, "JOE")]).remove(0);
    for (at, value) in
        [(0, b'X'), (2, 2), (3, 20), (4, 1), (16, 2), (17, 0), (17, 7), (18, 9), (19, b'*')]
    {
        let mut bad = good.clone();
        bad[at] = value;
        if at == 19 {
            bad[20..].fill(b'*');
        }
        let unlike = Answer::parse(&bad) != Answer::parse(&good);
        assert!(unlike && (at == 19 || Answer::parse(&bad).is_none()), "{at} {value}");
    }
    for len in 0..good.len() {
        // Without its entry, it is one without entries.
        assert_eq!(Answer::parse(&good[..len]).is_some(), len == HEADER_LEN + 1, "{len}");
    }
    assert_eq!(Answer::parse(&[lost(1), vec![0]].concat()), None);
    assert_eq!(Answer::parse(&vec![0; ANSWER_MAX + 1]), None);
    assert_eq!(outcomes(0, true, [(Outcome::Accepted, "a\nb")])[0].len(), HEADER_LEN + 1);
}

proptest! {
    #[test]
    fn mutated_answers_are_harmless(at in 0usize..30, value: u8, len in 0usize..40) {
        let mut datagram = outcomes(5, true, [(Outcome::Accepted, "JOE"), (Outcome::Full, "ANN")]).remove(0);
        if let Some(byte) = datagram.get_mut(at) {
            *byte = value;
        }
        datagram.resize(len, value);
        fuzz_checks::message(&datagram);
    }
}

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::memory::Network;
use super::*;

fn readable(source: &EventSource) -> bool {
    let timeout = Duration::ZERO.try_into().unwrap();
    poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&timeout)).unwrap() == 1
}

#[test]
fn names_are_folded() {
    assert_eq!(PeerId::new("WorkGroup", "JOE"), PeerId::new("workgroup", "joe"));
    assert_eq!(PeerId::new("WorkGroup", "JOE").to_string(), "joe.workgroup");
}

#[test]
fn frames_arrive_with_their_source() {
    let network = Network::default();
    let (sink_a, events_a) = events().unwrap();
    let (sink_b, events_b) = events().unwrap();
    let (id_a, id_b) = (PeerId::new("D", "A"), PeerId::new("D", "B"));
    let a = network.connect(id_a.clone(), sink_a);
    assert!(!readable(&events_a));
    let b = network.connect(id_b.clone(), sink_b);
    assert!(readable(&events_a) && readable(&events_b));
    assert_eq!(events_a.take().reachable.get(&id_b), Some(&true));
    a.send(&id_b, vec![7]).unwrap();
    let told = events_b.take();
    assert_eq!(told.reachable.get(&id_a), Some(&true));
    assert_eq!(told.frames, [(id_a.clone(), vec![7])]);
    assert!(!readable(&events_b));
    drop(b);
    assert_eq!(events_a.take().reachable.get(&id_b), Some(&false));
    assert_eq!(a.send(&id_b, vec![8]), Err(SendError::Unreachable));
}

#[test]
fn a_flood_from_one_leaves_room_for_others_and_is_counted() {
    let (sink, source) = events().unwrap();
    let (flood, other) = (PeerId::new("D", "flood"), PeerId::new("D", "other"));
    for _ in 0..1000 {
        sink.frame(flood.clone(), vec![0; 64 * 1024]);
    }
    sink.frame(other.clone(), vec![1]);
    let told = source.take();
    assert!(told.frames.len() < 130, "bounded");
    assert_eq!(told.dropped, 1001 - told.frames.len() as u64);
    assert_eq!(told.frames.back(), Some(&(other, vec![1])));
    // What was taken makes room.
    sink.frame(flood, vec![0; 64 * 1024]);
    assert_eq!(source.take().frames.len(), 1);
}

//! What is measured: the workloads, and who takes part in each.

use serde::{Deserialize, Serialize};

use crate::peer::{Kind, mqueue};

/// A slot's quota for throughput. Up to about 511 KiB, a ring stays in memory that it keeps, so that
/// a writer that always outruns its reader costs no page faults.
const QUOTA: u64 = 384 * 1024;

/// `MAILSLOT_BENCH_QUOTA` tries others.
fn quota() -> u64 {
    let tried = std::env::var("MAILSLOT_BENCH_QUOTA").ok().and_then(|text| text.parse().ok());
    tried.unwrap_or(QUOTA)
}

/// Round trips: where the two processes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    OneCpu,
    TwoCpus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Workload {
    /// `writers` write as fast as they can; `crowd` more have written, and are only connected.
    Throughput {
        crowd: usize,
    },
    OneShot,
    RoundTrip {
        spin: bool,
        place: Place,
    },
    Idle,
    Burst {
        records: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) workload: Workload,
    pub(crate) writers: usize,
    pub(crate) size: usize,
}

impl Case {
    pub(crate) fn group(&self) -> &'static str {
        match self.workload {
            Workload::Throughput { crowd: 0 } => "throughput",
            Workload::Throughput { .. } => "connected",
            Workload::OneShot => "one-shot",
            Workload::RoundTrip { .. } => "round-trip",
            Workload::Idle => "idle",
            Workload::Burst { .. } => "burst",
        }
    }

    pub(crate) fn name(&self) -> String {
        let Case { workload, writers, size } = self;
        match workload {
            Workload::Throughput { crowd: 0 } => format!("throughput {writers} x {size}"),
            Workload::Throughput { crowd } => {
                format!("connected {} of which {writers} write x {size}", crowd + writers)
            }
            Workload::OneShot => format!("one-shot {writers} x {size}"),
            Workload::RoundTrip { spin, place } => {
                let how = if *spin { "spinning" } else { "blocking" };
                let place = if *place == Place::OneCpu { "one CPU" } else { "two CPUs" };
                format!("round-trip {size} {how} {place}")
            }
            Workload::Idle => "idle".into(),
            Workload::Burst { records } => format!("burst {records} x {size}"),
        }
    }

    /// The figure that peers are compared by.
    pub(crate) fn metric(&self) -> &'static str {
        match self.workload {
            Workload::RoundTrip { .. } => "p50",
            Workload::Idle => "busy",
            Workload::Burst { .. } => "rate_in",
            _ => "rate",
        }
    }

    pub(crate) fn quota(&self) -> u64 {
        match self.workload {
            // With 16 to 31 bytes for each record that waits.
            Workload::Burst { records } => records * (self.size as u64 + 32),
            _ => quota(),
        }
    }

    /// Whether `peer` can do this, in a way that anyone would use.
    pub(crate) fn suits(&self, peer: Kind) -> bool {
        let name = peer.name();
        if name == "mqueue" && self.size > mqueue::largest() {
            return false;
        }
        if name == "bare memory" {
            return matches!(self.workload, Workload::Burst { .. });
        }
        match self.workload {
            Workload::Throughput { crowd: 0 } => true,
            // A bare ring's memory would have to be there a thousand times, a socket of nng takes
            // some twenty descriptors, and a thousand publishers of iceoryx2 half a minute.
            Workload::Throughput { .. } => {
                !["bare ring", "nng", "iceoryx2", "iceoryx2 event"].contains(&name)
            }
            // The others lose what was sent when the sender leaves, have no order between
            // connections (ZeroMQ), or have to know each sender before it comes.
            Workload::OneShot => {
                ["mailslot", "SEQPACKET", "datagram", "mqueue", "pipe"].contains(&name)
            }
            Workload::RoundTrip { spin, .. } => {
                let only_spins = ["bare ring", "iceoryx2"].contains(&name);
                let only_blocks = name == "iceoryx2 event";
                if spin { !only_blocks } else { !only_spins }
            }
            Workload::Idle => true,
            // What these hold is laid out in advance, or they can only wait.
            Workload::Burst { .. } => {
                !["iceoryx2", "iceoryx2 event", "ipc-channel"].contains(&name)
            }
        }
    }
}

/// How thorough a run is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// How long a run of one peer should take, in seconds.
    pub(crate) seconds: f64,
    pub(crate) idle_seconds: f64,
    pub(crate) burst: u64,
}

impl Effort {
    pub(crate) const QUICK: Effort =
        Effort { rounds: 3, seconds: 0.1, idle_seconds: 1.0, burst: 200_000 };
    pub(crate) const NORMAL: Effort =
        Effort { rounds: 5, seconds: 0.3, idle_seconds: 5.0, burst: 1_000_000 };
    pub(crate) const FULL: Effort =
        Effort { rounds: 11, seconds: 0.5, idle_seconds: 5.0, burst: 5_000_000 };
}

/// All cases.
pub(crate) fn all(effort: Effort) -> Vec<Case> {
    let mut cases = Vec::new();
    for writers in [1, 4, 16] {
        for size in [32, 400, 4096, 60000] {
            cases.push(Case { workload: Workload::Throughput { crowd: 0 }, writers, size });
        }
    }
    for crowd in [0, 990] {
        cases.push(Case { workload: Workload::Throughput { crowd }, writers: 10, size: 32 });
    }
    for writers in [1, 4] {
        cases.push(Case { workload: Workload::OneShot, writers, size: 32 });
    }
    for size in [32, 4096] {
        for spin in [false, true] {
            for place in [Place::OneCpu, Place::TwoCpus] {
                let workload = Workload::RoundTrip { spin, place };
                cases.push(Case { workload, writers: 1, size });
            }
        }
    }
    let burst = Workload::Burst { records: effort.burst };
    cases.push(Case { workload: burst, writers: 1, size: 400 });
    cases.push(Case { workload: Workload::Idle, writers: 4, size: 32 });
    cases
}

//! `mailslot gateway status`.

use std::time::Duration;

use mailslot_gateway::service::status::{ComputerStatus, CounterStatus, Status};

use super::client;
use crate::exit::Exit;
use crate::flags::StatusArgs;
use crate::stdout::Stdout;
use crate::text;

pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    let status = client::status()?;
    let shown = match args.json {
        true => serde_json::to_string(&status).expect("text and numbers are always JSON"),
        false => plain(&status),
    };
    Stdout::new()?.line(shown)?;
    Ok(Exit::Success)
}

fn plain(status: &Status) -> String {
    let mut out =
        format!("process {}, running for {}", status.pid, text::seconds(status.uptime_seconds));
    for domain in &status.domains {
        out += &format!("\ndomain {}, in which this computer is {}", domain.name, domain.own);
        let width = domain.computers.iter().map(|c| c.name.chars().count()).max().unwrap_or(0);
        for computer in &domain.computers {
            let name = text::harmless(&computer.name);
            out += &format!("\n  {name:width$}  {}", notes(computer).join(", "));
        }
        if domain.computers.is_empty() {
            out += "\n  no other computers";
        }
    }
    if status.domains.is_empty() {
        out += "\nno domain (`mailslot domain --help`)";
    }
    let slots: Vec<_> = status.slots.iter().map(|slot| text::harmless(slot)).collect();
    out += &match slots.is_empty() {
        true => "\nno slots that take records from other computers".to_owned(),
        false => format!("\nslots that take records from other computers: {}", slots.join(", ")),
    };
    out += &format!("\nwriters to other computers: {}", status.writers);
    for (what, number) in counted(&status.counters) {
        out += &format!("\n{what}: {}", text::with_commas(number));
    }
    out
}

/// What there is to say of a computer.
fn notes(computer: &ComputerStatus) -> Vec<String> {
    let mut notes = vec![text::reach(computer.reachable_seconds)];
    match computer.way.as_deref() {
        Some("direct") => notes.push("directly".into()),
        Some(_) => notes.push("through Zenoh".into()),
        None => {}
    }
    if let Some(time) = computer.round_trip_microseconds {
        let time = Duration::from_micros(time).as_secs_f64();
        notes.push(format!("there and back in {:.1} ms", time * 1000.0));
    }
    if computer.queued_bytes > 0 {
        notes.push(format!("{} bytes waiting", text::with_commas(computer.queued_bytes)));
    }
    if computer.lost > 0 {
        notes.push(format!("{} lost", text::with_commas(computer.lost)));
    }
    notes
}

fn counted(c: &CounterStatus) -> [(&'static str, u64); 14] {
    [
        ("records written", c.written),
        ("  lost", c.lost),
        ("records received", c.received),
        ("  delivered", c.delivered),
        ("  taken by no slot", c.missed),
        ("  left out, since they had come before", c.duplicates),
        ("frames sent", c.frames_sent),
        ("frames received", c.frames_received),
        ("  refused", c.frames_refused),
        ("  dropped, to come again", c.frames_dropped),
        ("frames sent directly", c.direct_frames_sent),
        ("frames received directly", c.direct_frames_received),
        ("frames sent through Zenoh", c.zenoh_frames_sent),
        ("frames received through Zenoh", c.zenoh_frames_received),
    ]
}

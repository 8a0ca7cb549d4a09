//! `mailslot ls`.

use anyhow::Context;
use mailslot::SlotEntry;

use crate::exit::{Exit, Failure};
use crate::flags::LsArgs;
use crate::stdout::Stdout;
use crate::text::{self, Users};
use crate::{entry, values};

mod pattern;
#[cfg(feature = "gateway")]
mod remote;
#[cfg(not(feature = "gateway"))]
mod remote {
    use super::*;

    pub(super) fn run(host: &str, _: &LsArgs) -> anyhow::Result<Exit> {
        let message = format!("cannot list {:?}: {}", format!("//{host}/"), crate::no_gateway::WHY);
        Err(Failure::new(Exit::Usage, message).into())
    }
}
mod watch;

use pattern::Pattern;

pub(crate) fn run(args: &LsArgs) -> anyhow::Result<Exit> {
    if let Some(host) = args.pattern.as_deref().and_then(host) {
        return remote::run(&host, args);
    }
    let pattern = args.pattern.as_deref().map(Pattern::parse).transpose()?;
    if args.watch {
        return watch::run(pattern.as_ref(), args.json);
    }
    let slots = list(pattern.as_ref())?;
    if let (true, Some(typed)) = (slots.is_empty(), &args.pattern) {
        let message = format!("no slot matches {typed:?}");
        return Err(Failure::new(Exit::NoSuchSlot, message).into());
    }
    let mut users = Users::default();
    let mut out = String::new();
    if args.json {
        for slot in &slots {
            out.push_str(&entry::json(slot, None, &mut users));
            out.push('\n');
        }
    } else if !slots.is_empty() {
        out = table(&slots, &mut users);
    }
    Stdout::new()?.write(out.as_bytes())?;
    Ok(Exit::Success)
}

/// The host, if `typed` asks for one: `//JOE/`, `\\JOE\`, `//*/`.
fn host(typed: &str) -> Option<String> {
    let typed = typed.replace('\\', "/");
    let host = typed.strip_prefix("//")?;
    let host = host.strip_suffix('/').unwrap_or(host);
    let is_host = !host.is_empty() && !host.contains('/') && host != "." && host != "?";
    is_host.then(|| host.to_owned())
}

fn list(pattern: Option<&Pattern>) -> anyhow::Result<Vec<SlotEntry>> {
    let mut slots = mailslot::list().with_context(|| {
        let root = mailslot::registry_root();
        format!("cannot list the slots in {root:?} (MAILSLOT_DIR sets another)")
    })?;
    if let Some(pattern) = pattern {
        slots.retain(|slot| pattern.matches(&slot.name));
    }
    Ok(slots)
}

const HEADINGS: [&str; 8] =
    ["READER", "OWNER", "MAX SIZE", "QUOTA", "WRITERS", "NETWORK", "CREATED", "NAME"];

fn table(slots: &[SlotEntry], users: &mut Users) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(slots.iter().map(|slot| {
        [
            if slot.alive { slot.pid.to_string() } else { "gone".into() },
            users.show(slot.owner),
            entry::limit(slot).map_or_else(|| "-".into(), |size| values::show_size(size.into())),
            values::show_size(slot.quota),
            values::show_access(&slot.access),
            values::show_network(&slot.network),
            text::rfc3339_seconds(slot.created),
            text::harmless(&slot.name.to_string()).into_owned(),
        ]
    }));
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &rows {
        let (name, columns) = row.split_last().expect("a row has columns");
        for (cell, width) in columns.iter().zip(widths) {
            out.push_str(&format!("{cell:<width$}  "));
        }
        out.push_str(name);
        out.push('\n');
    }
    out
}

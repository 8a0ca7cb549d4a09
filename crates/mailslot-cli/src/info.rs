//! `mailslot info`.

use anyhow::Context;
use mailslot::SlotEntry;

use crate::exit::{Exit, Failure};
use crate::flags::InfoArgs;
use crate::stdout::Stdout;
use crate::text::{self, Users};
use crate::{entry, values};

pub(crate) fn run(args: &InfoArgs) -> anyhow::Result<Exit> {
    let found = mailslot::find(&args.slot).with_context(|| {
        let root = mailslot::registry_root();
        format!("cannot look for {} in {root:?} (MAILSLOT_DIR sets another)", args.slot)
    })?;
    let Some(slot) = found else {
        let message = format!("there is no slot {}", args.slot);
        return Err(Failure::new(Exit::NoSuchSlot, message).into());
    };
    let mut users = Users::default();
    let shown =
        if args.json { entry::json(&slot, None, &mut users) } else { table(&slot, &mut users) };
    Stdout::new()?.line(shown)?;
    Ok(if slot.alive { Exit::Success } else { Exit::ReaderGone })
}

fn table(slot: &SlotEntry, users: &mut Users) -> String {
    let reader = match slot.alive {
        true => format!("process {}", slot.pid),
        false => format!("gone (it was process {})", slot.pid),
    };
    let max_size = match entry::limit(slot) {
        Some(bytes) => text::count(bytes.into(), "byte"),
        None => "no limit but the quota".into(),
    };
    [
        ("name", text::harmless(&slot.name.to_string()).into_owned()),
        ("reader", reader),
        ("owner", users.show(slot.owner)),
        ("writers", values::show_access(&slot.access)),
        ("network", values::show_network(&slot.network)),
        ("max size", max_size),
        ("quota", format!("{} for each writer", text::count(slot.quota, "byte"))),
        ("created", text::rfc3339_seconds(slot.created)),
        ("inheritable", if slot.inheritable { "yes" } else { "no" }.into()),
    ]
    .map(|(key, value)| format!("{key:<12} {value}"))
    .join("\n")
}

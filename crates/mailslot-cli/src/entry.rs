//! A slot as `info` and `ls` show it.

use mailslot::SlotEntry;
use serde::Serialize;

use crate::text::{self, Users};
use crate::values;

/// A slot in JSON.
#[derive(Serialize)]
struct Json {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    name: String,
    pid: u32,
    uid: u32,
    user: Option<String>,
    /// `None`: no limit but the quota.
    max_size: Option<u32>,
    quota: u64,
    allow: String,
    network: String,
    created: String,
    inheritable: bool,
    alive: bool,
}

/// One line of JSON. `event` says what happened to the slot, if something did.
pub(crate) fn json(entry: &SlotEntry, event: Option<&'static str>, users: &mut Users) -> String {
    let json = Json {
        event,
        name: entry.name.to_string(),
        pid: entry.pid,
        uid: entry.owner,
        user: users.name(entry.owner).map(str::to_owned),
        max_size: limit(entry),
        quota: entry.quota,
        allow: values::show_access(&entry.access),
        network: values::show_network(&entry.network),
        created: text::rfc3339(entry.created),
        inheritable: entry.inheritable,
        alive: entry.alive,
    };
    serde_json::to_string(&json).expect("text and numbers are always JSON")
}

/// The largest record, if there is a limit of its own.
pub(crate) fn limit(entry: &SlotEntry) -> Option<u32> {
    Some(entry.max_record_size).filter(|&size| size != 0 && size != u32::MAX)
}

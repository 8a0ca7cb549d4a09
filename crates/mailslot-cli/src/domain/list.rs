//! `mailslot domain list`.

use mailslot_gateway::config::Config;
use mailslot_gateway::identity::{self, Identity, MemberList, Store};
use serde::Serialize;

use super::time;
use crate::exit::Exit;
use crate::flags::ListArgs;
use crate::stdout::Stdout;
use crate::text;

/// A domain in JSON.
#[derive(Serialize)]
struct Json {
    domain: String,
    computer: String,
    primary: bool,
    /// The computer that runs the domain.
    authority: String,
    expires: String,
    serial: u64,
    computers: Vec<JsonMember>,
}

#[derive(Serialize)]
struct JsonMember {
    computer: String,
    /// `member`, `invited` or `expired`.
    state: &'static str,
    expires: String,
}

pub(super) fn run(store: &Store, args: &ListArgs) -> anyhow::Result<Exit> {
    let mut identities = store.identities()?;
    Config::read(store.dir()).unwrap_or_default().primary_first(&mut identities);
    let mut out = String::new();
    for (i, identity) in identities.iter().enumerate() {
        let members = store.members(identity)?;
        if args.json {
            out += &json(identity, members.list(), i == 0);
        } else {
            out += &plain(identity, members.list(), i == 0);
        }
    }
    if identities.is_empty() && !args.json {
        out = format!("{}\n", identity::Error::NoDomain);
    }
    Stdout::new()?.write(out.as_bytes())?;
    Ok(Exit::Success)
}

fn json(identity: &Identity, list: &MemberList, primary: bool) -> String {
    let expires = |seconds| text::rfc3339_seconds(time(seconds));
    let computers = list.members.iter().map(|member| JsonMember {
        computer: member.computer.clone(),
        state: state(member.joined, member.expires),
        expires: expires(member.expires),
    });
    let json = Json {
        domain: identity.domain.clone(),
        computer: identity.computer.clone(),
        primary,
        authority: list.authority.clone(),
        expires: expires(identity.expires),
        serial: list.serial,
        computers: computers.collect(),
    };
    serde_json::to_string(&json).expect("text and numbers are always JSON") + "\n"
}

fn plain(identity: &Identity, list: &MemberList, primary: bool) -> String {
    let mut out = identity.domain.clone();
    if primary {
        out += " (primary)";
    }
    out.push('\n');
    let width = list.members.iter().map(|member| member.computer.chars().count()).max();
    let width = width.unwrap_or(0);
    for member in &list.members {
        let until = text::rfc3339_seconds(time(member.expires));
        let mut notes = vec![match state(member.joined, member.expires) {
            "member" => format!("member, certificate until {until}"),
            "invited" => format!("invited until {until}"),
            _ => format!("expired {until}"),
        }];
        if member.computer == identity.computer {
            notes.push("this computer".into());
        }
        if member.computer == list.authority {
            notes.push("runs the domain".into());
        }
        out += &format!("  {:width$}  {}\n", member.computer, notes.join(", "));
    }
    if list.find(&identity.computer).is_none() {
        out += &format!("  {} (this computer) was revoked\n", identity.computer);
    }
    out
}

fn state(joined: bool, expires: u64) -> &'static str {
    match (joined, expires > identity::now()) {
        (_, false) => "expired",
        (true, true) => "member",
        (false, true) => "invited",
    }
}

//! `mailslot ls '//*/'`, `mailslot ls '//JOE/'`: what there is on other computers.

use std::time::Duration;

use mailslot_gateway::identity::name;
use mailslot_gateway::service::status::DomainStatus;

use crate::exit::{Exit, Failure};
use crate::flags::LsArgs;
use crate::gateway::client;
use crate::stdout::Stdout;
use crate::text;

/// How long to wait for the other computer.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn run(host: &str, args: &LsArgs) -> anyhow::Result<Exit> {
    if args.watch {
        let message = "--watch is for the slots of this computer";
        return Err(Failure::new(Exit::Usage, message).into());
    }
    let slots = if host == "*" { None } else { client::slots(host, TIMEOUT)? };
    let out = match slots {
        Some(paths) => slots_of(host, &paths, args.json),
        None => {
            let mut domains = client::status()?.domains;
            if host != "*" {
                domains.retain(|domain| name::is_same(&domain.name, host));
            }
            computers(&domains, args.json)
        }
    };
    Stdout::new()?.write(out.as_bytes())?;
    Ok(Exit::Success)
}

fn slots_of(host: &str, paths: &[String], json: bool) -> String {
    let line = |path: &String| {
        let name = format!(r"\\{host}\mailslot\{path}");
        match json {
            true => format!("{}\n", serde_json::json!({ "computer": host, "name": name })),
            // What another computer says.
            false => format!("{}\n", text::harmless(&name)),
        }
    };
    paths.iter().map(line).collect()
}

fn computers(domains: &[DomainStatus], json: bool) -> String {
    let mut out = String::new();
    for domain in domains {
        let own = (domain.own.as_str(), "this computer".to_owned(), true);
        let others = domain.computers.iter().map(|computer| {
            let since = computer.reachable_seconds;
            (computer.name.as_str(), text::reach(since), since.is_some())
        });
        for (computer, state, reachable) in std::iter::once(own).chain(others) {
            let domain = &domain.name;
            out += &match json {
                true => serde_json::json!({
                    "computer": computer, "domain": domain, "reachable": reachable,
                })
                .to_string(),
                false => format!("{:<16} {:<16} {state}", text::harmless(computer), domain),
            };
            out.push('\n');
        }
    }
    out
}

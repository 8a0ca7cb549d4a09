//! A Zenoh session for one domain: TLS in both directions with the domain's certificates.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zenoh::{Config, Session, Wait};

use super::sockets::Scouts;
use crate::config::Network;
use crate::identity::Identity;

/// How long Zenoh waits before it drops a frame for a computer that doesn't take it.
const PATIENCE_MICROS: u64 = 1_000_000;
/// A computer that is silent for so long is gone.
pub(super) const LEASE: Duration = Duration::from_secs(3);
/// How long it may take to connect to a computer. Zenoh looks for no others meanwhile.
const OPEN: Duration = Duration::from_secs(5);
/// Only one of two computers connects to the other, always the same. Otherwise the one of which the
/// other has lost sight, but which hasn't noticed yet (it was stopped), takes the new connection for a
/// second one beside that which is dead. Then it says nothing anew of what it listens to, and hears
/// nothing any more.
const ONE_OF_TWO: &str = "greater-zid";
/// The largest message that is taken from others: the largest member list fits.
const LARGEST_MESSAGE: usize = 2 << 20;

/// Opens the session. With it, what searches for others, unless it doesn't or that is not to be had.
pub(super) fn open(
    identity: &Identity,
    network: &Network,
) -> Result<(Session, Option<Scouts>), String> {
    open_within(identity, network, OPEN)
}

/// The same, if that is to be how long it may take to connect to a computer.
pub(super) fn open_within(
    identity: &Identity,
    network: &Network,
    patience: Duration,
) -> Result<(Session, Option<Scouts>), String> {
    let open = || open_session(identity, network, patience);
    if !multicast(network) {
        return Ok((open()?, None));
    }
    let (session, scouts) = Scouts::of(group(identity), open);
    // If they can't be found, `sockets::give_up_after` says why.
    Ok((session?, scouts.ok()))
}

fn open_session(
    identity: &Identity,
    network: &Network,
    patience: Duration,
) -> Result<Session, String> {
    let open = |v4_only| {
        let config = config(identity, network, patience, v4_only).to_string();
        let config = Config::from_json5(&config).map_err(|e| e.to_string())?;
        zenoh::open(config).wait().map_err(|e| for_people(&e.to_string()))
    };
    let any = network.listens().any(|(host, _)| host == "::");
    // There are systems without IPv6.
    open(false).or_else(|why| if any { open(true) } else { Err(why) })
}

/// Zenoh's errors without the lines of Zenoh's source that they name.
pub(super) fn for_people(error: &str) -> String {
    let mut kept = Vec::new();
    let mut words = error.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match words.peek() {
            Some(next) if word == "at" && next.contains(".rs:") => drop(words.next()),
            _ => kept.push(word),
        }
    }
    kept.join(" ")
}

fn config(identity: &Identity, network: &Network, patience: Duration, v4_only: bool) -> Value {
    let is_client = !network.routers.is_empty();
    let connect = if is_client { &network.routers } else { &network.peers };
    let connect: Vec<_> = connect.iter().map(|address| format!("tls/{address}")).collect();
    let listen = |(host, port): (&str, &str)| match host {
        "::" if v4_only => format!("tls/0.0.0.0:{port}"),
        host if host.contains(':') => format!("tls/[{host}]:{port}"),
        host => format!("tls/{host}:{port}"),
    };
    let listen: Vec<_> = match is_client {
        true => Vec::new(),
        false => network.listens().map(listen).collect(),
    };
    let pem = |text: &str| STANDARD.encode(text);
    // Without multicast, computers may be in places that only one of two can connect to.
    let gossip = if multicast(network) { ONE_OF_TWO } else { "always" };
    json!({
        "mode": if is_client { "client" } else { "peer" },
        "connect": {
            "endpoints": connect,
            // A client without its router is no use, and is opened again.
            "timeout_ms": if is_client { 3000 } else { -1 },
            "exit_on_failure": is_client,
            "retry": { "period_init_ms": 500, "period_max_ms": 2000, "period_increase_factor": 2 },
        },
        "listen": { "endpoints": listen },
        "scouting": {
            "multicast": {
                "enabled": multicast(network),
                "interface": network.interface,
                "address": group(identity).to_string(),
                "autoconnect_strategy": { "peer": { "to_peer": ONE_OF_TWO } },
            },
            "gossip": {
                "enabled": !is_client,
                "autoconnect_strategy": { "peer": { "to_peer": gossip } },
            },
        },
        "transport": {
            "unicast": {
                "max_sessions": crate::identity::members::MOST_MEMBERS + 16,
                "open_timeout": patience.as_millis() as u64,
            },
            "link": {
                "protocols": ["tls"],
                "tx": {
                    "lease": LEASE.as_millis() as u64,
                    "queue": {
                        "size": { "data": 4 },
                        "congestion_control": { "drop": { "wait_before_drop": PATIENCE_MICROS } },
                    },
                },
                "rx": { "max_message_size": LARGEST_MESSAGE },
                "tls": {
                    "root_ca_certificate_base64": pem(&identity.authority_certificate),
                    "enable_mtls": true,
                    "listen_private_key_base64": pem(&identity.key),
                    "listen_certificate_base64": pem(&identity.certificate),
                    "connect_private_key_base64": pem(&identity.key),
                    "connect_certificate_base64": pem(&identity.certificate),
                    // Members are known by their certificates, wherever they are.
                    "verify_name_on_connect": false,
                    "close_link_on_expiration": true,
                },
            },
        },
    })
}

/// Whether computers are looked for by multicast.
pub(super) fn multicast(network: &Network) -> bool {
    network.multicast && network.routers.is_empty()
}

/// Where the computers of a domain find each other. The UDP port is one of 7500 to 7999, by the
/// authority's key, so that domains on one network seldom knock at each other's doors.
fn group(identity: &Identity) -> SocketAddrV4 {
    let digest = ring::digest::digest(&ring::digest::SHA256, &identity.authority_public);
    let bytes = digest.as_ref();
    let port = 7500 + u16::from_be_bytes([bytes[0], bytes[1]]) % 500;
    SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 224), port)
}

#[cfg(test)]
mod tests {
    #[test]
    fn errors_name_no_lines_of_source() {
        let said = "Can not listen on 0.0.0.0:1: in use at /a/tcp.rs:61. at /c/unicast.rs:432.";
        assert_eq!(super::for_people(said), "Can not listen on 0.0.0.0:1: in use");
    }
}

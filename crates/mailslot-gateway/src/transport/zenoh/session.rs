//! A Zenoh session for one domain: TLS in both directions with the domain's certificates.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zenoh::{Config, Session, Wait};

use crate::config::Network;
use crate::identity::Identity;

/// How long Zenoh waits before it drops a frame for a computer that doesn't take it.
const PATIENCE_MICROS: u64 = 1_000_000;
/// A computer that is silent for so long is gone.
const LEASE_MILLIS: u64 = 3000;
/// The largest message that is taken from others: the largest member list fits.
const LARGEST_MESSAGE: usize = 2 << 20;

/// Opens the session.
pub(super) fn open(identity: &Identity, network: &Network) -> Result<Session, String> {
    let open = |v4_only| {
        let config = config(identity, network, v4_only).to_string();
        let config = Config::from_json5(&config).map_err(|e| e.to_string())?;
        zenoh::open(config).wait().map_err(|e| e.to_string())
    };
    let any = network.listen.iter().any(|address| address.to_string().starts_with("[::]"));
    // There are systems without IPv6.
    open(false).or_else(|why| if any { open(true) } else { Err(why) })
}

fn config(identity: &Identity, network: &Network, v4_only: bool) -> Value {
    let is_client = !network.routers.is_empty();
    let connect = if is_client { &network.routers } else { &network.peers };
    let connect: Vec<_> = connect.iter().map(|address| format!("tls/{address}")).collect();
    let listen = |address: String| match address.strip_prefix("[::]:") {
        // `lo` means: this machine only.
        Some(port) if network.interface == "lo" => format!("tls/127.0.0.1:{port}"),
        Some(port) if v4_only => format!("tls/0.0.0.0:{port}"),
        _ => format!("tls/{address}"),
    };
    let listen: Vec<_> = match is_client {
        true => Vec::new(),
        false => network.listen.iter().map(|address| listen(address.to_string())).collect(),
    };
    let pem = |text: &str| STANDARD.encode(text);
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
                "enabled": network.multicast && !is_client,
                "interface": network.interface,
                "address": format!("224.0.0.224:{}", port(identity)),
            },
            "gossip": { "enabled": !is_client },
        },
        "transport": {
            "unicast": { "max_sessions": crate::identity::members::MOST_MEMBERS + 16 },
            "link": {
                "protocols": ["tls"],
                "tx": {
                    "lease": LEASE_MILLIS,
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

/// The UDP port by which the computers of a domain find each other: one of 7500 to 7999, by the
/// authority's key, so that domains on one network seldom knock at each other's doors.
fn port(identity: &Identity) -> u16 {
    let digest = ring::digest::digest(&ring::digest::SHA256, &identity.authority_public);
    let bytes = digest.as_ref();
    7500 + u16::from_be_bytes([bytes[0], bytes[1]]) % 500
}

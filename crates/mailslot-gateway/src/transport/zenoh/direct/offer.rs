//! Where this computer takes direct connections, and what others say of themselves.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use serde::{Deserialize, Serialize};

use crate::config::Network;

/// Addresses in an offer.
const MOST_ADDRESSES: usize = 8;
/// No offer is longer.
pub(in crate::transport::zenoh) const MOST_BYTES: usize = 1024;

/// `{"direct":["192.0.2.7:7451","[2001:db8::7]:7451"],"ask":true}`
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offer {
    /// Where its sender takes connections.
    pub(super) direct: Vec<SocketAddr>,
    /// It doesn't know that of the receiver.
    pub(super) ask: bool,
}

impl Offer {
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// With addresses that somebody can connect to, as many as count.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let Self { mut direct, ask } = serde_json::from_slice(text).ok()?;
        direct.retain(|address| {
            let ip = address.ip();
            address.port() != 0 && !ip.is_unspecified() && !ip.is_multicast()
        });
        direct.truncate(MOST_ADDRESSES);
        Some(Self { direct, ask })
    }
}

/// Listens where `network` says, and says what can't be had.
pub(super) fn listen(network: &Network, mut say: impl FnMut(String)) -> Vec<TcpListener> {
    let port = network.direct.port();
    let mut hosts: Vec<&str> = network.listens().map(|(host, _)| host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut listeners = Vec::new();
    for host in hosts {
        let bound = TcpListener::bind((host, port)).or_else(|why| match host {
            // There are systems without IPv6.
            "::" => TcpListener::bind(("0.0.0.0", port)),
            _ => Err(why),
        });
        let bound = bound.and_then(|l| l.set_nonblocking(true).map(|()| l));
        match bound {
            Ok(listener) => listeners.push(listener),
            Err(why) => say(format!(
                "no direct connections are taken at {host} port {port}: {why}; records go through Zenoh, or \
                 over connections that this computer makes"
            )),
        }
    }
    listeners
}

/// Where others may find `listeners` now.
pub(super) fn addresses(listeners: &[TcpListener], network: &Network) -> Vec<SocketAddr> {
    let mut own = None;
    let mut found = Vec::new();
    for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
        if !address.ip().is_unspecified() {
            found.push(address);
            continue;
        }
        let own = own.get_or_insert_with(|| own_addresses(&network.interface));
        let fits = own.iter().filter(|ip| ip.is_ipv4() || address.is_ipv6());
        found.extend(fits.map(|ip| SocketAddr::new(*ip, address.port())));
    }
    found.truncate(MOST_ADDRESSES);
    found
}

/// The addresses of an interface (or several, as Zenoh takes them: names or addresses, with commas), or with
/// `auto` of all, those of IPv4 first.
fn own_addresses(interface: &str) -> Vec<IpAddr> {
    let named: Vec<&str> = interface.split(',').map(str::trim).collect();
    let wanted = pnet_datalink::interfaces().into_iter().filter(|of| {
        let has = |name: &str| {
            name.parse().is_ok_and(|ip: IpAddr| of.ips.iter().any(|net| net.ip() == ip))
        };
        let is_named = named.iter().any(|name| *name == of.name || has(name));
        of.is_up() && !of.is_loopback() && (interface == "auto" || is_named)
    });
    let is_local = |ip: &Ipv6Addr| ip.is_unicast_link_local() || ip.is_loopback();
    let all = wanted.flat_map(|of| of.ips).map(|net| net.ip());
    let mut all: Vec<_> = all.filter(|ip| !matches!(ip, IpAddr::V6(ip) if is_local(ip))).collect();
    all.sort_by_key(IpAddr::is_ipv6);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_taken_as_far_as_they_make_sense() {
        let text = br#"{"direct":["192.0.2.7:7451","[2001:db8::7]:1","0.0.0.0:1","224.0.0.1:1","192.0.2.7:0"],"ask":true}"#;
        let offer = Offer::parse(text).unwrap();
        let direct = ["192.0.2.7:7451", "[2001:db8::7]:1"].map(|a| a.parse().unwrap()).to_vec();
        assert_eq!(offer, Offer { direct, ask: true });
        assert_eq!(Offer::parse(offer.write().as_bytes()), Some(offer));
        let many = vec!["192.0.2.7:1".parse().unwrap(); 100];
        let many = Offer { direct: many, ask: false }.write();
        assert_eq!(Offer::parse(many.as_bytes()).unwrap().direct.len(), MOST_ADDRESSES);
        for text in [&b""[..], b"{}", br#"{"direct":["localhost:1"],"ask":false}"#, b"[]"] {
            assert_eq!(Offer::parse(text), None);
        }
        // The longest that is written is taken.
        let longest: SocketAddr = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535".parse().unwrap();
        let offer = Offer { direct: vec![longest; MOST_ADDRESSES], ask: false };
        assert!(offer.write().len() <= MOST_BYTES);
    }
}

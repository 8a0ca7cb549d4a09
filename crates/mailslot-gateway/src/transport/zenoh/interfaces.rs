//! Whether there is a network on which others can be looked for. Zenoh learns of the network interfaces
//! when the first session of a process opens, and never again: one that opens too early finds nobody.

use std::fs;
use std::net::IpAddr;

use super::session;
use crate::config::Network;

/// Says why a session had better wait.
pub(super) fn ready(network: &Network) -> Result<(), String> {
    let looks = session::multicast(network) && network.interface != "lo";
    // Those with addresses are worth a try in any case.
    if !looks || !network.peers.is_empty() {
        return Ok(());
    }
    let Ok(routes) = fs::read_to_string("/proc/self/net/route") else { return Ok(()) };
    let addresses = fs::read_to_string("/proc/self/net/if_inet6").unwrap_or_default();
    let runs = |name: &str| {
        let state = fs::read_to_string(format!("/sys/class/net/{name}/operstate"));
        state.map_or(true, |state| matches!(state.trim(), "up" | "unknown"))
    };
    let interface = &network.interface;
    match (is_ready(interface, &routes, &addresses, runs), &interface[..]) {
        (true, _) => Ok(()),
        (false, "auto") => Err("no network is up yet".into()),
        (false, name) => Err(format!("no network interface {name:?} is up with an IPv4 address")),
    }
}

/// By the kernel's IPv4 routes and IPv6 addresses.
fn is_ready(interface: &str, routes: &str, addresses: &str, runs: impl Fn(&str) -> bool) -> bool {
    let routes = routes.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    if interface == "auto" {
        // Scope 0: more than the link can reach it. Without IPv4 there is no multicast, but computers
        // may be met by address.
        let global = |line: &&str| line.split_whitespace().nth(3) == Some("00");
        let addresses = addresses.lines().filter(global);
        let names = addresses.filter_map(|line| line.split_whitespace().last());
        return routes.chain(names).any(runs);
    }
    let routes: Vec<&str> = routes.collect();
    let mut names = interface.split(',').map(str::trim);
    names.any(|name| name.parse::<IpAddr>().is_ok() || (routes.contains(&name) && runs(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\teth0\n\
                          eth0\t00006310\t00000000\t0001\n";
    const ADDRESSES: &str = "00000000000000000000000000000001 01 80 10 80       lo\n\
                             fe80000000000000901f5afffe7c4a08 02 40 20 80     eth0\n";
    const GLOBAL: &str = "20010db8000000000000000000000007 03 40 00 80    wlan0\n";

    #[test]
    fn a_network_is_an_address_on_an_interface_that_runs() {
        let (all, none) = (|_: &str| true, |_: &str| false);
        assert!(is_ready("auto", ROUTES, "", all));
        assert!(!is_ready("auto", ROUTES, "", none), "its cable is not in");
        assert!(!is_ready("auto", "Iface\n", ADDRESSES, all), "addresses of the link's own");
        assert!(is_ready("auto", "Iface\n", GLOBAL, all));
        for (interface, expected) in [("eth0", true), ("eth1, eth0", true), ("192.0.2.7", true)] {
            assert_eq!(is_ready(interface, ROUTES, GLOBAL, all), expected, "{interface}");
        }
        assert!(!is_ready("wlan0", ROUTES, GLOBAL, all), "it has no IPv4 address");
        assert!(!is_ready("eth0", ROUTES, GLOBAL, none));
    }
}

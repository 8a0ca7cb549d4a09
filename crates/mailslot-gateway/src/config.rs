//! `config.toml`: what a gateway can be told. All of it has defaults; what is not known is refused.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mailslot_wire::name::fold_case;
use serde::Deserialize;

use crate::identity::Identity;

mod address;
mod direct;
#[cfg(test)]
mod tests;

pub use address::Address;
pub use direct::Direct;

/// What `config.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The domain that `\\*\` means, in place of the one that was joined first.
    pub primary: Option<String>,
    /// Where to serve metrics; nowhere by default.
    pub metrics: Option<Metrics>,
    /// How to reach other computers.
    #[serde(default)]
    pub network: Network,
    /// What is different for one domain, by its name.
    #[serde(default)]
    domain: BTreeMap<String, DomainNetwork>,
}

/// How to reach other computers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Where to be reached by others.
    pub listen: Vec<Address>,
    /// Computers to connect to, beside those found on the local network.
    pub peers: Vec<Address>,
    /// Routers to meet others at. With any, this is the only way that others are met.
    pub routers: Vec<Address>,
    /// Whether to find other computers on the local network, by multicast.
    pub multicast: bool,
    /// The network interface for that; `auto` for all, `lo` for this machine only.
    pub interface: String,
    /// Whether, and where, other computers of the domain may connect directly. Never at routers.
    pub direct: Direct,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            listen: vec![Address::any()],
            peers: Vec::new(),
            routers: Vec::new(),
            multicast: true,
            interface: "auto".to_owned(),
            direct: Direct::default(),
        }
    }
}

impl Network {
    /// Where to listen: hosts, without brackets, and ports. With `lo`, all addresses are this machine's only.
    pub(crate) fn listens(&self) -> impl Iterator<Item = (&str, &str)> {
        self.listen.iter().map(|address| match address.parts() {
            ("::", port) if self.interface == "lo" => ("127.0.0.1", port),
            parts => parts,
        })
    }

    fn check(&self) -> Result<(), String> {
        if self.interface.trim().is_empty() {
            return Err("`interface` is empty; write the name of one, or \"auto\"".into());
        }
        let to = self.peers.iter().chain(&self.routers);
        match to.into_iter().find(|address| address.is_any_port()) {
            Some(address) => Err(format!("{address} has no port that can be connected to")),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct DomainNetwork {
    listen: Option<Vec<Address>>,
    peers: Option<Vec<Address>>,
    routers: Option<Vec<Address>>,
    multicast: Option<bool>,
    interface: Option<String>,
    direct: Option<Direct>,
}

/// Where to serve metrics.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Metrics {
    /// A port of this machine.
    Loopback(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl TryFrom<String> for Metrics {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return match path.is_absolute() {
                true => Ok(Self::Unix(path)),
                false => Err(format!("the socket's path {path:?} does not begin with /")),
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| {
            format!("{text:?} is neither an address such as 127.0.0.1:9400 nor unix:/PATH")
        })?;
        match address.ip().is_loopback() {
            true => Ok(Self::Loopback(address)),
            false => Err(format!(
                "{address} can be reached from other computers; metrics are served on 127.0.0.1, \
                 [::1] or a Unix socket only"
            )),
        }
    }
}

impl Config {
    /// Puts the primary domain first.
    pub fn primary_first(&self, identities: &mut [Identity]) {
        if let Some(primary) = self.primary.as_deref().map(fold_case) {
            identities.sort_by_key(|identity| fold_case(&identity.domain) != primary);
        }
    }

    /// Reads `config.toml` in `dir`; the defaults, if there is none.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("config.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(Error::Io { path, source }),
        };
        Self::parse(&text).map_err(|why| Error::Wrong { path, why })
    }

    /// Reads the text of a `config.toml`. An error names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let message = e.message().replace('\n', " ");
            line.map_or(message.clone(), |line| format!("line {line}: {message}"))
        })?;
        for name in config.domain.keys().chain(&config.primary) {
            crate::identity::name::check_domain(name).map_err(|e| e.to_string())?;
        }
        let mut folded: Vec<_> = config.domain.keys().map(|name| fold_case(name)).collect();
        folded.sort_unstable();
        if let Some(twice) = folded.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("there are two sections for domain {}", twice[0]));
        }
        for name in std::iter::once(None).chain(config.domain.keys().map(Some)) {
            let network =
                name.map_or_else(|| config.network.clone(), |name| config.network_of(name));
            network.check()?;
        }
        Ok(config)
    }

    /// Whether those domains could be served side by side.
    pub fn check(&self, domains: &[&str]) -> Result<(), String> {
        let mut seen: Vec<(Address, &str)> = Vec::new();
        for domain in domains {
            let network = self.network_of(domain);
            let listen = if network.routers.is_empty() { network.listen } else { Vec::new() };
            for address in listen.into_iter().filter(|address| !address.is_any_port()) {
                if let Some((_, other)) = seen.iter().find(|(known, _)| *known == address) {
                    return Err(format!(
                        "domains {other} and {domain} would both listen on {address}; give one of \
                         them another port: `listen` in [domain.{domain}]"
                    ));
                }
                seen.push((address, *domain));
            }
        }
        Ok(())
    }

    /// The domains that have a section of their own.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domain.keys().map(String::as_str)
    }

    /// How to reach the computers of `domain`.
    pub fn network_of(&self, domain: &str) -> Network {
        let folded = fold_case(domain);
        let mut network = self.network.clone();
        let own = self.domain.iter().find(|(name, _)| fold_case(name) == folded);
        if let Some((_, own)) = own {
            let own = own.clone();
            network.listen = own.listen.unwrap_or(network.listen);
            network.peers = own.peers.unwrap_or(network.peers);
            network.routers = own.routers.unwrap_or(network.routers);
            network.multicast = own.multicast.unwrap_or(network.multicast);
            network.interface = own.interface.unwrap_or(network.interface);
            network.direct = own.direct.unwrap_or(network.direct);
        }
        network
    }
}

/// `config.toml` can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read.
    #[error("cannot read {path:?}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It says something wrong.
    #[error("{path:?}, {why}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What, and on which line.
        why: String,
    },
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback(address) => write!(f, "http://{address}/metrics"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

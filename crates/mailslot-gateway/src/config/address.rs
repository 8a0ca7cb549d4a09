//! `host:port`, as far as a network can be asked for it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// A host and a port: `192.0.2.7:7450`, `[2001:db8::7]:7450`, `joe.example:7450`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(String);

impl Address {
    /// Any address of this computer, any free port.
    pub(super) fn any() -> Self {
        Self("[::]:0".to_owned())
    }

    /// Whether its port is 0: to listen on, any that is free.
    pub(super) fn is_any_port(&self) -> bool {
        self.parts().1.parse() == Ok(0u16)
    }

    /// The host, without brackets, and the port.
    pub(super) fn parts(&self) -> (&str, &str) {
        let (host, port) = self.0.rsplit_once(':').unwrap_or((&self.0, ""));
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        (bare.unwrap_or(host), port)
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.parse::<SocketAddr>().is_ok() {
            return Ok(Self(text));
        }
        let wrong = |why: &str| {
            Err(format!(
                "{text:?} is not an address: {why}; write HOST:PORT, such as 192.0.2.7:7450, \
                 [2001:db8::7]:7450 or joe.example:7450"
            ))
        };
        let Some((host, port)) = text.rsplit_once(':') else { return wrong("it has no port") };
        if port.parse::<u16>().is_err() || port.starts_with('+') {
            return wrong("its port is not a number up to 65535");
        }
        if host.parse::<IpAddr>().is_ok() {
            return wrong("an IPv6 address stands in brackets");
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if !host.trim_end_matches('.').split('.').all(is_label) {
            return wrong("its host is not one");
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! Whether there are direct connections, and on which port: `true`, `false` or a number.

use serde::Deserialize;

/// What `direct` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Said")]
pub enum Direct {
    /// None are made or taken.
    Off,
    /// They are taken at this port; 0: at any that is free.
    Port(u16),
}

impl Direct {
    /// The port, or 0.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Off => 0,
            Self::Port(port) => port,
        }
    }
}

impl Default for Direct {
    fn default() -> Self {
        Self::Port(0)
    }
}

/// As it is written.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`direct` is neither true (any free port), false (no direct connections) nor a port up to 65535"
)]
enum Said {
    Switch(bool),
    Port(u16),
}

impl From<Said> for Direct {
    fn from(said: Said) -> Self {
        match said {
            Said::Switch(true) => Self::Port(0),
            Said::Switch(false) => Self::Off,
            Said::Port(port) => Self::Port(port),
        }
    }
}

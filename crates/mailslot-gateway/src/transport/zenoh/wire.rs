//! Keys and payloads on Zenoh: see docs/networks.md for the specification.

/// A payload's first byte: a greeting follows.
pub(super) const GREETING: u8 = 1;
/// A sealed frame follows.
pub(super) const SEALED: u8 = 2;
/// A serial number and a signed member list follow.
pub(super) const LIST: u8 = 3;

/// A frame's last byte, before it is sealed: it is the core's.
pub(super) const DATA: u8 = 0;
/// It asks the authority for a renewal.
pub(super) const REQUEST: u8 = 1;
/// It is the authority's answer.
pub(super) const RENEWAL: u8 = 2;
/// It tells where its sender takes direct connections.
pub(super) const OFFER: u8 = 3;
/// It is the first of either side on a direct connection.
pub(super) const HELLO: u8 = 4;

/// Where `to` gets what `from` sends. Names are folded; `*` stands for all.
pub(super) fn frames(domain: &str, to: &str, from: &str) -> String {
    format!("ms1/{domain}/{to}/{from}")
}

/// The source of a key made by [`frames`].
pub(super) fn source(key: &str) -> Option<&str> {
    key.split('/').nth(3)
}

/// The token that shows that a run of `computer`'s gateway is there.
pub(super) fn token(domain: &str, computer: &str, run: &str) -> String {
    format!("ms1/{domain}/{computer}/alive/{run}")
}

/// The computer and the run of a key made by [`token`].
pub(super) fn token_parts(key: &str) -> Option<(&str, &str)> {
    let mut parts = key.split('/').skip(2);
    let (computer, _, run) = (parts.next()?, parts.next()?, parts.next()?);
    Some((computer, run))
}

/// A [`LIST`] payload.
pub(super) fn list(serial: u64, text: &str) -> Vec<u8> {
    [&[LIST], &serial.to_be_bytes()[..], text.as_bytes()].concat()
}

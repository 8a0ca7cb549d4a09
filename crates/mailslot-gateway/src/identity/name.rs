//! What computers and domains may be called.
//!
//! Less than a slot's name may hold: a dot stands between a computer and its domain, and names
//! become parts of keys and of file names, where nothing shall need escaping.

use mailslot_wire::name::fold_case;

use super::Error;

/// The longest name, in bytes.
pub const MAX_BYTES: usize = 63;

/// Whether a computer can be called that.
pub fn check_computer(name: &str) -> Result<(), Error> {
    let why = match broken_rule(name) {
        None if fold_case(name) == "localhost" => "every computer is called that",
        None => return Ok(()),
        Some(why) => why,
    };
    Err(Error::Name { what: "computer", name: name.to_owned(), why })
}

/// Whether a domain can be called that.
pub fn check_domain(name: &str) -> Result<(), Error> {
    let why = match broken_rule(name) {
        None if fold_case(name) == "localhost" => "it means this computer",
        None => return Ok(()),
        Some(why) => why,
    };
    Err(Error::Name { what: "domain", name: name.to_owned(), why })
}

/// Whether two names mean the same computer or domain.
pub fn is_same(a: &str, b: &str) -> bool {
    fold_case(a) == fold_case(b)
}

fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > MAX_BYTES || fold_case(name).len() > MAX_BYTES {
        return Some("it is longer than 63 bytes");
    }
    if !name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
        return Some("only letters, digits, - and _ can be in it");
    }
    name.starts_with('-').then_some("it starts with -")
}

/// This computer's name: the host name up to its first dot, as far as it can be one.
pub fn of_this_computer() -> Result<String, Error> {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default();
    check_computer(name)?;
    Ok(name.to_owned())
}

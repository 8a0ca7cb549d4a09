//! What this computer is called.

use mailslot_wire::computer::is_computer_name;
use mailslot_wire::name::{Host, SlotName};

use crate::registry::stated_name;

/// Its host name up to the first dot.
pub(crate) fn host_name() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let name = name.split('.').next().unwrap_or_default();
    if is_computer_name(name) { name.to_owned() } else { "localhost".to_owned() }
}

/// What other computers call it: what its gateway says, else its host name.
pub(crate) fn computer_name() -> String {
    stated_name().unwrap_or_else(host_name)
}

/// The local form of a remote name that means this computer.
pub(crate) fn as_local(name: &SlotName) -> Option<SlotName> {
    let is = |own: &str| *name.host() == Host::Named(own.to_owned());
    let here = is("localhost") || is(&host_name()) || stated_name().is_some_and(|own| is(&own));
    // What follows the host means the same in both forms.
    here.then(|| SlotName::parse(&format!(r"\\?\mailslot\{}", name.path())).ok()).flatten()
}

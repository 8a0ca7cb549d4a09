//! Where this computer's gateway is, and who may be it.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use mailslot_wire::limits::GATEWAY_DIR;

use super::{look_at, registry_root};

/// What a gateway may put into its directory beside what every slot has. It goes with the slot.
pub(crate) const STATUS: &str = "status";

/// Users below this are the system's, by the convention of all distributions…
const FIRST_ORDINARY: u32 = 1000;

/// … and those that systemd makes for a service while it runs.
const DYNAMIC: std::ops::RangeInclusive<u32> = 61184..=65519;

pub(crate) fn gateway_dir() -> PathBuf {
    registry_root().join(GATEWAY_DIR)
}

/// The name that this computer has among others, as its gateway states it, if one runs that this
/// process may trust.
pub(crate) fn stated_name() -> Option<String> {
    let (found, alive) = look_at(&gateway_dir()).ok()?;
    let me = rustix::process::geteuid().as_raw();
    (alive && may_be_gateway(found.uid, me)).then_some(found.computer)?
}

/// Whether a process of `uid` may be this computer's gateway, in the eyes of user `me`: root, the
/// same user, whoever owns the registry, or the owner of the gateway's slot.
///
/// While no gateway runs, anybody can take its place. So the last counts only if it is one of the
/// system's users: otherwise any user could speak for other computers, or hear what others write to
/// them.
pub(crate) fn may_be_gateway(uid: u32, me: u32) -> bool {
    let owner = |path: PathBuf| std::fs::symlink_metadata(path).ok().map(|stat| stat.uid());
    let is_system = uid < FIRST_ORDINARY || DYNAMIC.contains(&uid);
    uid == 0
        || uid == me
        || owner(registry_root()) == Some(uid)
        || (is_system && owner(gateway_dir()) == Some(uid))
}

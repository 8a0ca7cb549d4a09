//! Which slots there are.

use std::io;
use std::time::{Duration, SystemTime};

use mailslot_wire::meta::Metadata;
use mailslot_wire::name::FILE_PREFIX;

use crate::registry::{look_at, registry_root};
use crate::{Access, NetworkAccess, SlotName};

/// A slot of this computer, as its creator described it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlotEntry {
    /// Its name, in the case its creator gave it.
    pub name: SlotName,
    /// The user it belongs to.
    pub owner: u32,
    /// The process that created it (another may hold the read handle by now).
    pub pid: u32,
    /// The largest record in bytes; 0 and `u32::MAX` mean no limit but the quota.
    pub max_record_size: u32,
    /// Bytes that may wait, for each writer.
    pub quota: u64,
    /// Who may write, besides root.
    pub access: Access,
    /// Which records from other computers it takes.
    pub network: NetworkAccess,
    /// When it was created.
    pub created: SystemTime,
    /// Whether its read handle can be handed over.
    pub inheritable: bool,
    /// False: its reader died. Creating the slot again clears it away.
    pub alive: bool,
}

impl SlotEntry {
    fn new(found: Metadata, alive: bool) -> Self {
        Self {
            name: found.name,
            owner: found.uid,
            pid: found.pid,
            max_record_size: found.limits.max_record,
            quota: found.limits.quota,
            access: found.access,
            network: found.network,
            created: SystemTime::UNIX_EPOCH + Duration::from_nanos(found.created),
            inheritable: found.inheritable,
            alive,
        }
    }
}

/// All slots of this computer, sorted by name; dead ones too.
pub fn list() -> io::Result<Vec<SlotEntry>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(registry_root())? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(FILE_PREFIX.as_bytes()) {
            continue;
        }
        let dir = entry.path();
        // One that vanishes meanwhile, or that somebody filled with something else, is no slot.
        if let Ok((metadata, alive)) = look_at(&dir)
            && dir.ends_with(metadata.name.file_name())
        {
            found.push(SlotEntry::new(metadata, alive));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The slot of this computer that has this name, dead or alive.
pub fn find(name: &SlotName) -> io::Result<Option<SlotEntry>> {
    let dir = registry_root().join(name.file_name());
    match look_at(&dir) {
        Ok((metadata, alive)) if metadata.name == *name => {
            Ok(Some(SlotEntry::new(metadata, alive)))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

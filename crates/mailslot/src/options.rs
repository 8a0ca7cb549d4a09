//! How a slot is created.

use std::time::Duration;

use crate::{CreateError, Mailslot, SlotName};

pub use mailslot_wire::computer::NetworkAccess;
use mailslot_wire::limits::Limits;
pub use mailslot_wire::meta::Access;

/// The quota of a slot whose creator names none, in bytes for each writer (64 MiB).
pub const DEFAULT_QUOTA: u64 = 64 * 1024 * 1024;

/// The options of a new mailslot.
///
/// ```no_run
/// use std::time::Duration;
/// use mailslot::{Access, MailslotOptions};
///
/// let slot = MailslotOptions::new()
///     .max_record_size(4096)
///     .read_timeout(Some(Duration::from_secs(5)))
///     .access(Access::Everyone)
///     .create(r"\\.\mailslot\taxes\sue")?;
/// # Ok::<(), mailslot::CreateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailslotOptions {
    pub(crate) max_record_size: u32,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) quota: u64,
    pub(crate) access: Access,
    pub(crate) network: NetworkAccess,
    pub(crate) inheritable: bool,
    pub(crate) spin: Duration,
    /// Set for a gateway's slot: the name that this computer has among others.
    pub(crate) gateway: Option<String>,
}

impl Default for MailslotOptions {
    fn default() -> Self {
        Self {
            max_record_size: 0,
            read_timeout: None,
            quota: DEFAULT_QUOTA,
            access: Access::SameUser,
            network: NetworkAccess::Domains,
            inheritable: false,
            spin: Duration::ZERO,
            gateway: None,
        }
    }
}

impl MailslotOptions {
    /// No limit on a record but the quota, reads that wait for ever, a quota of
    /// [`DEFAULT_QUOTA`], the same user (and root) may write, not inheritable.
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest record in bytes. 0 (the default) and `u32::MAX` mean no limit but the quota.
    pub fn max_record_size(&mut self, bytes: u32) -> &mut Self {
        self.max_record_size = bytes;
        self
    }

    /// How long a read waits for a record: `None` for ever (the default), zero not at all.
    pub fn read_timeout(&mut self, timeout: Option<Duration>) -> &mut Self {
        self.read_timeout = timeout;
        self
    }

    /// How many bytes of unread records may wait, for each write handle, 1 to 64 GiB.
    ///
    /// A record is taken if its bytes and those of the records waiting, with 16 to 31 bytes for
    /// each of the latter, are within the quota. So a record as large as the quota fits when no
    /// other of its writer waits. The first record of a handle, if it has at most 32 KiB, takes
    /// nothing of the quota: it waits in the kernel. The memory is the writer's.
    pub fn quota(&mut self, bytes: u64) -> &mut Self {
        self.quota = bytes;
        self
    }

    /// Who may write. Root always may.
    pub fn access(&mut self, access: Access) -> &mut Self {
        self.access = access;
        self
    }

    /// Which records from other computers the slot takes, through this computer's gateway. By
    /// default those of computers that this computer's domains vouch for; who may write on this
    /// computer ([`MailslotOptions::access`]) says nothing about those.
    pub fn network(&mut self, network: NetworkAccess) -> &mut Self {
        self.network = network;
        self
    }

    /// Whether the read handle can be handed to other processes, and used in forked children. It
    /// costs a lock and some look-ups per read.
    ///
    /// If one of several holders is killed, what it has taken goes with it: the record that a read
    /// was about to return, or a new writer's connection that it was accepting at that moment.
    pub fn inheritable(&mut self, yes: bool) -> &mut Self {
        self.inheritable = yes;
        self
    }

    /// How long a read looks for a record in a loop before it sleeps. Zero by default. It saves the
    /// time to wake up (some microseconds) for the price of a busy processor. It has no effect on a
    /// computer with one processor, and hardly any while other processes use the reader's.
    pub fn spin(&mut self, time: Duration) -> &mut Self {
        self.spin = time;
        self
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits { max_record: self.max_record_size, quota: self.quota }
    }

    /// Creates the slot. Fails if a living slot has the name, in any letter case.
    pub fn create<N>(&self, name: N) -> Result<Mailslot, CreateError>
    where
        N: TryInto<SlotName>,
        CreateError: From<N::Error>,
    {
        Mailslot::create_with(self, name.try_into()?)
    }
}

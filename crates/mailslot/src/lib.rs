//! Windows mailslots on Linux: a named queue of records in memory, that one program creates and
//! reads and any number of programs write. A write is one call, a read is one call, and a record
//! arrives whole.
//!
//! ```standalone_crate
//! # let dir = std::env::temp_dir().join(format!("mailslot-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir).unwrap();
//! # // SAFETY: the only thread so far.
//! # unsafe { std::env::set_var("MAILSLOT_DIR", &dir) };
//! use mailslot::{Mailslot, MailslotWriter};
//!
//! let slot = Mailslot::create(r"\\.\mailslot\taxes\sue")?;
//!
//! let mut writer = MailslotWriter::open(r"\\.\mailslot\taxes\sue")?;
//! writer.write(b"Receipts for March")?;
//!
//! let record = slot.receive()?;
//! assert_eq!(record.bytes(), b"Receipts for March");
//! assert_eq!(record.sender().pid, std::process::id());
//! # drop(slot);
//! # std::fs::remove_dir(&dir)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A tour
//!
//! [`Mailslot`] is the read handle, made with [`MailslotOptions`]; the slot lives exactly as long
//! as it does, in whichever process. [`MailslotWriter`] is a write handle. A [`SlotName`] is what
//! both go by. [`list`] tells which slots there are.
//!
//! Records travel through memory that the writer makes and shares with the reader alone: while
//! both run, neither makes a system call. Each writer has its own queue, with a quota; a write
//! never waits for the reader unless asked to. The reader takes records in order of arrival.
//!
//! # Limits
//!
//! A record has at most as many bytes as the quota (64 MiB by default, 64 GiB at most) and less
//! than 4 GiB; a name at most [`SlotName::MAX_CHARS`] characters. A connected writer that has
//! written more than one record costs its reader two descriptors, and itself three.
//!
//! # Features
//!
//! `tokio` adds `AsyncMailslot` and `AsyncMailslotWriter`: the same handles with futures.

#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
mod aio;
mod clock;
mod computer;
mod confirmation;
mod error;
pub mod gateway;
mod list;
mod options;
mod reader;
mod record;
mod registry;
mod slot;
mod writer;

#[cfg(feature = "tokio")]
pub use aio::{AsyncMailslot, AsyncMailslotWriter};
pub(crate) use computer::host_name;
pub use confirmation::Confirmation;
pub use error::{CreateError, HandleError, OpenError, ReadError, WriteError};
pub use list::{SlotEntry, find, list};
pub use mailslot_wire::name::{Host, NameError, SlotName};
pub use options::{Access, DEFAULT_QUOTA, MailslotOptions, NetworkAccess};
pub use record::{Info, Origin, Record, Sender};
pub use registry::registry_root;
pub use slot::{Exclusive, Mailslot, Records};
pub use writer::{MailslotWriter, WriterOptions};

/// The example in the README works.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

impl From<std::convert::Infallible> for CreateError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<std::convert::Infallible> for OpenError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

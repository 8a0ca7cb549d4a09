//! For gateways: the programs that carry records to other computers and back.
//!
//! A writer of a remote name (`\\JOE\mailslot\…`) connects to this computer's gateway as it would to
//! a slot, and says where its records go. To the gateway that is one slot to read, [`GatewaySlot`],
//! which tells of connections and their records in order of arrival, and lets it answer through a
//! [`Connection`]. For a record that came from another computer a gateway is a writer, the
//! [`ForwardingWriter`], that states whose record it is.
//!
//! ```no_run
//! use mailslot::gateway::{Event, ForwardingWriter, GatewayOptions, Outcome, TargetState};
//! use mailslot::Origin;
//!
//! let slot = GatewayOptions::new("JOE").create()?;
//! let mut events = Vec::new();
//! loop {
//!     slot.receive(&mut events, 1000, None)?;
//!     for event in events.drain(..) {
//!         match event {
//!             Event::Opened(connection) => drop(connection.tell_target(TargetState::Known)),
//!             Event::Record(record) if record.connection.is_confirmed() => {
//!                 // … once it is known what became of it on each computer:
//!                 record.connection.reply(record.number, true, [(Outcome::Accepted, "ANN")]);
//!             }
//!             Event::Record(_) | Event::Closed(_) => {}
//!             _ => {}
//!         }
//!     }
//! # break;
//! }
//!
//! let sue = Origin::new("ANN", "WORKGROUP", "sue", 4711);
//! let mut writer = ForwardingWriter::open(r"\\.\mailslot\taxes\sue", &sue)?;
//! writer.write(b"from another computer")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod forwarding;
mod slot;

pub use connection::Connection;
pub use forwarding::{ForwardingWriter, Moment};
pub use mailslot_wire::answer::{Outcome, TargetState};
pub use slot::{Event, GatewayOptions, GatewayRecord, GatewaySlot};

pub(crate) use slot::EventQueue;

/// Where this computer's gateway has its slot, and its `status` socket, if one is running.
pub fn dir() -> std::path::PathBuf {
    crate::registry::gateway_dir()
}

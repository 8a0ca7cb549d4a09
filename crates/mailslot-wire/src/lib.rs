//! The bytes of mailslots, and nothing but bytes: no I/O, no clock, no unsafe code.
//!
//! A short tour, in the order in which a record meets these modules:
//!
//! | module | what it describes | who writes it | who reads it |
//! |---|---|---|---|
//! | [`name`] | `\\.\mailslot\taxes\sue`, and its directory entry in the registry | people | everybody |
//! | [`limits`] | a slot's largest record and quota, carried in its socket's address | the slot | its writers |
//! | [`meta`] | the small text file beside a slot's socket | the slot | anybody who lists slots |
//! | [`message`] | one datagram on the slot's socket | writers | the slot |
//! | [`envelope`] | one frame between two computers | gateways | gateways |
//! | [`answer`] | one datagram back | the gateway | writers of remote names |
//! | [`computer`] | computers by name, and which of them a slot takes records from | people | everybody |
//!
//! Whoever reads does not trust whoever writes. So parsing is strict, gives back a value that
//! can only be right, or an error that says what was found and what was expected; and no input
//! panics. The lints below keep it that way, the fuzz targets in `fuzz/` try to prove it wrong.
//!
//! ```
//! use mailslot_wire::name::SlotName;
//!
//! let typed = SlotName::parse(r"\\.\mailslot\Taxes\Sue")?;
//! assert_eq!(typed, SlotName::parse_short("taxes/sue")?);
//! assert_eq!(typed.file_name(), "mailslot.taxes%5Csue");
//! # Ok::<(), mailslot_wire::name::NameError>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unwrap_used
    )
)]

pub mod answer;
pub mod computer;
pub mod envelope;
pub mod limits;
pub mod message;
pub mod meta;
pub mod name;

#[doc(hidden)]
pub mod fuzz_checks;

mod text;

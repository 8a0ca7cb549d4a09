//! Why something is not the name of a slot.

use thiserror::Error;

use super::SlotName;
use crate::text::shown;

/// Why something is not the name of a slot. `name` is what was given, its middle left out when it
/// is longer than 80 characters and its control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing was given.
    #[error(r"the slot name is empty; a slot name looks like \\.\mailslot\taxes\sue")]
    Empty,

    /// No prefix, or that of something else: a disk, a pipe, a share.
    #[error(
        r#""{name}" is not a mailslot: {because}; a slot name looks like \\.\mailslot\taxes\sue"#
    )]
    NotAMailslot {
        /// What was given.
        name: String,
        /// What is wrong with it.
        because: &'static str,
    },

    /// The prefix is there, and nothing after it.
    #[error(
        r#""{name}" names no slot: no name is left after \mailslot\; a slot name looks like \\.\mailslot\taxes\sue"#
    )]
    NoName {
        /// What was given.
        name: String,
    },

    /// A control character in the slot's path.
    #[error(
        r#""{name}" cannot name a slot: character {position} is the control character U+{code:04X}; a slot name looks like \\.\mailslot\taxes\sue"#,
        code = *character as u32
    )]
    BadCharacter {
        /// What was given.
        name: String,
        /// The first control character.
        character: char,
        /// Where it stands in what was given, counted in characters from 1.
        position: usize,
    },

    /// More than [`SlotName::MAX_CHARS`] characters.
    #[error(
        r#""{name}" is too long: {chars} characters after \mailslot\ where {max} are allowed; a slot name looks like \\.\mailslot\taxes\sue"#,
        max = SlotName::MAX_CHARS
    )]
    TooLong {
        /// What was given.
        name: String,
        /// How many characters its path has.
        chars: usize,
    },

    /// No computer or domain can have this name.
    #[error(
        r#""{name}" cannot name a slot: "{host}" cannot be a computer or a domain: {because}; a remote slot name looks like \\JOE\mailslot\taxes\sue"#
    )]
    BadHost {
        /// What was given.
        name: String,
        /// Its computer or domain, shortened and escaped in the same way.
        host: String,
        /// What is wrong with that.
        because: &'static str,
    },

    /// A `..` that leaves `\mailslot\`, or an empty part where the name is taken literally.
    #[error(
        r#""{name}" cannot name a slot: its part "{component}" {because}; a slot name looks like \\.\mailslot\taxes\sue"#
    )]
    BadComponent {
        /// What was given.
        name: String,
        /// The part between two separators.
        component: &'static str,
        /// What is wrong with that.
        because: &'static str,
    },
}

impl NameError {
    pub(super) fn not_a_mailslot(typed: &str, because: &'static str) -> NameError {
        let name = shown(typed);
        NameError::NotAMailslot { name, because }
    }
}

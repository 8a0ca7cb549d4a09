//! Why a file is not a slot's metadata.

use thiserror::Error;

use super::Metadata;
use crate::name::NameError;
use crate::text::shown;

/// Why a file is not a slot's metadata. What it quotes from the file is shortened, and its control
/// characters are escaped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetaError {
    /// More than [`Metadata::MAX_BYTES`].
    #[error("the metadata is {found} bytes long, expected at most {max}", max = Metadata::MAX_BYTES)]
    TooLarge {
        /// Its length.
        found: usize,
    },

    /// Not text.
    #[error("the metadata is not UTF-8 from byte {valid_up_to} on")]
    NotUtf8 {
        /// How many bytes are text.
        valid_up_to: usize,
    },

    /// Another first line: another version, or another file.
    #[error(r#"the metadata starts with the line "{found}", expected "mailslot 2""#)]
    Version {
        /// Its first line.
        found: String,
    },

    /// The end is missing: every line ends with a newline.
    #[error("the metadata does not end with a newline, so its end may be missing")]
    Truncated,

    /// A line without `=`.
    #[error(r#"the metadata has the line "{found}", expected key=value"#)]
    NotAField {
        /// The line.
        found: String,
    },

    /// A field that this version does not know.
    #[error(r#"the metadata has the unknown field "{found}""#)]
    Unknown {
        /// Its key.
        found: String,
    },

    /// A field that comes twice.
    #[error("the metadata has the field {field} twice")]
    Doubled {
        /// Its key.
        field: &'static str,
    },

    /// A field that does not come.
    #[error("the metadata lacks the field {field}")]
    Missing {
        /// Its key.
        field: &'static str,
    },

    /// A value that its field cannot have.
    #[error(r#"the metadata has {field}="{found}", expected {expected}"#)]
    Value {
        /// The field's key.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: String,
    },

    /// The name is not one of a slot.
    #[error("the metadata has a bad name")]
    Name(#[source] NameError),
}

impl MetaError {
    pub(super) fn value(field: &'static str, expected: &'static str, found: &str) -> MetaError {
        let found = shown(found);
        MetaError::Value { field, expected, found }
    }
}

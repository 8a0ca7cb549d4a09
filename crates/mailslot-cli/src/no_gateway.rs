//! What a build without the feature `gateway` says where another would use one.

use clap::error::{ContextKind, ContextValue};

pub(crate) const WHY: &str =
    "this build of the command has no gateway: use one that was built with the feature gateway";

/// The commands that only the feature has.
const MISSING: [&str; 3] = ["domain", "gateway", "ping"];

/// Adds to an error about an unknown command why it is unknown, if it is one of those.
pub(crate) fn explain(error: &mut clap::Error) {
    let typed = error.get(ContextKind::InvalidSubcommand);
    if let Some(ContextValue::String(typed)) = typed
        && MISSING.contains(&typed.as_str())
    {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![WHY.into()]));
    }
}

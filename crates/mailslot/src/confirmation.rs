//! What became of a confirmed record.

use std::collections::BTreeMap;

use crate::gateway::Outcome;

/// What became of a record that was written with
/// [`write_confirmed`](crate::MailslotWriter::write_confirmed), computer by computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it says whether the record was accepted"]
pub struct Confirmation {
    pub(crate) outcomes: BTreeMap<String, Outcome>,
    pub(crate) complete: bool,
}

impl Confirmation {
    /// Computers and what became of the record there, sorted by computer. Each computer that the
    /// name meant at the time is there, if the confirmation is [complete](Self::is_complete).
    pub fn outcomes(&self) -> impl ExactSizeIterator<Item = (&str, Outcome)> {
        self.outcomes.iter().map(|(computer, outcome)| (computer.as_str(), *outcome))
    }

    /// False if this computer's gateway did not say in time what became of the record everywhere:
    /// then computers may be missing.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether the record was accepted wherever the name led, on one computer at least.
    pub fn is_accepted(&self) -> bool {
        let accepted = |outcome: &Outcome| *outcome == Outcome::Accepted;
        self.complete && !self.outcomes.is_empty() && self.outcomes.values().all(accepted)
    }

    /// Of this computer's slot.
    pub(crate) fn local(outcome: Outcome) -> Self {
        let outcomes = BTreeMap::from([(crate::computer::computer_name(), outcome)]);
        Self { outcomes, complete: true }
    }
}

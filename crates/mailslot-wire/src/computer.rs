//! Computers by name, and which of them a slot takes records from.

use crate::name::Host;
use crate::name::fold::same;
use crate::text::shown;

#[cfg(test)]
mod tests;

/// The most computers that [`NetworkAccess::Computers`] may list.
pub const MAX_COMPUTERS: usize = 64;

/// Whether `text` can be the name of a computer, or of a domain: what a slot's name can have for
/// one, without a comma.
pub fn is_computer_name(text: &str) -> bool {
    matches!(Host::parse(text), Ok(Host::Named(_))) && !text.contains(',')
}

/// Which records from other computers a slot takes. Those of this computer it takes in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NetworkAccess {
    /// Those of computers that this computer's domains vouch for.
    #[default]
    Domains,
    /// None: only this computer's.
    ThisComputer,
    /// Of those computers only these, at most [`MAX_COMPUTERS`]: `JOE` of whichever domain, or
    /// `JOE.WORKGROUP` of that one. Letter case does not matter.
    Computers(Vec<String>),
}

impl NetworkAccess {
    /// Whether the slot takes records of `computer`, for which `domain` vouches.
    pub fn allows(&self, computer: &str, domain: &str) -> bool {
        match self {
            NetworkAccess::Domains => true,
            NetworkAccess::ThisComputer => false,
            NetworkAccess::Computers(listed) => listed.iter().any(|listed| {
                same(listed, computer) || same(listed, &format!("{computer}.{domain}"))
            }),
        }
    }

    /// Says what is wrong with a list of computers, if anything.
    pub fn check(&self) -> Result<(), String> {
        let NetworkAccess::Computers(listed) = self else {
            return Ok(());
        };
        if listed.is_empty() || listed.len() > MAX_COMPUTERS {
            let found = listed.len();
            return Err(format!("a list of {found} computers is not from 1 to {MAX_COMPUTERS}"));
        }
        match listed.iter().find(|name| !is_computer_name(name)) {
            None => Ok(()),
            Some(wrong) => Err(format!("\"{}\" can't be the name of a computer", shown(wrong))),
        }
    }

    pub(crate) fn encode(&self) -> String {
        match self {
            NetworkAccess::Domains => "domains".to_owned(),
            NetworkAccess::ThisComputer => "none".to_owned(),
            NetworkAccess::Computers(listed) => format!("computers:{}", listed.join(",")),
        }
    }

    pub(crate) fn parse(value: &str) -> Option<NetworkAccess> {
        let parsed = match value.split_once(':') {
            None if value == "domains" => NetworkAccess::Domains,
            None if value == "none" => NetworkAccess::ThisComputer,
            Some(("computers", listed)) => {
                NetworkAccess::Computers(listed.split(',').map(str::to_owned).collect())
            }
            _ => return None,
        };
        parsed.check().is_ok().then_some(parsed)
    }
}

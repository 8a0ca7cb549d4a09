//! From names to computers.

use mailslot_wire::name::{Host, fold_case};

use crate::transport::{Domain, Membership, PeerId};

/// Which computers a name reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// No computer that is known.
    Unknown,
    /// One computer or several.
    Computers {
        /// Those of a domain, whichever there are.
        wide: bool,
        /// Each with its name, as people write it.
        computers: Vec<(Place, String)>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// This computer, under its name in this domain.
    Own {
        domain: String,
    },
    Other(PeerId),
}

/// A computer's name wins over a domain's, this computer's over another's, an earlier domain over a
/// later one.
pub(super) fn reach(membership: &Membership, host: &Host) -> Reach {
    let domains = &membership.domains;
    let name = match host {
        Host::Local => return this_computer(domains.first()),
        Host::Primary => return domains.first().map_or(Reach::Unknown, whole),
        Host::Named(name) => fold_case(name),
    };
    if name == "localhost" {
        return this_computer(domains.first());
    }
    let own = domains.iter().find(|domain| fold_case(&domain.own) == name);
    if own.is_some() {
        return this_computer(own);
    }
    let named = |wanted: &dyn Fn(&Domain, &str) -> bool| {
        let all = domains.iter().flat_map(|d| d.named().map(move |c| (d, c)));
        let mut found = all.filter(|(domain, computer)| wanted(domain, computer));
        found.next().map(|(domain, computer)| one(place(domain, computer), computer))
    };
    let full = |domain: &Domain, computer: &str| fold_case(&format!("{computer}.{}", domain.name));
    let own = domains.iter().find(|domain| full(domain, &domain.own) == name);
    named(&|_, computer| fold_case(computer) == name)
        .or_else(|| own.map(|domain| this_computer(Some(domain))))
        .or_else(|| named(&|domain, computer| full(domain, computer) == name))
        .or_else(|| domains.iter().find(|domain| fold_case(&domain.name) == name).map(whole))
        .unwrap_or(Reach::Unknown)
}

fn one(place: Place, name: &str) -> Reach {
    Reach::Computers { wide: false, computers: vec![(place, name.to_owned())] }
}

fn this_computer(domain: Option<&Domain>) -> Reach {
    let (domain, name) = domain.map_or(("", "localhost"), |d| (&d.name, &d.own));
    one(Place::Own { domain: domain.to_owned() }, name)
}

fn place(domain: &Domain, computer: &str) -> Place {
    if fold_case(computer) == fold_case(&domain.own) {
        Place::Own { domain: domain.name.clone() }
    } else {
        Place::Other(PeerId::new(&domain.name, computer))
    }
}

fn whole(domain: &Domain) -> Reach {
    let own = (Place::Own { domain: domain.name.clone() }, domain.own.clone());
    let mut computers = vec![own];
    for computer in &domain.computers {
        let entry = (place(domain, computer), computer.clone());
        if !computers.iter().any(|(known, _)| *known == entry.0) {
            computers.push(entry);
        }
    }
    Reach::Computers { wide: true, computers }
}

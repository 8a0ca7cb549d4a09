use mailslot_wire::name::Host;

use super::super::route::{Place, Reach, reach};
use super::*;
use crate::transport::Domain;

fn domain(name: &str, own: &str, computers: &[&str]) -> Domain {
    let computers = computers.iter().map(|computer| computer.to_string()).collect();
    Domain { name: name.into(), own: own.into(), computers, invited: vec!["New".into()] }
}

fn reached(name: &str) -> Vec<String> {
    let membership = Membership {
        domains: vec![
            domain("Workgroup", "Me", &["Me", "Joe", "Ann"]),
            domain("Sales", "MePlus", &["MePlus", "Joe", "Workgroup", "a.b"]),
        ],
    };
    let host = if name == "*" { Host::Primary } else { Host::Named(name.into()) };
    match reach(&membership, &host) {
        Reach::Unknown => Vec::new(),
        Reach::Computers { computers, .. } => computers
            .into_iter()
            .map(|(place, name)| match place {
                Place::Own { domain } => format!("own {name} in {domain}"),
                Place::Other(id) => {
                    assert_eq!(id.computer(), name.to_lowercase());
                    id.to_string()
                }
            })
            .collect(),
    }
}

#[test]
fn which_computers_a_name_reaches() {
    assert_eq!(reached("JOE"), ["joe.workgroup"], "the earlier domain");
    assert_eq!(reached("joe.SALES"), ["joe.sales"]);
    assert_eq!(reached("me"), ["own Me in Workgroup"]);
    assert_eq!(reached("MEPLUS"), ["own MePlus in Sales"]);
    assert_eq!(reached("me.workgroup"), ["own Me in Workgroup"]);
    assert_eq!(reached("localhost"), ["own Me in Workgroup"]);
    assert_eq!(reached("*"), ["own Me in Workgroup", "joe.workgroup", "ann.workgroup"]);
    assert_eq!(reached("workgroup"), ["workgroup.sales"], "a computer wins over a domain");
    let sales = ["own MePlus in Sales", "joe.sales", "workgroup.sales", "a.b.sales"];
    assert_eq!(reached("sales"), sales);
    assert_eq!(reached("A.B"), ["a.b.sales"]);
    assert_eq!(reached("me.sales"), [""; 0]);
    assert_eq!(reached("nobody"), [""; 0]);
    // In none of those that mean a domain.
    assert_eq!(reached("new"), ["new.workgroup"]);
    assert_eq!(reached("new.sales"), ["new.sales"]);
}

#[test]
fn without_a_domain() {
    let nothing = Membership::default();
    assert_eq!(reach(&nothing, &Host::Primary), Reach::Unknown);
    let Reach::Computers { computers, .. } = reach(&nothing, &Host::Named("LOCALHOST".into()))
    else {
        panic!("localhost is this computer");
    };
    assert_eq!(computers.len(), 1);
}

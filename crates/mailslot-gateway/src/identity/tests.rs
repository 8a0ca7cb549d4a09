use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::authority::MEMBER_LIFE;
use super::member::{RENEW_BEFORE, RenewalRequest};
use super::*;

const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

fn created() -> (Authority, Identity, SignedList) {
    Authority::create("WORKGROUP", "SUE", NOW).unwrap()
}

fn names(list: &SignedList) -> Vec<&str> {
    list.list().members.iter().map(|member| member.computer.as_str()).collect()
}

#[test]
fn a_computer_is_invited_and_joins() {
    let (authority, sue, list) = created();
    let (invitation, list) = authority.invite(&list, "JOE", DAY, NOW).unwrap();
    assert_eq!((names(&list), list.list().serial), (vec!["SUE", "JOE"], 2));
    let read = Invitation::parse(invitation.text().as_bytes()).unwrap();
    let (joe, his_list) = read.accept(NOW + DAY - 1).unwrap();
    assert_eq!(his_list, list);
    assert_eq!((&joe.computer[..], &joe.domain[..], joe.expires), ("JOE", "WORKGROUP", NOW + DAY));
    assert_eq!(joe.authority_public, sue.authority_public);
    assert_ne!(joe.exchange, sue.exchange);
    assert!(!list.list().find("joe").unwrap().joined, "nobody has heard of it yet");
}

#[test]
fn an_invitation_expires() {
    let (authority, _, list) = created();
    let (invitation, list) = authority.invite(&list, "JOE", DAY, NOW).unwrap();
    let error = invitation.accept(NOW + DAY).err().unwrap().to_string();
    assert!(error.contains("JOE") && error.contains("expired at 2027-01-16T08:00:00Z"), "{error}");
    // It leaves the list with the next change.
    let (_, list) = authority.invite(&list, "ANN", DAY, NOW + DAY).unwrap();
    assert_eq!(names(&list), ["SUE", "ANN"]);
}

#[test]
fn inviting_again_voids_the_first_invitation() {
    let (authority, _, list) = created();
    let (_, list) = authority.invite(&list, "JOE", DAY, NOW).unwrap();
    let first = list.list().find("JOE").unwrap().clone();
    let (_, list) = authority.invite(&list, "joe", DAY, NOW).unwrap();
    assert_ne!(list.list().find("JOE").unwrap().exchange, first.exchange);
    assert_eq!(names(&list), ["SUE", "joe"]);
    // But nobody takes a member's place.
    let taken = authority.invite(&list, "SUE", DAY, NOW).err().unwrap();
    assert!(matches!(taken, Error::ComputerExists { .. }), "{taken}");
}

#[test]
fn a_damaged_invitation_is_refused() {
    let (authority, _, list) = created();
    let (invitation, _) = authority.invite(&list, "JOE", DAY, NOW).unwrap();
    let text = invitation.text();
    for (from, to) in [
        ("\"computer\": \"JOE\"", "\"computer\": \"../JOE\""),
        ("\"domain\": \"WORKGROUP\"", "\"domain\": \"OTHER\""),
        ("mailslot invitation 1", "mailslot invitation 2"),
        ("\"format\"", "\"formats\""),
        // Within the signed list.
        ("\\\"serial\\\":2", "\\\"serial\\\":3"),
    ] {
        assert!(text.contains(from), "{from}");
        let damaged = text.replace(from, to);
        assert!(Invitation::parse(damaged.as_bytes()).is_err(), "{from}");
    }
    // It tells another name than the list does.
    let renamed = text.replacen("\"computer\": \"JOE\"", "\"computer\": \"SUE\"", 1);
    assert!(Invitation::parse(renamed.as_bytes()).unwrap().accept(NOW).is_err());
    for cut in [0, 1, text.len() / 2, text.len() - 3] {
        assert!(Invitation::parse(&text.as_bytes()[..cut]).is_err(), "cut at {cut}");
    }
    assert!(Invitation::parse(&[0xff; 100]).is_err());
}

#[test]
fn revoking_takes_a_computer_off_the_list() {
    let (authority, _, list) = created();
    let (_, list) = authority.invite(&list, "JOE", DAY, NOW).unwrap();
    let after = authority.revoke(&list, "joe", NOW).unwrap();
    assert_eq!((names(&after), after.list().serial), (vec!["SUE"], 3));
    let again = authority.revoke(&after, "JOE", NOW).err().unwrap();
    assert!(matches!(again, Error::NoSuchComputer { .. }), "{again}");
}

#[test]
fn only_the_authority_signs_lists() {
    let (_, sue, list) = created();
    let (other, mallory, _) = Authority::create("WORKGROUP", "MALLORY", NOW).unwrap();
    let (_, forged) = other.invite(&list, "MALLORY", DAY, NOW).unwrap();
    let parse =
        |list: &SignedList, key: &[u8]| SignedList::parse(list.text().as_bytes(), "workgroup", key);
    assert_eq!(parse(&list, &sue.authority_public).unwrap(), list);
    assert!(parse(&forged, &sue.authority_public).is_err());
    assert!(parse(&forged, &mallory.authority_public).is_ok());
    let theirs = SignedList::parse(list.text().as_bytes(), "LAB", &sue.authority_public);
    assert!(theirs.unwrap_err().contains("WORKGROUP"));
    assert!(Authority::from_key(&sue, &other.key()).is_err());
}

#[test]
fn renewal_replaces_the_keys() {
    let (authority, _, list) = created();
    let (invitation, list) = authority.invite(&list, "JOE", DAY, NOW).unwrap();
    let (mut joe, _) = invitation.accept(NOW).unwrap();
    let before = joe.clone();
    assert!(joe.is_due(NOW), "an invitation's keys are replaced at once");
    let request = joe.request().unwrap();
    assert_eq!(joe.request().unwrap(), request, "the same keys are asked for again");
    let request = RenewalRequest::parse(request.text().as_bytes()).unwrap();
    let (renewal, list) = authority.renew(&list, "joe", &request, NOW).unwrap();
    let member = list.list().find("JOE").unwrap();
    assert!(member.joined);
    assert_eq!((member.exchange, member.expires), (request.exchange, NOW + MEMBER_LIFE));

    // The list may come first, and the certificate later or never.
    assert!(joe.follow(list.list()));
    assert!(!joe.follow(list.list()));
    assert_eq!(keys::exchange_public(&joe.secret()), request.exchange);
    assert_eq!(joe.key, before.key);
    assert!(joe.is_due(NOW));
    // Asked again, the authority gives the same.
    let again = joe.request().unwrap();
    assert_eq!(again, request);
    assert!(joe.accept(&renewal));
    assert!(!joe.accept(&renewal));
    assert_ne!(joe.key, before.key);
    assert_eq!(keys::exchange_public(&joe.secret()), request.exchange);
    assert!(!joe.is_due(NOW) && joe.is_due(NOW + MEMBER_LIFE - RENEW_BEFORE + 1));

    let stranger = authority.renew(&list, "ANN", &request, NOW).err().unwrap();
    assert!(matches!(stranger, Error::NoSuchComputer { .. }), "{stranger}");
    assert!(RenewalRequest::parse(b"{}").is_err());
}

#[test]
fn names_are_checked() {
    for good in ["JOE", "web-01", "a", "über", "x_y", "7"] {
        name::check_computer(good).unwrap();
    }
    let long = "x".repeat(64);
    for bad in ["", "a.b", "a b", "../x", "*", "-x", "localhost", "LOCALHOST", "a/b", "a\n", &long]
    {
        assert!(name::check_computer(bad).is_err(), "{bad:?}");
        assert!(name::check_domain(bad).is_err(), "{bad:?}");
    }
    assert!(Authority::create("Joe", "JOE", NOW).is_err());
    let (authority, _, list) = created();
    assert!(authority.invite(&list, "Workgroup", DAY, NOW).is_err());
}

#[test]
fn files_are_private_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::at(dir.path().join("conf"));
    assert!(store.identities().unwrap().is_empty());
    let lock = store.lock().unwrap();
    let (authority, sue, list) = created();
    store.add(&lock, &sue, &list, Some(&authority)).unwrap();
    let again = store.add(&lock, &sue, &list, Some(&authority)).err().unwrap();
    assert!(matches!(again, Error::AlreadyMember(_)));
    let (_, mut lab, lab_list) = Authority::create("Lab", "SUE", NOW).unwrap();
    lab.joined = sue.joined - 1;
    store.add(&lock, &lab, &lab_list, None).unwrap();

    let domains: Vec<_> = store.identities().unwrap().into_iter().map(|i| i.domain).collect();
    assert_eq!(
        domains,
        ["WORKGROUP", "Lab"],
        "the first joined comes first, whatever the clock said"
    );
    let read = store.identity("workgroup").unwrap();
    assert_eq!(store.members(&read).unwrap(), list);
    assert!(store.authority(&read).unwrap().is_some());
    assert!(store.authority(&store.identity("LAB").unwrap()).unwrap().is_none());
    for entry in fs::read_dir(store.domains_dir()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
    }

    let path = store.domains_dir().join("workgroup.identity");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = store.identities().err().unwrap().to_string();
    assert!(error.contains("640") && error.contains("chmod 600"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert!(matches!(store.identities(), Err(Error::Damaged { .. })));

    store.remove(&lock, "WorkGroup").unwrap();
    assert!(matches!(store.identity("WORKGROUP"), Err(Error::NotMember(_))));
    // A gateway that has not noticed yet doesn't bring it back.
    store.save_members(&lock, &list).unwrap();
    store.save_identity(&lock, &sue).unwrap();
    assert!(matches!(store.identity("WORKGROUP"), Err(Error::NotMember(_))));
    let left = fs::read_dir(store.domains_dir()).unwrap().count();
    assert_eq!(left, 3, "Lab's two files and the lock");
}

use super::*;

fn computers(names: &[&str]) -> NetworkAccess {
    NetworkAccess::Computers(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn names_are_what_a_slot_name_can_have() {
    for name in ["JOE", "joe.workgroup", "büro-7", "a b"] {
        assert!(is_computer_name(name), "{name}");
    }
    let long = "x".repeat(256);
    for name in ["", ".", "..", "*", "a,b", r"a\b", "a/b", " a", "a\n", "a|b", &long] {
        assert!(!is_computer_name(name), "{name}");
    }
}

#[test]
fn listed_computers_match_with_or_without_domain() {
    let listed = computers(&["joe", "ANN.Workgroup"]);
    assert!(listed.allows("JOE", "WORKGROUP"));
    assert!(listed.allows("Joe", "OTHER"));
    assert!(listed.allows("ann", "WORKGROUP"));
    assert!(!listed.allows("ann", "OTHER"));
    assert!(!listed.allows("JOEY", "WORKGROUP"));
    assert!(NetworkAccess::Domains.allows("JOE", "WORKGROUP"));
    assert!(!NetworkAccess::ThisComputer.allows("JOE", "WORKGROUP"));
}

#[test]
fn every_form_reads_back() {
    for (access, text) in [
        (NetworkAccess::Domains, "domains"),
        (NetworkAccess::ThisComputer, "none"),
        (computers(&["JOE", "ann.workgroup"]), "computers:JOE,ann.workgroup"),
    ] {
        assert_eq!(access.encode(), text);
        assert_eq!(NetworkAccess::parse(text), Some(access));
    }
}

#[test]
fn anything_else_is_refused() {
    for text in
        ["", "Domains", "domains:", "computers", "computers:", "computers:a,,b", "computers:*"]
    {
        assert_eq!(NetworkAccess::parse(text), None, "{text}");
    }
    let names = vec!["a"; MAX_COMPUTERS + 1];
    assert_eq!(NetworkAccess::parse(&format!("computers:{}", names.join(","))), None);
    assert!(computers(&names).check().unwrap_err().contains("65 computers"));
    assert!(computers(&["a\u{1b}b"]).check().unwrap_err().contains(r"a\u{1b}b"));
}

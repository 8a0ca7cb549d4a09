//! `mailslot domain`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::util::{Done, Process, World};

/// A computer: a configuration directory.
struct Computer<'a>(&'a World, PathBuf);

impl<'a> Computer<'a> {
    fn new(world: &'a World, name: &str) -> Self {
        Self(world, world.dir().join(name))
    }

    /// `mailslot domain ARGS` on it.
    fn run(&self, args: &[&str]) -> Done {
        let mut command = self.0.command(&[&["domain"], args].concat());
        Process::start(command.env("MAILSLOT_CONFIG_DIR", &self.1)).finish()
    }

    /// The computers of its domains with their states, in one line.
    fn computers(&self) -> String {
        let json = self.run(&["list", "--json"]).succeeds();
        let domains = json.lines().map(|line| {
            let domain: serde_json::Value = serde_json::from_str(line).unwrap();
            let computers = domain["computers"].as_array().unwrap().iter();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let computers: Vec<_> = computers
                .map(|c| format!("{} {}", text(&c["computer"]), text(&c["state"])))
                .collect();
            format!("{}: {}", text(&domain["domain"]), computers.join(", "))
        });
        domains.collect::<Vec<_>>().join("; ")
    }
}

#[test]
fn a_domain_from_its_creation_to_its_end() {
    let world = World::new();
    let (sue, joe) = (Computer::new(&world, "sue"), Computer::new(&world, "joe"));
    assert!(sue.run(&["list"]).succeeds().contains("belongs to no domain"));
    let said = sue.run(&["create", "WORKGROUP", "--computer", "SUE"]).succeeds();
    assert!(
        said.starts_with("created domain WORKGROUP, in which this computer is SUE\n"),
        "{said}"
    );
    assert_eq!(sue.computers(), "WORKGROUP: SUE member");

    let file = world.dir().join("joe.invite");
    let path = file.to_str().unwrap();
    sue.run(&["invite", "JOE", "--output", path]).succeeds();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(sue.computers(), "WORKGROUP: SUE member, JOE invited");
    let said = joe.run(&["join", path]).succeeds();
    assert!(said.starts_with("joined domain WORKGROUP, in which this computer is JOE\n"), "{said}");
    assert_eq!(joe.computers(), "WORKGROUP: SUE member, JOE invited");
    let list = joe.run(&["list"]).succeeds();
    assert!(list.contains("SUE  member") && list.contains("runs the domain"), "{list}");
    for dir in [&sue.1, &joe.1] {
        for entry in fs::read_dir(dir.join("domains")).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    sue.run(&["revoke", "joe"]).succeeds();
    assert_eq!(sue.computers(), "WORKGROUP: SUE member");
    assert!(joe.run(&["leave"]).succeeds().starts_with("left domain WORKGROUP\n"));
    assert_eq!(joe.computers(), "");
    sue.run(&["leave"]).succeeds();
    assert!(!sue.1.join("domains/workgroup.authority").exists());
}

#[test]
fn an_invitation_in_a_file_of_the_shells_is_private() {
    let world = World::new();
    let sue = Computer::new(&world, "sue");
    sue.run(&["create", "Lab", "--computer", "SUE"]).succeeds();
    let path = world.dir().join("ann.invite");
    let file = fs::File::create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = world.command(&["domain", "invite", "ANN", "--expires", "1h"]);
    Process::start_into(command.env("MAILSLOT_CONFIG_DIR", &sue.1), file).finish().succeeds();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let ann = Computer::new(&world, "ann");
    ann.run(&["join", path.to_str().unwrap()]).succeeds();
}

#[test]
fn refusals_say_what_to_do() {
    let world = World::new();
    let (sue, joe) = (Computer::new(&world, "sue"), Computer::new(&world, "joe"));
    let none = "this computer belongs to no domain; `mailslot domain create NAME` makes one, and \
                `mailslot domain join FILE` accepts an invitation";
    sue.run(&["invite", "JOE"]).fails(1, none);
    sue.run(&["leave"]).fails(1, none);
    sue.run(&["create", "a.b"]).fails(
        2,
        "\"a.b\" cannot be the name of a domain: only letters, digits, - and _ can be in it",
    );
    sue.run(&["create", "WORKGROUP", "--computer", "SUE"]).succeeds();
    sue.run(&["create", "Workgroup", "--computer", "SUE"]).fails(
        1,
        "this computer already belongs to domain Workgroup; `mailslot domain leave Workgroup` \
         takes it out",
    );
    sue.run(&["invite", "JOE", "--expires", "500ms"]).is_misused("it would have expired at once");
    sue.run(&["invite", "sue"]).fails(
        1,
        "domain WORKGROUP already has a computer sue; `mailslot domain revoke sue` makes room for \
         another of that name",
    );
    sue.run(&["revoke", "NOBODY"]).fails(
        11,
        "domain WORKGROUP has no computer NOBODY; `mailslot domain list` shows its computers",
    );
    sue.run(&["revoke", "sue"]).fails(
        1,
        "SUE is this computer, which runs domain WORKGROUP; to give the domain up, use `mailslot \
         domain leave --destroy WORKGROUP`",
    );

    let path = world.dir().join("joe.invite");
    let path = path.to_str().unwrap();
    sue.run(&["invite", "JOE", "--output", path]).succeeds();
    joe.run(&["join", path]).succeeds();
    let again = joe.run(&["join", path]);
    assert!(again.stderr.contains("already belongs to domain WORKGROUP"), "{again:?}");
    joe.run(&["invite", "ANN"]).fails(
        1,
        "domain WORKGROUP is not run from this computer: inviting is for the computer that created \
         it",
    );
    assert!(sue.run(&["leave"]).stderr.contains("--destroy"));
    sue.run(&["leave", "--destroy"]).succeeds();
    let junk = world.dir().join("junk");
    fs::write(&junk, "junk").unwrap();
    let refused = joe.run(&["join", junk.to_str().unwrap()]);
    assert!(refused.stderr.contains("this is not an invitation"), "{refused:?}");
}

#[test]
fn who_leaves_is_told_what_the_others_have_to_do() {
    let world = World::new();
    let (sue, joe) = (Computer::new(&world, "sue"), Computer::new(&world, "joe"));
    sue.run(&["create", "WORKGROUP", "--computer", "SUE"]).succeeds();
    let path = world.dir().join("joe.invite");
    let path = path.to_str().unwrap();
    sue.run(&["invite", "JOE", "--output", path]).succeeds();
    joe.run(&["join", path]).succeeds();
    assert_eq!(
        joe.run(&["leave"]).succeeds(),
        "left domain WORKGROUP\nnext: `mailslot domain revoke JOE` on SUE, or the others go on \
         writing to it in vain\n"
    );
    joe.run(&["leave", "WORKGROUP"]).fails(
        11,
        "this computer does not belong to a domain WORKGROUP; `mailslot domain list` shows those \
         it belongs to",
    );
}

/// As anywhere else: by simple folding, for which the two small sigmas are one.
#[test]
fn letter_case_does_not_matter() {
    let world = World::new();
    let sue = Computer::new(&world, "sue");
    sue.run(&["create", "WORKGROUP", "--computer", "SUE"]).succeeds();
    sue.run(&["create", "Πόλις", "--computer", "Σάμος"]).succeeds();
    let refused = sue.run(&["revoke", "ΣΆΜΟσ", "--domain", "ΠΌΛΙσ"]);
    assert!(refused.stderr.contains("is this computer"), "{refused:?}");
    fs::write(sue.1.join("config.toml"), "primary = 'ΠΌΛΙσ'\n").unwrap();
    assert!(sue.run(&["list"]).succeeds().starts_with("Πόλις (primary)\n"));
    let mut check = world.command(&["gateway", "--check-config"]);
    let said = Process::start(check.env("MAILSLOT_CONFIG_DIR", &sue.1)).finish().succeeds();
    assert!(!said.contains("does not belong to"), "{said}");
}

#[test]
fn several_domains_need_a_name() {
    let world = World::new();
    let sue = Computer::new(&world, "sue");
    sue.run(&["create", "One", "--computer", "SUE"]).succeeds();
    sue.run(&["create", "Two", "--computer", "SUE"]).succeeds();
    sue.run(&["invite", "JOE"]).fails(2, "say which domain is meant: One or Two");
    sue.run(&["leave"]).fails(2, "say which domain is meant: One or Two");
    sue.run(&["invite", "JOE", "--domain", "two"]).succeeds();
    assert_eq!(sue.computers(), "One: SUE member; Two: SUE member, JOE invited");
    fs::write(sue.1.join("config.toml"), "primary = 'two'\n").unwrap();
    assert!(sue.run(&["list"]).succeeds().starts_with("Two (primary)\n"));
}

#[test]
fn a_router_gets_its_files() {
    let world = World::new();
    let sue = Computer::new(&world, "sue");
    sue.run(&["create", "WORKGROUP", "--computer", "SUE"]).succeeds();
    let dir = world.dir().join("router");
    sue.run(&["router", "MEETING", "--dir", dir.to_str().unwrap()]).succeeds();
    let config = fs::read_to_string(dir.join("zenohd.json5")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let tls = &config["transport"]["link"]["tls"];
    for file in ["root_ca_certificate", "listen_private_key", "listen_certificate"] {
        let pem = fs::read_to_string(tls[file].as_str().unwrap()).unwrap();
        assert!(pem.starts_with("-----BEGIN "), "{pem}");
    }
    assert_eq!(sue.computers(), "WORKGROUP: SUE member", "a router is no member");
}

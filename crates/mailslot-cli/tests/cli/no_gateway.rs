//! A build without the gateway says so, and doesn't speak of what it can't do.

use crate::util::World;

const WHY: &str = "this build of the command has no gateway";

#[test]
fn missing_commands_say_why() {
    let world = World::new();
    for command in [&["gateway"][..], &["domain", "list"], &["ping", "JOE"], &["help", "gateway"]] {
        let done = world.run(command);
        assert_eq!(done.code, Some(2), "{command:?}: {done:?}");
        assert!(done.stderr.contains(WHY), "{command:?}: {done:?}");
    }
    let done = world.run(&["domains"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(!done.stderr.contains(WHY), "{done:?}");
}

#[test]
fn other_computers_are_out_of_reach() {
    let world = World::new();
    for (command, code) in [
        (&["write", "//JOE/mailslot/a", "x"][..], 10),
        (&["write", "--confirm", "//*/mailslot/a", "x"], 10),
        (&["ls", "//*/"], 2),
        (&["ls", "//JOE/"], 2),
    ] {
        let done = world.run(command);
        assert_eq!(done.code, Some(code), "{command:?}: {done:?}");
        assert_eq!(done.stderr.matches(WHY).count(), 1, "{command:?}: {done:?}");
    }
}

#[test]
fn help_and_man_pages_do_not_offer_it() {
    let world = World::new();
    let dir = world.dir().join("man1");
    world.run(&["man", "--dir", dir.to_str().unwrap()]).succeeds();
    let mut pages: Vec<String> = dir
        .read_dir()
        .unwrap()
        .map(|page| std::fs::read_to_string(page.unwrap().path()).unwrap().replace("\\-", "-"))
        .collect();
    for command in ["", "read", "write", "info", "ls", "demo", "completions", "man"] {
        let words = command.split_terminator(' ').chain(["--help"]);
        pages.push(world.run(&words.collect::<Vec<_>>()).succeeds());
    }
    for page in &pages {
        for words in ["mailslot gateway", "mailslot domain", "mailslot ping", "mailslot ls '//"] {
            assert!(!page.contains(words), "{words}: {page}");
        }
        for words in ["mailslot-gateway", "MAILSLOT_CONFIG_DIR", "two computers"] {
            assert!(!page.contains(words), "{words}: {page}");
        }
    }
    let main = world.run(&["--help"]).succeeds();
    let main = main.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(main.contains("This build of the command has no gateway."), "{main}");
}

//! Confirmed records, and what they say of readers that die, of slots that are full or refuse, and of those
//! that don't exist.

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;

use crate::lan::Lan;
use crate::load::Watch;
use crate::namespaces::three;
use crate::util::{Computer, Running, eventually};

/// Starts a reader of slot `x`, with options.
fn read_with(on: &Computer, options: &[&str]) -> Running {
    let mut command = on.command(&["read", "x"]);
    let process = Running::start(command.args(options), &on.path("with-options"));
    eventually("the slot exists", || on.run(&["info", "x"]).status.success());
    process
}

fn ends(on: &Computer, reader: Running) {
    drop(reader);
    eventually("the slot has gone", || !on.run(&["info", "x"]).status.success());
}

/// What becomes of a record from there, as it is told.
fn told(from: &Computer, target: &str, record: &str) -> String {
    let args = ["write", "--confirm", "--timeout", "30s", target, record];
    String::from_utf8(from.run(&args).stdout).unwrap()
}

/// While confirmed records go to one computer, and to all: JOE's reader, with all that it has not read.
pub(crate) fn readers_are_killed() {
    const KILLS: usize = 5;
    /// What the writer is given before each kill, and while there is no reader.
    const PART: usize = 250;
    const MORE: usize = 50;
    const RECORDS: usize = KILLS * (PART + MORE) + PART;
    /// A reader that is killed takes at most so many with it: it has read the others.
    const UNREAD: usize = 64;
    let mut lan = Lan::new();
    let [sue, joe, ann] = three(&mut lan);
    for (target, name) in [("//JOE/mailslot/x", "to one"), ("//*/mailslot/x", "to all")] {
        let at_ann = Watch::start(&ann, "x");
        let mut at_joe = vec![Watch::start(&joe, "x")];
        let said = sue.path(name);
        let args = ["write", "--confirm", "--timeout", "60s", "--lines", target];
        let mut command = sue.command(&args);
        let mut writer = Running::start(command.stdin(Stdio::piped()), &said);
        let mut input = writer.input();
        let mut numbers = 0..RECORDS;
        let mut give = |count| {
            numbers.by_ref().take(count).for_each(|n| writeln!(input, "{n} 0").unwrap());
        };
        let outcomes = || -> Vec<String> {
            let text = fs::read_to_string(&said).unwrap();
            let of_joe = text.lines().filter_map(|line| line.strip_prefix("JOE  "));
            of_joe.map(str::to_owned).collect()
        };
        for kill in 1..=KILLS {
            give(PART);
            eventually("it goes on", || at_joe[kill - 1].count() as usize > PART - UNREAD);
            at_joe[kill - 1].kill();
            // Every other time records find no slot.
            let missed = outcomes().len();
            give(MORE);
            eventually("some find none", || kill % 2 == 0 || outcomes().len() > missed + 20);
            at_joe.push(Watch::start(&joe, "x"));
        }
        give(PART);
        drop(input);
        writer.ends();
        let outcomes = outcomes();
        assert_eq!(outcomes.len(), RECORDS);
        let last = outcomes.iter().rposition(|outcome| outcome != "accepted").unwrap();
        let of_last = RECORDS - 1 - last;
        eventually("the last reader has all that was accepted", || {
            at_joe[KILLS].numbers().iter().filter(|number| **number > last as u64).count()
                == of_last
        });
        let arrived: Vec<u64> = at_joe.iter().flat_map(Watch::numbers).collect();
        assert!(arrived.is_sorted_by(|a, b| a < b), "in order, each once: {arrived:?}");
        for number in &arrived {
            let outcome = &outcomes[*number as usize];
            assert!(outcome == "accepted" || outcome == "no answer", "{number}: {outcome}");
        }
        let count = |what: &str| outcomes.iter().filter(|outcome| *outcome == what).count();
        let (accepted, none) = (count("accepted"), count("no such slot"));
        let unclear = count("no answer");
        println!("{name}: {accepted} accepted, {none} no such slot, {unclear} no answer");
        assert!(none > 20 && accepted > of_last && unclear <= KILLS, "{outcomes:?}");
        assert_eq!(accepted + none + unclear, RECORDS);
        // A reader that is killed takes what it has not read with it, and nothing else.
        let unread = KILLS * (UNREAD + MORE);
        assert!(arrived.len() + unread >= accepted, "{} of {accepted}", arrived.len());
        if name == "to all" {
            at_ann.gets_all(RECORDS as u64);
        }
        drop(at_joe);
        eventually("JOE's slot has gone", || !joe.run(&["info", "x"]).status.success());
    }
}

/// Each outcome that there is, as its computer alone can know it.
pub(crate) fn each_outcome_is_told_as_it_is() {
    let mut lan = Lan::new();
    let [sue, joe, ann] = three(&mut lan);
    let to_joe = "//JOE/mailslot/x";
    assert_eq!(told(&sue, to_joe, "?"), "JOE  no such slot\n");

    let reader = read_with(&joe, &["--quota", "64K", "--max-size", "1K"]);
    assert_eq!(told(&sue, to_joe, "!"), "JOE  accepted\n");
    assert_eq!(told(&sue, to_joe, &"x".repeat(2000)), "JOE  too large\n");
    reader.signal(Signal::STOP);
    // One writer, whose quota it is.
    fs::write(sue.path("lines"), format!("{:1000}\n", "x").repeat(200)).unwrap();
    let mut write = sue.command(&["write", "--confirm", "--timeout", "60s", "--lines", to_joe]);
    let out = write.stdin(File::open(sue.path("lines")).unwrap()).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let accepted = text.lines().take_while(|line| *line == "JOE  accepted").count();
    assert!((30..=80).contains(&accepted), "{accepted}");
    assert!(text.lines().skip(accepted).all(|line| line == "JOE  full"), "{text}");
    assert_eq!(text.lines().count(), 200);
    reader.signal(Signal::CONT);
    let read = || fs::read_to_string(joe.path("with-options")).unwrap().lines().count();
    eventually("what was accepted is read, and nothing else", || read() == accepted + 1);
    assert_eq!(told(&sue, to_joe, "again"), "JOE  accepted\n");
    ends(&joe, reader);

    // Who may write from where.
    for (network, of_sue, of_ann) in [
        ("none", "denied", "denied"),
        ("computers:ANN", "denied", "accepted"),
        ("computers:SUE.WORKGROUP,NOBODY", "accepted", "denied"),
        ("computers:SUE.OTHER", "denied", "denied"),
        ("domains", "accepted", "accepted"),
    ] {
        let reader = read_with(&joe, &["--network", network]);
        assert_eq!(told(&sue, to_joe, network), format!("JOE  {of_sue}\n"), "{network}");
        assert_eq!(told(&ann, to_joe, network), format!("JOE  {of_ann}\n"), "{network}");
        // Programs of JOE write there, whatever of the network; also by their computer's name.
        joe.ok(&["write", "x", "here"]);
        assert_eq!(told(&joe, to_joe, "by name"), "JOE  accepted\n", "{network}");
        assert_eq!(told(&joe, "//*/mailslot/x", "to all").lines().nth(1), Some("JOE  accepted"));
        // Others see it only if they may write.
        let listed = || !ann.ok(&["ls", "//JOE/"]).is_empty();
        eventually(network, || listed() == (of_ann == "accepted"));
        ends(&joe, reader);
    }

    assert_eq!(
        told(&sue, "//*/mailslot/x", "?"),
        "ANN  no such slot\nJOE  no such slot\nSUE  no such slot\n"
    );
}

//! `ls` and `info`.

use rustix::process::Signal;
use serde_json::Value;

use crate::util::{Process, World};

/// Words of a line.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    uzers::get_user_by_uid(uid).map_or(uid.to_string(), |u| u.name().to_str().unwrap().into())
}

#[test]
fn a_table() {
    let world = World::new();
    let group = format!("group:{}", rustix::process::getgid().as_raw());
    let b = world.reader("b", &["--quota", "1000", "--allow", "everyone"]);
    let a = world.reader(
        "A/x",
        &["--max-size", "64K", "--allow", &group, "--network", "computers:JOE,ann.w"],
    );
    let table = world.run(&["ls"]).succeeds();
    let lines: Vec<_> = table.lines().map(words).collect();
    // Shown by name, if it has one.
    let group = uzers::get_group_by_gid(rustix::process::getgid().as_raw())
        .map_or(group, |group| format!("group:{}", group.name().to_str().unwrap()));
    let (user, a, b) = (user(), a.pid().to_string(), b.pid().to_string());
    let headings =
        ["READER", "OWNER", "MAX", "SIZE", "QUOTA", "WRITERS", "NETWORK", "CREATED", "NAME"];
    assert_eq!(lines[0], headings);
    assert_eq!(lines[1][..6], [&a[..], &user, "64K", "64M", &group, "computers:JOE,ann.w"]);
    assert_eq!(lines[1][7], r"\\.\mailslot\A\x");
    assert_eq!(lines[2][..6], [&b[..], &user, "-", "1000", "everyone", "domains"]);
    assert_eq!(lines[2][7], r"\\.\mailslot\b");
    assert_eq!(lines.len(), 3);
}

#[test]
fn only_what_matches() {
    let world = World::new();
    let _readers = ["taxes/sue", "taxes/joe", "backup"].map(|slot| world.reader(slot, &[]));
    let names = |pattern: &str| {
        let out = world.run(&["ls", "--json", pattern]).succeeds();
        let name = |line: &str| serde_json::from_str::<Value>(line).unwrap()["name"].clone();
        out.lines().map(|l| name(l).as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("TAXES/*"), [r"\\.\mailslot\taxes\joe", r"\\.\mailslot\taxes\sue"]);
    assert_eq!(names(r"\\.\mailslot\*sue"), [r"\\.\mailslot\taxes\sue"]);
    assert_eq!(names("backu?"), [r"\\.\mailslot\backup"]);
    assert_eq!(names("*").len(), 3);
}

#[test]
fn info_in_words() {
    let world = World::new();
    let reader = world.reader("A", &["--max-size", "1", "--network", "none"]);
    let out = world.run(&["info", "a"]).succeeds();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], r"name         \\.\mailslot\A");
    assert_eq!(lines[1], format!("reader       process {}", reader.pid()));
    assert_eq!(lines[2], format!("owner        {}", user()));
    assert_eq!(lines[3], "writers      user");
    assert_eq!(lines[4], "network      none");
    assert_eq!(lines[5], "max size     1 byte");
    assert_eq!(lines[6], "quota        67108864 bytes for each writer");
    assert!(lines[7].starts_with("created      20") && lines[7].ends_with('Z'));
    assert_eq!(lines[8], "inheritable  no");
    assert_eq!(lines.len(), 9);
}

#[test]
fn names_cannot_drive_the_terminal() {
    let world = World::new();
    let _reader = world.reader("a\u{202e}b", &[]);
    let out = world.run(&["ls"]).succeeds();
    assert!(out.contains(r"\\.\mailslot\a\u{202e}b"), "{out}");
}

#[test]
fn watching() {
    let world = World::new();
    let first = world.reader("first", &[]);
    let mut watch = Process::start(&mut world.command(&["ls", "--watch"]));
    let described = |slot: &str, reader: &Process| {
        format!(
            "+ \\\\.\\mailslot\\{slot}  process {}, user {}, writers user\n",
            reader.pid(),
            user()
        )
    };
    let mut expected = described("first", &first);
    watch.output_until(|seen| seen == expected);

    let second = world.reader("second", &[]);
    expected += &described("second", &second);
    watch.output_until(|seen| seen == expected);

    // One reader leaves, the other is killed and leaves a dead slot.
    first.signal(Signal::TERM);
    first.finish();
    expected += "- \\\\.\\mailslot\\first\n";
    watch.output_until(|seen| seen == expected);
    second.signal(Signal::KILL);
    second.finish();
    expected += "- \\\\.\\mailslot\\second\n";
    watch.output_until(|seen| seen == expected);

    let second = world.reader("second", &[]);
    expected += &described("second", &second);
    watch.output_until(|seen| seen == expected);
    watch.signal(Signal::TERM);
    assert_eq!(watch.finish().stdout, expected);
}

#[test]
fn watching_in_json() {
    let world = World::new();
    let mut watch = Process::start(&mut world.command(&["ls", "--watch", "--json", "a*"]));
    let _other = world.reader("b", &[]);
    let reader = world.reader("ab", &["-n", "1"]);
    watch.output_until(|seen| seen.ends_with('\n'));
    world.write("ab", "x");
    reader.finish().succeeds();
    let out = watch.output_until(|seen| seen.lines().count() == 2 && seen.ends_with('\n'));
    let events: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let shown: Vec<_> = events.iter().map(|e| [&e["event"], &e["name"]]).collect();
    assert_eq!(shown, [["appeared", r"\\.\mailslot\ab"], ["vanished", r"\\.\mailslot\ab"]]);
}

#[test]
fn watching_notices_that_nobody_reads() {
    let world = World::new();
    let mut watch = Process::start_unread(&mut world.command(&["ls", "--watch"]));
    watch.close_stdout();
    watch.finish().succeeds();
}

//! What records look like.

use serde_json::Value;

use crate::util::World;

/// What a reader prints of these records.
#[track_caller]
fn printed(format: &[&str], records: &[&[u8]]) -> Vec<u8> {
    let world = World::new();
    let count = records.len().to_string();
    let reader = world.reader("a/b", &[format, &["-n", &count]].concat());
    let input: Vec<u8> = records.iter().flat_map(|record| [record, &b"\0"[..]].concat()).collect();
    world.run_with(&["write", "-0", "a/b"], &input).succeeds();
    let done = reader.finish();
    assert_eq!((done.code, &done.stderr[..]), (Some(0), ""));
    done.bytes
}

const RECORDS: [&[u8]; 4] = [b"one", b"two\n", b"\xff\x1b[m", b"last"];

#[test]
fn lines_end_records_that_are_none() {
    assert_eq!(printed(&[], &RECORDS), b"one\ntwo\n\xff\x1b[m\nlast\n");
    assert_eq!(printed(&["--format", "lines"], &[b"", b"\n", b"x\n\n", b"y"]), b"\n\nx\n\ny\n");
}

#[test]
fn raw_adds_nothing() {
    assert_eq!(printed(&["-f", "raw"], &RECORDS), b"onetwo\n\xff\x1b[mlast");
}

#[test]
fn null_ends_every_record() {
    assert_eq!(printed(&["--null"], &RECORDS), b"one\0two\n\0\xff\x1b[m\0last\0");
    assert_eq!(printed(&["-0"], &[b"", b"x"]), b"\0x\0");
    assert_eq!(printed(&["--format=null"], &[b"x"]), b"x\0");
}

/// The header's parts, after a check of its time.
#[track_caller]
fn header(line: &str) -> Vec<&str> {
    let (time, rest) = line.split_once("  ").unwrap();
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    rest.split("  ").collect()
}

/// Our user's number, and its name if it has one.
fn me() -> (u32, Option<String>) {
    let uid = rustix::process::getuid().as_raw();
    (uid, uzers::get_user_by_uid(uid).map(|user| user.name().to_str().unwrap().into()))
}

#[test]
fn text_tells_who_and_when() {
    let world = World::new();
    let reader = world.reader("a", &["--format", "text", "-n", "2"]);
    let writer = crate::util::Process::start(&mut world.command(&["write", "a", "x\n\x1b[1m", ""]));
    let pid = format!("pid {}", writer.pid());
    writer.finish().succeeds();
    let text = reader.finish().succeeds();
    let lines: Vec<_> = text.lines().collect();
    let (uid, user) = me();
    let user = format!("user {}", user.unwrap_or(uid.to_string()));
    assert_eq!(header(lines[0]), [&pid[..], &user, "6 bytes"]);
    assert_eq!(lines[1..3], ["    x", r"    \u{1b}[1m"]);
    assert_eq!(header(lines[3]), [&pid[..], &user, "0 bytes"]);
    assert_eq!(lines.len(), 4);
}

#[test]
fn hex_shows_every_byte() {
    let text = String::from_utf8(printed(&["-f", "hex"], &[b"0123456789abcdef\xff"])).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(header(lines[0])[2], "17 bytes");
    assert_eq!(
        lines[1..],
        [
            "    00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|",
            "    00000010  ff                                                |.|",
        ]
    );
}

#[test]
fn json_has_an_object_a_line() {
    let out = printed(&["--format", "json"], &[b"a\"b\n", b"\xff\xfe", b""]);
    let text = String::from_utf8(out).unwrap();
    let records: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let (uid, user) = me();
    for record in &records {
        assert_eq!(record["slot"], r"\\.\mailslot\a\b");
        assert_eq!(record["uid"], uid);
        assert_eq!(record["user"].as_str(), user.as_deref());
        assert!(record["pid"].as_u64().unwrap() > 1);
        assert!(record["time"].as_str().unwrap().ends_with('Z'));
    }
    let of = |record: &Value, key: &str| record.get(key).cloned();
    assert_eq!(of(&records[0], "text"), Some("a\"b\n".into()));
    assert_eq!(of(&records[0], "base64"), None);
    assert_eq!(of(&records[0], "size"), Some(4.into()));
    assert_eq!(of(&records[1], "text"), None);
    assert_eq!(of(&records[1], "base64"), Some("//4=".into()));
    assert_eq!(of(&records[2], "text"), Some("".into()));
    assert_eq!(records.len(), 3);
}

//! Records with who wrote them and when: text, hexadecimal, JSON.

use std::borrow::Cow;
use std::io::Write;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mailslot::{Mailslot, Origin, SlotName};
use serde::Serialize;

use super::{Sink, Taken};
use crate::flags::Format;
use crate::stdout::Stdout;
use crate::text::{self, Users};

/// How much is kept back at most while further records wait.
const BUFFER: usize = 64 * 1024;

pub(super) struct Described {
    out: Stdout,
    printer: Printer,
    buffer: Vec<u8>,
}

impl Described {
    pub(super) fn new(out: Stdout, format: Format, slot: &SlotName) -> Self {
        let printer = Printer { format, slot: slot.to_string(), users: Users::default() };
        Self { out, printer, buffer: Vec::new() }
    }
}

impl Sink for Described {
    fn take(&mut self, slot: &Mailslot, wait: Option<Duration>, _: u64) -> anyhow::Result<Taken> {
        let record = match slot.receive_timeout(wait) {
            Ok(record) => record,
            Err(error) => return Taken::failed(error),
        };
        let sender = record.sender();
        let arrival = Arrival {
            bytes: record.bytes(),
            pid: sender.pid,
            uid: sender.uid,
            origin: record.origin(),
            written: record.written(),
        };
        self.printer.print(&arrival, &mut self.buffer);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(Taken::Records(1))
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let written = self.out.write(&self.buffer);
        self.buffer.clear();
        self.buffer.shrink_to(2 * BUFFER);
        Ok(written?)
    }
}

/// A record and what is known about it.
struct Arrival<'a> {
    bytes: &'a [u8],
    pid: u32,
    uid: u32,
    origin: Option<&'a Origin>,
    written: SystemTime,
}

struct Printer {
    format: Format,
    slot: String,
    users: Users,
}

impl Printer {
    fn print(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) {
        match self.format {
            Format::Json => self.json(arrival, out),
            Format::Hex => {
                self.header(arrival, out);
                hex(arrival.bytes, out);
            }
            _ => {
                self.header(arrival, out);
                indented(arrival.bytes, out);
            }
        }
    }

    /// The only lines that are not indented: no record can look like one.
    fn header(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) {
        let time = text::rfc3339(arrival.written);
        let size = text::count(arrival.bytes.len() as u64, "byte");
        if let Some(origin) = arrival.origin {
            // Quoted: another computer chose it, and it may have spaces.
            let shown = text::harmless(&origin.user);
            let line = format!("{time}  {origin}  pid {}  user {shown:?}  {size}", origin.pid);
            let _ = writeln!(out, "{}", text::harmless(&line));
            return;
        }
        let user = self.users.show(arrival.uid);
        // Writing to a Vec cannot fail.
        let _ = writeln!(out, "{time}  pid {}  user {user}  {size}", arrival.pid);
    }

    fn json(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) {
        let text = str::from_utf8(arrival.bytes).ok();
        let base64 = text.is_none().then(|| STANDARD.encode(arrival.bytes));
        let line = JsonRecord {
            slot: &self.slot,
            computer: arrival.origin.map(|origin| &origin.computer[..]),
            domain: arrival.origin.map(|origin| &origin.domain[..]),
            pid: arrival.origin.map_or(arrival.pid, |origin| origin.pid),
            uid: arrival.origin.is_none().then_some(arrival.uid),
            user: match arrival.origin {
                None => self.users.name(arrival.uid),
                Some(origin) => Some(&origin.user[..]).filter(|user| !user.is_empty()),
            },
            time: text::rfc3339(arrival.written),
            size: arrival.bytes.len(),
            text,
            base64,
        };
        serde_json::to_writer(&mut *out, &line).expect("text and numbers are always JSON");
        out.push(b'\n');
    }
}

#[derive(Serialize)]
struct JsonRecord<'a> {
    slot: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    computer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    pid: u32,
    uid: Option<u32>,
    user: Option<&'a str>,
    time: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

const INDENT: &str = "    ";

fn indented(bytes: &[u8], out: &mut Vec<u8>) {
    for line in String::from_utf8_lossy(bytes).split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line: Cow<'_, str> = text::harmless(line);
        let _ = writeln!(out, "{INDENT}{line}");
    }
}

/// As `hexdump -C` shows them.
fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let _ = write!(out, "{INDENT}{:08x} ", row * 16);
        for i in 0..16 {
            let gap = if i == 8 { " " } else { "" };
            let _ = match chunk.get(i) {
                Some(byte) => write!(out, "{gap} {byte:02x}"),
                None => write!(out, "{gap}   "),
            };
        }
        let printable = |byte: &u8| matches!(byte, b' '..=b'~');
        let shown: String =
            chunk.iter().map(|b| if printable(b) { char::from(*b) } else { '.' }).collect();
        let _ = writeln!(out, "  |{shown}|");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: Format, bytes: &[u8]) -> String {
        printed_from(format, bytes, None)
    }

    fn printed_from(format: Format, bytes: &[u8], origin: Option<&Origin>) -> String {
        let mut printer =
            Printer { format, slot: r"\\.\mailslot\taxes\sue".into(), users: Users::default() };
        let written = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 1_234_567);
        let arrival = Arrival { bytes, pid: 42, uid: 4_000_000_001, origin, written };
        let mut out = Vec::new();
        printer.print(&arrival, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_indented_under_its_header() {
        assert_eq!(
            printed(Format::Text, b"one\n\ntwo"),
            "2023-11-14T22:13:20.001234Z  pid 42  user 4000000001  8 bytes\n    one\n    \n    two\n"
        );
        assert_eq!(
            printed(Format::Text, b""),
            "2023-11-14T22:13:20.001234Z  pid 42  user 4000000001  0 bytes\n"
        );
    }

    #[test]
    fn text_cannot_drive_the_terminal() {
        let shown = printed(Format::Text, b"\x1b[2J\xff\r\n");
        assert!(shown.ends_with("  7 bytes\n    \\u{1b}[2J\u{fffd}\\u{d}\n"), "{shown}");
    }

    #[test]
    fn another_computer_is_named() {
        let origin = Origin::new("ANN", "WORKGROUP", "sue", 4711);
        assert_eq!(
            printed_from(Format::Text, b"x", Some(&origin)),
            "2023-11-14T22:13:20.001234Z  computer ANN, authenticated by domain WORKGROUP  \
             pid 4711  user \"sue\"  1 byte\n    x\n"
        );
        assert_eq!(
            printed_from(Format::Json, b"x", Some(&origin)),
            r#"{"slot":"\\\\.\\mailslot\\taxes\\sue","computer":"ANN","domain":"WORKGROUP","pid":4711,"uid":null,"user":"sue","time":"2023-11-14T22:13:20.001234Z","size":1,"text":"x"}"#
                .to_owned() + "\n"
        );
        let strange = Origin::new("A\u{202e}NN", "W", "a\u{9b}b", 0);
        let shown = printed_from(Format::Text, b"", Some(&strange));
        assert!(shown.contains(r"A\u{202e}NN") && !shown.contains('\u{9b}'), "{shown}");
    }

    #[test]
    fn hex_looks_like_hexdump() {
        let bytes: Vec<u8> = (0x58..0x6b).collect();
        assert_eq!(
            printed(Format::Hex, &bytes),
            "2023-11-14T22:13:20.001234Z  pid 42  user 4000000001  19 bytes\n\
             \x20   00000000  58 59 5a 5b 5c 5d 5e 5f  60 61 62 63 64 65 66 67  |XYZ[\\]^_`abcdefg|\n\
             \x20   00000010  68 69 6a                                          |hij|\n"
        );
    }

    #[test]
    fn json_has_text_or_base64() {
        assert_eq!(
            printed(Format::Json, b"one\n\"two\""),
            r#"{"slot":"\\\\.\\mailslot\\taxes\\sue","pid":42,"uid":4000000001,"user":null,"time":"2023-11-14T22:13:20.001234Z","size":9,"text":"one\n\"two\""}"#
                .to_owned() + "\n"
        );
        assert!(printed(Format::Json, b"\xff").ends_with("\"size\":1,\"base64\":\"/w==\"}\n"));
        assert!(printed(Format::Json, b"").ends_with("\"size\":0,\"text\":\"\"}\n"));
    }
}

//! What must hold for any input. The fuzz targets in `fuzz/` call these, and so do the tests, with
//! the committed corpora: a fuzzer's finding becomes a test by being put there.

use crate::answer::{self, Answer};
use crate::envelope::{self, Frame, Item, Items};
use crate::message::{self, Message};
use crate::meta::Metadata;
use crate::name::{FILE_PREFIX, NameError, SlotName};

#[cfg(test)]
mod tests;

/// Any text, as a name.
pub fn name(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    let strict = SlotName::parse(&typed);
    let short = SlotName::parse_short(&typed);
    if strict.is_ok() {
        assert_eq!(strict, short, "the short form accepts every full name");
    }
    for result in [strict, short] {
        match result {
            Ok(name) => check_name(&name),
            Err(error) => check_name_error(&error),
        }
    }
}

/// Any datagram, in either direction.
pub fn message(data: &[u8]) {
    match Message::parse(data) {
        Ok(Message::Record { stamp, bytes }) => {
            assert!(bytes.len() <= message::INLINE_MAX);
            assert_eq!([&message::record_header(stamp), bytes].concat(), data);
        }
        Ok(Message::Attach { base_shift, growth_shift, levels }) => {
            assert_eq!(message::attach(base_shift, growth_shift, levels), data)
        }
        Ok(Message::Target { confirmed, name }) => {
            let again = SlotName::parse(name).map(|name| message::target(&name, confirmed));
            assert_eq!(again.as_deref(), Ok(data));
        }
        Ok(Message::Origin(origin)) => assert_eq!(origin.encode().as_deref(), Some(data)),
        Err(error) => check_error_text(&error.to_string()),
    }
    match Answer::parse(data) {
        None => {}
        Some(Answer::Target(state)) => assert_eq!(answer::target(state), data),
        Some(Answer::Lost(records)) => assert_eq!(answer::lost(records), data),
        Some(Answer::Outcomes { record, last, outcomes }) => {
            assert_eq!(answer::outcomes(record, last, outcomes), [data]);
        }
    }
}

/// Any frame of a gateway.
pub fn envelope(data: &[u8]) {
    let again = match Frame::parse(data) {
        Ok(Frame::Open { token }) => envelope::open(token),
        Ok(Frame::Accept { token, connection }) => envelope::accept(token, connection),
        Ok(Frame::Ack { connection, next, map }) => envelope::ack(connection, next, map),
        Ok(Frame::Reset { connection }) => envelope::reset(connection),
        Ok(Frame::Ask { question, what }) => envelope::ask(question, what),
        Ok(Frame::Answer { question, part, parts, body }) => {
            envelope::answer(question, part, parts, body)
        }
        Ok(Frame::Data { connection, number, items }) => {
            let header = envelope::data_header(connection, number);
            let again = [&header[..], &items_again(&items)].concat();
            // Two runs that follow each other become one, so bytes may differ.
            let Ok(Frame::Data { items: reread, .. }) = Frame::parse(&again) else {
                unreachable!("what was built is a frame: {items:?}")
            };
            assert_eq!([&header[..], &items_again(&reread)].concat(), again);
            assert!(again.len() <= data.len());
            return;
        }
        Err(error) => return check_error_text(&error.to_string()),
    };
    assert_eq!(again, data);
}

fn items_again(items: &[Item<'_>]) -> Vec<u8> {
    let mut again = Items::new();
    for item in items {
        match item {
            Item::Define { channel, definition } => {
                check_name(&definition.slot);
                again.define(*channel, definition);
            }
            Item::Run { channel, first, records } => {
                for (sequence, record) in (*first..).zip(*records) {
                    again.record(*channel, sequence, record);
                }
            }
            Item::Fragment { channel, sequence, total, offset, bytes } => {
                again.fragment(*channel, *sequence, *total, *offset, bytes);
            }
            Item::Close { channel } => again.close(*channel),
            Item::Result { writer, sequence, outcome } => {
                again.result(*writer, *sequence, *outcome);
            }
            Item::Missed { writer, count } => again.missed(*writer, *count),
        }
    }
    again.into_bytes()
}

/// Any metadata file.
pub fn meta(data: &[u8]) {
    match Metadata::parse(data) {
        Ok(metadata) => {
            check_name(&metadata.name);
            let text = metadata.encode();
            assert!(text.len() <= Metadata::MAX_BYTES);
            assert_eq!(text.len(), data.len(), "only the order may differ");
            let again = Metadata::parse(text.as_bytes());
            assert_eq!(again.as_ref(), Ok(&metadata));
            assert_eq!(again.map(|m| m.name.to_string()), Ok(metadata.name.to_string()));
        }
        Err(error) => check_error_text(&error.to_string()),
    }
}

fn check_name(name: &SlotName) {
    let path = name.path();
    assert!(!path.is_empty() && !path.contains('/'), "{name}");
    assert!(!path.starts_with('\\') && !path.ends_with('\\'), "{name}");
    assert!(!path.contains(r"\\"), "{name}");
    assert!(!path.chars().any(char::is_control), "{name}");
    assert!(path.chars().count() <= SlotName::MAX_CHARS, "{name}");
    assert_eq!(crate::name::fold::fold(name.key()), name.key(), "folding is idempotent");

    let again = SlotName::parse(&name.to_string());
    assert_eq!(again.as_ref(), Ok(name), "a name reads back");
    assert_eq!(again.as_ref().map(SlotName::path), Ok(path), "unchanged");

    check_file_name(name);
}

fn check_file_name(name: &SlotName) {
    let file_name = name.file_name();
    assert!(file_name.len() <= 80, "{file_name}");
    let rest = file_name.strip_prefix(FILE_PREFIX).unwrap_or_default();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.%".contains(&b);
    assert!(!rest.is_empty() && rest.bytes().all(allowed), "{file_name}");
    assert!(!rest.starts_with('.'), "{file_name}");
    // What can be decoded was not lost, so no two of them clash.
    let decoded = unescape(rest);
    let expected = (!name.file_name_is_hashed()).then(|| name.key().as_bytes().to_vec());
    assert_eq!(decoded, expected, "{file_name}");
}

/// `None` for a hash, or a wrong escape.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    Some(out)
}

fn check_name_error(error: &NameError) {
    let text = error.to_string();
    check_error_text(&text);
    assert!(text.contains(r"\mailslot\taxes\sue"), "it shows a right name: {text}");
}

fn check_error_text(text: &str) {
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
    // Even with every quoted character escaped.
    assert!(text.len() < 4000, "{text:?}");
}

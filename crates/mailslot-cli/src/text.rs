//! What people read: times, users, and strangers' text made harmless.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// `text` on one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { text.replace('\n', " ").into() } else { text.into() }
}

/// What an error and its causes say. Those of the library say their cause themselves.
pub(crate) fn with_causes(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

/// `text` made harmless, without its middle if it is long.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 80;
    const HEAD: usize = 50;
    const TAIL: usize = 25;
    let chars = text.chars().count();
    if chars <= MOST {
        return harmless(text).into_owned();
    }
    let [head, tail]: [String; 2] =
        [text.chars().take(HEAD).collect(), text.chars().skip(chars - TAIL).collect()];
    format!("{}…{}", harmless(&head), harmless(&tail))
}

/// `text` without anything that could move a terminal's cursor, colour it, or reverse the
/// direction of writing. Tabs stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out.into()
}

fn is_harmful(c: char) -> bool {
    let directs = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    (c.is_control() && c != '\t') || directs
}

/// `2025-05-01T12:00:00.123456Z`. Times outside the years 1970 to 9999 show as the nearest of them:
/// a record's time is its writer's word.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_micros(within_range(time)).to_string()
}

/// `2025-05-01T12:00:00Z`.
pub(crate) fn rfc3339_seconds(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(within_range(time)).to_string()
}

fn within_range(time: SystemTime) -> SystemTime {
    const END_OF_9999: Duration = Duration::from_secs(253_402_300_799);
    time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + END_OF_9999)
}

/// `5s`, `2h 3m 4s`: a length of time in whole seconds.
#[cfg(feature = "gateway")]
pub(crate) fn seconds(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

/// Since when a computer is in reach, if it is.
#[cfg(feature = "gateway")]
pub(crate) fn reach(since: Option<u64>) -> String {
    match since {
        Some(since) => format!("in reach for {}", seconds(since)),
        None => "not in reach".into(),
    }
}

/// `1,000,000`.
pub(crate) fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `line` in lines of at most `width` characters, where its words allow; those after the first are
/// indented by two.
pub(crate) fn wrapped(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.into()];
    }
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            // A gap between columns: the line ends here anyway.
            Some(_) if word.is_empty() => {}
            Some(_) => lines.push(format!("  {word}")),
            None => lines.push(word.into()),
        }
    }
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
    lines
}

/// `1 record`, `2 records`.
pub(crate) fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// The names of users, looked up once each: a look-up may ask a directory service.
#[derive(Default)]
pub(crate) struct Users(HashMap<u32, Option<String>>);

impl Users {
    /// The user's name, if it has one.
    pub(crate) fn name(&mut self, uid: u32) -> Option<&str> {
        let look_up = || {
            let user = uzers::get_user_by_uid(uid)?;
            Some(user.name().to_string_lossy().into_owned())
        };
        self.0.entry(uid).or_insert_with(look_up).as_deref()
    }

    /// The user's name made harmless, or its number.
    pub(crate) fn show(&mut self, uid: u32) -> String {
        self.name(uid).map_or_else(|| uid.to_string(), |name| harmless(name).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_outside_the_calendar_do_not_panic() {
        let second = Duration::from_secs(1);
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - second), "1970-01-01T00:00:00.000000Z");
        assert_eq!(rfc3339_seconds(far), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn escape_sequences_become_text() {
        assert_eq!(harmless("plain\ttext, ünïcode"), "plain\ttext, ünïcode");
        assert_eq!(harmless("a\u{1b}[31mb\u{9b}c"), r"a\u{1b}[31mb\u{9b}c");
        assert_eq!(harmless("a\u{202e}b"), r"a\u{202e}b");
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = || anyhow::anyhow!("not there");
        assert_eq!(with_causes(&error()), "not there");
        assert_eq!(with_causes(&error().context("cannot open x")), "cannot open x: not there");
        let telling = error().context("cannot open x: not there; create it");
        assert_eq!(with_causes(&telling), "cannot open x: not there; create it");
    }

    #[test]
    fn a_long_text_loses_its_middle() {
        assert_eq!(excerpt("plain"), "plain");
        assert_eq!(excerpt("a\u{1b}b"), r"a\u{1b}b");
        let long = excerpt(&"x\u{9b}".repeat(1000));
        assert!(long.contains('…') && long.len() < 600 && !long.contains('\u{9b}'), "{long}");
    }

    #[test]
    fn long_lines_wrap_at_words() {
        assert_eq!(wrapped("a  table   row", 14), ["a  table   row"]);
        assert_eq!(wrapped("one two three four", 9), ["one two", "  three", "  four"]);
        assert_eq!(wrapped("overlong-word x", 5), ["overlong-word", "  x"]);
        for width in 8..15 {
            assert_eq!(wrapped("one  two   three", width), ["one  two", "  three"]);
        }
    }

    #[test]
    fn numbers_have_commas() {
        let shown = [0, 999, 1000, 123_456, 1_000_000].map(with_commas);
        assert_eq!(shown, ["0", "999", "1,000", "123,456", "1,000,000"]);
    }
}

//! From what was typed to a [`SlotName`].

use super::fold::{fold, same};
use super::{Host, NameError, SlotName};
use crate::text::shown;

const SEPARATORS: [char; 2] = ['\\', '/'];

/// The two readings of what follows the prefix.
enum Reading {
    /// As Win32 reads `\\.\` and `\\HOST\`: separators collapse, `.` and `..` mean what they mean
    /// in a path, dots and spaces at the end go.
    Win32,
    /// As Win32 reads `\\?\`: nothing has a meaning but the separator.
    Literal,
}

/// A name with its prefix.
pub(super) fn full(typed: &str) -> Result<SlotName, NameError> {
    if typed.is_empty() {
        return Err(NameError::Empty);
    }
    let Some(after) = strip_two_separators(typed) else {
        return Err(NameError::not_a_mailslot(typed, why_no_prefix(typed)));
    };
    let (device, rest) = after.split_once(SEPARATORS).unwrap_or((after, ""));
    let reading = match device {
        "?" => Reading::Literal,
        _ => Reading::Win32,
    };
    let path = after_mailslot(rest, &reading).ok_or_else(|| {
        let because = r"no \mailslot\ follows its first part";
        NameError::not_a_mailslot(typed, because)
    })?;
    let host = match device {
        "?" => Host::Local,
        _ => Host::parse(device).map_err(|because| NameError::BadHost {
            name: shown(typed),
            host: shown(device),
            because,
        })?,
    };
    finish(typed, host, path, &reading)
}

/// A name with its prefix, or a bare `taxes/sue`.
pub(super) fn short(typed: &str) -> Result<SlotName, NameError> {
    let bare = !typed.is_empty() && !typed.starts_with(SEPARATORS) && !is_disk_path(typed);
    if bare { finish(typed, Host::Local, typed, &Reading::Win32) } else { full(typed) }
}

/// Whether `path` would come back unchanged after `\\.\mailslot\`.
pub(super) fn is_normal(path: &str) -> bool {
    normalised(path).is_ok_and(|normal| normal == path)
}

fn finish(typed: &str, host: Host, path: &str, reading: &Reading) -> Result<SlotName, NameError> {
    refuse_control_characters(typed, path)?;
    let bad =
        |(component, because)| NameError::BadComponent { name: shown(typed), component, because };
    let path = match reading {
        Reading::Win32 => normalised(path).map_err(bad)?,
        Reading::Literal => literal(path).map_err(bad)?,
    };
    if path.is_empty() {
        let name = shown(typed);
        return Err(NameError::NoName { name });
    }
    if path.len() > SlotName::MAX_CHARS {
        let chars = path.chars().count();
        if chars > SlotName::MAX_CHARS {
            let name = shown(typed);
            return Err(NameError::TooLong { name, chars });
        }
    }
    let key = fold(&path);
    Ok(SlotName { host, path, key })
}

fn strip_two_separators(typed: &str) -> Option<&str> {
    typed.strip_prefix(SEPARATORS)?.strip_prefix(SEPARATORS)
}

fn why_no_prefix(typed: &str) -> &'static str {
    if is_disk_path(typed) {
        "it is a path on a disk"
    } else if typed.starts_with(SEPARATORS) {
        // What is left of `\\.\mailslot\x` after an unquoted trip through a shell.
        "it starts with one separator instead of two (in a shell, put it in quotes)"
    } else {
        r"it does not start with \\.\mailslot\"
    }
}

fn is_disk_path(typed: &str) -> bool {
    let mut chars = typed.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.next() == Some(':')
        && chars.next().is_some_and(|c| SEPARATORS.contains(&c))
}

/// What follows the word `mailslot` at the start of `rest`, if it is there.
fn after_mailslot<'a>(mut rest: &'a str, reading: &Reading) -> Option<&'a str> {
    loop {
        let (part, tail) = rest.split_once(SEPARATORS).unwrap_or((rest, ""));
        if same(part, "mailslot") {
            return Some(tail);
        }
        let vanishes = matches!(reading, Reading::Win32) && matches!(part, "" | ".");
        if !vanishes || tail.is_empty() {
            return None;
        }
        rest = tail;
    }
}

fn refuse_control_characters(typed: &str, path: &str) -> Result<(), NameError> {
    let mut numbered = path.chars().zip(1_usize..);
    let Some((character, in_path)) = numbered.find(|(c, _)| c.is_control()) else {
        return Ok(());
    };
    // `path` is the end of `typed`.
    let before = typed.chars().count().saturating_sub(path.chars().count());
    Err(NameError::BadCharacter {
        name: shown(typed),
        character,
        position: before.saturating_add(in_path),
    })
}

type BadPart = (&'static str, &'static str);

fn normalised(path: &str) -> Result<String, BadPart> {
    let stays = |part| !matches!(part, "" | "." | "..");
    if !path.contains('/') && !path.ends_with(['.', ' ']) && path.split('\\').all(stays) {
        // As most are.
        return Ok(path.to_owned());
    }
    let mut parts = Vec::new();
    for part in path.split(SEPARATORS) {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Err(("..", r"climbs above \mailslot\")),
            ".." => {}
            _ => parts.push(part),
        }
    }
    // A last part that is trimmed away makes its predecessor the last: without the loop,
    // reading a name twice could give two names.
    while let Some(last) = parts.pop() {
        let trimmed = last.trim_end_matches(['.', ' ']);
        if !trimmed.is_empty() {
            parts.push(trimmed);
            break;
        }
    }
    Ok(parts.join("\\"))
}

fn literal(path: &str) -> Result<String, BadPart> {
    if !path.is_empty() && path.split(SEPARATORS).any(str::is_empty) {
        return Err(("", r"is empty, and after \\?\ a name is taken as it stands"));
    }
    Ok(path.replace('/', "\\"))
}

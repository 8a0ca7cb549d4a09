//! Letter case: Unicode *simple* folding, one character to one character.
//!
//! Simple rather than full, so that a name keeps its length and `ß` stays distinct from `ss`; and
//! no Turkish rules, so that a name means the same under every locale.

/// `text` with every character folded. Two texts are equal but for letter case iff their folds are.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().map(fold_char).collect()
}

/// Whether the two differ in letter case at most.
pub(crate) fn same(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().map(fold_char).eq(b.chars().map(fold_char))
}

pub(crate) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // `None` means that the character folds to itself.
    unicode_case_mapping::case_folded(c)
        .and_then(|folded| char::from_u32(folded.get()))
        .unwrap_or(c)
}

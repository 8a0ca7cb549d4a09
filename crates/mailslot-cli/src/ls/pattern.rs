//! Which slots `ls` lists.

use mailslot::{Host, SlotName};

use crate::exit::{Exit, Failure};

/// A slot's name in which `*` stands for any characters and `?` for one. Letter case and the kind of
/// separator do not matter, since a pattern is read as a name is.
pub(super) struct Pattern(Vec<char>);

impl Pattern {
    pub(super) fn parse(typed: &str) -> Result<Self, Failure> {
        let name = SlotName::parse_short(typed).map_err(|error| {
            Failure::new(Exit::Usage, format!("{typed:?} is no pattern: {error}"))
        })?;
        match name.host() {
            Host::Local => Ok(Self(name.key().chars().collect())),
            host => {
                let message = format!(
                    "a pattern is for the slots of this computer; '//{}/' lists all of another",
                    crate::text::harmless(&host.to_string()),
                );
                Err(Failure::new(Exit::Usage, message))
            }
        }
    }

    pub(super) fn matches(&self, name: &SlotName) -> bool {
        let key: Vec<char> = name.key().chars().collect();
        glob(&self.0, &key)
    }
}

/// Each `*` is tried as short as possible; on a mismatch only the last one needs to grow.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let name = SlotName::parse(r"\\.\mailslot\Taxes\Sue").unwrap();
        let matching = [
            "*",
            "taxes/sue",
            r"TAXES\*",
            "//./mailslot/taxes/*",
            "t*s*s?e",
            "*sue",
            "taxes*sue*",
            "**",
        ];
        for typed in matching {
            assert!(Pattern::parse(typed).unwrap().matches(&name), "{typed}");
        }
        for typed in ["taxes", "taxes/sue?", "*x", "?", "taxes/su", "*suesue"] {
            assert!(!Pattern::parse(typed).unwrap().matches(&name), "{typed}");
        }
        assert!(Pattern::parse("//JOE/mailslot/*").is_err());
        assert!(Pattern::parse("").is_err());
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern: Vec<char> = "*a".repeat(60).chars().chain(['b']).collect();
        let text: Vec<char> = "a".repeat(255).chars().collect();
        assert!(!glob(&pattern, &text));
    }
}

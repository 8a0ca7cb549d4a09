//! What a man page's source should look like and the generator doesn't care for.

/// The longest line, in bytes.
const WIDTH: usize = 80;

/// The same page, without what `mandoc -T lint` complains about, and without hyphens in names.
pub(super) fn tidy(page: &str) -> String {
    // The generator's way to leave a line empty.
    let page = page.replace(".br\n\n.br\n", "\n");
    let mut out = String::with_capacity(page.len() + page.len() / 8);
    let mut is_tag = false;
    for line in page.lines() {
        if line.starts_with(['.', '\'']) {
            out.push_str(line);
            out.push('\n');
            if line.starts_with(".TH ") {
                // Commands and names keep together: no hyphens, no more space between words.
                out.push_str(".nh\n.ad l\n");
            }
        } else if line.is_empty() {
            out.push_str(".sp\n");
        } else {
            fold(&line.replace(r"\\", r"\(rs"), is_tag, &mut out);
        }
        is_tag = line == ".TP";
    }
    out
}

/// Appends `line` in lines that are not too long. A tag must stay one line, to which the backslashes
/// join its parts.
fn fold(line: &str, is_tag: bool, out: &mut String) {
    let mut words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    while !words.is_empty() {
        let mut len = 0;
        let fitting = words.iter().take_while(|word| {
            len += word.len() + 1;
            len < WIDTH
        });
        let mut count = fitting.count().max(1);
        // After what ends a sentence there would be more space.
        while !is_tag && count > 1 && count < words.len() && ends_sentence(words[count - 1]) {
            count -= 1;
        }
        let rest = words.split_off(count);
        let part = words.join(" ");
        if part.starts_with(['.', '\'']) {
            out.push_str(r"\&");
        }
        out.push_str(&part);
        out.push_str(if is_tag && !rest.is_empty() { " \\\n" } else { "\n" });
        words = rest;
    }
}

fn ends_sentence(word: &str) -> bool {
    word.ends_with(['.', '?', '!', ')', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded() {
        let long = format!("{} end. {}", "word ".repeat(15).trim_end(), "more ".repeat(20));
        let tidied = tidy(&long);
        assert!(tidied.lines().all(|line| line.len() <= WIDTH), "{tidied}");
        assert!(!tidied.contains("end.\n"), "{tidied}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&tidied), words(&long));
    }

    #[test]
    fn tags_stay_one_line() {
        let tidied = tidy(&format!(".TP\n{}\nmeaning\n", "option ".repeat(15)));
        let (tag, meaning) = tidied.rsplit_once("option\n").unwrap();
        assert_eq!(meaning, "meaning\n");
        assert!(tag.lines().skip(1).filter(|line| !line.ends_with('\\')).count() <= 1, "{tag}");
    }

    #[test]
    fn no_text_becomes_a_request() {
        let tidied = tidy(&format!("{} .dot", "x".repeat(WIDTH - 2)));
        assert!(tidied.ends_with("\n\\&.dot\n"), "{tidied}");
        assert_eq!(tidy(r"a \\. b"), "a \\(rs. b\n");
    }

    #[test]
    fn paragraphs_stay_apart() {
        assert_eq!(tidy("a\n\nb\n"), "a\n.sp\nb\n");
        assert_eq!(tidy("a\n.br\n\n.br\nb\n"), "a\n.sp\nb\n");
    }
}

use proptest::prelude::*;

use super::super::fold::{fold, same};
use super::{parse, short};

#[test]
fn case_never_matters() {
    for typed in
        [r"\\.\MAILSLOT\TAXES\SUE", r"\\.\MailSlot\Taxes\Sue", "//./MAIL\u{17f}LOT/taxes/\u{17f}ue"]
    {
        assert_eq!(parse(typed), short("taxes/sue"), "{typed}");
    }
    assert_eq!(short("ÄÖÜ"), short("äöü"));
    assert_eq!(short("ΟΔΥΣΣΕΥΣ"), short("οδυσσευς"));
}

#[test]
fn folds_one_character_to_one() {
    // Status C and S of CaseFolding.txt; what has status F or T only folds to itself.
    for (from, to) in [
        ("AZaz09", "azaz09"),
        ("ß", "ß"),        // F only: not "ss"
        ("\u{1e9e}", "ß"), // capital sharp s, S
        ("Σ", "σ"),
        ("ς", "σ"),               // final sigma
        ("\u{212a}", "k"),        // Kelvin sign
        ("\u{212b}", "å"),        // Angstrom sign
        ("\u{17f}", "s"),         // long s
        ("\u{b5}", "μ"),          // micro sign
        ("\u{130}", "\u{130}"),   // dotted capital I, F and T only
        ("ı", "ı"),               // dotless i is not i
        ("I", "i"),               // not the Turkish ı
        ("\u{1fbc}", "\u{1fb3}"), // alpha with prosgegrammeni, S
        ("\u{1f88}", "\u{1f80}"), // S
        ("\u{fb05}", "\u{fb06}"), // ligature long s t, S since Unicode 15.1
        ("\u{fb00}", "\u{fb00}"), // ligature ff, F only
        ("\u{13a0}", "\u{13a0}"), // Cherokee folds to upper case
        ("\u{ab70}", "\u{13a0}"),
        ("\u{1c4}\u{1c5}", "\u{1c6}\u{1c6}"), // DŽ, and its title case Dž
        ("\u{345}", "\u{3b9}"),               // combining ypogegrammeni, C
        ("\u{10400}", "\u{10428}"),           // Deseret, beyond the first plane
        ("日本", "日本"),
    ] {
        assert_eq!(fold(from), to, "{from}");
        assert!(same(from, to));
    }
    assert!(!same("ß", "ss") && !same("ı", "i") && !same("a", "ab"));
}

#[test]
fn folding_is_idempotent_and_leaves_separators_alone() {
    for c in char::MIN..=char::MAX {
        let once = fold(c.encode_utf8(&mut [0; 4]));
        assert_eq!(fold(&once), once, "{c:?}");
        assert_eq!(once.chars().count(), 1);
        if !c.is_alphanumeric() && c.is_ascii() {
            assert_eq!(once, c.to_string());
        } else {
            assert!(!once.contains(['\\', '/', '.', ' ']), "{c:?}");
        }
    }
}

proptest! {
    #[test]
    fn folding_is_idempotent(text: String) {
        let once = fold(&text);
        prop_assert_eq!(&fold(&once), &once);
        prop_assert!(same(&text, &once));
    }
}

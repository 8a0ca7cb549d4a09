//! `kill -9` at any moment.

mod readers;
mod writers;

use crate::support::Case;

pub(crate) const CASES: &[Case] = &[
    Case::new("kills::ten_thousand_writers", writers::ten_thousand).long(),
    Case::new("kills::writers_to_two_holders", writers::to_two_holders).long(),
    Case::new("kills::a_thousand_readers", readers::a_thousand).long(),
    Case::new("kills::readers_of_inheritable_slots", readers::of_inheritable_slots).long(),
    Case::new("kills::after_the_last_write", writers::after_the_last_write).long(),
];

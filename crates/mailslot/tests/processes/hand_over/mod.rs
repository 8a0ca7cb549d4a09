//! The read handle in other processes than its creator's.

mod killed;
mod passing;

use crate::support::{Case, Role};

pub(crate) const CASES: &[Case] = &[
    Case::new("hand_over::to_a_child", passing::to_a_child),
    Case::new("hand_over::a_variable_for_another_process", passing::a_variable_for_another_process),
    Case::new("hand_over::over_a_socket", passing::over_a_socket),
    Case::new("hand_over::the_creator_is_killed", passing::the_creator_is_killed),
    Case::new("hand_over::what_is_no_handle", passing::what_is_no_handle),
    Case::new("hand_over::shared_time_out", passing::shared_time_out),
    Case::new("hand_over::side_by_side", passing::side_by_side).long(),
    Case::new("hand_over::more_writers_than_places", passing::more_writers_than_places),
    Case::new("hand_over::writers_that_left_first", passing::writers_that_left_first),
    Case::new("hand_over::holders_come_and_go", killed::holders_come_and_go).long(),
    Case::new("hand_over::copies_are_closed", killed::copies_are_closed),
    Case::new("hand_over::accepted_without_descriptors", killed::accepted_without_descriptors),
    Case::new("hand_over::holders_are_killed", killed::holders_are_killed).long(),
    Case::new("hand_over::one_shot_writers_while_holders_are_killed", killed::one_shot_writers)
        .long(),
];

pub(crate) const ROLES: &[Role] = passing::ROLES;

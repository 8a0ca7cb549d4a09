//! Those who come to the library in other ways than a linked C program does.

use std::process::Command;

use crate::support::run::{self, finish, program};
use crate::support::{Scratch, package, prefix, tools};

/// Loaded and let go of by threads while the program runs.
#[test]
fn loaded_at_run_time() {
    let scratch = Scratch::new();
    let path = scratch.path().join("loaded");
    let mut cc = Command::new("cc");
    cc.args(["-g", "-Wall", "-Wextra", "-Werror"]).arg(package().join("tests/c/loaded.c"));
    finish(cc.arg("-o").arg(&path).args(["-ldl", "-lpthread"]), run::BUILD).expect_success();
    finish(&mut program(path, &scratch), run::PLAIN).expect_success();
    scratch.expect_no_slots();
}

/// The unit that the page on porting shows, as it stands there.
#[test]
fn from_pascal() {
    if !tools::have("fpc", "fp-compiler") {
        return;
    }
    let page = package().join("../../docs/porting-from-windows.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let unit = page.split("```pascal\n").nth(1).and_then(|rest| rest.split("```").next());
    let scratch = Scratch::new();
    std::fs::write(scratch.path().join("mailslots.pas"), unit.expect("a unit")).expect("a file");
    let source = package().join("tests/pascal/roundtrip.pas");
    let mut fpc = Command::new("fpc");
    fpc.arg(format!("-Fl{}", prefix().join("lib").display()));
    fpc.arg(format!("-Fu{0}", scratch.path().display()));
    fpc.arg(format!("-FE{0}", scratch.path().display()));
    finish(fpc.arg(source), run::BUILD).expect_success();
    let mut program = program(scratch.path().join("roundtrip"), &scratch);
    assert_eq!(finish(&mut program, run::PLAIN).expect_success(), "Form 1040 is in.\n");
    scratch.expect_no_slots();
}

//! Where cargo has put what it built. Cargo builds no shared library for a test or a benchmark of
//! the same package, so they ask for it themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the library as the running test was built, and says where it is.
#[allow(dead_code)] // The benchmark uses it.
pub(crate) fn shared_library() -> PathBuf {
    let (target, profile) = target_and_profile();
    let mut cargo = Command::new(cargo());
    cargo.args(["build", "--quiet", "--package", "mailslot-c", "--profile", &profile]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", &target);
    let status = cargo.status().expect("cargo can be started");
    assert!(status.success(), "cargo could not build the library: {status}");
    built_in(&target, &profile).join("libmailslot.so")
}

/// The cargo that runs this, or the one in the path.
pub(crate) fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// The target directory of the running test, and the profile that it was built with.
pub(crate) fn target_and_profile() -> (PathBuf, String) {
    let executable = std::env::current_exe().expect("the test knows where it lies");
    // …/target/[triple/]debug/deps/name-hash
    let directory = executable.ancestors().nth(2).expect("three levels up");
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(other) => other,
    };
    let target = directory.ancestors().find(|at| at.join("CACHEDIR.TAG").exists());
    let target = target.or(directory.parent()).expect("the target directory");
    (target.to_owned(), profile.to_owned())
}

/// Where cargo puts the libraries of a profile.
#[allow(dead_code)] // The benchmark uses it.
pub(crate) fn built_in(target: &Path, profile: &str) -> PathBuf {
    let directory = if profile == "dev" { "debug" } else { profile };
    match std::env::var_os("CARGO_BUILD_TARGET") {
        Some(triple) => target.join(triple).join(directory),
        None => target.join(directory),
    }
}

//! What the tests need to compile and run C programs against an installation of the library.

pub(crate) mod built;
pub(crate) mod run;
pub(crate) mod tools;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use self::run::finish;

/// The directory of this package.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The workspace's directory.
pub(crate) fn workspace() -> PathBuf {
    package().ancestors().nth(2).expect("two levels up").to_owned()
}

/// Where `install.sh` has put the library, built as the running test was.
pub(crate) fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefix");
        let _ = std::fs::remove_dir_all(&prefix);
        let (target, profile) = built::target_and_profile();
        let mut install = Command::new(package().join("install.sh"));
        install.arg("--prefix").arg(&prefix).args(["--profile", &profile]);
        install.env("CARGO", built::cargo()).env("CARGO_TARGET_DIR", target);
        finish(&mut install, run::BUILD).expect_success();
        prefix
    })
}

/// A directory of its own for a test, gone with this.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A short path: sockets will lie below it.
    pub(crate) fn new() -> Scratch {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mailslot-c-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(path.join("slots")).expect("a directory for the test");
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Nothing is left of any slot.
    #[track_caller]
    pub(crate) fn expect_no_slots(&self) {
        let entries = std::fs::read_dir(self.slots()).expect("the directory of slots");
        let left: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }

    /// For `$MAILSLOT_DIR`.
    pub(crate) fn slots(&self) -> PathBuf {
        self.0.join("slots")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `pkg-config` says of an installed package.
pub(crate) fn pkg_config(package: &str) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(["--cflags", "--libs", package]);
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    let flags = finish(&mut command, run::BUILD).expect_success();
    flags.split_whitespace().map(str::to_owned).collect()
}

/// How a program is compiled.
pub(crate) struct Compilation<'a> {
    pub(crate) compiler: &'a str,
    pub(crate) package: &'a str,
    pub(crate) flags: &'a [&'a str],
    /// Against libmailslot.a.
    pub(crate) linked_statically: bool,
}

impl Default for Compilation<'_> {
    fn default() -> Self {
        Self { compiler: "cc", package: "mailslot", flags: &[], linked_statically: false }
    }
}

impl Compilation<'_> {
    /// Compiles `source` (a path within the package) into `scratch`, and says where it is.
    pub(crate) fn compile(&self, source: &Path, scratch: &Scratch) -> PathBuf {
        let stem = source.file_stem().expect("a source has a name");
        let program = scratch.path().join(stem);
        let mut command = Command::new(self.compiler);
        command.arg("-g").args(self.flags).arg(package().join(source)).arg("-o").arg(&program);
        let flags = pkg_config(self.package);
        if self.linked_statically {
            command.args(flags.iter().filter(|flag| flag.starts_with("-I")));
            command.arg(prefix().join("lib/libmailslot.a"));
            command.args(["-lpthread", "-lm", "-ldl"]);
        } else {
            command.args(flags).arg("-lpthread");
        }
        finish(&mut command, run::BUILD).expect_success();
        program
    }
}

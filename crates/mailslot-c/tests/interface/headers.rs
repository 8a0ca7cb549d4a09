//! The headers and the version.

use std::process::Command;

use crate::support::run::{self, finish, program};
use crate::support::{Scratch, package, pkg_config, prefix};

/// Every header, alone, in old and new dialects of C and C++, with all warnings.
#[test]
fn headers_are_clean() {
    let scratch = Scratch::new();
    let include = prefix().join("include");
    let mut headers = vec!["mailslot.h".to_owned()];
    for entry in std::fs::read_dir(include.join("mailslot-windows")).expect("the headers") {
        headers.push(entry.expect("a header").file_name().into_string().expect("a plain name"));
    }
    assert!(headers.len() > 15, "{headers:?}");
    let dialects = [
        ("cc", "c", "c89"),
        ("cc", "c", "gnu17"),
        ("c++", "c++", "c++98"),
        ("c++", "c++", "c++20"),
    ];
    for (compiler, language, dialect) in dialects {
        for flags in [&[][..], &["-DUNICODE"], &["-fshort-wchar"], &["-fshort-wchar", "-D_UNICODE"]]
        {
            let text: String =
                headers.iter().map(|header| format!("#include <{header}>\n")).collect();
            // Each header alone as well as all together, but not in all ways: that takes minutes.
            let alone = if flags.is_empty() { &headers[..] } else { &[] };
            let alone = alone.iter().map(|header| format!("#include <{header}>\n"));
            for (number, text) in alone.chain([text]).enumerate() {
                let source = scratch.path().join(format!("{number}.{language}"));
                let text = format!("{text}int used(void);\nint used(void) {{ return 0; }}\n");
                std::fs::write(&source, text).expect("a source file");
                let mut command = Command::new(compiler);
                command.args(["-fsyntax-only", "-pedantic", "-Wall", "-Wextra", "-Werror"]);
                command.arg(format!("-std={dialect}")).arg(format!("-x{language}")).args(flags);
                command.arg("-I").arg(&include).arg("-I").arg(include.join("mailslot-windows"));
                finish(command.arg(&source), run::BUILD).expect_success();
            }
        }
    }
}

/// The version is Cargo's, wherever it is written.
#[test]
fn versions_agree() {
    let header = std::fs::read_to_string(package().join("include/mailslot.h")).expect("the header");
    let value = |name: &str| {
        let line = header.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        line.unwrap_or_else(|| panic!("mailslot.h has no {name}")).trim().to_owned()
    };
    assert_eq!(value("MAILSLOT_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MAJOR"));
    assert_eq!(value("MAILSLOT_VERSION_MINOR"), env!("CARGO_PKG_VERSION_MINOR"));
    assert_eq!(value("MAILSLOT_VERSION_PATCH"), env!("CARGO_PKG_VERSION_PATCH"));
    assert_eq!(value("MAILSLOT_VERSION"), format!("\"{}\"", env!("CARGO_PKG_VERSION")));
    for name in ["mailslot", "mailslot-windows"] {
        let mut command = Command::new("pkg-config");
        command.args(["--modversion", name]);
        command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
        let version = finish(&mut command, run::PLAIN).expect_success();
        assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
    }
    let library = prefix().join("lib/libmailslot.so");
    let real = std::fs::canonicalize(library).expect("the library");
    let name = format!("libmailslot.so.{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(real.file_name().and_then(|name| name.to_str()), Some(name.as_str()));
}

/// `void main` in C++, and a program that has its own mailslot.h.
#[test]
fn oddities() {
    let scratch = Scratch::new();
    let source = scratch.path().join("odd.cpp");
    std::fs::write(
        scratch.path().join("mailslot.h"),
        "#ifndef MAILSLOT_H\n#define MAILSLOT_H\n#define MINE 7\n#endif\n",
    )
    .expect("a header");
    let text = "#include \"mailslot.h\"\n#include <windows.h>\n#include <stdio.h>\n\
                void main() { printf(\"%d %d\\n\", MINE, CloseHandle(0)); }\n";
    std::fs::write(&source, text).expect("a source");
    let output = scratch.path().join("odd");
    let mut command = Command::new("c++");
    command.arg("-DMAILSLOT_VOID_MAIN").arg(&source).arg("-o").arg(&output);
    finish(command.args(pkg_config("mailslot-windows")), run::BUILD).expect_success();
    assert_eq!(finish(&mut program(output, &scratch), run::PLAIN).expect_success(), "7 0\n");
}

//! The examples, and programs as people write them for Windows.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::run::{self, Running, finish, program};
use crate::support::{Compilation, Scratch, prefix, tools, workspace};

/// Compiles an example with the very command that its comment gives, in strict C89.
fn example(name: &str, scratch: &Scratch) -> PathBuf {
    let source = workspace().join("examples/c").join(name).with_extension("c");
    let text = std::fs::read_to_string(&source).expect("the example");
    let command = format!("cc {name}.c -o {name} $(pkg-config --cflags --libs mailslot)");
    assert!(text.contains(&command), "{name}.c doesn't say how to compile it");
    let strict = command.replace("cc ", "cc -std=c89 -pedantic -Wall -Wextra -Werror ");
    for command in [command, strict] {
        std::fs::copy(&source, scratch.path().join(name).with_extension("c")).expect("a copy");
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(scratch.path());
        shell.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
        finish(&mut shell, run::BUILD).expect_success();
    }
    scratch.path().join(name)
}

#[test]
fn server_and_client() {
    let scratch = Scratch::new();
    let (server, client) = (example("serverslot", &scratch), example("clientslot", &scratch));
    // First without a server.
    let mut alone = program(&client, &scratch);
    finish(alone.arg("hello"), run::PLAIN).expect_code(1);
    let server = Running::start(&mut program(server, &scratch)).wait_for("Reading from");
    let mut client = program(client, &scratch);
    let written = finish(client.args(["hello", "", "stop"]), run::PLAIN).expect_success();
    assert_eq!(written, "Wrote 5 bytes.\nWrote 0 bytes.\nWrote 4 bytes.\n");
    let read = server.finish(run::PLAIN).expect_success();
    assert!(read.contains("5 bytes, ") && read.contains(": hello\n"), "{read}");
    assert!(read.contains("0 bytes, ") && read.contains(": stop\n"), "{read}");
}

#[test]
fn both_acknowledge() {
    let scratch = Scratch::new();
    let path = example("ackslot", &scratch);
    let desk = Running::start(program(&path, &scratch).arg("desk")).wait_for("desk is open");
    for visitor in ["ann", "bob"] {
        let mut command = program(&path, &scratch);
        let output = finish(command.args([visitor, "desk", "one", "two"]), run::PLAIN);
        assert!(output.expect_success().contains("note 2 was acknowledged by desk"));
    }
    finish(program(&path, &scratch).args(["eve", "desk", "stop"]), run::PLAIN).expect_success();
    let seen = desk.finish(run::PLAIN).expect_success();
    assert!(seen.contains("note 2 from ann: two\nnote 1 from bob: one\n"), "{seen}");
    finish(program(&path, &scratch).args(["eve", "desk", "late"]), run::PLAIN).expect_code(1);
}

/// Programs in the manner of published ones, which know nothing of Linux.
#[test]
fn samples() {
    for flags in [&["-w"][..], &["-w", "-DUNICODE", "-D_UNICODE"]] {
        let compilation =
            Compilation { package: "mailslot-windows", flags, ..Compilation::default() };
        let scratch = Scratch::new();
        let reader = compilation.compile(Path::new("tests/c/samples/reader.c"), &scratch);
        let writer = compilation.compile(Path::new("tests/c/samples/writer.c"), &scratch);
        let reader = Running::start(&mut program(reader, &scratch)).wait_for("Slot created.");
        // It returns TRUE from main.
        let written = finish(&mut program(writer, &scratch), run::PLAIN).expect_code(1);
        assert_eq!(written.matches("successfully").count(), 3, "{written}");
        let read = reader.finish(run::PLAIN).expect_success();
        assert!(read.contains("Contents of the mailslot: Message one for mailslot."), "{read}");
        assert!(read.contains("Contents of the mailslot: Message two for mailslot."), "{read}");
        assert!(read.contains("Message #1 of "), "{read}");
    }
    let compilation = Compilation {
        compiler: "c++",
        package: "mailslot-windows",
        flags: &["-w"],
        ..Compilation::default()
    };
    let scratch = Scratch::new();
    let tutorial = compilation.compile(Path::new("tests/c/samples/tutorial.cpp"), &scratch);
    let output = finish(&mut program(tutorial, &scratch), run::PLAIN).expect_code(2);
    assert_eq!(
        output,
        "got message 1\ngot message 2\ngot message 3\n\
         CreateFile failed: The system cannot find the file specified.\r\n"
    );
}

/// A program in the manner of published ones, and what it must print and answer.
struct Sample {
    name: &'static str,
    /// How it is compiled, beside the plain way.
    also: &'static [&'static [&'static str]],
    input: &'static str,
    code: i32,
    expected: &'static [&'static str],
}

const WIDE: &[&str] = &["-DUNICODE", "-D_UNICODE"];
const NARROW_WIDE: &[&str] = &["-DUNICODE", "-D_UNICODE", "-fshort-wchar"];

const SAMPLES: [Sample; 9] = [
    Sample {
        name: "secured.cpp",
        also: &[],
        input: "hello\nGr\u{fc}\u{df}e\nquit\n",
        code: 0,
        expected: &[
            "OpenBox: 0x00000538\nOpenBox: 0x00000057\n1: hello (noted)\n1: Gr\u{fc}\u{df}e (noted)\n",
        ],
    },
    Sample {
        name: "old.cpp",
        also: &[],
        input: "hello world\n",
        code: 0,
        expected: &[
            "1 messages, next 12, neg -1, big 5000000000 wide wide\nGot: hello world\n",
            "ReadFile: The semaphore timeout period has expired.",
            "Press any key to continue . . . ",
        ],
    },
    Sample {
        name: "control.c",
        also: &[WIDE, NARROW_WIDE, &["-std=gnu89"]],
        input: "",
        code: 0,
        expected: &["Ctrl event 0\n", "count 15\n"],
    },
    Sample {
        name: "streams.c",
        also: &[],
        input: "a line\n",
        code: 0,
        expected: &["hello via WriteFile\nconsole\nread 7 bytes: a line\nmodule ok cmd ok\n"],
    },
    Sample {
        name: "classes.cpp",
        also: &[WIDE, &["-std=c++98"], &["-std=c++20"]],
        input: "",
        code: 0,
        expected: &[
            "start \u{e4}\nprintf works\nstd::printf works 7\nstd::wprintf wide\ntext \u{fc}\n",
        ],
    },
    Sample {
        name: "safe.c",
        also: &[&["-fshort-wchar"]],
        input: "joe 17 x\n",
        code: 0,
        expected: &[
            "name and number: joe alpha 42 x\n[a][b][c]\ntrunc-5\nff\nFF\nFFxy\n",
            "4000000000\n5000000000\n5000000001\n4 joe\n",
        ],
    },
    Sample {
        name: "text.c",
        also: &[WIDE, NARROW_WIDE],
        input: "input\n",
        code: 0,
        expected: &[
            "input\nINPUT\ninput\ntupni\nabcdefgh\nefgh\n<abcd><fgh>\n12 2 255\n1 0 X y 1\n",
            "5 -1 5\nserver mode\n",
        ],
    },
    Sample {
        name: "menu.cpp",
        also: &[],
        input: "12q",
        code: 0,
        expected: &["inbox 1 message\n", "exit 0\n"],
    },
    Sample {
        name: "both.c",
        also: &[WIDE, &["-std=gnu89"]],
        input: "",
        code: 0,
        expected: &["next 45 count 1 timeout FFFFFFFF\ndata 5 1\n"],
    },
];

/// The arguments of a wide `main` are there until the end, and no leak.
#[test]
fn wide_arguments_are_no_leak() {
    if !tools::have("valgrind", "valgrind") {
        return;
    }
    let scratch = Scratch::new();
    let flags = [&["-w"][..], WIDE].concat();
    let compilation = Compilation { flags: &flags, ..Compilation::default() };
    let path = compilation.compile(Path::new("tests/c/samples/text.c"), &scratch);
    let mut command = program("valgrind", &scratch);
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]).arg(path).arg("/s");
    Running::start(&mut command).type_in("input\n").finish(run::SLOW).expect_success();
}

/// All of them compile with what `pkg-config mailslot` says, unedited.
#[test]
fn in_many_manners() {
    for sample in &SAMPLES {
        let compiler = if sample.name.ends_with("cpp") { "c++" } else { "cc" };
        for flags in [&[][..]].iter().chain(sample.also) {
            let flags = [&["-w"][..], flags].concat();
            let compilation = Compilation { compiler, flags: &flags, ..Compilation::default() };
            let scratch = Scratch::new();
            let source = Path::new("tests/c/samples").join(sample.name);
            let path = compilation.compile(&source, &scratch);
            let running = Running::start(program(path, &scratch).arg("/s")).type_in(sample.input);
            let output = running.finish(run::PLAIN).expect_code(sample.code);
            for expected in sample.expected {
                let name = sample.name;
                assert!(output.contains(expected), "{name} {flags:?}: no {expected:?}:\n{output}");
            }
            scratch.expect_no_slots();
        }
    }
}

//! C programs and remote names, with a gateway that this test plays itself in another process.

use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use interface::support::run::{self, finish, program};
use interface::support::{Compilation, Scratch, tools};
use libtest_mimic::{Arguments, Trial};
use mailslot_rs::Host;
use mailslot_rs::gateway::{Event, GatewayOptions, GatewayRecord, Outcome, TargetState};

#[path = "interface"]
mod interface {
    #[allow(dead_code)]
    pub(crate) mod support;
}

/// Set in the process that plays the gateway.
const ROLE: &str = "MAILSLOT_TEST_GATEWAY";

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        play_gateway();
    }
    let plain = Trial::test("plain", || {
        check(|path, scratch| program(path, scratch));
        Ok(())
    });
    let valgrind = Trial::test("valgrind", || {
        if tools::have("valgrind", "valgrind") {
            check(|path, scratch| {
                let mut command = program("valgrind", scratch);
                command.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]).arg(path);
                command
            });
        }
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![plain, valgrind]).exit_code()
}

/// Runs the program, as `command` says, where a gateway is.
fn check(command: impl FnOnce(&Path, &Scratch) -> Command) {
    let scratch = Scratch::new();
    let flags = ["-Wall", "-Wextra", "-Werror"];
    let compilation = Compilation { package: "mailslot", flags: &flags, ..Compilation::default() };
    let path = compilation.compile(Path::new("tests/c/remote.c"), &scratch);
    let _gateway = Gateway::start(&scratch);
    finish(&mut command(&path, &scratch), run::SLOW).expect_success();
}

struct Gateway(Child);

impl Gateway {
    fn start(scratch: &Scratch) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(ROLE, "1").env("MAILSLOT_DIR", scratch.slots());
        let gateway = Self(command.spawn().unwrap());
        let start = Instant::now();
        while !scratch.slots().join("mailslot-gateway").exists() {
            assert!(start.elapsed() < run::PLAIN, "the gateway doesn't start");
            std::thread::sleep(Duration::from_millis(5));
        }
        gateway
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers as the computer's name says.
fn play_gateway() -> ! {
    let slot = GatewayOptions::new("HERE").create().unwrap();
    let mut events = Vec::new();
    loop {
        slot.receive(&mut events, 10, None).unwrap();
        for event in events.drain(..) {
            match event {
                Event::Opened(connection) => {
                    let unknown = *connection.target().host() == Host::Named("NOBODY".into());
                    let state = if unknown { TargetState::Unknown } else { TargetState::Known };
                    connection.tell_target(state);
                }
                Event::Record(record) if record.connection.is_confirmed() => answer(&record),
                _ => {}
            }
        }
    }
}

fn answer(record: &GatewayRecord) {
    let reply = |outcomes: &[(Outcome, &str)]| {
        record.connection.reply(record.number, true, outcomes.iter().copied());
    };
    match record.connection.target().host().to_string().as_str() {
        "OFFICE" => reply(&[
            (Outcome::Full, "JOE"),
            (Outcome::Accepted, "ANN"),
            (Outcome::NoSuchSlot, "EMMA"),
        ]),
        "AWAY" => reply(&[(Outcome::NoAnswer, "AWAY")]),
        "NOWHERE" => reply(&[]),
        "SILENT" => {}
        other => reply(&[(Outcome::Accepted, other)]),
    }
}

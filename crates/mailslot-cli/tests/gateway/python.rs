//! Programs in Python that speak the protocol themselves.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};

use mailslot_gateway::transport::zenoh::environment;

use crate::util::{Computer, Running, eventually};

fn interpreter() -> OsString {
    std::env::var_os("MAILSLOT_TEST_PYTHON").unwrap_or_else(|| "python3".into())
}

/// Whether there is a Python with all that the programs need.
pub(crate) fn is_there() -> bool {
    let mut command = Command::new(interpreter());
    let out = command.args(["-c", "import zenoh, cryptography"]).output();
    out.is_ok_and(|out| out.status.success())
}

/// A program at work: it takes commands, and says what happens.
pub(crate) struct Program {
    file: PathBuf,
    input: ChildStdin,
    _process: Running,
}

impl Program {
    /// Starts `name.py` on a computer.
    pub(crate) fn start(on: &Computer, name: &str, args: &[&str]) -> Self {
        Self::start_with(on, interpreter().to_str().unwrap(), name, args)
    }

    /// Starts one that needs nothing but Python.
    pub(crate) fn start_plain(on: &Computer, name: &str, args: &[&str]) -> Self {
        Self::start_with(on, "python3", name, args)
    }

    fn start_with(on: &Computer, interpreter: &str, name: &str, args: &[&str]) -> Self {
        let script = format!("{}/tests/gateway/python/{name}.py", env!("CARGO_MANIFEST_DIR"));
        let mut command = on.program(interpreter);
        command.arg(script).args(args).stdin(Stdio::piped());
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.env(environment::VARIABLE, environment::SETTING);
        let file = on.path(&format!("{name}-says"));
        let mut process = Running::start(&mut command, &file);
        let input = process.input();
        Self { file, input, _process: process }
    }

    pub(crate) fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").unwrap();
    }

    /// What it has said.
    pub(crate) fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.file).unwrap().lines().map(str::to_owned).collect()
    }

    /// Waits until it says a line that begins so. The rest of the line.
    #[track_caller]
    pub(crate) fn says(&self, start: &str) -> String {
        let mut rest = None;
        eventually(&format!("it says {start:?}; it says: {:?}", self.lines()), || {
            let lines = self.lines();
            rest = lines.iter().find_map(|line| line.strip_prefix(start).map(str::to_owned));
            rest.is_some()
        });
        rest.unwrap()
    }
}

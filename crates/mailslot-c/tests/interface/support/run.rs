//! Running programs with a bound on their time.

use std::fs::File;

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Scratch;

/// For compilers, and for cargo on a slow machine.
pub(crate) const BUILD: Duration = Duration::from_secs(900);
/// For a test program.
pub(crate) const PLAIN: Duration = Duration::from_secs(200);
/// For a test program under a tool that makes it slow.
pub(crate) const SLOW: Duration = Duration::from_secs(900);

/// How a program ended.
pub(crate) struct Ended {
    what: String,
    status: Option<ExitStatus>,
    output: String,
    errors: String,
}

impl Ended {
    /// What it printed; it must have succeeded.
    #[track_caller]
    pub(crate) fn expect_success(self) -> String {
        self.expect_code(0)
    }

    /// What it printed; it must have ended with this code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> String {
        let Ended { what, status, output, errors } = self;
        let how = match status {
            Some(status) if status.code() == Some(code) => return output,
            Some(status) => status.to_string(),
            None => "it took too long and was killed".to_owned(),
        };
        panic!("{what}: {how}\n{output}\n{errors}");
    }
}

/// Runs a command to its end, or kills it when the time is over.
pub(crate) fn finish(command: &mut Command, bound: Duration) -> Ended {
    Running::start(command).finish(bound)
}

/// A test program, with the library and its own slots.
pub(crate) fn program(path: impl AsRef<std::ffi::OsStr>, scratch: &Scratch) -> Command {
    let mut command = Command::new(path);
    command.env("MAILSLOT_DIR", scratch.slots());
    command.env("LD_LIBRARY_PATH", super::prefix().join("lib"));
    command
}

/// A command that runs.
pub(crate) struct Running {
    what: String,
    child: Child,
    files: [File; 2],
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        // Files rather than pipes: nobody need read them while the command runs.
        let files = [(); 2].map(|()| tempfile());
        let [output, errors] = files.each_ref().map(|file| file.try_clone().expect("a copy"));
        command.stdout(output).stderr(errors);
        let what = format!("{command:?}");
        let child = command.stdin(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{what} cannot be started: {error}"));
        Running { what, child, files }
    }

    /// Waits until it has printed `text`.
    #[track_caller]
    pub(crate) fn wait_for(mut self, text: &str) -> Running {
        let start = Instant::now();
        while !read(&self.files[0]).contains(text) {
            let ended = self.child.try_wait().expect("a child can be waited for").is_some();
            if ended || start.elapsed() > PLAIN {
                let ended = self.finish(Duration::ZERO);
                panic!("{} never said {text:?}: {}{}", ended.what, ended.output, ended.errors);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self
    }

    /// Gives it something to read.
    pub(crate) fn type_in(mut self, text: &str) -> Running {
        let input = self.child.stdin.as_mut().expect("nobody has closed it yet");
        std::io::Write::write_all(input, text.as_bytes()).expect("the program reads");
        self
    }

    pub(crate) fn finish(mut self, bound: Duration) -> Ended {
        drop(self.child.stdin.take());
        let start = Instant::now();
        let mut status = None;
        while status.is_none() {
            status = self.child.try_wait().expect("a child can be waited for");
            if status.is_none() && start.elapsed() > bound {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let [output, errors] = self.files.each_ref().map(read);
        Ended { what: self.what, status, output, errors }
    }
}

/// A file without a name.
fn tempfile() -> File {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    rustix::fs::memfd_create("output", flags).expect("a memory file").into()
}

/// All that is in a file that somebody may still be writing to.
fn read(file: &File) -> String {
    let mut bytes = Vec::new();
    let mut at = 0;
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = std::os::unix::fs::FileExt::read_at(file, &mut piece, at) {
        bytes.extend_from_slice(&piece[..count]);
        at += count as u64;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

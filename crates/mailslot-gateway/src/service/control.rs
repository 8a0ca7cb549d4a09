//! The socket by which `mailslot gateway status`, `ping` and `ls` ask a running gateway: a line of
//! JSON there, a line of JSON back.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Asked, Command, Handle, Status};

/// What the socket is called, in the directory of the gateway's slot.
const SOCKET: &str = "status";
/// Who asks at the same time.
const MOST_CLIENTS: usize = 32;
/// No question is longer.
const MOST_BYTES: u64 = 4096;
/// A client that is silent for so long is forgotten.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nobody waits longer for another computer.
const LONGEST: Duration = Duration::from_secs(60);

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// What are you doing?
    Status,
    /// Is that computer there?
    Ping {
        /// `JOE` or `JOE.WORKGROUP`.
        host: String,
        /// How long to wait for it.
        timeout_ms: u64,
    },
    /// Which of that computer's slots take records from here?
    Slots {
        /// `JOE` or `JOE.WORKGROUP`.
        host: String,
        /// How long to wait for it.
        timeout_ms: u64,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Question::Status`].
    Status(Box<Status>),
    /// To [`Question::Ping`]: how many seconds it took.
    Pong(f64),
    /// To [`Question::Slots`]: their paths.
    Slots(Vec<String>),
    /// There is no such computer in this computer's domains.
    UnknownComputer,
    /// It has not answered in time.
    NoAnswer,
    /// It is not one computer but several.
    Several,
    /// The question is not one.
    Wrong(String),
}

/// Asks the gateway whose slot lies in `dir`.
pub fn ask(dir: &Path, question: &Question, timeout: Duration) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(dir.join(SOCKET))?;
    stream.set_read_timeout(Some(timeout + PATIENCE))?;
    let mut line = serde_json::to_string(question)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

/// Listens in `dir`, until the process ends.
pub(super) fn serve(dir: &Path, handle: Handle) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let path = dir.join(SOCKET);
    let listener = UnixListener::bind(&path)?;
    // Who may use the gateway may ask it: what it tells is no secret on this computer.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
    let clients = Arc::new(AtomicUsize::new(0));
    let run = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors, most likely: it passes.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            if clients.fetch_add(1, Ordering::Relaxed) >= MOST_CLIENTS {
                clients.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let (handle, theirs) = (handle.clone(), clients.clone());
            let answer = move || {
                // A client that has gone needs no answer.
                let _ = answer(&stream, &handle);
                theirs.fetch_sub(1, Ordering::Relaxed);
            };
            if thread::Builder::new().name("client".into()).spawn(answer).is_err() {
                clients.fetch_sub(1, Ordering::Relaxed);
            }
        }
    };
    thread::Builder::new().name("control".into()).spawn(run)?;
    Ok(())
}

fn answer(stream: &UnixStream, handle: &Handle) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(MOST_BYTES)).read_line(&mut line)?;
    let answer = match serde_json::from_str(&line) {
        Ok(question) => find_out(question, handle),
        Err(e) => Answer::Wrong(e.to_string()),
    };
    let mut line = serde_json::to_string(&answer)?;
    line.push('\n');
    let mut stream = stream;
    stream.write_all(line.as_bytes())
}

fn find_out(question: Question, handle: &Handle) -> Answer {
    let (host, what, timeout_ms) = match question {
        Question::Status => {
            let status = handle.status();
            return status.map_or(Answer::NoAnswer, |status| Answer::Status(Box::new(status)));
        }
        Question::Ping { host, timeout_ms } => (host, Asked::Ping, timeout_ms),
        Question::Slots { host, timeout_ms } => (host, Asked::Slots, timeout_ms),
    };
    let timeout = Duration::from_millis(timeout_ms).min(LONGEST);
    let (reply, answer) = channel();
    handle.send(Command::Ask { host, what, timeout, reply });
    answer.recv_timeout(timeout + Duration::from_secs(1)).unwrap_or(Answer::NoAnswer)
}

//! Metrics for Prometheus, over as little HTTP as it needs.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mailslot_gateway::config::Metrics;
use mailslot_gateway::service::status::{ComputerStatus, Reply, Request, Status, ask};

/// A client that takes longer to ask, or to take the answer, is forgotten.
const PATIENCE: Duration = Duration::from_secs(2);
/// No request is longer.
const MOST_BYTES: usize = 8192;
/// Clients served at once. More wait.
const MOST_CLIENTS: usize = 64;

/// What a client is connected by.
trait Stream: Read + Write + Send + 'static {
    /// Until when it may keep us waiting.
    fn limit(&self, until: Instant) -> io::Result<()>;
}

macro_rules! stream {
    ($stream:ty) => {
        impl Stream for $stream {
            fn limit(&self, until: Instant) -> io::Result<()> {
                let left = until.checked_duration_since(Instant::now());
                let left = left.filter(|left| !left.is_zero()).ok_or(io::ErrorKind::TimedOut)?;
                self.set_read_timeout(Some(left))?;
                self.set_write_timeout(Some(left))
            }
        }
    };
}

stream!(TcpStream);
stream!(UnixStream);

/// Serves them until the process ends.
pub(super) fn serve(at: &Metrics) -> io::Result<()> {
    match at {
        Metrics::Loopback(address) => {
            let listener = TcpListener::bind(address)?;
            serve_all(move || listener.accept().map(|(stream, _)| stream))
        }
        Metrics::Unix(path) => {
            // Connecting to any other file is refused like connecting to a socket that is dead.
            let there = std::fs::symlink_metadata(path);
            if there.is_ok_and(|stat| !stat.file_type().is_socket()) {
                let why =
                    "there is something else than a socket; remove it, or choose another path";
                return Err(io::Error::other(why));
            }
            // One that a killed gateway left behind.
            let refused = |e: io::Error| e.kind() == io::ErrorKind::ConnectionRefused;
            if UnixStream::connect(path).is_err_and(refused) {
                std::fs::remove_file(path)?;
            }
            let listener = UnixListener::bind(path)?;
            serve_all(move || listener.accept().map(|(stream, _)| stream))
        }
    }
}

/// A thread for each client, so that one that is slow holds up nobody.
fn serve_all<S: Stream>(accept: impl Fn() -> io::Result<S> + Send + 'static) -> io::Result<()> {
    // Holds a token for each client that could be served besides.
    let (done, free) = sync_channel(MOST_CLIENTS);
    let served = move || {
        for _ in 0..MOST_CLIENTS {
            let _ = done.send(());
        }
        while free.recv().is_ok() {
            let Ok(stream) = accept() else {
                // No descriptors left, most likely.
                thread::sleep(Duration::from_millis(100));
                let _ = done.send(());
                continue;
            };
            let token = Token(done.clone());
            // If it fails, the token comes back at once.
            let _ = thread::Builder::new().name("metrics-client".into()).spawn(move || {
                let _token = token;
                // A client that goes away, or talks nonsense, is no matter.
                let _ = answer(stream);
            });
        }
    };
    thread::Builder::new().name("metrics".into()).spawn(served)?;
    Ok(())
}

/// Makes room for another client when it is dropped.
struct Token(SyncSender<()>);

impl Drop for Token {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

fn answer(mut stream: impl Stream) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        stream.limit(until)?;
        let n = stream.read(&mut buffer)?;
        request.extend_from_slice(&buffer[..n]);
        if n == 0 || request.len() > MOST_BYTES {
            return Ok(());
        }
    }
    let path = request.split(|&b| b == b' ').nth(1).unwrap_or_default();
    let (code, body) = match (request.starts_with(b"GET "), path) {
        (true, b"/metrics" | b"/") => match status() {
            Some(status) => ("200 OK", text(&status)),
            None => ("503 Service Unavailable", String::new()),
        },
        _ => ("404 Not Found", "metrics are at /metrics\n".into()),
    };
    let reply = format!(
        "HTTP/1.1 {code}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let until = Instant::now() + PATIENCE;
    let mut rest = reply.as_bytes();
    while !rest.is_empty() {
        stream.limit(until)?;
        rest = &rest[stream.write(rest)?..];
    }
    Ok(())
}

/// One at a time, so that many clients keep nobody from asking the gateway otherwise.
fn status() -> Option<Box<Status>> {
    static ASKING: Mutex<()> = Mutex::new(());
    let _asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    match ask(&Request::Status) {
        Ok(Reply::Status(status)) => Some(status),
        _ => None,
    }
}

/// In the text format of Prometheus.
fn text(status: &Status) -> String {
    let c = &status.counters;
    let counters = [
        ("records_written", "Records written to other computers, by destination.", c.written),
        ("records_lost", "Records that were lost on this computer.", c.lost),
        ("records_received", "Records that came from other computers.", c.received),
        ("records_delivered", "Of those, records that a slot took.", c.delivered),
        ("records_missed", "Of those, records that no slot took.", c.missed),
        ("records_duplicate", "Records that came again and were left out.", c.duplicates),
        ("frames_sent", "Frames sent.", c.frames_sent),
        ("frames_received", "Frames received.", c.frames_received),
        ("frames_refused", "Frames that break a rule.", c.frames_refused),
        ("frames_dropped", "Frames for which there was no room.", c.frames_dropped),
        ("direct_frames_sent", "Frames sent directly.", c.direct_frames_sent),
        ("direct_frames_received", "Frames received directly.", c.direct_frames_received),
        ("zenoh_frames_sent", "Frames sent through Zenoh.", c.zenoh_frames_sent),
        ("zenoh_frames_received", "Frames received through Zenoh.", c.zenoh_frames_received),
    ];
    let mut out = String::new();
    for (name, help, value) in counters {
        let name = format!("mailslot_{name}_total");
        out += &format!("# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
    }
    let head = |name: &str, help: &str| format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (name, help, value) in [
        ("mailslot_uptime_seconds", "Since the gateway started.", status.uptime_seconds),
        ("mailslot_writers", "Programs that have opened a remote name.", status.writers),
    ] {
        out += &format!("{}{name} {value}\n", head(name, help));
    }
    type Value = fn(&ComputerStatus) -> u64;
    let gauges: [(&str, &str, Value); 4] = [
        ("mailslot_computer_reachable", "1 if the computer is in reach.", |computer| {
            computer.reachable_seconds.is_some().into()
        }),
        ("mailslot_computer_direct", "1 if there is a direct connection to it.", |computer| {
            (computer.way.as_deref() == Some("direct")).into()
        }),
        ("mailslot_computer_queued_bytes", "Bytes that wait for it.", |c| c.queued_bytes),
        ("mailslot_computer_lost_records", "Records for it that were lost.", |c| c.lost),
    ];
    for (name, help, value) in gauges {
        out += &head(name, help);
        for domain in &status.domains {
            for computer in &domain.computers {
                // Names need no escaping: they are letters, digits, - and _.
                let labels = format!("domain=\"{}\",computer=\"{}\"", domain.name, computer.name);
                out += &format!("{name}{{{labels}}} {}\n", value(computer));
            }
        }
    }
    out
}

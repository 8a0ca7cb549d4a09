//! Metrics for Prometheus, over as little HTTP as it needs.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use mailslot_gateway::config::Metrics;
use mailslot_gateway::service::status::{ComputerStatus, Reply, Request, Status, ask};

/// A client that is slower is forgotten.
const PATIENCE: Duration = Duration::from_secs(2);
/// No request is longer.
const MOST_BYTES: usize = 8192;

/// Serves them, one client at a time, until the process ends.
pub(super) fn serve(at: &Metrics) -> io::Result<()> {
    let thread = thread::Builder::new().name("metrics".into());
    match at {
        Metrics::Loopback(address) => {
            let listener = TcpListener::bind(address)?;
            thread.spawn(move || {
                for stream in listener.incoming().flatten() {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = stream.set_write_timeout(Some(PATIENCE));
                    let _ = answer(stream);
                }
            })?;
        }
        Metrics::Unix(path) => {
            // One that a killed gateway left behind.
            let refused = |e: io::Error| e.kind() == io::ErrorKind::ConnectionRefused;
            if UnixStream::connect(path).is_err_and(refused) {
                std::fs::remove_file(path)?;
            }
            let listener = UnixListener::bind(path)?;
            thread.spawn(move || {
                for stream in listener.incoming().flatten() {
                    let _ = stream.set_read_timeout(Some(PATIENCE));
                    let _ = stream.set_write_timeout(Some(PATIENCE));
                    let _ = answer(stream);
                }
            })?;
        }
    }
    Ok(())
}

fn answer(mut stream: impl Read + Write) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let n = stream.read(&mut buffer)?;
        request.extend_from_slice(&buffer[..n]);
        if n == 0 || request.len() > MOST_BYTES {
            return Ok(());
        }
    }
    let path = request.split(|&b| b == b' ').nth(1).unwrap_or_default();
    let (code, body) = match (request.starts_with(b"GET "), path) {
        (true, b"/metrics" | b"/") => match ask(&Request::Status) {
            Ok(Reply::Status(status)) => ("200 OK", text(&status)),
            _ => ("503 Service Unavailable", String::new()),
        },
        _ => ("404 Not Found", "metrics are at /metrics\n".into()),
    };
    write!(
        stream,
        "HTTP/1.1 {code}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
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
    let gauges: [(&str, &str, Value); 3] = [
        ("mailslot_computer_reachable", "1 if the computer is in reach.", |computer| {
            computer.reachable_seconds.is_some().into()
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

//! The metrics endpoint, and clients that it could do without.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::util::{Computer, eventually};

/// More than are served at once.
const SILENT: usize = 100;
/// Twice as long as one client may take, twice, on a busy computer.
const SOON: Duration = Duration::from_secs(20);

fn get(socket: &Path) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// By whatever it was. The socket of a gateway that was killed is taken.
pub(crate) fn a_path_that_is_taken_is_left_alone() {
    let mut sue = Computer::new("SUE", None, "lo");
    let path = sue.path("metrics");
    sue.configure(&format!("metrics = 'unix:{}'\nnetwork.interface = 'lo'\n", path.display()));
    std::fs::write(&path, "precious").unwrap();
    let out = sue.run(&["gateway"]);
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(!out.status.success() && error.contains("something else than a socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    std::fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        sue.start();
        assert!(get(&path).starts_with("HTTP/1.1 200 OK\r\n"));
        sue.signal(Signal::KILL);
        sue.gateway().ends();
    }
}

pub(crate) fn clients_that_are_slow_many_or_mad_hold_up_nobody() {
    let mut sue = Computer::new("SUE", None, "lo");
    sue.create("WORKGROUP");
    let socket = sue.path("metrics");
    let config = format!("metrics = 'unix:{}'\nnetwork.interface = 'lo'\n", socket.display());
    sue.configure(&config);
    sue.start();
    // One byte at a time, for as long as it is let.
    let trickling = {
        let mut stream = UnixStream::connect(&socket).unwrap();
        thread::spawn(move || {
            let start = Instant::now();
            while stream.write_all(b"G").is_ok() && start.elapsed() < 3 * SOON {
                thread::sleep(Duration::from_millis(50));
            }
            start.elapsed()
        })
    };
    let silent: Vec<_> = (0..SILENT).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    let start = Instant::now();
    assert!(get(&socket).starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(trickling.join().unwrap() < SOON);
    drop(silent);

    // Too long, no HTTP at all, and one that never reads.
    let mut deaf = UnixStream::connect(&socket).unwrap();
    write!(deaf, "GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    for piece in [&b"GET /"[..], &[0xff; 1024], b"\r\n", b"\r\n\r\n"] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        while stream.write_all(piece).is_ok() && piece.len() < 1024 {
            if piece.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let _ = stream.write_all(&[b'x'; 10_000]);
    }
    let clients: Vec<_> = (0..2 * SILENT)
        .map(|_| {
            let socket = socket.clone();
            thread::spawn(move || get(&socket))
        })
        .collect();
    for client in clients {
        let text = client.join().unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.ends_with('\n') && text.contains("mailslot_uptime_seconds"), "{text}");
    }
    eventually("nobody is served any more", || {
        let tasks = format!("/proc/{}/task", sue.status()["pid"]);
        let names = std::fs::read_dir(tasks).unwrap().flatten();
        let names = names.map(|task| std::fs::read_to_string(task.path().join("comm")));
        !names.flatten().any(|name| name.trim() == "metrics-client")
    });
}

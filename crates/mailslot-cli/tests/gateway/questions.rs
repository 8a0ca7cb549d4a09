//! Questions to the gateway, and how many it hears.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use crate::loopback::two;
use crate::util::{Computer, eventually};

/// More than a gateway takes at once.
const QUESTIONS: usize = 40;

/// With a gateway that hears of no answer and says so at once.
pub(crate) fn a_ping_waits_as_long_as_it_says() {
    let sue = Computer::new("SUE", None, "lo");
    let dir = sue.path("slots/mailslot-gateway");
    fs::create_dir(&dir).unwrap();
    let listener = UnixListener::bind(dir.join("status")).unwrap();
    let asked = thread::spawn(move || {
        let mut milliseconds = Vec::new();
        for stream in listener.incoming().take(3) {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let request: serde_json::Value = serde_json::from_str(&line).unwrap();
            milliseconds.push(request["ping"]["milliseconds"].as_u64().unwrap());
            stream.write_all(b"\"no_answer\"\n").unwrap();
        }
        milliseconds
    });
    let out = sue.run(&["ping", "JOE", "--timeout", "150s"]);
    let error = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(6), "{error}");
    assert!(error.contains("JOE has not answered within 2m 30s"), "{error}");
    assert_eq!(asked.join().unwrap(), [60_000, 60_000, 30_000]);
}

/// Of a computer that doesn't answer, and leaves without hearing that.
pub(crate) fn who_asks_much_keeps_nobody_from_the_status() {
    let (sue, joe) = two();
    sue.ok(&["domain", "invite", "ANN", "--output", sue.path("ann").to_str().unwrap()]);
    eventually("ANN is known", || sue.ok(&["ls", "//*/"]).contains("ANN"));
    for _ in 0..QUESTIONS {
        let mut stream = UnixStream::connect(sue.path("slots/mailslot-gateway/status")).unwrap();
        let asked = stream.write_all(b"{\"ping\":{\"computer\":\"ANN\",\"milliseconds\":60000}}\n");
        asked.unwrap();
    }
    eventually("it hears no more", || {
        let out = sue.run(&["ping", "JOE"]);
        let error = String::from_utf8(out.stderr).unwrap();
        error.contains("this computer's gateway answers too many others; try again")
    });
    assert!(sue.ok(&["gateway", "status"]).contains("JOE"));
    joe.reaches(&sue);
}

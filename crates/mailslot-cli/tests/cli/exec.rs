//! `read --exec`.

use std::fs;

use crate::util::{Process, World};

#[test]
fn a_command_gets_the_record() {
    let world = World::new();
    let reader = world.reader("a/b", &["-n", "3", "--exec", "cat; echo ."]);
    world.write("a/b", "one");
    world.write("a/b", "");
    world.write("a/b", "three");
    assert_eq!(reader.finish().succeeds(), "one.\n.\nthree.\n");
}

#[test]
fn its_environment_tells_about_it() {
    let world = World::new();
    let show =
        r#"printf %s\\n "$MAILSLOT_NAME|$MAILSLOT_SENDER_PID|$MAILSLOT_SENDER_UID|$MAILSLOT_TIME""#;
    let reader = world.reader("A/b", &["-n", "1", "-x", show]);
    let writer = Process::start(&mut world.command(&["write", "a/b", "x"]));
    let pid = writer.pid().to_string();
    writer.finish().succeeds();
    let out = reader.finish().succeeds();
    let parts: Vec<_> = out.trim_end().split('|').collect();
    let uid = rustix::process::getuid().as_raw().to_string();
    assert_eq!(parts[..3], [r"\\.\mailslot\A\b", &pid, &uid]);
    assert!(parts[3].starts_with("20") && parts[3].ends_with('Z'), "{out}");
}

#[test]
fn a_command_need_not_read() {
    let world = World::new();
    let reader = world.reader("a", &["-n", "1", "--exec", "exec <&-; echo done"]);
    world.run_with(&["write", "a"], &vec![b'x'; 1 << 20]).succeeds();
    assert_eq!(reader.finish().succeeds(), "done\n");
}

#[test]
fn failures_are_reported() {
    let world = World::new();
    let command = r#"read -r word; case $word in bad) exit 3;; worse) kill -9 $$;; esac"#;
    let reader = world.reader("a", &["-n", "4", "--exec", command]);
    let writer =
        Process::start(&mut world.command(&["write", "a", "good\n", "bad\n", "worse\n", "good\n"]));
    let pid = writer.pid();
    writer.finish().succeeds();
    let done = reader.finish();
    assert_eq!(done.code, Some(1));
    assert_eq!(
        done.stderr,
        format!(
            "mailslot: the command for record 2, from process {pid}, failed with exit code 3\n\
             mailslot: the command for record 3, from process {pid}, was killed by signal 9\n\
             mailslot: 2 of 4 commands failed\n"
        )
    );
}

#[test]
fn it_stops_at_a_failure_if_asked() {
    let world = World::new();
    let reader = world.reader("a", &["--stop-on-failure", "--exec", "cat; exit 7"]);
    let writer = Process::start(&mut world.command(&["write", "a", "x", "y"]));
    let pid = writer.pid();
    writer.finish();
    let done = reader.finish();
    assert_eq!(done.stdout, "x");
    let failed = format!("the command for record 1, from process {pid}, failed with exit code 7");
    done.fails(1, &failed);
    world.is_empty();
}

/// Ctrl-C reaches both the command and whoever has started it.
#[test]
fn a_signal_to_both_is_no_failure_of_the_command() {
    let world = World::new();
    for more in [&[][..], &["--stop-on-failure"]] {
        let command = "kill -INT $PPID; kill -INT $$; sleep 60";
        let reader = world.reader("a", &[&["--exec", command], more].concat());
        world.write("a", "x");
        let done = reader.finish();
        assert_eq!(done.code, Some(130), "{done:?}");
        world.is_empty();
    }
}

#[test]
fn commands_run_one_at_a_time_and_in_order() {
    let world = World::new();
    let log = world.dir().join("log");
    let command = format!("cat >> {}", log.display());
    let reader = world.reader("a", &["-n", "20", "--exec", &command]);
    let lines: String = (0..20).map(|i| format!("{i}\n")).collect();
    world.run_with(&["write", "-l", "a"], lines.as_bytes()).succeeds();
    reader.finish().succeeds();
    let expected: String = (0..20).map(|i| i.to_string()).collect();
    assert_eq!(fs::read_to_string(log).unwrap(), expected);
}

/// `read` itself raises the limit on descriptors, for its writers.
#[test]
fn commands_have_the_limit_on_descriptors_that_read_was_given() {
    let world = World::new();
    let read = ["read", "a", "-n", "1", "--exec", "ulimit -S -n; ulimit -H -n"];
    for soft in ["100", "1000"] {
        let limits = format!("--nofile={soft}:1000");
        let reader = Process::start(&mut world.wrapped(&["prlimit", &limits], &read));
        world.await_slot("a");
        let own = fs::read_to_string(format!("/proc/{}/limits", reader.pid())).unwrap();
        let own = own.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(own.split_whitespace().nth(3), Some("1000"), "{own}");
        world.write("a", "x");
        assert_eq!(reader.finish().succeeds(), format!("{soft}\n1000\n"));
    }
}

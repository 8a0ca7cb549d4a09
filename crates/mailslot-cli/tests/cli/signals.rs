//! What ends a reader from outside.

use rustix::process::Signal;

use crate::util::{Process, World};

#[test]
fn signals_end_it_and_its_slot() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        for args in [&[][..], &["--format", "json"], &["--exec", "cat"], &["--timeout", "1h"]] {
            let world = World::new();
            let mut reader = world.reader("a", args);
            world.write("a", "hello");
            reader.output_until(|seen| seen.contains("hello"));
            reader.signal(signal);
            let done = reader.finish();
            assert_eq!((done.code, &done.stderr[..]), (Some(code), ""), "{args:?}");
            assert_eq!(world.run(&["info", "a"]).code, Some(3));
            world.is_empty();
        }
    }
}

#[test]
fn signals_at_any_moment_leave_nothing() {
    for pause in 0..40 {
        let world = World::new();
        // Who runs the tests may ignore the signal, and until `env` is there it would be lost.
        let ready = ["env", "--default-signal=INT", "sh", "-c", r#"echo ready; exec "$@""#, "sh"];
        let mut reader = Process::start(&mut world.wrapped(&ready, &["read", "a"]));
        reader.output_until(|seen| seen == "ready\n");
        std::thread::sleep(std::time::Duration::from_micros(pause * 150));
        reader.signal(Signal::INT);
        let done = reader.finish();
        // Either it was not yet prepared for signals, and had not created anything, or it was.
        assert!(done.code == Some(130) || done.signal == Some(2), "{done:?}");
        world.is_empty();
    }
}

#[test]
fn a_signal_lets_the_command_finish() {
    let world = World::new();
    let reader = world.reader("a", &["--exec", "kill -TERM $PPID; cat; echo; echo end"]);
    world.run(&["write", "a", "first"]).succeeds();
    let done = reader.finish();
    assert_eq!((done.code, &done.stdout[..]), (Some(143), "first\nend\n"));
    world.is_empty();
}

#[test]
fn ignored_signals_stay_ignored() {
    let world = World::new();
    let wrapper = ["env", "--ignore-signal=INT", "--default-signal=TERM"];
    let mut reader = Process::start(&mut world.wrapped(&wrapper, &["read", "a"]));
    world.await_slot("a");
    reader.signal(Signal::INT);
    world.write("a", "still here");
    reader.output_until(|seen| seen == "still here\n");
    reader.signal(Signal::TERM);
    assert_eq!(reader.finish().code, Some(143));
}

#[test]
fn nobody_reading_the_output_is_success() {
    for args in [&[][..], &["--format", "text"], &["--timeout", "1h"]] {
        let world = World::new();
        let args = [&["read", "a"], args].concat();
        let mut reader = Process::start_unread(&mut world.command(&args));
        world.await_slot("a");
        // Without any record: it notices by itself.
        reader.close_stdout();
        reader.finish().succeeds();
        world.is_empty();
    }
}

#[test]
fn other_commands_take_a_closed_pipe_as_well() {
    let world = World::new();
    let _reader = world.reader("a", &[]);
    for args in [&["ls"][..], &["info", "a"], &["man"], &["completions", "bash"], &["ls", "-w"]] {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let mut child = world.command(args).stdout(write).spawn().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_no_success() {
    let world = World::new();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = Process::start_into(&mut world.command(&["man"]), full()).finish();
    done.fails(1, "cannot write to standard output: No space left on device (os error 28)");
    let reader = Process::start_into(&mut world.command(&["read", "a"]), full());
    world.await_slot("a");
    world.write("a", "x");
    let done = reader.finish();
    done.fails(1, "cannot write to standard output: No space left on device (os error 28)");
    world.is_empty();
}

//! The file system of the slots is full. It is one of the case's own, in a mount namespace of its
//! own, which needs root.

use std::ffi::CString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use mailslot::Mailslot;

use super::expect_advice;
use crate::support::{NAME, both_kinds, is_root, names_in, writer};

/// Gives this process, and those it starts, a small file system for its slots.
fn mount(options: &str) -> bool {
    if !is_root() {
        return false;
    }
    let root = mailslot::registry_root();
    let root = CString::new(root.as_os_str().as_bytes()).unwrap();
    let options = CString::new(options).unwrap();
    let none = c"none".as_ptr();
    let private = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: plain system calls; all strings end with a zero and outlive them.
    let codes = unsafe {
        [
            libc::unshare(libc::CLONE_NEWNS),
            libc::mount(none, c"/".as_ptr(), std::ptr::null(), private, std::ptr::null()),
            libc::mount(none, root.as_ptr(), c"tmpfs".as_ptr(), 0, options.as_ptr().cast()),
        ]
    };
    assert_eq!(codes, [0; 3], "mounting: {}", std::io::Error::last_os_error());
    true
}

const ADVICE: &str = "make room on the file system of the slots";

pub(super) fn full() {
    if !mount("size=64k,mode=700") {
        return;
    }
    let root = mailslot::registry_root();
    for options in both_kinds() {
        let other = options.create(r"\\.\mailslot\other").unwrap();
        let filler = root.join("filler");
        let mut file = std::fs::File::create(&filler).unwrap();
        while file.write(&[1; 1024]).is_ok_and(|written| written > 0) {}
        let before = names_in(&root);
        expect_advice(&options.create(NAME).unwrap_err(), ADVICE);
        assert_eq!(names_in(&root), before, "nothing is left of the attempt");
        // Records don't lie there.
        let mut writing = mailslot::MailslotWriter::open(other.name().clone()).unwrap();
        for _ in 0..3 {
            writing.write(&[1; 200_000]).unwrap();
            assert_eq!(other.try_receive().unwrap().len(), 200_000);
        }
        drop(file);
        std::fs::remove_file(&filler).unwrap();
        let slot = options.create(NAME).unwrap();
        writer().write(b"there is room again").unwrap();
        assert_eq!(slot.try_receive().unwrap().bytes(), b"there is room again");
    }
    assert!(names_in(&root).is_empty());
}

pub(super) fn no_more_files() {
    if !mount("nr_inodes=20,mode=700") {
        return;
    }
    let root = mailslot::registry_root();
    let mut slots = Vec::new();
    for n in 0.. {
        match Mailslot::create(&*format!(r"\\.\mailslot\{n}")) {
            Ok(slot) => slots.push(slot),
            Err(error) => {
                assert!(error.to_string().contains(ADVICE), "{error}");
                break;
            }
        }
    }
    assert!(!slots.is_empty());
    assert_eq!(names_in(&root).len(), slots.len(), "nothing is left of the last");
    expect_advice(&Mailslot::create(NAME).unwrap_err(), ADVICE);
    slots.pop();
    let slot = Mailslot::create(NAME).unwrap();
    writer().write(b"there is room again").unwrap();
    assert_eq!(slot.try_receive().unwrap().bytes(), b"there is room again");
}

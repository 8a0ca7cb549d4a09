//! Several users of one directory of slots. Needs root, to become any of them.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use mailslot::{
    Access, CreateError, Mailslot, MailslotOptions, MailslotWriter, OpenError, SlotName,
};

use crate::support::{
    Case, NAME, PATIENCE, Process, User, both_kinds, is_root, shared, spawn, wait_for, writer,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("users::others_are_refused", others_are_refused),
    Case::new("users::others_are_let_in", others_are_let_in),
    Case::new("users::a_dead_slot_of_another", a_dead_slot_of_another),
    Case::new("users::what_is_anothers_stays", what_is_anothers_stays),
    Case::new("users::squatters", squatters),
    Case::new("users::nobody_and_no_group", nobody_and_no_group),
    Case::new("users::groups_of_others", groups_of_others),
    Case::new("users::a_closed_directory", a_closed_directory),
];

const ANN: User = User { uid: 65534, gid: 65534, groups: &[] };
const BOB: User = User { uid: 4_000_000_001, gid: 4_000_000_002, groups: &[] };
/// Of Ann's group too.
const MEMBER: User = User { groups: &[ANN.gid], ..BOB };

/// A directory of slots as the system's is: everybody may create there, and remove what is his own.
fn open_to_all() -> bool {
    if !is_root() {
        return false;
    }
    let root = mailslot::registry_root();
    std::fs::set_permissions(&root, Permissions::from_mode(0o1777)).unwrap();
    true
}

fn directory() -> PathBuf {
    mailslot::registry_root().join(SlotName::parse(NAME).unwrap().file_name())
}

/// Runs `body` as `user`.
fn run_as(user: User, body: impl FnOnce()) {
    spawn(|| {
        user.become_it();
        body();
    })
    .finish();
}

/// A process of `user` that holds [`NAME`], and reads what `count` says before it ends.
fn reader(user: User, options: &MailslotOptions, count: u64) -> Process {
    let options = options.clone();
    let ready = &shared(1)[0];
    let process = spawn(move || {
        user.become_it();
        let slot = options.create(NAME).unwrap();
        ready.store(1, Ordering::Release);
        for _ in 0..count {
            let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(record.bytes(), record.sender().uid.to_le_bytes(), "who really wrote it");
        }
    });
    wait_for(ready, 1);
    process
}

/// Writes who this is, on the socket and in a ring.
fn write_twice() {
    let mut writer = writer();
    for _ in 0..2 {
        writer.write(&rustix::process::geteuid().as_raw().to_le_bytes()).unwrap();
    }
}

fn expect_refusal() {
    let start = Instant::now();
    let found = MailslotWriter::open(NAME);
    assert!(start.elapsed() < PATIENCE / 2, "it waited {:?}", start.elapsed());
    let error = found.expect_err("another user is refused");
    assert!(matches!(error, OpenError::AccessDenied { .. }), "{error}");
    assert!(error.to_string().contains("access denied; it belongs to"), "{error}");
}

fn others_are_refused() {
    if !open_to_all() {
        return;
    }
    for options in both_kinds() {
        let reading = reader(ANN, &options, 4);
        run_as(BOB, expect_refusal);
        run_as(MEMBER, expect_refusal);
        // The same user and root may.
        run_as(ANN, write_twice);
        write_twice();
        reading.finish();
    }
}

fn others_are_let_in() {
    if !open_to_all() {
        return;
    }
    let cases: [(Access, &[User], &[User]); 5] = [
        (Access::Everyone, &[ANN, BOB, MEMBER], &[]),
        (Access::Group(ANN.gid), &[ANN, MEMBER], &[BOB]),
        (Access::Group(BOB.gid + 1), &[ANN], &[BOB, MEMBER]),
        (Access::Users(vec![BOB.uid]), &[ANN, BOB], &[User { uid: BOB.uid + 2, ..BOB }]),
        (Access::Users(vec![BOB.uid + 2, BOB.uid + 4]), &[ANN], &[BOB, MEMBER]),
    ];
    for (access, allowed, refused) in cases {
        for mut options in both_kinds() {
            options.access(access.clone());
            let count = 2 * (allowed.len() as u64 + 1);
            // Who sets a group must be in it.
            let own = match access {
                Access::Group(gid) => User { gid, ..ANN },
                _ => ANN,
            };
            let reading = reader(own, &options, count);
            refused.iter().for_each(|&user| run_as(user, expect_refusal));
            allowed.iter().for_each(|&user| run_as(user, write_twice));
            write_twice();
            reading.finish();
        }
    }
}

fn a_dead_slot_of_another() {
    if !open_to_all() {
        return;
    }
    for options in both_kinds() {
        let die = || reader(ANN, &options, 1).kill();
        let expect_advice = || {
            let error = Mailslot::create(NAME).unwrap_err();
            assert!(matches!(error, CreateError::DeadSlotOfAnother { .. }), "{error}");
            let text = error.to_string();
            let remedy = format!("rm -r {:?}", directory());
            assert!(text.contains(&remedy) && text.contains("a dead slot of user"), "{text}");
            let found = MailslotWriter::open(NAME);
            assert!(matches!(
                found,
                Err(OpenError::NoSuchSlot(_) | OpenError::AccessDenied { .. })
            ));
        };
        // The remedies: its owner creates it again, root does, or removes it.
        die();
        run_as(BOB, expect_advice);
        run_as(ANN, || drop(Mailslot::create(NAME).unwrap()));
        run_as(BOB, || drop(Mailslot::create(NAME).unwrap()));
        die();
        run_as(BOB, expect_advice);
        drop(Mailslot::create(NAME).unwrap());
        die();
        run_as(BOB, expect_advice);
        std::fs::remove_dir_all(directory()).unwrap();
        run_as(BOB, || drop(Mailslot::create(NAME).unwrap()));
    }
}

/// Another user's slot can't be removed, replaced, moved, changed or read.
fn what_is_anothers_stays() {
    if !open_to_all() {
        return;
    }
    for mut options in both_kinds() {
        let reading = reader(ANN, options.access(Access::Everyone), 4);
        let id = reading.id();
        run_as(BOB, || {
            let dir = directory();
            let root = mailslot::registry_root();
            let (socket, metadata, own) = (dir.join("s"), dir.join("m"), root.join("bob's"));
            std::fs::create_dir(&own).unwrap();
            std::fs::write(own.join("s"), "").unwrap();
            let attempts = [
                ("removing the directory", std::fs::remove_dir_all(&dir)),
                ("removing the socket", std::fs::remove_file(&socket)),
                ("removing the metadata", std::fs::remove_file(&metadata)),
                ("moving the slot", std::fs::rename(&dir, root.join("elsewhere"))),
                ("moving the socket", std::fs::rename(&socket, own.join("t"))),
                ("replacing the slot", std::fs::rename(&own, &dir)),
                ("replacing the socket", std::fs::rename(own.join("s"), &socket)),
                ("adding a file", std::fs::write(dir.join("x"), "")),
                ("changing the metadata", std::fs::write(&metadata, "")),
                ("listing the directory", std::fs::read_dir(&dir).map(drop)),
                ("another mode", std::fs::set_permissions(&socket, Permissions::from_mode(0o600))),
                ("another owner", std::os::unix::fs::chown(&dir, Some(BOB.uid), None)),
                (
                    "looking at its descriptors",
                    std::fs::read_dir(format!("/proc/{id}/fd")).map(drop),
                ),
                (
                    "looking into its memory",
                    std::fs::File::open(format!("/proc/{id}/mem")).map(drop),
                ),
            ];
            for (what, result) in attempts {
                let kind = result.expect_err(what).kind();
                let refused = [ErrorKind::PermissionDenied, ErrorKind::DirectoryNotEmpty];
                assert!(refused.contains(&kind), "{what}: {kind}");
            }
            std::fs::remove_dir_all(&own).unwrap();
            let found = Mailslot::create(NAME).unwrap_err();
            let CreateError::AlreadyExists { pid, ref owner, .. } = found else {
                panic!("{found}");
            };
            assert!(pid == id && owner.contains("nobody") || owner.contains("65534"), "{found}");
            write_twice();
        });
        write_twice();
        reading.finish();
    }
}

/// What another user has put where a slot would be is an error that says whose it is, at once, and
/// nothing behind it is touched.
fn squatters() {
    if !open_to_all() {
        return;
    }
    let precious = mailslot::registry_root().with_file_name("precious");
    std::fs::create_dir(&precious).unwrap();
    let treasure = precious.join("s");
    std::fs::write(&treasure, "kept").unwrap();
    std::fs::set_permissions(&precious, Permissions::from_mode(0o777)).unwrap();
    let dir = directory();
    let link = |from: &PathBuf, to: &PathBuf| std::os::unix::fs::symlink(from, to).unwrap();
    let squats: [(&str, &dyn Fn()); 5] = [
        ("an empty directory", &|| std::fs::create_dir(&dir).unwrap()),
        ("a file", &|| std::fs::write(&dir, "mine").unwrap()),
        ("a link to a directory", &|| link(&precious, &dir)),
        ("links to others' files", &|| {
            std::fs::create_dir(&dir).unwrap();
            link(&treasure, &dir.join("s"));
            link(&treasure, &dir.join("m"));
        }),
        ("what makes whoever opens it wait", &|| {
            std::fs::create_dir(&dir).unwrap();
            let mode = rustix::fs::Mode::from_bits_retain(0o666);
            for name in ["s", "m"] {
                let (at, kind) = (dir.join(name), rustix::fs::FileType::Fifo);
                rustix::fs::mknodat(rustix::fs::CWD, &at, kind, mode, 0).unwrap();
            }
        }),
    ];
    for (what, squat) in squats {
        run_as(BOB, squat);
        run_as(ANN, || {
            let start = Instant::now();
            let error = Mailslot::create(NAME).expect_err(what);
            let CreateError::DeadSlotOfAnother { ref owner, ref path, .. } = error else {
                panic!("{what}: {error}");
            };
            assert!(owner.contains(&BOB.uid.to_string()) && *path == dir, "{what}: {error}");
            assert!(MailslotWriter::open(NAME).is_err());
            let _ = mailslot::list().unwrap();
            assert!(start.elapsed() < PATIENCE / 2, "{what}: it waited {:?}", start.elapsed());
        });
        // Root gets the name, or is told what is in its way.
        match Mailslot::create(NAME) {
            Ok(slot) => drop(slot),
            Err(error) => {
                println!("{what}: {error}");
                let remedy = format!("rm -r {dir:?}");
                assert!(error.to_string().contains(&remedy), "{what}: {error}");
                if std::fs::remove_dir_all(&dir).is_err() {
                    std::fs::remove_file(&dir).unwrap();
                }
            }
        }
        assert_eq!(std::fs::read_to_string(&treasure).unwrap(), "kept", "{what}");
    }
}

/// To the kernel their number means "as it was": the creator's own group would have been let in.
fn nobody_and_no_group() {
    for access in [Access::Group(u32::MAX), Access::Users(vec![1, u32::MAX])] {
        let error = Mailslot::options().access(access).create(NAME).unwrap_err();
        assert!(matches!(error, CreateError::Option { .. }), "{error}");
        assert!(error.to_string().contains("4294967295 is no "), "{error}");
        assert!(!directory().exists());
    }
}

fn groups_of_others() {
    if !open_to_all() {
        return;
    }
    run_as(BOB, || {
        let error = Mailslot::options().access(Access::Group(ANN.gid)).create(NAME).unwrap_err();
        let CreateError::Io { ref source, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), ErrorKind::PermissionDenied);
        let text = error.to_string();
        assert!(text.contains("only root and members of group 65534 can let it write"), "{text}");
        assert!(!directory().exists());
    });
}

/// Whoever may not look into the directory of slots, or make one there, is told that, and not
/// that a slot is closed.
fn a_closed_directory() {
    if !open_to_all() {
        return;
    }
    let root = mailslot::registry_root();
    for (mode, opened) in [(0o700, "no permission to look into"), (0o755, "there is no such slot")]
    {
        std::fs::set_permissions(&root, Permissions::from_mode(mode)).unwrap();
        run_as(BOB, || {
            let error = Mailslot::create(NAME).unwrap_err();
            let CreateError::Io { ref source, .. } = error else { panic!("{error}") };
            assert_eq!(source.kind(), ErrorKind::PermissionDenied);
            let text = error.to_string();
            assert!(text.contains(&format!("{root:?}; set MAILSLOT_DIR")), "{text}");
            let text = MailslotWriter::open(NAME).unwrap_err().to_string();
            assert!(text.contains(opened), "{text}");
        });
    }
}

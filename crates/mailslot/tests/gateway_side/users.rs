//! Who may be this computer's gateway, and who may use it. Needs root.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

use mailslot::gateway::{ForwardingWriter, GatewayOptions};
use mailslot::{Access, MailslotOptions, MailslotWriter, OpenError, registry_root};

use crate::forwarding::{forward, sue};
use crate::gateway::{Desk, HERE, JOE};
use crate::support::{
    Case, NAME, PATIENCE, Process, both_kinds, shared, spawn, wait_for, wait_until,
};

pub(crate) const CASES: &[Case] = &[
    Case::new("users::a_forged_origin", a_forged_origin),
    Case::new("users::a_users_own_gateway", a_users_own_gateway),
    Case::new("users::a_system_gateway", a_system_gateway),
    Case::new("users::kept_out_of_the_gateway", kept_out_of_the_gateway),
];

/// An ordinary user, another, and one of the system's.
const MALLORY: u32 = 4_000_000_001;
const ANN: u32 = 4_000_000_002;
const DAEMON: u32 = 990;

/// A registry for all users; false if there can be no others here.
fn for_all_users() -> bool {
    if !rustix::process::geteuid().is_root() {
        let required = std::env::var_os("MAILSLOT_REQUIRE_ROOT").is_some();
        assert!(!required, "this needs root, which MAILSLOT_REQUIRE_ROOT demands");
        eprintln!("skipped: needs root, to be other users");
        return false;
    }
    let root = registry_root();
    std::fs::set_permissions(&root, Permissions::from_mode(0o1777)).unwrap();
    let above = root.parent().unwrap();
    std::fs::set_permissions(above, Permissions::from_mode(0o711)).unwrap();
    true
}

/// Runs `body` in a process of another user.
fn spawn_as(uid: u32, body: impl FnOnce()) -> Process {
    spawn(move || {
        // SAFETY: this process has one thread, and nothing in it relies on who it is.
        let codes = unsafe {
            [
                libc::setgroups(0, std::ptr::null()),
                libc::setresgid(uid, uid, uid),
                libc::setresuid(uid, uid, uid),
            ]
        };
        assert_eq!(codes, [0; 3], "becoming user {uid}");
        body();
    })
}

fn everyones(mut options: MailslotOptions) -> mailslot::Mailslot {
    options.access(Access::Everyone).create(NAME).unwrap()
}

/// Neither the record nor anything after it arrives, and the others' do.
fn a_forged_origin() {
    if !for_all_users() {
        return;
    }
    for options in both_kinds() {
        let slot = everyones(options);
        for size in [1, 100_000] {
            let forged = shared(1);
            // With or without the place of the gateway, which any user can take.
            for place in [false, true] {
                let mallory = spawn_as(MALLORY, || {
                    let _gateway = place.then(|| GatewayOptions::new(HERE).create().unwrap());
                    let mut writer = forward(&sue());
                    writer.write(&vec![0; size]).unwrap();
                    forged[0].fetch_add(1, Ordering::Release);
                    wait_until("being thrown out", || writer.write(b"forged").is_err());
                });
                wait_for(&forged[0], 1 + u64::from(place));
                let mut honest = forward(&sue());
                honest.write(b"honest").unwrap();
                let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
                assert_eq!((record.bytes(), record.origin()), (&b"honest"[..], Some(&sue())));
                mallory.finish();
                assert!(slot.try_receive().is_err());
            }
        }
    }
}

/// Serves that user and nobody else.
fn a_users_own_gateway() {
    if !for_all_users() {
        return;
    }
    let ready = shared(1);
    let gateway = spawn_as(MALLORY, || {
        let slot = GatewayOptions::new(HERE).create().unwrap();
        ready[0].store(1, Ordering::Release);
        let mut desk = Desk::default();
        desk.until(&slot, |desk| desk.closed() == 1 && !desk.records.is_empty());
    });
    wait_for(&ready[0], 1);
    for uid in [ANN, 0] {
        spawn_as(uid, || {
            let error = MailslotWriter::open(JOE).unwrap_err();
            assert!(matches!(error, OpenError::GatewayNotTrusted { .. }), "{error}");
            // Nor is the name believed that it gives this computer.
            let named = MailslotWriter::open(format!(r"\\{HERE}\mailslot\x").as_str());
            assert!(matches!(named, Err(OpenError::GatewayNotTrusted { .. })), "{named:?}");
        })
        .finish();
    }
    spawn_as(MALLORY, || MailslotWriter::open(JOE).unwrap().write(b"mine").unwrap()).finish();
    gateway.finish();
}

/// Serves everybody, and everybody believes it.
fn a_system_gateway() {
    if !for_all_users() {
        return;
    }
    let steps = shared(3);
    let gateway = spawn_as(DAEMON, || {
        let slot = GatewayOptions::new(HERE).create().unwrap();
        steps[0].store(1, Ordering::Release);
        let mut desk = Desk::default();
        desk.until(&slot, |desk| desk.closed() == 2);
        let mut users: Vec<u32> =
            desk.seen.values().map(|seen| seen.connection.sender().uid).collect();
        users.sort_unstable();
        assert_eq!(users, [0, ANN]);
        wait_for(&steps[1], 1);
        forward(&sue()).write(b"forwarded").unwrap();
        wait_for(&steps[2], 1);
    });
    wait_for(&steps[0], 1);
    for uid in [ANN, 0] {
        spawn_as(uid, || MailslotWriter::open(JOE).unwrap().write(b"x").unwrap()).finish();
    }
    let reader = spawn_as(ANN, || {
        let slot = everyones(MailslotOptions::new());
        steps[1].store(1, Ordering::Release);
        let record = slot.receive_timeout(Some(PATIENCE)).unwrap();
        assert_eq!((record.bytes(), record.origin()), (&b"forwarded"[..], Some(&sue())));
        assert_eq!(record.sender().uid, DAEMON);
        steps[2].store(1, Ordering::Release);
    });
    reader.finish();
    gateway.finish();
}

fn kept_out_of_the_gateway() {
    if !for_all_users() {
        return;
    }
    let _slot = GatewayOptions::new(HERE).access(Access::SameUser).create().unwrap();
    spawn_as(ANN, || {
        let error = MailslotWriter::open(JOE).unwrap_err();
        assert!(matches!(error, OpenError::GatewayDenied { .. }), "{error}");
        assert!(error.to_string().contains("user root"), "{error}");
    })
    .finish();
    // What it lets in or not says nothing about forwarding to a slot that is closed to others.
    let _closed = mailslot::Mailslot::create(NAME).unwrap();
    spawn_as(DAEMON, || {
        let denied = ForwardingWriter::open(NAME, &sue());
        assert!(matches!(denied, Err(OpenError::AccessDenied { .. })), "{denied:?}");
    })
    .finish();
}

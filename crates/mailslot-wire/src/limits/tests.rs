use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { max_record: 0x1000, quota: 0x400_0000 };

#[test]
fn encoded_form() {
    assert_eq!(LIMITS.encode(), "m1000-q4000000");
    let zero = Limits { max_record: 0, quota: 0 };
    assert_eq!(zero.encode(), "m0-q0");
    let most = Limits { max_record: u32::MAX, quota: u64::MAX };
    assert_eq!(most.encode(), "mffffffff-qffffffffffffffff");
    for limits in [LIMITS, zero, most] {
        assert_eq!(Limits::parse(&limits.encode()), Some(limits));
    }
}

#[test]
fn there_is_one_spelling() {
    for wrong in [
        "",
        "m",
        "m-q",
        "m1",
        "m1-q",
        "m-q1",
        "q1-m1",
        "m1-q1 ",
        " m1-q1",
        "m01-q1",
        "m1-q01",
        "m00-q0",
        "mA-q1",
        "m1-qA",
        "M1-q1",
        "m1-Q1",
        "m1q1",
        "m1--q1",
        "m1-q1-q1",
        "m+1-q1",
        "m0x1-q1",
        "m100000000-q1",
        "m1-q10000000000000000",
        "m1-q1\0",
        "m１-q1",
    ] {
        assert_eq!(Limits::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn no_limit_leaves_the_quota() {
    let largest = |max_record, quota| Limits { max_record, quota }.largest_record();
    assert_eq!(largest(0, 5000), 5000);
    assert_eq!(largest(u32::MAX, 5000), 5000);
    assert_eq!(largest(u32::MAX, u64::MAX), u64::MAX);
    assert_eq!(largest(424, 5000), 424);
    assert_eq!(largest(5001, 5000), 5000);
    assert_eq!(largest(u32::MAX - 1, u64::MAX), u64::from(u32::MAX) - 1);
    assert_eq!(largest(1, 0), 0);
}

#[test]
fn a_private_directory_says_the_limits() {
    assert_eq!(
        private_dir_name(1234, 0xdead_beef, LIMITS),
        ".mailslot-4d2-00000000deadbeef-m1000-q4000000"
    );
    let longest = Limits { max_record: u32::MAX, quota: u64::MAX };
    let longest = private_dir_name(u32::MAX, u64::MAX, longest);
    // With `/run/mailslot/` and `/s` it must fit the 107 bytes of a socket's path.
    assert!(longest.len() <= 63, "{}", longest.len());
}

#[test]
fn limits_are_found_in_an_address() {
    for address in [
        "/run/mailslot/.mailslot-4d2-00000000deadbeef-m1000-q4000000/s",
        "/tmp/.mailslot-1-2-m7-q7/s/.mailslot-4d2-0-m1000-q4000000/s",
        ".mailslot-anything at all-m5-q5-m1000-q4000000/s",
        ".mailslot--m1000-q4000000/s",
    ] {
        assert_eq!(Limits::from_address(address.as_bytes()), Some(LIMITS), "{address}");
    }
    let not_utf8 = b"/run/\xff/.mailslot-\xfe-m1000-q4000000/s";
    assert_eq!(Limits::from_address(not_utf8), Some(LIMITS));
}

#[test]
fn other_addresses_say_nothing() {
    for address in [
        "",
        "s",
        "/",
        "/s",
        "//s",
        ".mailslot-4d2-0-m1000-q4000000",
        ".mailslot-4d2-0-m1000-q4000000/",
        ".mailslot-4d2-0-m1000-q4000000/t",
        ".mailslot-4d2-0-m1000-q4000000/s/",
        ".mailslot-4d2-0-m1000-q4000000//s",
        ".mailslot-4d2-0-m1000-q4000000/x/s",
        ".mailslot-4d2-0-m1000-q4000000/s\0",
        ".mailslot-m1000-q4000000/s",
        ".mailslot-4d2-0m1000-q4000000/s",
        "x.mailslot-4d2-0-m1000-q4000000/s",
        "mailslot-4d2-0-m1000-q4000000/s",
        ".Mailslot-4d2-0-m1000-q4000000/s",
        ".mailslot-4d2-0-m1000-q4000000 /s",
        ".mailslot-4d2-0-m01000-q4000000/s",
        "/run/mailslot/mailslot.taxes/s",
    ] {
        assert_eq!(Limits::from_address(address.as_bytes()), None, "{address}");
    }
    assert_eq!(Limits::from_address(b".mailslot-1-m1000-q400\xff000/s"), None);
}

proptest! {
    #[test]
    fn limits_round_trip(max_record: u32, quota: u64, pid: u32, nonce: u64, above in "[/a-z.-]{0,30}") {
        let limits = Limits { max_record, quota };
        prop_assert_eq!(Limits::parse(&limits.encode()), Some(limits));
        let address = format!("{above}/{}/s", private_dir_name(pid, nonce, limits));
        prop_assert_eq!(Limits::from_address(address.as_bytes()), Some(limits));
        prop_assert!(limits.largest_record() <= quota);
    }

    #[test]
    fn what_parses_is_what_encodes(text in "m[0-9a-fA-F+]{0,9}-q[0-9a-f]{0,17}") {
        if let Some(limits) = Limits::parse(&text) {
            prop_assert_eq!(limits.encode(), text);
        }
    }

    #[test]
    fn any_input_is_harmless(
        text: String,
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        at in 0usize..48,
        value: u8,
    ) {
        let _ = Limits::parse(&text);
        let _ = Limits::from_address(&bytes);
        let mut address = format!("{}/s", private_dir_name(7, 7, LIMITS)).into_bytes();
        if let Some(byte) = address.get_mut(at) {
            *byte = value;
        }
        let _ = Limits::from_address(&address);
    }
}

#[test]
fn a_gateways_socket_of_a_service_manager_says_none() {
    let address = b"/run/mailslot/mailslot-gateway/s";
    assert_eq!(Limits::from_address(address), Some(Limits::GATEWAY));
    assert_eq!(Limits::from_address(b"/run/mailslot/mailslot-gateway/status"), None);
}

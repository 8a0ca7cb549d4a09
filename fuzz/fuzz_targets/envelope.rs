#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mailslot_wire::fuzz_checks::envelope(data));

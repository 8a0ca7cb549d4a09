#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mailslot_ring::fuzz_checks::ring(data));

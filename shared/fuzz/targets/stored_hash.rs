//! Fuzzes `bodies::stored_hash`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target calls one body")]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::stored_hash(data));

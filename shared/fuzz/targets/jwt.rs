//! Fuzzes `bodies::jwt`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target calls one body")]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::jwt(data));

//! Fuzzes `bodies::refresh_token`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target calls one body")]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::refresh_token(data));

//! The program behind `cargo xtask keys`, as a person starts it.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

#[test]
fn a_reader_that_has_read_enough_ends_a_program_quietly() {
    const SIGPIPE: i32 = 13;
    let mut command = Command::new(env!("CARGO_BIN_EXE_keys"));
    command.arg("jwks").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut keys = command.spawn().unwrap();
    // It prints when its input has ended, and nobody reads any more.
    drop(keys.stdout.take());
    let (private, _) = testkit::jwt_keys();
    keys.stdin.take().unwrap().write_all(private.to_string().as_bytes()).unwrap();
    let mut said = String::new();
    keys.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let status = keys.wait().unwrap();
    assert_eq!((said.as_str(), status.signal()), ("", Some(SIGPIPE)), "{status}");
}

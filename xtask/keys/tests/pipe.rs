//! `keys` in a shell pipeline whose reader ends first.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

#[test]
fn a_closed_pipe_ends_the_program_silently() {
    const SIGPIPE: i32 = 13;
    let mut command = Command::new(env!("CARGO_BIN_EXE_keys"));
    command.arg("jwks").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut keys = command.spawn().unwrap();
    // `keys` prints after its input ends. By then, nothing reads its output.
    drop(keys.stdout.take());
    let (private, _) = testkit::jwt_keys();
    keys.stdin.take().unwrap().write_all(private.to_string().as_bytes()).unwrap();
    let mut stderr = String::new();
    keys.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let status = keys.wait().unwrap();
    assert_eq!((stderr.as_str(), status.signal()), ("", Some(SIGPIPE)), "{status}");
}

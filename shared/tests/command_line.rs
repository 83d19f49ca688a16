//! Programs that are started from a shell.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use testkit::built;

#[test]
fn a_closed_pipe_ends_a_program_silently() {
    const SIGPIPE: i32 = 13;
    let mut command = Command::new(built("examples/keys"));
    command.arg("jwks").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut keys = command.spawn().unwrap();
    // The program prints after the end of its input, when the pipe has no reader any more.
    drop(keys.stdout.take());
    let (private, _) = testkit::jwt_keys();
    keys.stdin.take().unwrap().write_all(private.to_string().as_bytes()).unwrap();
    let mut said = String::new();
    keys.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let status = keys.wait().unwrap();
    assert_eq!((said.as_str(), status.signal()), ("", Some(SIGPIPE)), "{status}");
}

#[test]
fn a_malformed_env_file_is_an_error_with_file_and_line() {
    for (content, expected) in [
        (&b"\xef\xbb\xbfJWT_ISSUER=x\n"[..], "line 1: the file starts with a byte order mark"),
        (b"\xff\xfeJ\0W\0T\0", "line 1: the file is UTF-16"),
        (b"LOG_LEVEL=info\n\nJWT_ISSUER='hunter2\n", "line 3: the value starts with a quote"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env.local"), content).unwrap();
        let output = Command::new(built("maintenance"))
            .arg(r#"{"action":"purge"}"#)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(said.starts_with("error: ") && said.contains(".env.local") && said.contains(expected), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

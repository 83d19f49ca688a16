//! The error for a malformed `.env.local` when someone starts a function.

use std::process::Command;

#[test]
fn a_malformed_env_file_is_an_error_that_names_the_file_and_the_line() {
    for (content, expected) in [
        (&b"\xef\xbb\xbfJWT_ISSUER=x\n"[..], "line 1: the file starts with a byte order mark"),
        (b"\xff\xfeJ\0W\0T\0", "line 1: the file is UTF-16"),
        (b"LOG_LEVEL=info\n\nJWT_ISSUER='hunter2\n", "line 3: the value starts with a quote"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env.local"), content).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_maintenance"))
            .arg(r#"{"action":"purge"}"#)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(
            stderr.starts_with("error: ") && stderr.contains(".env.local") && stderr.contains(expected),
            "{stderr}"
        );
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

//! A broken `.env.local`, as a person sees it who starts a function.

use std::process::Command;

#[test]
fn a_broken_file_of_settings_is_an_error_that_names_it_and_the_line() {
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
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(said.starts_with("error: ") && said.contains(".env.local") && said.contains(expected), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

//! Reads files with settings: one `NAME=value` per line.
//!
//! A value in single quotes is literal. In double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes. Without
//! quotes it ends at the end of the line, or at ` #`. Nothing is substituted: `$` is an ordinary
//! character, because passwords contain it. If a name occurs twice, the last value counts, as in a shell.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a settings file cannot be used. The message never contains a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct EnvFileError {
    file: PathBuf,
    line: usize,
    reason: &'static str,
}

impl fmt::Display for EnvFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.file.display(), self.line, self.reason)
    }
}

/// Reads the settings in a file, in order. A missing file has no settings.
///
/// # Errors
/// If the file cannot be read, or a line is not a setting.
pub fn read(file: &Path) -> Result<Vec<(String, String)>, EnvFileError> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(_) => return Err(EnvFileError { file: file.to_owned(), line: 1, reason: "the file cannot be read" }),
    };
    parse(&bytes).map_err(|(line, reason)| EnvFileError { file: file.to_owned(), line, reason })
}

fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, (usize, &'static str)> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err((1, "the file starts with a byte order mark; save it as UTF-8 without one"));
    }
    if bytes.starts_with(b"\xff\xfe")
        || bytes.starts_with(b"\xfe\xff")
        || bytes.get(..4096.min(bytes.len())).is_some_and(|start| start.contains(&0))
    {
        return Err((1, "the file is UTF-16, or has zero bytes; save it as UTF-8"));
    }
    let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let setting = |(bytes, number)| parse_line(bytes).map_err(|reason| (number, reason)).transpose();
    lines.filter_map(setting).collect()
}

fn parse_line(bytes: &[u8]) -> Result<Option<(String, String)>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the line is not UTF-8")?.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (name, value) = text.split_once('=').ok_or("the line is not NAME=value")?;
    let name = name.trim_end();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("the name must have only letters, digits and _, and not start with a digit");
    }
    // After white space, `#` starts a comment.
    let is_comment = value.starts_with([' ', '\t']) && value.trim_start().starts_with('#');
    Ok(Some((name.to_owned(), if is_comment { String::new() } else { parse_value(value.trim_start())? })))
}

fn parse_value(text: &str) -> Result<String, &'static str> {
    const OPEN: &str = "the value starts with a quote that does not end on the same line";
    const AFTER: &str = "something follows the quoted value; a quote inside it must be escaped";
    let (value, rest) = if let Some(inside) = text.strip_prefix('\'') {
        let (value, rest) = inside.split_once('\'').ok_or(OPEN)?;
        (value.to_owned(), rest)
    } else if let Some(inside) = text.strip_prefix('"') {
        let (value, end) = unescape(inside).ok_or(OPEN)?;
        (value, &inside[end..])
    } else {
        let end = [" #", "\t#"].into_iter().filter_map(|comment| text.find(comment)).min().unwrap_or(text.len());
        return Ok(text[..end].trim_end().to_owned());
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(value) } else { Err(AFTER) }
}

/// The text up to the closing quote, and the position after that quote.
fn unescape(inside: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, at + 1)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other if "\"\\$".contains(other) => value.push(other),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_parsed() {
        for (text, expected) in [
            ("A=b", "b"),
            ("A = b c ", "b c"),
            ("export A=b", "b"),
            ("A=pa$$word$HOME", "pa$$word$HOME"),
            ("A=b # why", "b"),
            ("A=b#c", "b#c"),
            ("A='pa$ss \"x\" # y'  # why", "pa$ss \"x\" # y"),
            (r#"A="a\nb\"c\\d\$e$f""#, "a\nb\"c\\d$e$f"),
            ("A=", ""),
            ("A=''", ""),
            ("A=x=y", "x=y"),
            ("A=b\r", "b"),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(vec![("A".to_owned(), expected.to_owned())]), "{text}");
        }
        assert_eq!(parse(b"\n# nothing\n\n"), Ok(Vec::new()));
    }

    #[test]
    fn an_error_names_the_line() {
        for (text, line, word) in [
            (b"A=b\nB='c\n".as_slice(), 2, "quote"),
            (b"A=b\n\nB=\"c", 3, "quote"),
            (b"A='b'c", 1, "follows"),
            (b"A", 1, "NAME=value"),
            (b"A B=c", 1, "name"),
            (b"1A=c", 1, "name"),
            (b"\xef\xbb\xbfA=b", 1, "byte order mark"),
            (b"\xff\xfeA\0=\0b\0", 1, "UTF-16"),
            (b"A\0=\0b\0", 1, "UTF-16"),
            (b"A=b\nB=\xff", 2, "UTF-8"),
        ] {
            let (found, reason) = parse(text).unwrap_err();
            assert!(found == line && reason.contains(word), "{}: {found}: {reason}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn an_error_names_the_file_and_hides_the_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env.local");
        assert_eq!(read(&file), Ok(Vec::new()), "a missing file has no settings");
        std::fs::write(&file, "A=b\nSECRET='hunter2").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains(".env.local, line 2: ") && !error.contains("hunter2"), "{error}");
    }
}

//! The layout of `openapi.json`: what fits into a line of 120 characters is one line.

use std::fmt::Write;

use serde_json::{Map, Value};

const WIDTH: usize = 120;

/// The order of the document's members.
const MEMBERS: [&str; 6] = ["openapi", "info", "servers", "tags", "paths", "components"];

/// The document as text. Paths that new clients do not use come last.
pub(crate) fn text(document: &Value) -> String {
    let mut text = String::new();
    write(&mut text, document, "", 0, 0);
    text + "\n"
}

/// Writes a value, the member `name` of an object. `before` characters of its line are written already.
fn write(text: &mut String, value: &Value, name: &str, depth: usize, before: usize) {
    let line = in_one_line(value);
    // A comma may follow.
    if before + line.chars().count() < WIDTH {
        text.push_str(&line);
        return;
    }
    let indent = 2 * (depth + 1);
    match value {
        Value::Object(members) => {
            text.push('{');
            for (index, (name, value)) in ordered(members, name, depth).into_iter().enumerate() {
                let key = format!("{}: ", Value::from(name.as_str()));
                let _ = write!(text, "{}\n{:indent$}{key}", if index == 0 { "" } else { "," }, "");
                write(text, value, name, depth + 1, indent + key.chars().count());
            }
            let _ = write!(text, "\n{:1$}}}", "", indent - 2);
        }
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                let _ = write!(text, "{}\n{:indent$}", if index == 0 { "" } else { "," }, "");
                write(text, value, "", depth + 1, indent);
            }
            let _ = write!(text, "\n{:1$}]", "", indent - 2);
        }
        _ => text.push_str(&line),
    }
}

fn in_one_line(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let member =
                |(name, value): (&String, &Value)| format!("{}: {}", Value::from(name.as_str()), in_one_line(value));
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(in_one_line).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn ordered<'a>(members: &'a Map<String, Value>, name: &str, depth: usize) -> Vec<(&'a String, &'a Value)> {
    let mut members: Vec<_> = members.iter().collect();
    match (depth, name) {
        (0, _) => members.sort_by_key(|(name, _)| MEMBERS.iter().position(|member| member == name)),
        (1, "paths") => members.sort_by_key(|(_, operations)| {
            operations.as_object().is_some_and(|all| all.values().all(|operation| operation["deprecated"] == true))
        }),
        _ => {}
    }
    members
}

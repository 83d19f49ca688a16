//! The parts of `template.yaml` and `Cargo.toml` that follow from the table of functions, between marks: `# generated: …`
//! and `# end of generated`. `cargo xtask openapi` writes them.

use std::fs;

use functions::Function;

use crate::{dashboard, parts};

const START: &str = "# generated: ";
const END: &str = "# end of generated";

/// The lines of a part, without indentation.
fn part(name: &str) -> String {
    if let Some(function) = name.strip_prefix("routes of ") {
        return parts::events(of(function));
    }
    if let Some(function) = name.strip_prefix("logs and role of ") {
        return parts::logs_and_role(of(function));
    }
    match name {
        "dashboard" => dashboard::body(),
        "alarms on failures" => parts::alarms_on_failures(),
        "alarms on new versions" => parts::alarms_on_new_versions(),
        "limits of routes" => parts::limits(),
        "local router" => parts::local_router(),
        "outputs of secrets" => parts::outputs_of_secrets(),
        "secrets" => parts::secrets(),
        "throttled invocations" => parts::throttled_invocations(),
        other => panic!("there is no part called {other}"),
    }
}

fn of(name: &str) -> Function {
    let found = Function::ALL.into_iter().find(|function| function.as_str() == name);
    found.unwrap_or_else(|| panic!("there is no function called {name}"))
}

/// Rewrites every part of a text.
fn rewrite(text: &str) -> String {
    let mut written = String::new();
    let mut is_inside = false;
    for line in text.lines() {
        let mark = line.trim_start();
        if mark == END {
            assert!(is_inside, "`{END}` without a start");
            is_inside = false;
        }
        if !is_inside {
            written.push_str(line);
            written.push('\n');
        }
        if let Some(name) = mark.strip_prefix(START) {
            assert!(!is_inside, "`{line}` is inside another part");
            is_inside = true;
            let indent = &line[..line.len() - mark.len()];
            for line in part(name).lines() {
                written.push_str(if line.is_empty() { "" } else { indent });
                written.push_str(line);
                written.push('\n');
            }
        }
    }
    assert!(!is_inside, "`{END}` is missing");
    written
}

/// Compares a file with what the tables make of it, or writes it.
fn check(file: &str) {
    let path = local::workspace().join(file);
    let text = fs::read_to_string(&path).expect("it is committed");
    let expected = rewrite(&text);
    if text != expected && crate::may_write() {
        fs::write(&path, &expected).expect("it can be written");
        return;
    }
    assert!(
        text == expected,
        "{file} differs from the table of functions; run `cargo xtask openapi` and look at the difference"
    );
}

#[test]
fn template_yaml_follows_the_tables() {
    check("template.yaml");
}

#[test]
fn the_local_router_follows_the_table_of_functions() {
    check("Cargo.toml");
}

#[test]
fn every_function_has_its_parts() {
    let template = fs::read_to_string(local::workspace().join("template.yaml")).expect("it is committed");
    for function in Function::ALL {
        let name = function.as_str();
        let has = |part: &str| template.contains(&format!("{START}{part} of {name}\n"));
        assert!(has("logs and role"), "template.yaml has no logs and no role of {name}");
        assert_eq!(has("routes"), function.has_http(), "{name}");
    }
}

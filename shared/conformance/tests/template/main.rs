//! `template.yaml` as `sam deploy` translates it, compared with the code.

mod functions;
mod operations;
mod policies;
mod routes;
mod samconfig;
mod secrets;
mod stack;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Map, Value};
use shared::config::Function;
use testkit::translated;

/// The names of the functions that API Gateway calls.
fn with_http() -> impl Iterator<Item = &'static str> {
    Function::ALL.into_iter().filter(|function| function.has_http()).map(Function::as_str)
}

/// The names of all functions.
fn all() -> impl Iterator<Item = &'static str> {
    Function::ALL.into_iter().map(Function::as_str)
}

/// The translated template.
fn template() -> &'static Value {
    static TEMPLATE: OnceLock<Value> = OnceLock::new();
    TEMPLATE.get_or_init(|| translated(&["Environment=production", "DeployId=1795000000", "CustomerManagedKey=true"]))
}

fn resources() -> &'static Map<String, Value> {
    template()["Resources"].as_object().expect("a template has resources")
}

fn resource(name: &str) -> &'static Value {
    resources().get(name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn properties(name: &str) -> &'static Value {
    &resource(name)["Properties"]
}

/// Every resource of a type, by its logical id.
fn of_type(kind: &str) -> Vec<(&'static str, &'static Value)> {
    let fits = |(name, resource): (&'static String, &'static Value)| {
        (resource["Type"] == kind).then(|| (name.as_str(), &resource["Properties"]))
    };
    resources().iter().filter_map(fits).collect()
}

/// The logical id of a resource of a function, as in `AuthRole`.
fn part(function: &str, part: &str) -> String {
    format!("{}{}{part}", function[..1].to_uppercase(), &function[1..])
}

/// Both halves of an `Fn::If`, or the value itself.
fn either(value: &Value) -> Vec<&Value> {
    match value["Fn::If"].as_array() {
        Some(branches) => {
            branches[1..].iter().flat_map(either).filter(|value| value["Ref"] != "AWS::NoValue").collect()
        }
        None => vec![value],
    }
}

/// Every resource that a value refers to.
fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found.retain(|name| resources().contains_key(name));
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("Ref" | "DependsOn", Value::String(name)) => found.extend([name.clone()]),
                    ("Fn::GetAtt", Value::Array(path)) => found.extend(path[0].as_str().map(str::to_owned)),
                    ("DependsOn", Value::Array(names)) => {
                        found.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    ("Fn::Sub", Value::String(text)) => {
                        let names = text.split("${").skip(1).filter_map(|rest| rest.split(['}', '.']).next());
                        found.extend(names.map(str::to_owned));
                    }
                    _ => collect(value, found),
                }
            }
        }
        _ => {}
    }
}

/// Everything that must exist before a resource does.
fn needed_by(name: &str) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        for next in references(resource(&name)) {
            if needed.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    needed
}

//! The parts of `template.yaml` and of the local router that each function has, from the table of functions.

use functions::{Function, Route, Secret};

use crate::dashboard::prefix;

/// A piece of the template with the name of a function in place of `{Function}` and `{function}`.
fn fill(piece: &str, function: Function) -> String {
    piece.replace("{Function}", &prefix(function)).replace("{function}", function.as_str())
}

/// A piece for each function, with an empty line between them.
fn each(functions: impl Iterator<Item = Function>, piece: impl Fn(Function) -> String) -> String {
    functions.map(piece).collect::<Vec<_>>().join("\n")
}

fn with_http() -> impl Iterator<Item = Function> {
    Function::ALL.into_iter().filter(|function| function.has_http())
}

fn with_secret() -> impl Iterator<Item = (Function, &'static Secret)> {
    Function::ALL.into_iter().filter_map(|function| Some((function, function.spec().secret.as_ref()?)))
}

/// The routes of API Gateway that lead to a function. Health gets every request that fits no other route.
pub(crate) fn events(function: Function) -> String {
    let event = |name: &str, method: &str, path: &str| {
        format!("{name}: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Api, Method: {method}, Path: \"{path}\" }} }}\n")
    };
    let of_route = |route: &Route| {
        let (name, method) = (route.name, if route.limit.is_some() { "POST" } else { "ANY" });
        match (route.path, route.path.strip_suffix('/')) {
            ("/", _) => format!("{name}: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Api }} }}\n"),
            (_, Some(above)) => event(name, method, &format!("{above}/{{proxy+}}")),
            (path, None) => {
                event(name, method, path) + &event(&format!("{name}Below"), method, &format!("{path}/{{proxy+}}"))
            }
        }
    };
    function.spec().routes.iter().map(of_route).collect()
}

/// The limits of single routes.
pub(crate) fn limits() -> String {
    let limited = Function::ALL.iter().flat_map(|function| function.spec().routes);
    let limited = limited.filter_map(|route| Some((route.path, route.limit?)));
    let line = |(path, (rate, burst))| {
        let limits = format!("{{ ThrottlingRateLimit: {rate}, ThrottlingBurstLimit: {burst} }}");
        format!("POST {path}: {limits}\nPOST {path}/{{proxy+}}: {limits}\n")
    };
    limited.map(line).collect()
}

/// The routes of `cargo lambda watch`.
pub(crate) fn local_router() -> String {
    let mut lines = Vec::new();
    for function in Function::ALL {
        for route in function.spec().routes.iter().filter(|route| route.limit.is_none()) {
            let (path, name) = (route.path.trim_end_matches('/'), function.as_str());
            if !route.path.ends_with('/') {
                lines.push(format!("\"{path}\" = \"{name}\"\n\"{path}/\" = \"{name}\"\n"));
            }
            if route.path == "/" {
                lines.push(format!("\"/\" = \"{name}\"\n"));
            }
            lines.push(format!("\"{path}/{{*rest}}\" = \"{name}\"\n"));
        }
    }
    lines.concat()
}

pub(crate) fn secrets() -> String {
    let piece = |(function, secret): (Function, &Secret)| {
        fill(include_str!("parts/secret.yaml"), function).replace("{content}", secret.content)
    };
    with_secret().map(piece).collect::<Vec<_>>().join("\n")
}

pub(crate) fn outputs_of_secrets() -> String {
    with_secret().map(|(function, _)| fill("{Function}Secret: { Value: !Ref {Function}Secret }\n", function)).collect()
}

/// The log group of a function and its role, which may write logs and traces and read its own secret.
pub(crate) fn logs_and_role(function: Function) -> String {
    let secret = function.spec().secret.as_ref().map_or("", |_| include_str!("parts/role_reads_secret.yaml"));
    fill(&(include_str!("parts/logs_and_role.yaml").to_owned() + secret), function)
}

pub(crate) fn alarms_on_failures() -> String {
    each(Function::ALL.into_iter(), |function| {
        let piece = if function.has_http() {
            include_str!("parts/alarm_http_failures.yaml")
        } else {
            include_str!("parts/alarm_invoked_failures.yaml")
        };
        fill(piece, function)
    })
}

pub(crate) fn alarms_on_new_versions() -> String {
    each(with_http(), |function| fill(include_str!("parts/alarms_new_version.yaml"), function))
}

/// The metrics of the alarm on invocations that Lambda refused.
pub(crate) fn throttled_invocations() -> String {
    let names = Function::ALL.map(|function| format!("FILL({}, 0)", function.as_str()));
    let total = format!("- Id: total\n  Label: throttled\n  Expression: >-\n    {}\n", names.join("\n    + "));
    total + &Function::ALL.map(|function| fill(include_str!("parts/throttles.yaml"), function)).concat()
}

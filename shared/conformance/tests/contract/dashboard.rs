//! The dashboard: what operators look at first.

use functions::Function;

/// A tile of the dashboard. A row has 24 columns.
struct Widget {
    title: &'static str,
    width: usize,
    kind: &'static str,
    /// The properties that say how it is drawn, as JSON.
    style: String,
    /// The metrics, each as JSON.
    metrics: Vec<String>,
    /// Properties after the metrics, as JSON.
    after: String,
}

/// A statistic of each minute, drawn as lines.
fn lines(title: &'static str, statistic: &str, metrics: Vec<String>) -> Widget {
    chart(title, false, 60, statistic, metrics)
}

fn chart(title: &'static str, stacked: bool, period: u16, statistic: &str, metrics: Vec<String>) -> Widget {
    let style = format!(r#""view": "timeSeries", "stacked": {stacked}, "period": {period}, "stat": "{statistic}""#);
    Widget { title, width: 8, kind: "metric", style, metrics, after: String::new() }
}

/// A query over the logs of some functions.
fn table(title: &'static str, width: usize, functions: &[Function], query: &str) -> Widget {
    let sources: String =
        functions.iter().map(|function| format!("SOURCE '${{{}Logs}}' | ", prefix(*function))).collect();
    let style = format!(r#""view": "table", "query": "{sources}{query}""#);
    Widget { title, width, kind: "log", style, metrics: Vec::new(), after: String::new() }
}

/// The start of the logical ids of a function's resources, as in `AuthFunction`.
pub(crate) fn prefix(function: Function) -> String {
    let name = function.as_str();
    format!("{}{}", name[..1].to_uppercase(), &name[1..])
}

/// A metric of ours for each function.
fn own(metric: &str, functions: &[Function]) -> Vec<String> {
    let entry = |function: &Function| {
        let name = function.as_str();
        format!(
            r#"["TodoBackend", "{metric}", "Stack", "${{AWS::StackName}}", "Function", "{name}", {{"label": "{name}"}}]"#
        )
    };
    functions.iter().map(entry).collect()
}

/// A metric of ours for the whole stack.
fn whole(metric: &str, options: &str) -> String {
    format!(r#"["TodoBackend", "{metric}", "Stack", "${{AWS::StackName}}", {{{options}}}]"#)
}

/// A metric of Lambda for each function.
fn lambda(metric: &str, functions: &[Function]) -> Vec<String> {
    let entry = |function: &Function| {
        let (prefix, name) = (prefix(*function), function.as_str());
        format!(r#"["AWS/Lambda", "{metric}", "FunctionName", "${{{prefix}Function}}", {{"label": "{name}"}}]"#)
    };
    functions.iter().map(entry).collect()
}

/// A metric of API Gateway.
fn gateway(metric: &str, options: &str) -> String {
    format!(r#"["AWS/ApiGateway", "{metric}", "ApiId", "${{Api}}", {{{options}}}]"#)
}

fn widgets() -> Vec<Widget> {
    let all = Function::ALL.to_vec();
    let those =
        |fits: fn(Function) -> bool| Function::ALL.into_iter().filter(|function| fits(*function)).collect::<Vec<_>>();
    let with_http = those(Function::has_http);
    let with_database = those(|function| function.has_http() && function.spec().uses_database);
    let with_secret = those(|function| function.spec().secret.is_some());
    let latency = ["p50", "p90", "p95", "p99"];
    let latency = latency.map(|rank| gateway("Latency", &format!(r#""stat": "{rank}", "label": "{rank}""#)));
    let answers = vec![
        gateway("Count", r#""label": "all""#),
        gateway("4xx", r##""label": "4xx", "color": "#ff7f0e""##),
        gateway("5xx", r##""label": "5xx", "color": "#d62728""##),
        whole("GatewayThrottles", r#""label": "throttled by API Gateway""#),
    ];
    let signing_in = vec![
        whole("SignInFailures", r#""label": "failed sign-ins""#),
        whole("RefreshReuse", r##""label": "refresh tokens used again", "color": "#d62728""##),
        whole("RateLimited", r#""label": "rate limited""#),
    ];
    let mut errors = vec![
        whole("DatabaseErrors", r#""label": "no database""#),
        whole("MigrationFailures", r#""label": "failed migrations""#),
        r#"["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${DeadLetters.QueueName}", {"label": "dead letters", "stat": "Maximum"}]"#.to_owned(),
    ];
    errors.extend(lambda("Errors", &all));
    let starts = "filter type = 'platform.report' and ispresent(record.metrics.initDurationMs) \
        | stats count(*) as starts, pct(record.metrics.initDurationMs, 50) as p50, \
        pct(record.metrics.initDurationMs, 95) as p95, max(record.metrics.maxMemoryUsedMB) as memory by @log";
    let failures = "filter level = 'ERROR' | fields @timestamp, @log, route, status, code, cause, error, request_id \
        | sort @timestamp desc | limit 50";
    let codes = r#"[{"expression": "SEARCH('{TodoBackend,Stack,Code} MetricName=\"Errors\" Stack=\"${AWS::StackName}\"', 'Sum')", "id": "codes"}]"#;
    vec![
        lines("Requests", "Sum", own("Requests", &with_http)),
        lines("Answers", "Sum", answers),
        lines("Turned away by concurrency", "Sum", lambda("Throttles", &all)),
        target(200, lines("Latency at API Gateway (ms)", "Sum", latency.to_vec())),
        lines("Latency in the functions, p95 (ms)", "p95", own("Latency", &with_http)),
        target(500, lines("Database time, p95 (ms)", "p95", own("DatabaseLatency", &with_database))),
        lines("Cold starts", "Sum", own("ColdStarts", &with_http)),
        lines("Signing in", "Sum", signing_in),
        lines("Errors", "Sum", errors),
        chart(
            "Duration of all invocations together (ms), which decides the cost",
            true,
            3600,
            "Sum",
            lambda("Duration", &all),
        ),
        lines("Instances at once", "Maximum", lambda("ConcurrentExecutions", &all)),
        table("Cold starts: initialisation (ms)", 8, &with_http, starts),
        Widget {
            style: r#""view": "timeSeries", "stacked": true, "period": 60"#.to_owned(),
            ..lines("Answers by error code", "Sum", vec![codes.to_owned()])
        },
        table("Failures, newest first", 16, &with_secret, failures),
    ]
}

/// A widget with a line at the target for the 95th percentile.
fn target(milliseconds: u16, widget: Widget) -> Widget {
    let after = format!(r#", "annotations": {{"horizontal": [{{"label": "target p95", "value": {milliseconds}}}]}}"#);
    Widget { after, ..widget }
}

/// The property `DashboardBody`. Widgets fill each row from the left.
pub(crate) fn body() -> String {
    let (mut x, mut y) = (0, 0);
    let mut placed = Vec::new();
    for Widget { title, width, kind, style, metrics, after } in widgets() {
        if x + width > 24 {
            (x, y) = (0, y + 6);
        }
        let place =
            format!(r#"{{"type": "{kind}", "x": {x}, "y": {y}, "width": {width}, "height": 6, "properties": {{"#);
        let shown = match metrics.as_slice() {
            [] => String::new(),
            metrics => format!(", \"metrics\": [\n        {}\n      ]{after}", metrics.join(",\n        ")),
        };
        placed.push(format!(
            "    {place}\n      \"title\": \"{title}\", \"region\": \"${{AWS::Region}}\", {style}{shown}\n    }}}}"
        ));
        x += width;
    }
    format!("DashboardBody: !Sub |\n  {{\n    \"widgets\": [\n{}\n    ]\n  }}\n", placed.join(",\n"))
}

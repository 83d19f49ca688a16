//! Logs expire, alarms reach the topic, and the dashboard shows metrics that exist.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::metrics::NAMES;

use crate::{of_type, properties, references, resource, resources, template};

#[test]
fn every_log_group_has_a_retention() {
    let groups = of_type("AWS::Logs::LogGroup");
    assert_eq!(groups.len(), 8, "one for each function, and one for API Gateway");
    for (name, group) in groups {
        assert_eq!(group["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{name}");
        assert!(group["LogGroupName"].is_object(), "{name}: a name that operators can find");
    }
}

#[test]
fn every_alarm_publishes_to_the_topic_and_is_in_the_runbook() {
    let runbook = std::fs::read_to_string(local::workspace().join("docs/OPERATIONS.md")).expect("there is a runbook");
    let composite = of_type("AWS::CloudWatch::CompositeAlarm");
    let parts: BTreeSet<String> = composite.iter().flat_map(|(_, alarm)| references(&alarm["AlarmRule"])).collect();
    for (name, alarm) in of_type("AWS::CloudWatch::Alarm").into_iter().chain(composite) {
        if parts.contains(name) {
            assert!(alarm.get("AlarmActions").is_none(), "{name} is a part of another");
        } else {
            assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "AlarmTopic" }]), "{name}");
            assert!(runbook.contains(&format!("`{name}`")), "docs/OPERATIONS.md does not explain {name}");
        }
        assert!(alarm["AlarmDescription"].as_str().is_some_and(|text| text.len() > 20), "{name}");
        if resource(name)["Type"] == "AWS::CloudWatch::Alarm" {
            assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}: no requests must not raise an alarm");
        }
    }
    assert_eq!(parts.len(), 4, "two burn rates, two windows each");
}

#[test]
fn alarms_have_the_documented_thresholds() {
    for name in [
        "ServerErrorsAlarm",
        "LatencyAlarm",
        "AuthAvailabilityFastAlarm",
        "AuthAvailabilitySlowAlarm",
        "ThrottlesAlarm",
        "GatewayThrottlesAlarm",
    ] {
        assert!(resources().contains_key(name), "{name} is missing");
    }
    for (name, metric, statistic, threshold) in [
        ("DatabaseErrorsAlarm", "DatabaseErrors", "Sum", 5),
        ("MigrationAlarm", "MigrationFailures", "Sum", 1),
        ("RefreshReuseAlarm", "RefreshReuse", "Sum", 10),
        ("MigrateFailuresAlarm", "Errors", "Sum", 1),
        ("MaintenanceFailuresAlarm", "Errors", "Sum", 1),
    ] {
        let alarm = properties(name);
        assert_eq!((&alarm["MetricName"], &alarm["Statistic"]), (&json!(metric), &json!(statistic)), "{name}");
        assert_eq!(alarm["Threshold"], threshold, "{name}");
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold", "{name}");
    }
    let letters = properties("DeadLettersAlarm");
    assert_eq!(
        (&letters["MetricName"], &letters["Threshold"]),
        (&json!("ApproximateNumberOfMessagesVisible"), &json!(0))
    );
    // Alarms on formulas also look at earlier periods, because metrics arrive late.
    for (name, formula) in [
        ("ServerErrorsAlarm", "IF(FILL(failed, 0) < 5, 0, 100 * failed / all)"),
        ("TasksFailuresAlarm", "FILL(errors, 0) + FILL(answered, 0)"),
        ("AuthBurnFastShortAlarm", "IF(failed < 5, 0, 100 * failed / (FILL(all, 0) + FILL(throttled, 0)))"),
    ] {
        let alarm = properties(name);
        assert_eq!(alarm["Metrics"][0]["Expression"], formula, "{name}");
        assert!(
            alarm["ComparisonOperator"].as_str().is_some_and(|operator| operator.starts_with("GreaterThan")),
            "{name}"
        );
        assert_eq!(alarm["DatapointsToAlarm"], 1, "{name}");
        assert!(alarm["EvaluationPeriods"].as_u64().is_some_and(|periods| periods >= 3), "{name}");
    }
    let latency = properties("LatencyAlarm");
    assert_eq!((&latency["ExtendedStatistic"], &latency["Threshold"]), (&json!("p95"), &json!(200)));
    // 99.9 %: 14.4 times 0.1 % in the fast windows, 6 times in the slow ones.
    for (name, threshold, seconds) in
        [("FastLong", 1.44, 3600), ("FastShort", 1.44, 300), ("SlowLong", 0.6, 21600), ("SlowShort", 0.6, 1800)]
    {
        let alarm = properties(&format!("AuthBurn{name}Alarm"));
        assert_eq!(alarm["Threshold"], json!(threshold), "{name}");
        let metrics = alarm["Metrics"].as_array().expect("metrics");
        let periods: BTreeSet<_> =
            metrics.iter().filter_map(|metric| metric["MetricStat"]["Period"].as_u64()).collect();
        assert_eq!(periods, BTreeSet::from([seconds]), "{name}");
    }
}

/// Every metric of ours that alarms and the dashboard look at.
fn watched_metrics() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, alarm) in of_type("AWS::CloudWatch::Alarm") {
        let metrics = alarm["Metrics"].as_array().cloned().unwrap_or_default();
        let metrics = metrics.into_iter().map(|metric| metric["MetricStat"]["Metric"].clone()).chain([alarm.clone()]);
        for metric in metrics.filter(|metric| metric["Namespace"] == "TodoBackend") {
            names.extend(metric["MetricName"].as_str().map(str::to_owned));
        }
    }
    for widget in dashboard()["widgets"].as_array().expect("widgets") {
        for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            if metric[0] == "TodoBackend" {
                names.extend(metric[1].as_str().map(str::to_owned));
            }
            let search = metric[0]["expression"].as_str().filter(|search| search.contains("{TodoBackend,"));
            let searched = search.and_then(|search| search.split("MetricName=\"").nth(1)?.split('"').next());
            names.extend(searched.map(str::to_owned));
        }
    }
    names
}

fn dashboard() -> Value {
    let body = properties("Dashboard")["DashboardBody"]["Fn::Sub"].as_str().expect("a dashboard");
    serde_json::from_str(body).expect("the dashboard is JSON")
}

#[test]
fn alarms_and_dashboard_watch_metrics_that_exist() {
    let filter = properties("GatewayThrottles")["MetricTransformations"][0]["MetricName"].as_str().expect("a name");
    let emitted: BTreeSet<String> = NAMES.into_iter().chain([filter]).map(str::to_owned).collect();
    let unknown: Vec<_> = watched_metrics().difference(&emitted).cloned().collect();
    assert_eq!(unknown, Vec::<String>::new());
    let unwatched: Vec<_> = emitted.difference(&watched_metrics()).cloned().collect();
    assert_eq!(unwatched, Vec::<String>::new(), "no alarm and no widget watches these");
}

#[test]
fn the_dashboard_has_no_overlaps_and_names_only_what_exists() {
    let text = properties("Dashboard")["DashboardBody"]["Fn::Sub"].as_str().expect("a dashboard");
    for name in text.split("${").skip(1).filter_map(|rest| rest.split(['}', '.']).next()) {
        assert!(name.starts_with("AWS::") || resources().contains_key(name), "{name}");
    }
    let mut cells = BTreeSet::new();
    for widget in dashboard()["widgets"].as_array().expect("widgets") {
        let number = |field: &str| widget[field].as_u64().expect("a number");
        assert!(number("x") + number("width") <= 24, "{widget}");
        for x in number("x")..number("x") + number("width") {
            for y in number("y")..number("y") + number("height") {
                assert!(cells.insert((x, y)), "{} overlaps another widget", widget["properties"]["title"]);
            }
        }
    }
}

#[test]
fn only_cloudwatch_publishes_to_the_topic() {
    let statement = &properties("AlarmTopicPolicy")["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Principal"], json!({ "Service": "cloudwatch.amazonaws.com" }));
    assert_eq!(statement["Condition"]["StringEquals"]["aws:SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
    assert_eq!(template()["Outputs"]["AlarmTopic"]["Value"], json!({ "Ref": "AlarmTopic" }));
}

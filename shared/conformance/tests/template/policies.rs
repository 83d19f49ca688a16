//! The permissions of each role: access to its own resources, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::config::{Function, Settings, Sources};

use testkit::translated_file;

use crate::{all, either, of_type, part, properties};

/// The statements of a role, with both halves of conditional ones.
fn statements(role: &'static Value) -> Vec<&'static Value> {
    let policies = role["Policies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all = policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().expect("statements"));
    all.flat_map(either).collect()
}

fn actions(statement: &Value) -> BTreeSet<String> {
    match &statement["Action"] {
        Value::String(action) => [action.clone()].into(),
        Value::Array(actions) => actions.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => panic!("{other}"),
    }
}

/// What a function may do: actions, and the resource that they apply to.
fn expected(function: &str) -> Vec<(Vec<&'static str>, Value)> {
    let arn = |name: &str| json!({ "Fn::GetAtt": [name, "Arn"] });
    let mut expected = vec![
        (vec!["logs:CreateLogStream", "logs:PutLogEvents"], arn(&part(function, "Logs"))),
        // X-Ray has no resources to name.
        (vec!["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")),
    ];
    if reads_a_secret(function) {
        expected.push((vec!["secretsmanager:GetSecretValue"], json!({ "Ref": part(function, "Secret") })));
        expected.push((vec!["kms:Decrypt"], arn("Key")));
    }
    if function == "maintenance" {
        expected.push((vec!["sqs:SendMessage"], arn("DeadLetters")));
        expected.push((vec!["kms:Decrypt", "kms:GenerateDataKey"], arn("Key")));
    }
    expected
}

/// Whether the function needs more settings than the template puts into its environment.
fn reads_a_secret(name: &str) -> bool {
    let function = Function::ALL.into_iter().find(|function| function.as_str() == name).expect("a function of ours");
    let variables = properties(&part(name, "Function"))["Environment"]["Variables"].as_object().expect("settings");
    let given = variables.keys().filter(|variable| *variable == "ALLOWED_ORIGINS");
    let given = given.map(|variable| (variable.clone(), "https://app.example.com".to_owned()));
    let production = [("ENVIRONMENT".to_owned(), "production".to_owned())];
    Settings::read(function, &Sources::environment(given.chain(production))).is_err()
}

#[test]
fn a_function_may_read_its_own_secret_and_write_its_own_logs_and_traces() {
    for function in all() {
        let role = part(function, "Role");
        assert_eq!(properties(&part(function, "Function"))["Role"], json!({ "Fn::GetAtt": [role, "Arn"] }));
        let found: Vec<_> = statements(properties(&role))
            .into_iter()
            .map(|statement| {
                assert_eq!(statement["Effect"], "Allow", "{role}");
                (actions(statement), statement["Resource"].clone())
            })
            .collect();
        let expected: Vec<_> = expected(function)
            .into_iter()
            .map(|(actions, resource)| (actions.into_iter().map(str::to_owned).collect(), resource))
            .collect();
        assert_eq!(found, expected, "{role}");
        let trust = &properties(&role)["AssumeRolePolicyDocument"]["Statement"];
        let lambda = json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" } });
        assert_eq!(trust, &json!([lambda]), "{role}");
        assert!(properties(&role).get("ManagedPolicyArns").is_none(), "{role}");
    }
}

#[test]
fn a_function_reads_the_secret_that_it_is_granted() {
    for function in all() {
        let variables = &properties(&part(function, "Function"))["Environment"]["Variables"];
        let named = variables.get("APP_SECRET_ARN");
        let own = json!({ "Ref": part(function, "Secret") });
        assert_eq!(named, reads_a_secret(function).then_some(&own), "{function}");
    }
    let secrets = of_type("AWS::SecretsManager::Secret");
    let readers = all().filter(|function| reads_a_secret(function));
    let expected: BTreeSet<String> = readers.map(|function| part(function, "Secret")).collect();
    assert_eq!(secrets.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), expected);
}

#[test]
fn a_key_is_used_for_one_secret_or_one_service() {
    for (role, properties) in of_type("AWS::IAM::Role") {
        for statement in statements(properties) {
            if actions(statement).iter().any(|action| action.starts_with("kms:")) {
                let condition = &statement["Condition"]["StringEquals"];
                let secret = json!({ "Ref": role.replace("Role", "Secret") });
                let for_secret = condition["kms:EncryptionContext:SecretARN"] == secret;
                let for_queue =
                    condition["kms:ViaService"] == json!({ "Fn::Sub": "sqs.${AWS::Region}.${AWS::URLSuffix}" });
                assert!(for_secret || (for_queue && actions(statement).len() == 2), "{role}: {statement}");
            }
        }
    }
}

#[test]
fn no_policy_allows_by_wildcard() {
    let mut policies: Vec<(&str, Vec<&Value>)> = Vec::new();
    for (name, role) in of_type("AWS::IAM::Role") {
        policies.push((name, statements(role)));
    }
    for (name, key) in of_type("AWS::KMS::Key") {
        policies.push((name, key["KeyPolicy"]["Statement"].as_array().expect("statements").iter().collect()));
    }
    for (name, policy) in of_type("AWS::SNS::TopicPolicy") {
        policies.push((name, policy["PolicyDocument"]["Statement"].as_array().expect("statements").iter().collect()));
    }
    assert!(policies.len() > 9);
    for (name, statements) in policies {
        for statement in statements {
            for action in actions(statement) {
                assert!(!action.contains('*'), "{name} allows {action}");
            }
            assert!(statement.get("NotAction").is_none() && statement.get("NotResource").is_none(), "{name}");
            assert_ne!(statement["Principal"], "*", "{name} allows everyone");
        }
    }
}

#[test]
fn the_schedule_may_invoke_one_function_and_queue_failed_runs() {
    let role = properties("ScheduleRole");
    let found: Vec<_> =
        statements(role).into_iter().map(|statement| (actions(statement), statement["Resource"].clone())).collect();
    let action = |name: &str| BTreeSet::from([name.to_owned()]);
    let letters = json!({ "Fn::GetAtt": ["DeadLetters", "Arn"] });
    assert_eq!(found[0], (action("lambda:InvokeFunction"), json!({ "Fn::Sub": "${MaintenanceFunction.Arn}:live" })));
    assert_eq!(found[1], (action("sqs:SendMessage"), letters));
    assert_eq!(found.len(), 3, "and the key of the queue");
    let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trust["Principal"]["Service"], "scheduler.amazonaws.com");
    assert_eq!(trust["Condition"]["StringEquals"]["aws:SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
}

#[test]
fn the_only_other_roles_are_those_of_deploys_and_of_the_schedule() {
    let own: BTreeSet<String> = all().map(|function| part(function, "Role")).collect();
    let roles = of_type("AWS::IAM::Role");
    let others: Vec<&str> = roles.iter().map(|(name, _)| *name).filter(|name| !own.contains(*name)).collect();
    assert_eq!(others, ["CodeDeployServiceRole", "ScheduleRole"]);
}

/// Whether an IAM pattern matches a text: `*` is any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
        }),
    }
}

#[test]
fn the_deploy_role_of_a_stage_cannot_touch_another_stage() {
    let roles = translated_file(".github/aws/deploy-role.yaml", &[]);
    let names = [("todo-pr-*", "todo-pr-7"), ("todo-staging", "todo-staging"), ("todo-prod", "todo-prod")];
    let mut patterns = Vec::new();
    for role in ["DeployRole", "ExecutionRole"] {
        for statement in
            roles["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap()
        {
            for statement in either(statement) {
                let resources =
                    statement["Resource"].as_array().cloned().unwrap_or_else(|| vec![statement["Resource"].clone()]);
                patterns
                    .extend(resources.iter().filter_map(|resource| resource["Fn::Sub"].as_str()).map(str::to_owned));
            }
        }
    }
    patterns.retain(|pattern| pattern.contains("${StackName}"));
    assert!(patterns.len() > 12, "{patterns:?}");
    for pattern in patterns {
        for (given, _) in names {
            let pattern = pattern.replace("${StackName}", given);
            for (other, stack) in names.into_iter().filter(|(other, _)| *other != given) {
                // Texts that the stars of the pattern may match.
                for rest in ["", "-AuthRole-1A", "/auth-x1", "/1", "-x/y", ":log-stream:z"] {
                    let start = pattern.split(given).next().expect("a start");
                    let text = format!("{start}{stack}{rest}");
                    assert!(!fits(&pattern, &text), "{pattern} also fits {text}, which is of {other}");
                }
            }
        }
    }
    let trust =
        &roles["Resources"]["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"];
    let subjects = &trust["StringEquals"]["token.actions.githubusercontent.com:sub"];
    assert_eq!(subjects[0]["Fn::Sub"], "repo:${Repository}:environment:${GitHubEnvironment}");
    assert_eq!(
        subjects[1]["Fn::Sub"][0],
        "repo:${Owner}@${OwnerId}/${Name}@${RepositoryId}:environment:${GitHubEnvironment}"
    );
    assert_eq!(trust["StringEquals"]["token.actions.githubusercontent.com:aud"], "sts.amazonaws.com");
}

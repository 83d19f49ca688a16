//! The stack, created by the CloudFormation of moto as far as moto supports it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use testkit::{Moto, translated};

/// The resource types that moto 5.2 creates.
const CREATED: [&str; 8] = [
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
];

/// The types that it does not create; only the other tests of the template cover them. Moto could create permissions and
/// records, but not the aliases and domains that they refer to. It runs custom resources in Docker, so the tests of
/// `migrate` cover the migration.
const NOT_CREATED: [&str; 18] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::MetricFilter",
    "AWS::Route53::RecordSet",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::Scheduler::Schedule",
    "AWS::SecretsManager::Secret",
    "Custom::Migration",
];

/// The template without the types that moto does not create. References to these become text with their logical id.
fn reduce(mut template: Value) -> Value {
    let resources = template["Resources"].as_object().expect("resources").clone();
    let kinds: BTreeSet<&str> = resources.values().filter_map(|resource| resource["Type"].as_str()).collect();
    assert_eq!(kinds, CREATED.into_iter().chain(NOT_CREATED).collect(), "a new type: add it to CREATED or NOT_CREATED");
    let (kept, removed): (Map<_, _>, Map<_, _>) =
        resources.into_iter().partition(|(_, resource)| CREATED.iter().any(|kind| resource["Type"] == *kind));
    let mut kept = Value::Object(kept);
    remove_references(&mut kept, &removed.keys().map(String::as_str).collect());
    for resource in kept.as_object_mut().expect("resources").values_mut() {
        if resource["Type"] == "AWS::Lambda::Function" {
            resource["Properties"]["Code"] = json!({ "ZipFile": "the code itself is tested elsewhere" });
        }
        if resource["Type"] == "AWS::KMS::Key" {
            // Moto expects tags in another format than CloudFormation, and fails.
            resource["Properties"].as_object_mut().expect("properties").remove("Tags");
        }
    }
    template["Resources"] = kept;
    for section in ["Outputs", "Rules"] {
        template.as_object_mut().expect("a template").remove(section);
    }
    template
}

fn remove_references(value: &mut Value, removed: &BTreeSet<&str>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| remove_references(value, removed)),
        Value::Object(fields) => {
            let name = fields.get("Ref").or_else(|| fields.get("Fn::GetAtt").map(|path| &path[0]));
            if let Some(name) = name.and_then(Value::as_str).filter(|name| removed.contains(name)) {
                *value = json!(format!("arn:aws:test:eu-central-1:123456789012:{name}"));
                return;
            }
            if fields.get("DependsOn").and_then(Value::as_str).is_some_and(|name| removed.contains(name)) {
                fields.remove("DependsOn");
            }
            if let Some(Value::String(text)) = fields.get_mut("Fn::Sub") {
                for name in removed {
                    *text = text.replace(&format!("${{{name}}}"), name);
                }
            }
            fields.values_mut().for_each(|value| remove_references(value, removed));
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_stack_has_its_functions_roles_log_groups_and_key() {
    let moto = Moto::start();
    let given = ["Environment=staging", "DeployId=1795000000", "CustomerManagedKey=true"];
    let template = reduce(translated(&given));
    let parameter = |name: &str| template["Parameters"][name]["Default"].to_string();
    assert_eq!(parameter("Architecture"), "\"arm64\"");
    let text = template.to_string();
    let mut form = vec![("Action", "CreateStack"), ("StackName", "todo-test"), ("TemplateBody", text.as_str())];
    let values = [("Environment", "staging"), ("CustomerManagedKey", "true"), ("LogRetentionDays", "14")];
    let names: Vec<_> = (1..=values.len())
        .map(|n| ["ParameterKey", "ParameterValue"].map(|field| format!("Parameters.member.{n}.{field}")))
        .collect();
    for ((name, value), [key, place]) in values.iter().zip(&names) {
        form.extend([(key.as_str(), *name), (place.as_str(), *value)]);
    }
    moto.form("cloudformation", &form).await;
    let stack = moto.form("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "todo-test")]).await;
    assert!(stack.contains("<StackStatus>CREATE_COMPLETE</StackStatus>"), "{stack}");

    let functions: Value = serde_json::from_str(&moto.get("lambda", "/2015-03-31/functions/").await).expect("JSON");
    let functions = functions["Functions"].as_array().expect("functions");
    assert_eq!(functions.len(), 7);
    for function in functions {
        let variables = &function["Environment"]["Variables"];
        assert_eq!((&variables["ENVIRONMENT"], &variables["STACK_NAME"]), (&json!("staging"), &json!("todo-test")));
        assert_eq!((&function["Runtime"], &function["Handler"]), (&json!("provided.al2023"), &json!("bootstrap")));
    }

    let groups = moto.json("logs", "Logs_20140328.DescribeLogGroups", &json!({})).await;
    let groups = groups["logGroups"].as_array().expect("log groups");
    assert_eq!(groups.len(), 8);
    for group in groups {
        assert_eq!(group["retentionInDays"], 14, "{group}");
    }
    let keys = moto.json("kms", "TrentService.ListKeys", &json!({})).await;
    assert_eq!(keys["Keys"].as_array().map(Vec::len), Some(1));

    let roles = moto.form("iam", &[("Action", "ListRoles")]).await;
    assert_eq!(roles.matches("<RoleName>").count(), 9, "{roles}");
    moto.form("cloudformation", &[("Action", "DeleteStack"), ("StackName", "todo-test")]).await;
    let functions: Value = serde_json::from_str(&moto.get("lambda", "/2015-03-31/functions/").await).expect("JSON");
    assert_eq!(functions["Functions"], json!([]));
}

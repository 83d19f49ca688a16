//! Each folder is one function, and the migration runs before every function that serves.

use std::collections::BTreeSet;

use serde_json::json;
use shared::config::Function;

use crate::{all, either, needed_by, of_type, part, properties, references, resource, template, with_http};

#[test]
fn each_folder_is_one_function() {
    let folders = std::fs::read_dir(local::workspace().join("functions")).expect("there are functions");
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, all().map(str::to_owned).collect());
    let functions: BTreeSet<String> =
        of_type("AWS::Lambda::Function").iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(functions, folders.iter().map(|folder| part(folder, "Function")).collect());
    for folder in folders {
        let name = part(&folder, "Function");
        let metadata = &resource(&name)["Metadata"];
        assert_eq!(metadata["BuildMethod"], "rust-cargolambda", "{name}");
        assert_eq!(metadata["BuildProperties"]["Binary"], folder.as_str(), "{name}");
    }
}

#[test]
fn every_function_has_its_runtime_log_group_tracing_and_limits() {
    for (name, function) in of_type("AWS::Lambda::Function") {
        assert_eq!(function["Runtime"], "provided.al2023", "{name}");
        assert_eq!(function["Handler"], "bootstrap", "{name}");
        assert_eq!(function["Architectures"], json!([{ "Ref": "Architecture" }]), "{name}");
        assert_eq!(function["TracingConfig"]["Mode"], "Active", "{name}");
        let logs = name.replace("Function", "Logs");
        let logging = &function["LoggingConfig"];
        assert_eq!((&logging["LogFormat"], &logging["LogGroup"]), (&json!("JSON"), &json!({ "Ref": logs })), "{name}");
        // A higher level would drop the metrics, which are in lines of the level INFO.
        assert_eq!(logging["ApplicationLogLevel"], "TRACE", "{name}");
        let variables = function["Environment"]["Variables"].as_object().expect("settings");
        for setting in ["ENVIRONMENT", "LOG_LEVEL", "STACK_NAME", "DEPLOY_ID"] {
            assert!(variables.contains_key(setting), "{name} lacks {setting}");
        }
        let row =
            Function::ALL.into_iter().find(|one| part(one.as_str(), "Function") == name).expect("it has a row").spec();
        assert_eq!(function["MemorySize"], row.memory, "{name}");
        // API Gateway gives up after 30 s.
        assert!(function["Timeout"].as_u64().is_some_and(|time| !is_http(name) || time < 29), "{name}");
        for limit in either(&function["ReservedConcurrentExecutions"]) {
            assert!(limit.as_u64().is_some(), "{name} has no limit");
        }
    }
}

fn is_http(function: &str) -> bool {
    with_http().any(|name| part(name, "Function") == function)
}

#[test]
fn every_function_that_serves_waits_for_the_migration() {
    let migration = properties("Migration");
    assert_eq!(resource("Migration")["Type"], "Custom::Migration");
    assert_eq!(migration["ServiceToken"], json!({ "Ref": "MigrateFunctionAliaslive" }));
    assert_eq!(migration["DeployId"], json!({ "Ref": "DeployId" }));
    let version = migration["FunctionVersion"]["Ref"].as_str().expect("the version");
    assert_eq!(resource(version)["Type"], "AWS::Lambda::Version");
    // Enough time for a second run, if the first one dies.
    let service_timeout: u64 =
        migration["ServiceTimeout"].as_str().and_then(|text| text.parse().ok()).expect("seconds");
    assert!(service_timeout > 2 * properties("MigrateFunction")["Timeout"].as_u64().expect("seconds"));

    for (name, _) in of_type("AWS::Lambda::Function").into_iter().filter(|(name, _)| *name != "MigrateFunction") {
        assert!(references(resource(name)).contains("Migration"), "{name} does not wait");
    }
    let before = needed_by("Migration");
    for changed in ["MigrateFunction", "MigrateFunctionAliaslive", "MigrateRole", "MigrateSecret"] {
        assert!(before.contains(changed), "{changed} may come after the migration");
    }
    for function in all().filter(|name| *name != "migrate") {
        assert!(!before.contains(&part(function, "Function")), "{function} changes before the migration");
    }
}

#[test]
fn traffic_moves_in_steps_and_alarms_roll_it_back() {
    for (name, alias) in of_type("AWS::Lambda::Alias") {
        assert_eq!(alias["Name"], "live", "{name}");
        let function = name.replace("Aliaslive", "");
        let group = &resource(name)["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"];
        if !is_http(&function) {
            assert!(group.is_null(), "{name}: only functions with HTTP move in steps");
            continue;
        }
        let group = properties(group.as_str().expect("a deployment group"));
        let kinds = either(&group["DeploymentConfigName"]);
        assert_eq!(kinds[0]["Fn::Sub"][1]["ConfigName"], "Canary10Percent5Minutes", "{name}: in production");
        assert_eq!(kinds[1]["Fn::Sub"][1]["ConfigName"], "AllAtOnce", "{name}: elsewhere");
        assert_eq!(group["AutoRollbackConfiguration"]["Enabled"], true);
        let alarms = ["VersionCrashAlarm", "VersionErrorAlarm"].map(|kind| function.replace("Function", kind));
        let watched = alarms.each_ref().map(|alarm| json!({ "Name": { "Ref": alarm } }));
        assert_eq!(group["AlarmConfiguration"]["Alarms"], json!(watched), "{name}");
        for alarm in alarms {
            // The alarm watches only the new version.
            let version = properties(&alarm)["Dimensions"][2]["Value"]["Fn::Select"].clone();
            let arn = json!({ "Ref": format!("{function}Version1795000000") });
            assert_eq!(version, json!([7, { "Fn::Split": [":", arn] }]), "{alarm}");
        }
    }
}

#[test]
fn the_purge_runs_daily_and_failed_runs_are_kept() {
    let schedule = properties("MaintenanceFunctionDaily");
    let target = &schedule["Target"];
    assert_eq!(target["Arn"], json!({ "Ref": "MaintenanceFunctionAliaslive" }));
    let event: maintenance::Command =
        serde_json::from_str(target["Input"].as_str().expect("an event")).expect("it is known");
    assert!(matches!(event, maintenance::Command::Purge));
    let letters = json!({ "Fn::GetAtt": ["DeadLetters", "Arn"] });
    assert_eq!(target["DeadLetterConfig"]["Arn"], letters);
    let invoke = properties("MaintenanceFunctionEventInvokeConfig");
    assert_eq!(invoke["DestinationConfig"]["OnFailure"]["Destination"], letters);
    assert_eq!(invoke["Qualifier"], "live");
    // A fixed name would allow only one stack in an account.
    assert!(schedule.get("Name").is_none());
}

#[test]
fn secrets_have_no_value_and_outlive_the_stack() {
    let secrets = of_type("AWS::SecretsManager::Secret");
    assert!(!secrets.is_empty());
    for (name, secret) in secrets {
        for value in ["SecretString", "GenerateSecretString"] {
            assert!(secret.get(value).is_none(), "{name}: a deploy would overwrite what operators put in");
        }
        assert_eq!(resource(name)["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(resource(name)["UpdateReplacePolicy"], "Retain", "{name}");
        assert_eq!(template()["Outputs"][name]["Value"], json!({ "Ref": name }), "{name} must be found to be filled");
    }
}

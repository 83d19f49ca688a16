//! The stages of `samconfig.toml`: their parameters exist, and production has safe settings.

use std::collections::BTreeMap;

use shared::config::{Function, Settings, Sources};

use crate::template;

fn stages() -> BTreeMap<String, BTreeMap<String, String>> {
    let text = std::fs::read_to_string(local::workspace().join("samconfig.toml")).expect("it is committed");
    let config: toml::Table = text.parse().expect("it is TOML");
    let deployed = config.iter().filter_map(|(stage, commands)| Some((stage, commands.get("deploy")?)));
    let parameters = |commands: &toml::Value| {
        let list = commands["parameters"]["parameter_overrides"].as_array().expect("a list").iter();
        let pairs = list.map(|pair| pair.as_str().and_then(|pair| pair.split_once('=')).expect("NAME=VALUE"));
        pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
    };
    deployed.map(|(stage, commands)| (stage.clone(), parameters(commands))).collect()
}

#[test]
fn there_are_three_stages_with_parameters_that_the_template_knows() {
    let stages = stages();
    assert_eq!(stages.keys().collect::<Vec<_>>(), ["dev", "prod", "staging"]);
    for (stage, parameters) in &stages {
        for (name, value) in parameters {
            let parameter = &template()["Parameters"][name];
            assert!(parameter.is_object(), "{stage}: the template has no {name}");
            if let Some(allowed) = parameter["AllowedValues"].as_array() {
                let allowed = allowed.iter().any(|one| one.as_str().map_or(one.to_string(), str::to_owned) == *value);
                assert!(allowed, "{stage}: {value} is not an allowed value of {name}");
            }
        }
        // Otherwise the value of the last deploy would be used again, and new code would not be published.
        assert_eq!(parameters["DeployId"], "", "{stage}");
    }
    assert_eq!(stages["prod"]["Environment"], "production");
    assert_eq!(stages["prod"]["CustomerManagedKey"], "true");
}

#[test]
fn production_accepts_its_own_settings() {
    let origins = &stages()["prod"]["AllowedOrigins"];
    let settings = [("ENVIRONMENT", "production"), ("ALLOWED_ORIGINS", origins), ("STACK_NAME", "todo-prod")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings::read(Function::Docs, &Sources::environment(settings)).unwrap();
}

//! `cargo xtask secrets` on the secrets of a stack: production starts with the values that it puts in.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use shared::config::{Function, Settings, Sources};
use testkit::{Moto, built};

const POOLED: &str = "postgresql://todo:pass-word-9@ep-cool-1-pooler.eu-central-1.aws.neon.tech/todo?sslmode=require";
const DIRECT: &str = "postgresql://todo:pass-word-9@ep-cool-1.eu-central-1.aws.neon.tech/todo?sslmode=require";

/// The functions with a secret, and where to find it.
struct Stack {
    moto: Moto,
    arns: BTreeMap<&'static str, String>,
}

/// The functions that have a secret.
fn functions() -> impl Iterator<Item = (&'static str, Function)> {
    Function::ALL
        .into_iter()
        .filter(|function| function.spec().secret.is_some())
        .map(|function| (function.as_str(), function))
}

impl Stack {
    /// A stack with outputs as the template has them, and empty secrets.
    async fn new() -> Self {
        let moto = Moto::start();
        let (mut arns, mut outputs) = (BTreeMap::new(), serde_json::Map::new());
        for (name, _) in functions() {
            let arn = moto.create_empty_secret(name).await;
            outputs.insert(crate::part(name, "Secret"), json!({ "Value": arn }));
            arns.insert(name, arn);
        }
        let topic = json!({ "Topic": { "Type": "AWS::SNS::Topic" } });
        let template = json!({ "Resources": topic, "Outputs": outputs }).to_string();
        let form = [("Action", "CreateStack"), ("StackName", "todo-test"), ("TemplateBody", &template)];
        moto.form("cloudformation", &form).await;
        Self { moto, arns }
    }

    #[expect(clippy::disallowed_methods, reason = "cargo needs what the shell gave us")]
    fn run(&self, arguments: &[&str], input: &str, urls: bool) -> Output {
        let mut command = Command::new(built("xtask"));
        let inherited = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR"];
        let inherited = inherited.map(|name| (name, std::env::var_os(name).unwrap_or_default()));
        command.arg("secrets").args(arguments).args(["--stack", "todo-test"]).env_clear();
        command.envs(inherited.into_iter().filter(|(_, value)| !value.is_empty()));
        command.envs(self.moto.environment("")).env("AWS_ENDPOINT_URL", &self.moto.url);
        if urls {
            command.env("DATABASE_URL", POOLED).env("DATABASE_URL_UNPOOLED", DIRECT);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("xtask starts");
        // A command that refuses does not read its input.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("pass-word-9") && !said.contains("\"k\""), "an error shows a value: {said}");
        output
    }

    fn output_of(&self, arguments: &[&str], input: &str, urls: bool) -> String {
        let output = self.run(arguments, input, urls);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn error_of(&self, arguments: &[&str], input: &str, urls: bool) -> String {
        let output = self.run(arguments, input, urls);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("text")
    }

    async fn values(&self, function: &str) -> BTreeMap<String, Value> {
        let answer = json!({ "SecretId": self.arns[function] });
        let answer = self.moto.json("secretsmanager", "secretsmanager.GetSecretValue", &answer).await;
        serde_json::from_str(answer["SecretString"].as_str().expect("a value")).expect("an object of settings")
    }

    /// Each function must start in production with the values of its secret.
    async fn assert_functions_start(&self) {
        for (name, function) in functions() {
            let values = self
                .values(name)
                .await
                .into_iter()
                .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            let environment = [("ENVIRONMENT", "production"), ("ALLOWED_ORIGINS", "https://app.example.com")];
            let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let sources = Sources::environment(environment).with_secret(values.collect());
            Settings::read(function, &sources).unwrap_or_else(|problems| panic!("{name}: {problems}"));
        }
    }
}

#[tokio::test]
async fn a_stack_is_filled_once_rotated_and_moved_to_another_database() {
    let stack = Stack::new().await;
    let missing = stack.error_of(&["fill"], "", false);
    assert!(missing.contains("set DATABASE_URL and DATABASE_URL_UNPOOLED"), "{missing}");
    assert_eq!(stack.output_of(&["fill"], "", true), "filled\n");
    stack.assert_functions_start().await;
    assert_eq!(stack.values("health").await.keys().collect::<Vec<_>>(), ["DATABASE_URL", "JWT_PUBLIC_KEYS"]);
    assert_eq!(stack.values("migrate").await.keys().collect::<Vec<_>>(), ["DATABASE_URL_UNPOOLED"]);
    assert!(!stack.values("tasks").await.contains_key("JWT_SIGNING_KEYS"), "tasks holds no private key");

    // Other keys would end every session and make every password useless.
    let before = stack.values("auth").await;
    let refused = stack.error_of(&["fill"], "", true);
    assert!(refused.contains("have values already"), "{refused}");
    let again = stack.output_of(&["fill", "--if-empty"], "", true);
    assert_eq!(again, "the secrets have values already\n");
    assert_eq!(stack.values("auth").await, before);

    stack.output_of(&["rotate"], "", false);
    stack.assert_functions_start().await;
    let after = stack.values("auth").await;
    assert_eq!(
        (&after["DATABASE_URL"], before["PASSWORD_PEPPERS"]["keys"][1]["kid"].clone()),
        (&before["DATABASE_URL"], after["PASSWORD_PEPPERS"]["keys"][1]["kid"].clone(),)
    );
    assert_eq!(after["JWT_SIGNING_KEYS"]["keys"][1]["status"], "active");
    assert_eq!(stack.values("users").await["JWT_PUBLIC_KEYS"]["keys"].as_array().map(Vec::len), Some(3));

    // Leaked keys are removed, except the peppers that stored hashes need.
    let leaked = stack.output_of(&["export"], "", false);
    stack.output_of(&["rotate", "--revoke"], "", false);
    stack.assert_functions_start().await;
    let revoked = stack.values("auth").await;
    for ring in ["JWT_SIGNING_KEYS", "REFRESH_TOKEN_KEYS"] {
        for key in revoked[ring]["keys"].as_array().unwrap() {
            assert!(!leaked.contains(key["kid"].as_str().unwrap()), "{ring} keeps {key}");
        }
    }
    let peppers = |values: &BTreeMap<String, Value>| values["PASSWORD_PEPPERS"]["keys"].as_array().unwrap().clone();
    assert_eq!(peppers(&revoked).len(), peppers(&after).len() + 1);
    assert!(!leaked.contains(peppers(&revoked).last().unwrap()["kid"].as_str().unwrap()), "the next one is new");

    stack.output_of(&["set", "DATABASE_URL"], &POOLED.replace("cool-1", "warm-2"), false);
    for name in ["auth", "tasks", "users", "health", "maintenance"] {
        assert!(stack.values(name).await["DATABASE_URL"].as_str().unwrap().contains("warm-2"), "{name}");
    }
    stack.assert_functions_start().await;
    assert!(stack.error_of(&["set", "PASSWORD_PEPPERS"], "x", false).contains("keys are changed by rotate"));
    assert!(stack.error_of(&["set", "DATABASE_URL"], " ", false).contains("standard input is empty"));
    // A stack that is created again starts with only the exported values.
    let exported = stack.output_of(&["export"], "", false);
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), exported).expect("it can be written");
    let again = Stack::new().await;
    again.output_of(&["fill", "--from", file.path().to_str().expect("a plain name")], "", false);
    again.assert_functions_start().await;
    assert_eq!(again.values("auth").await, stack.values("auth").await);
    stack.moto.form("cloudformation", &[("Action", "DeleteStack"), ("StackName", "todo-test")]).await;
    let unknown = stack.error_of(&["fill"], "", true);
    assert!(unknown.contains("AWS says"), "{unknown}");
}

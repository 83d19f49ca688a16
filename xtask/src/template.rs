//! `cargo xtask template-check`: checks template.yaml, the deploy role and the workflows, without AWS.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use local::{Result, ToolError, target, tools, workspace};

use crate::cargo;

/// Parameters that together enable and disable every optional part of the template.
const VARIANTS: [(&str, &[&str]); 2] = [
    ("development", &["Environment=development"]),
    (
        "production",
        &[
            "Environment=production",
            "DeployId=1795000000",
            "CustomerManagedKey=true",
            "ReserveConcurrency=true",
            "AlarmEmail=ops@example.com",
        ],
    ),
];

/// Runs the checks, quickest first.
pub(crate) fn run() -> Result<()> {
    println!("sam validate --lint");
    let mut validate = sam_command()?;
    let sam = tools::SAM.folder()?;
    validate.args(["validate", "--lint", "--template", "template.yaml"]);
    cargo::run(validate, "sam validate", "fix the lines above in template.yaml")?;

    let folder = target().join("template");
    fs::create_dir_all(&folder).map_err(|error| crate::lock::unwritable(&folder, &error))?;
    let checkov = tools::CHECKOV.find_or_install()?;
    let mut files = vec![workspace().join("template.yaml")];
    for (name, parameters) in VARIANTS {
        println!("translated for {name}: cfn-lint");
        let file = folder.join(format!("{name}.json"));
        let output = Command::new(sam.join("python"))
            .args(["xtask/translate.py", "template.yaml"])
            .args(parameters)
            .current_dir(workspace())
            .stderr(Stdio::piped())
            .output();
        let output =
            output.map_err(|error| ToolError::new(format!("Python cannot be started: {error}"), "check it"))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(ToolError::new(format!("SAM cannot translate the template:\n{stderr}"), "fix template.yaml"));
        }
        fs::write(&file, output.stdout).map_err(|error| crate::lock::unwritable(&file, &error))?;
        lint(&sam, &file)?;
        files.push(file);
    }
    let role = workspace().join(".github/aws/deploy-role.yaml");
    lint(&sam, &role)?;
    files.push(role);
    println!("checkov");
    for file in &files {
        check(&checkov, file)?;
    }

    println!("the translated template against the code");
    // The tests run these programs to fill and rotate secrets.
    let programs = cargo::cargo(&["build", "--quiet", "--workspace", "--bin", "keys", "--bin", "xtask"]);
    cargo::run(programs, "building", "read the lines above")?;
    tools::MOTO.find_or_install()?;
    tools::AWS.find_or_install()?;
    let tests = cargo::cargo(&["test", "--quiet", "--package", "conformance", "--test", "template"]);
    cargo::run(tests, "the template's tests", "cargo xtask test -p conformance --test template <name of the test>")?;
    check_workflows()
}

/// Builds a SAM command without telemetry.
pub(crate) fn sam_command() -> Result<Command> {
    let mut command = Command::new(tools::SAM.find_or_install()?);
    command.env("SAM_CLI_TELEMETRY", "0").current_dir(workspace());
    Ok(command)
}

fn lint(sam: &Path, file: &Path) -> Result<()> {
    let mut lint = Command::new(sam.join("cfn-lint"));
    lint.arg(file).current_dir(workspace());
    cargo::run(lint, "cfn-lint", "fix the lines above")
}

/// Every finding must be fixed, or accepted in the template with a reason: `Metadata: checkov: skip`.
fn check(checkov: &Path, file: &Path) -> Result<()> {
    let mut command = Command::new(checkov);
    command.args(["--framework", "cloudformation", "--skip-download", "--compact", "--quiet", "--file"]).arg(file);
    command.current_dir(workspace()).stdin(Stdio::null()).stderr(Stdio::null());
    cargo::run(command, "checkov", "fix the finding, or accept it with a reason in the resource's Metadata")
}

/// Checks the syntax and the security of GitHub's workflows.
fn check_workflows() -> Result<()> {
    println!("workflows: actionlint, zizmor");
    let mut actionlint = Command::new(tools::ACTIONLINT.find_or_install()?);
    actionlint.arg(".github/workflows/*.yml").current_dir(workspace());
    cargo::run(actionlint, "actionlint", "fix the lines above")?;
    let mut zizmor = Command::new(tools::ZIZMOR.find_or_install()?);
    zizmor
        .args(["--offline", "--strict-collection", "--min-severity", "medium", "--quiet", "."])
        .current_dir(workspace());
    cargo::run(zizmor, "zizmor", "fix the lines above")
}

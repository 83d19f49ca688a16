//! `cargo xtask secrets`: fills and rotates the secrets of a stack.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use functions::Function;
use local::{Result, ToolError};
use serde_json::{Map, Value};

use crate::environment::variable;
use crate::keys;
use crate::stack::Stack;

#[derive(Subcommand)]
pub(crate) enum SecretsCommand {
    /// Put the first values into a new stack's secrets: generated keys, and DATABASE_URL (pooled),
    /// DATABASE_URL_UNPOOLED (direct) and, if it is set, BETTER_AUTH_SECRET from the environment
    Fill {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
        /// Do nothing and succeed if the secrets already have values
        #[arg(long)]
        if_empty: bool,
        /// Use the values that `export` printed instead of new keys: for a stack that is created again
        #[arg(long)]
        from: Option<PathBuf>,
    },
    /// Print every value, to keep in a safe place: without the peppers no password can be verified
    Export {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
    },
    /// Rotate every key: the next one becomes active, the active one is retired
    Rotate {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
        /// Drop the keys that were already retired; safe once the last token they signed has expired
        #[arg(long)]
        drop_retired: bool,
        /// Replace all keys, because they leaked: every user has to sign in again
        #[arg(long, conflicts_with = "drop_retired")]
        revoke: bool,
    },
    /// Write a value from standard input into every secret that contains the setting
    Set {
        /// The stack, as in todo-prod
        #[arg(long)]
        stack: String,
        /// The setting, as in DATABASE_URL
        name: String,
    },
}

/// The functions with a secret, and the settings in it in addition to the keys. Auth is last, for two reasons: the
/// other functions must know a new key before auth signs with it; and while auth's secret is empty, `fill` can be
/// repeated, because no account depends on the keys of a failed attempt.
fn with_secret() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let secret = |function: Function| Some((function.as_str(), function.spec().secret.as_ref()?.settings));
    let (auth, others): (Vec<_>, Vec<_>) =
        Function::ALL.into_iter().filter_map(secret).partition(|(name, _)| *name == "auth");
    others.into_iter().chain(auth)
}

const KEYS: [&str; 4] = ["JWT_SIGNING_KEYS", "JWT_PUBLIC_KEYS", "REFRESH_TOKEN_KEYS", "PASSWORD_PEPPERS"];

/// The settings of one function, or of each function by its name.
type Settings = Map<String, Value>;

impl SecretsCommand {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::Fill { stack, if_empty, from } => fill(&Stack::find(stack)?, *if_empty, from.as_deref()),
            Self::Export { stack } => {
                let stack = Stack::find(stack)?;
                let all: Settings =
                    read_all(&stack)?.map(|(name, settings)| (name.to_owned(), settings.into())).collect();
                println!("{:#}", Value::from(all));
                Ok(())
            }
            Self::Rotate { stack, drop_retired, revoke } => {
                let stack = Stack::find(stack)?;
                let with_keys = read_all(&stack)?.filter_map(|(name, mut settings)| {
                    settings.retain(|name, _| KEYS.contains(&name.as_str()));
                    (!settings.is_empty()).then(|| (name.to_owned(), settings.into()))
                });
                let old = Value::from(with_keys.collect::<Settings>()).to_string();
                let new = parse(&keys::rotate(&old, *drop_retired, *revoke)?)?;
                for (function, _) in with_secret() {
                    let Some(rotated) = new.get(function).and_then(Value::as_object) else { continue };
                    change(&stack, function, rotated.clone())?;
                }
                Ok(())
            }
            Self::Set { stack, name } => set(&Stack::find(stack)?, name),
        }
    }
}

fn fill(stack: &Stack, if_empty: bool, from: Option<&Path>) -> Result<()> {
    if read(stack, "auth")?.is_some() {
        if if_empty {
            println!("the secrets have values already");
            return Ok(());
        }
        let next = "use rotate or set: new keys would sign out every user and invalidate every password";
        return Err(ToolError::new("the secrets have values already", next));
    }
    let text = match from {
        Some(file) => fs::read_to_string(file).map_err(|error| {
            ToolError::new(format!("{} cannot be read: {error}", file.display()), "name a file that `export` printed")
        })?,
        None => keys::generate()?,
    };
    let values = parse(&text)?;
    let of = |function: &str| values.get(function).and_then(Value::as_object).cloned().unwrap_or_default();
    let known =
        |name: &str| variable(name).is_some() || with_secret().any(|(function, _)| of(function).contains_key(name));
    let missing: Vec<&str> =
        ["DATABASE_URL", "DATABASE_URL_UNPOOLED"].into_iter().filter(|name| !known(name)).collect();
    if !missing.is_empty() {
        let next = format!("set {} in the environment", missing.join(" and "));
        return Err(ToolError::new("the URL of the database is missing", next));
    }
    for (function, names) in with_secret() {
        let mut settings = of(function);
        settings.extend(names.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?.into()))));
        write(stack, function, &settings)?;
    }
    println!("filled");
    Ok(())
}

fn set(stack: &Stack, name: &str) -> Result<()> {
    if !with_secret().any(|(_, names)| names.contains(&name)) {
        let next = "name one of DATABASE_URL, DATABASE_URL_UNPOOLED, BETTER_AUTH_SECRET; keys are changed by rotate";
        return Err(ToolError::new(format!("{name} cannot be set"), next));
    }
    let value = std::io::read_to_string(std::io::stdin()).unwrap_or_default();
    if value.trim().is_empty() {
        return Err(ToolError::new("standard input is empty", "pipe the value in"));
    }
    for (function, _) in with_secret().filter(|(_, names)| names.contains(&name)) {
        change(stack, function, Map::from_iter([(name.to_owned(), value.trim().into())]))?;
    }
    Ok(())
}

/// Reads the settings in every secret; an empty secret has none.
fn read_all(stack: &Stack) -> Result<impl Iterator<Item = (&'static str, Settings)>> {
    let read = |(function, _)| Ok((function, read(stack, function)?.unwrap_or_default()));
    Ok(with_secret().map(read).collect::<Result<Vec<_>>>()?.into_iter())
}

/// Reads the settings in a function's secret; `None` if the secret has no value yet.
fn read(stack: &Stack, function: &str) -> Result<Option<Settings>> {
    let arn = stack.output(function, "Secret")?;
    match stack.aws(&["secretsmanager", "get-secret-value", "--secret-id", arn], "") {
        Ok(output) => {
            parse(output.first().and_then(|value| value["SecretString"].as_str()).unwrap_or_default()).map(Some)
        }
        Err(error) if error.to_string().contains("staging label") => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(stack: &Stack, function: &str, settings: &Settings) -> Result<()> {
    let arn = stack.output(function, "Secret")?;
    let put = ["secretsmanager", "put-secret-value", "--secret-id", arn, "--secret-string", "file:///dev/stdin"];
    stack.aws(&put, &Value::from(settings.clone()).to_string())?;
    eprintln!("  {function}: {}", settings.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
    Ok(())
}

fn change(stack: &Stack, function: &str, settings: Settings) -> Result<()> {
    let mut all = read(stack, function)?.unwrap_or_default();
    all.extend(settings);
    write(stack, function, &all)
}

fn parse(text: &str) -> Result<Settings> {
    serde_json::from_str(text).map_err(|error| {
        ToolError::new(
            format!("the secrets are not a JSON object: {error}"),
            "look at the file, or at the secret in AWS",
        )
    })
}

//! Generates and rotates the key sets in the settings of the functions. `cargo xtask keys` runs it.
#![expect(clippy::print_stdout, reason = "this is a command line program")]

use std::io::Read;
use std::process::ExitCode;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    // On a closed pipe, as in `… | head`, exit silently instead of panicking.
    sigpipe::reset();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = match arguments.as_slice() {
        ["generate"] => generate("").map(|secrets| to_json(&secrets)),
        ["generate", "--development"] => generate("dev-").map(|secrets| env_lines(&secrets)),
        ["rotate", "--revoke"] => revoke().map(|secrets| to_json(&secrets)),
        ["rotate"] => rotate(false).map(|secrets| to_json(&secrets)),
        ["rotate", "--drop-retired"] => rotate(true).map(|secrets| to_json(&secrets)),
        ["jwks"] => read_input().and_then(|keys| public_keys(&keys)).map(|keys| keys.to_string()),
        _ => Err("expected generate [--development], rotate [--drop-retired | --revoke] or jwks".to_owned()),
    };
    match output {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Generates the settings that contain keys, for each function that needs them.
fn generate(prefix: &str) -> Result<Value> {
    let key_set = |new_key: fn(&str, &str) -> Result<Value>| {
        Ok::<_, String>(json!({ "keys": [new_key(prefix, "active")?, new_key(prefix, "next")?] }))
    };
    let signing = key_set(new_ed25519_key)?;
    let public = public_keys(&signing)?;
    Ok(json!({
        "auth": {
            "JWT_SIGNING_KEYS": signing,
            "REFRESH_TOKEN_KEYS": key_set(new_secret_key)?,
            "PASSWORD_PEPPERS": key_set(new_secret_key)?,
        },
        "tasks": { "JWT_PUBLIC_KEYS": public },
        "users": { "JWT_PUBLIC_KEYS": public },
        "health": { "JWT_PUBLIC_KEYS": public },
    }))
}

fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| "the random number generator failed")?;
    Ok(bytes)
}

fn new_key_id(prefix: &str) -> Result<String> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random_bytes::<9>()?).replace(['-', '_'], "x")))
}

fn new_ed25519_key(prefix: &str, status: &str) -> Result<Value> {
    let seed = random_bytes::<32>()?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| error.to_string())?;
    let (x, d) = (URL_SAFE_NO_PAD.encode(pair.public_key()), URL_SAFE_NO_PAD.encode(seed));
    Ok(json!({ "kty": "OKP", "crv": "Ed25519", "kid": new_key_id(prefix)?, "x": x, "d": d, "status": status }))
}

fn new_secret_key(prefix: &str, status: &str) -> Result<Value> {
    let k = URL_SAFE_NO_PAD.encode(random_bytes::<32>()?);
    Ok(json!({ "kty": "oct", "kid": new_key_id(prefix)?, "k": k, "status": status }))
}

/// Returns a key set without the private parts of its keys.
fn public_keys(keys: &Value) -> Result<Value> {
    let mut keys = keys.clone();
    for key in key_list(&mut keys)? {
        key.as_object_mut().ok_or("a key is not an object")?.remove("d").ok_or("a key has no private part")?;
    }
    Ok(keys)
}

/// In each key set, the next key becomes active, the active one is retired, and a new next key is generated.
fn rotate(drop_retired: bool) -> Result<Value> {
    let mut secrets = read_input()?;
    for (name, new_key) in [
        ("JWT_SIGNING_KEYS", new_ed25519_key as fn(&str, &str) -> Result<Value>),
        ("REFRESH_TOKEN_KEYS", new_secret_key),
        ("PASSWORD_PEPPERS", new_secret_key),
    ] {
        let key_set = secrets.pointer_mut(&format!("/auth/{name}")).ok_or(format!("auth.{name} is missing"))?;
        let keys = key_list(key_set).map_err(|error| format!("auth.{name}: {error}"))?;
        if !keys.iter().any(|key| key["status"] == "next") {
            return Err(format!("auth.{name} has no next key to rotate to"));
        }
        // Never drop a pepper: every account whose hash uses it needs it until its next sign-in.
        if drop_retired && name != "PASSWORD_PEPPERS" {
            keys.retain(|key| key["status"] != "retired");
        }
        for key in keys.iter_mut() {
            match key["status"].as_str() {
                Some("next") => key["status"] = "active".into(),
                Some("active") | None => key["status"] = "retired".into(),
                _ => {}
            }
        }
        keys.push(new_key("", "next")?);
    }
    let public = public_keys(&secrets["auth"]["JWT_SIGNING_KEYS"])?;
    for function in ["tasks", "users", "health"] {
        let settings = secrets.as_object_mut().ok_or("expected an object of functions")?.entry(function);
        let settings = settings.or_insert_with(|| json!({})).as_object_mut();
        settings
            .ok_or(format!("{function}: expected an object of settings"))?
            .insert("JWT_PUBLIC_KEYS".into(), public.clone());
    }
    Ok(secrets)
}

/// Replaces leaked keys. Peppers cannot be replaced at once: existing password hashes need the old ones, and every
/// instance must know a new one before it is used. So only the next pepper is replaced, and the next rotation
/// activates it.
fn revoke() -> Result<Value> {
    let (mut secrets, new) = (read_input()?, generate("")?);
    for (function, setting) in [
        ("auth", "JWT_SIGNING_KEYS"),
        ("auth", "REFRESH_TOKEN_KEYS"),
        ("tasks", "JWT_PUBLIC_KEYS"),
        ("users", "JWT_PUBLIC_KEYS"),
        ("health", "JWT_PUBLIC_KEYS"),
    ] {
        secrets[function][setting] = new[function][setting].clone();
    }
    let peppers = key_list(&mut secrets["auth"]["PASSWORD_PEPPERS"])?;
    for pepper in peppers.iter_mut().filter(|pepper| pepper["status"] == "next") {
        pepper["status"] = "retired".into();
    }
    peppers.push(new_secret_key("", "next")?);
    Ok(secrets)
}

fn key_list(keys: &mut Value) -> Result<&mut Vec<Value>> {
    keys.get_mut("keys").and_then(Value::as_array_mut).ok_or_else(|| "expected an object with a list `keys`".to_owned())
}

fn read_input() -> Result<Value> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("the input is not JSON: {error}"))
}

fn to_json(secrets: &Value) -> String {
    serde_json::to_string_pretty(secrets).unwrap_or_default()
}

/// Formats all settings as lines of the form NAME='value'.
fn env_lines(secrets: &Value) -> String {
    let functions = secrets.as_object().into_iter().flat_map(|functions| functions.values());
    let settings = functions.filter_map(Value::as_object).flatten();
    let lines: std::collections::BTreeSet<_> = settings.map(|(name, value)| format!("{name}='{value}'")).collect();
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

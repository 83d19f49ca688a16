//! Makes and rotates the key sets that the settings hold. `cargo xtask keys` calls it.
#![expect(clippy::print_stdout, reason = "a command line talks to a person")]

use std::io::Read;
use std::process::ExitCode;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    // Ends quietly, as other programs do, when the reader of its output has gone.
    sigpipe::reset();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = match arguments.as_slice() {
        ["generate"] => secrets("").map(|secrets| pretty(&secrets)),
        ["generate", "--development"] => secrets("dev-").map(|secrets| lines(&secrets)),
        ["rotate", "--revoke"] => revoke().map(|secrets| pretty(&secrets)),
        ["rotate"] => rotate(false).map(|secrets| pretty(&secrets)),
        ["rotate", "--drop-retired"] => rotate(true).map(|secrets| pretty(&secrets)),
        ["jwks"] => read().and_then(|keys| public(&keys)).map(|keys| keys.to_string()),
        _ => Err("expected generate [--development], rotate [--drop-retired | --revoke] or jwks".to_owned()),
    };
    match printed {
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

/// The settings that hold keys, for each function that needs them.
fn secrets(prefix: &str) -> Result<Value> {
    let ring = |make: fn(&str, &str) -> Result<Value>| {
        Ok::<_, String>(json!({ "keys": [make(prefix, "active")?, make(prefix, "next")?] }))
    };
    let signing = ring(ed25519)?;
    let public = public(&signing)?;
    Ok(json!({
        "auth": { "JWT_SIGNING_KEYS": signing, "REFRESH_TOKEN_KEYS": ring(octets)?, "PASSWORD_PEPPERS": ring(octets)? },
        "tasks": { "JWT_PUBLIC_KEYS": public },
        "users": { "JWT_PUBLIC_KEYS": public },
        "health": { "JWT_PUBLIC_KEYS": public },
    }))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| "no randomness")?;
    Ok(bytes)
}

fn key_id(prefix: &str) -> Result<String> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<9>()?).replace(['-', '_'], "x")))
}

fn ed25519(prefix: &str, status: &str) -> Result<Value> {
    let seed = random::<32>()?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| error.to_string())?;
    let (x, d) = (URL_SAFE_NO_PAD.encode(pair.public_key()), URL_SAFE_NO_PAD.encode(seed));
    Ok(json!({ "kty": "OKP", "crv": "Ed25519", "kid": key_id(prefix)?, "x": x, "d": d, "status": status }))
}

fn octets(prefix: &str, status: &str) -> Result<Value> {
    let k = URL_SAFE_NO_PAD.encode(random::<32>()?);
    Ok(json!({ "kty": "oct", "kid": key_id(prefix)?, "k": k, "status": status }))
}

/// A key set without its private parts.
fn public(keys: &Value) -> Result<Value> {
    let mut keys = keys.clone();
    for key in list(&mut keys)? {
        key.as_object_mut().ok_or("a key is no object")?.remove("d").ok_or("a key has no private part")?;
    }
    Ok(keys)
}

/// Next becomes active, active retires, and there is a new next.
fn rotate(drop_retired: bool) -> Result<Value> {
    let mut secrets = read()?;
    for (name, make) in [
        ("JWT_SIGNING_KEYS", ed25519 as fn(&str, &str) -> Result<Value>),
        ("REFRESH_TOKEN_KEYS", octets),
        ("PASSWORD_PEPPERS", octets),
    ] {
        let ring = secrets.pointer_mut(&format!("/auth/{name}")).ok_or(format!("auth.{name} is missing"))?;
        let keys = list(ring).map_err(|error| format!("auth.{name}: {error}"))?;
        if !keys.iter().any(|key| key["status"] == "next") {
            return Err(format!("auth.{name} has no next key to rotate to"));
        }
        // A pepper is needed until the last account with a hash made with it has signed in again: none is dropped here.
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
        keys.push(make("", "next")?);
    }
    let public = public(&secrets["auth"]["JWT_SIGNING_KEYS"])?;
    for function in ["tasks", "users", "health"] {
        let settings = secrets.as_object_mut().ok_or("expected an object of functions")?.entry(function);
        let settings = settings.or_insert_with(|| json!({})).as_object_mut();
        settings
            .ok_or(format!("{function}: expected an object of settings"))?
            .insert("JWT_PUBLIC_KEYS".into(), public.clone());
    }
    Ok(secrets)
}

/// New keys in place of those that leaked. A pepper stays as long as there are password hashes made with it, and every
/// instance must know a new one before it is used: only the next one is replaced, and the next rotation activates it.
fn revoke() -> Result<Value> {
    let (mut secrets, made) = (read()?, self::secrets("")?);
    for (function, ring) in [
        ("auth", "JWT_SIGNING_KEYS"),
        ("auth", "REFRESH_TOKEN_KEYS"),
        ("tasks", "JWT_PUBLIC_KEYS"),
        ("users", "JWT_PUBLIC_KEYS"),
        ("health", "JWT_PUBLIC_KEYS"),
    ] {
        secrets[function][ring] = made[function][ring].clone();
    }
    let peppers = list(&mut secrets["auth"]["PASSWORD_PEPPERS"])?;
    for pepper in peppers.iter_mut().filter(|pepper| pepper["status"] == "next") {
        pepper["status"] = "retired".into();
    }
    peppers.push(octets("", "next")?);
    Ok(secrets)
}

fn list(keys: &mut Value) -> Result<&mut Vec<Value>> {
    keys.get_mut("keys").and_then(Value::as_array_mut).ok_or_else(|| "expected an object with a list `keys`".to_owned())
}

fn read() -> Result<Value> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("the input is not JSON: {error}"))
}

fn pretty(secrets: &Value) -> String {
    serde_json::to_string_pretty(secrets).unwrap_or_default()
}

/// NAME='value', one a line.
fn lines(secrets: &Value) -> String {
    let functions = secrets.as_object().into_iter().flat_map(|functions| functions.values());
    let settings = functions.filter_map(Value::as_object).flatten();
    let lines: std::collections::BTreeSet<_> = settings.map(|(name, value)| format!("{name}='{value}'")).collect();
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

//! Passwords for local services.

use std::fs::File;
use std::io::Read;

use crate::{Result, ToolError};

/// Generates a password of 32 hexadecimal digits (128 random bits).
pub fn generate_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    let filled = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    filled.map_err(|error| ToolError::new(format!("/dev/urandom cannot be read: {error}"), "check the machine"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

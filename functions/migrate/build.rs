//! Rebuilds when a migration changes, and embeds the down files, which refinery does not know.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    let folder = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../migrations");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut downs = Vec::new();
    for entry in fs::read_dir(&folder).expect("the folder of migrations exists") {
        let path = entry.expect("the folder of migrations can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some((version, _)) =
            name.strip_suffix(".down.sql").and_then(|name| name.strip_prefix('V')?.split_once("__"))
        {
            let version: i32 = version.parse().expect("a migration is named V<n>__<what>.down.sql");
            downs.push((version, path.canonicalize().expect("the file exists")));
        }
    }
    downs.sort();
    let mut code =
        String::from("/// The down files by version, oldest first.\npub(crate) const DOWNS: &[(i32, &str)] = &[\n");
    for (version, path) in downs {
        writeln!(code, "    ({version}, include_str!(\"{}\")),", path.display()).expect("writing to a string succeeds");
    }
    code.push_str("];\n");
    let target = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("downs.rs");
    fs::write(target, code).expect("OUT_DIR can be written");
}

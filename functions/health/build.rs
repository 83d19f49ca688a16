//! Makes a table of every path and its methods from the OpenAPI document: API Gateway sends what fits no route here.
#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde_json::Value;

fn main() {
    let document = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../docs/openapi.json");
    println!("cargo::rerun-if-changed={}", document.display());
    let document: Value =
        serde_json::from_slice(&fs::read(document).expect("openapi.json is committed")).expect("openapi.json is JSON");
    let mut code =
        String::from("/// Every path of the API, and the methods it knows.\nconst PATHS: &[(&str, &str)] = &[\n");
    for (path, item) in document["paths"].as_object().expect("a document has paths") {
        let methods = item.as_object().expect("a path has methods").keys();
        let methods: Vec<String> = methods.map(|method| method.to_uppercase()).collect();
        writeln!(code, "    ({path:?}, {:?}),", methods.join(",")).expect("writing to a string succeeds");
    }
    code.push_str("];\n");
    let target = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("paths.rs");
    fs::write(target, code).expect("OUT_DIR can be written");
}

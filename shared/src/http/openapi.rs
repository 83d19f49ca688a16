//! The parts of the OpenAPI document that all operations share.

use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, Deprecated, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr,
    ResponseBuilder, ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::ProblemBody;
use crate::error::{Code, FieldError};

/// The groups of operations, with their descriptions.
const TAGS: [(&str, &str); 5] = [
    ("auth", "Accounts, sessions and tokens."),
    ("tasks", "Tasks of the Eisenhower matrix."),
    ("users", "Administration of accounts; for administrators."),
    ("health", "Whether the service works. Pages of any origin may ask."),
    ("docs", "This document, and pages for people."),
];

/// Why an access token is refused with 401.
pub const TOKEN_PROBLEMS: [Code; 6] = [
    Code::AuthenticationRequired,
    Code::TokenInvalid,
    Code::TokenExpired,
    Code::SessionRevoked,
    Code::SessionExpired,
    Code::AccountDisabled,
];

/// The document without operations: its title, the schemas of problems, and the security scheme.
#[must_use]
pub fn base() -> OpenApi {
    let license = LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build();
    let info = InfoBuilder::new()
        .title("Task backend")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("openapi.md")))
        .license(Some(license))
        .contact(Some(ContactBuilder::new().name(Some("The operators of this deployment")).build()))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access_token` (or `token`) from signing up or in."))
        .build();
    let components = ComponentsBuilder::new()
        .schema(ProblemBody::name(), ProblemBody::schema())
        .schema(FieldError::name(), FieldError::schema())
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .build();
    let server = ServerBuilder::new().url("/").description(Some("The API that serves this document")).build();
    let tags = TAGS.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build());
    let mut document =
        OpenApiBuilder::new().info(info).servers(Some([server])).tags(Some(tags)).components(Some(components)).build();
    if let Some(components) = &mut document.components {
        for code in Code::ALL {
            let example =
                ExampleBuilder::new().summary(code.title()).value(Some(super::problem::example(*code))).build();
            components.examples.insert(code.as_str().to_owned(), RefOr::T(example));
        }
    }
    document
}

/// A deprecated path of an operation that has another path.
#[derive(Debug)]
pub struct Alias {
    /// The path that clients should use.
    pub original: &'static str,
    /// The deprecated path.
    pub path: &'static str,
    /// The operation id under the deprecated path.
    pub operation_id: &'static str,
    /// The description under the deprecated path, if it is not the original's.
    pub description: Option<&'static str>,
}

/// Documents an alias as a deprecated copy of its original.
///
/// # Panics
/// If the document does not have the original.
pub fn add_alias(document: &mut OpenApi, alias: &Alias) {
    let mut item = document.paths.paths[alias.original].clone();
    for operation in operations(&mut item) {
        operation.operation_id = Some(alias.operation_id.to_owned());
        operation.deprecated = Some(Deprecated::True);
        if let Some(description) = alias.description {
            operation.description = Some(description.to_owned());
        }
    }
    document.paths.paths.insert(alias.path.to_owned(), item);
}

/// Marks every operation as deprecated.
pub fn deprecate(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            operation.deprecated = Some(Deprecated::True);
        }
    }
}

/// The operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// Adds the problems that any operation can return. Until `shared/conformance` publishes the document, the description
/// of an error response is the list of its codes, separated by commas.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            add_common_problems(path, operation);
        }
    }
}

/// Whether an operation accepts any token and any body, or none, as signing out does.
fn is_lenient(operation: &Operation) -> bool {
    operation.request_body.is_some() && operation.security.as_ref().is_some_and(|ways| ways.len() > 1)
}

fn add_common_problems(path: &str, operation: &mut Operation) {
    let mut common = vec![Code::Internal];
    if is_lenient(operation) {
        common.extend([Code::DatabaseUnavailable, Code::PayloadTooLarge]);
    } else {
        common.extend([Code::BadRequest, Code::ValidationFailed]);
        // A token is required, not optional.
        if operation.security.as_ref().is_some_and(|ways| ways.len() == 1) {
            common.extend(TOKEN_PROBLEMS);
            common.extend([Code::AccountBanned, Code::DatabaseUnavailable]);
        } else if path.starts_with("/api/") && operation.request_body.is_some() {
            common.push(Code::DatabaseUnavailable);
        }
        if operation.request_body.is_some() {
            common.extend([Code::MalformedJson, Code::PayloadTooLarge, Code::UnsupportedMediaType]);
        }
    }
    for code in common {
        add_problem(operation, code);
    }
}

/// Adds a problem to an operation, if it is not there yet.
pub fn add_problem(operation: &mut Operation, code: Code) {
    let responses = &mut operation.responses.responses;
    let status = code.status().as_str().to_owned();
    let entry = responses.entry(status).or_insert_with(|| RefOr::T(ResponseBuilder::new().build()));
    let RefOr::T(response) = entry else { return };
    let mut codes: Vec<&str> = response.description.split(',').map(str::trim).filter(|code| !code.is_empty()).collect();
    if !codes.contains(&code.as_str()) {
        codes.push(code.as_str());
    }
    response.description = codes.join(", ");
}

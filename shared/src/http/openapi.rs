//! What the OpenAPI document says of every operation.

use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response, ResponseBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

use super::ProblemBody;
use crate::error::{Code, FieldError};

/// The document without operations: title, schemas of errors, and how to authenticate.
#[must_use]
pub fn base() -> OpenApi {
    let license = LicenseBuilder::new().name("MIT").build();
    let info = InfoBuilder::new()
        .title("Task backend")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("openapi.md")))
        .license(Some(license))
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
    let mut document = OpenApiBuilder::new().info(info).components(Some(components)).build();
    if let Some(components) = &mut document.components {
        for code in Code::ALL {
            let example =
                ExampleBuilder::new().summary(code.title()).value(Some(super::problem::example(*code))).build();
            components.examples.insert(code.as_str().to_owned(), RefOr::T(example));
        }
    }
    document
}

/// Operations that stand in the document once more get ids of their own.
pub fn rename(document: &mut OpenApi, suffix: &str) {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            operation.operation_id = operation.operation_id.take().map(|id| id + suffix);
        }
    }
}

/// The operations of a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// Adds what every operation has in common: the headers of every answer, the problems that any request can
/// run into, and an example of each problem. A response of an error status names the codes it stands for in
/// its description, separated by commas.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            add_common_problems(path, operation);
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    finish_response(status, response);
                }
            }
        }
    }
}

fn add_common_problems(path: &str, operation: &mut Operation) {
    let mut common = vec![Code::Internal];
    // Signing out takes a token and a body if there are any, and refuses neither.
    let lenient = operation.security.as_ref().is_some_and(|ways| ways.len() > 1);
    if lenient {
        common.extend([Code::DatabaseUnavailable, Code::PayloadTooLarge]);
    } else if operation.security.is_some() {
        common.extend([
            Code::AuthenticationRequired,
            Code::TokenInvalid,
            Code::TokenExpired,
            Code::SessionRevoked,
            Code::SessionExpired,
            Code::AccountDisabled,
            Code::AccountBanned,
            Code::DatabaseUnavailable,
        ]);
    } else if path.starts_with("/api/") && operation.request_body.is_some() {
        common.push(Code::DatabaseUnavailable);
    }
    if operation.request_body.is_some() && !lenient {
        common.extend([Code::MalformedJson, Code::PayloadTooLarge, Code::UnsupportedMediaType, Code::ValidationFailed]);
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

fn finish_response(status: &str, response: &mut Response) {
    let text = |description: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
    };
    let mut header = |name: &str, description: &str| {
        response.headers.insert(name.to_owned(), RefOr::T(text(description)));
    };
    header("X-Request-Id", "Names this request; quote it when something is wrong.");
    header("Server-Timing", "Milliseconds spent in the database (`db`) and elsewhere (`app`).");
    header("Cache-Control", "`no-store` for everything personal; how long to keep it for the rest.");
    match status {
        "401" => header("WWW-Authenticate", "`Bearer`, with an error code if a token was sent."),
        "503" => header("Retry-After", "Seconds to wait before trying again."),
        "429" => {
            header("Retry-After", "Seconds to wait before trying again.");
            header("RateLimit", "What refused, what is left of it (`r`), and when there is more (`t`, in seconds).");
            header("RateLimit-Policy", "How much is allowed (`q`) in how many seconds (`w`).");
        }
        _ => {}
    }
    if status < "400" {
        return;
    }
    let names: Vec<String> = response.description.split(',').map(|name| name.trim().to_owned()).collect();
    let codes: Vec<Code> =
        names.iter().filter_map(|name| Code::ALL.iter().find(|code| code.as_str() == name)).copied().collect();
    assert_eq!(codes.len(), names.len(), "a response names an unknown problem: {names:?}");
    response.description = codes.iter().map(|code| code.explanation()).collect::<Vec<_>>().join(" Or: ");
    let mut content = Content::new(Some(RefOr::Ref(Ref::from_schema_name(ProblemBody::name()))));
    for code in codes {
        let example = Ref::new(format!("#/components/examples/{}", code.as_str()));
        content.examples.insert(code.as_str().to_owned(), RefOr::Ref(example));
    }
    response.content.clear();
    response.content.insert("application/problem+json".to_owned(), RefOr::T(content));
}

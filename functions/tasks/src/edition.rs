//! What differs between the two generations of clients.

use axum::extract::FromRequestParts;
use axum::extract::rejection::ExtensionRejection;
use http::StatusCode;
use http::request::Parts;
use shared::App;
use shared::domain::Priority;
use shared::error::{ApiError, Code};
use shared::http::{Fields, PathId, openapi};
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{Content, OpenApi, RefOr, ResponseBuilder, Schema};
use uuid::Uuid;

/// Which generation of clients a route serves. `/api/tasks` came first, `/api/v1/tasks` second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    First,
    Second,
}

impl Edition {
    /// The code for a name that is none of a set: 400 for the first generation, 422 for the second.
    pub(crate) const fn unknown_name(self) -> Code {
        match self {
            Self::First => Code::InvalidParameter,
            Self::Second => Code::ValidationFailed,
        }
    }

    /// A priority by name. An unknown one alone is 400 for the first generation.
    pub(crate) fn priority(self, fields: &mut Fields, text: &str) -> Option<Priority> {
        fields.check_alone("/priority", Priority::parse(text), self.unknown_name())
    }

    /// The id of a path. What is no UUID is invalid for the first generation, and no task for the second.
    pub(crate) fn task_id(self, id: PathId) -> Result<Uuid, ApiError> {
        match self {
            Self::First => id.uuid(),
            Self::Second => id.0.ok_or_else(|| ApiError::of(Code::TaskNotFound)),
        }
    }

    /// Where a task is found.
    pub(crate) fn location(self, id: Uuid) -> String {
        match self {
            Self::First => format!("/api/tasks/{id}"),
            Self::Second => format!("/api/v1/tasks/{id}"),
        }
    }

    /// A message beside the data, which the second generation shows.
    pub(crate) fn message(self, text: &'static str) -> Option<&'static str> {
        (self == Self::Second).then_some(text)
    }
}

impl FromRequestParts<App> for Edition {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let axum::Extension(edition) = axum::Extension::from_request_parts(parts, app).await?;
        Ok(edition)
    }
}

fn is_priority(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.name == "priority")
}

/// Handlers are documented as the second generation sees them; this is the first one's view.
pub(crate) fn document_first(document: &mut OpenApi) {
    openapi::rename(document, "_unversioned");
    first_bodies(document);
    for (path, item) in &mut document.paths.paths {
        let by_id = path.contains("{id}");
        if let Some(delete) = &mut item.delete {
            let gone = ResponseBuilder::new().description("Deleted").build();
            delete.responses.responses.remove(StatusCode::OK.as_str());
            delete.responses.responses.insert(StatusCode::NO_CONTENT.as_str().to_owned(), RefOr::T(gone));
        }
        for operation in openapi::operations(item) {
            let names = operation.parameters.as_ref().is_some_and(|list| list.iter().any(is_priority));
            if names || operation.request_body.is_some() {
                openapi::add_problem(operation, Code::InvalidParameter);
            }
            if by_id {
                openapi::add_problem(operation, Code::ValidationFailed);
            }
        }
    }
}

/// The bodies of the first generation: a priority that may be left out, and no `completed` in an update.
fn first_bodies(document: &mut OpenApi) {
    const SUFFIX: &str = "Unversioned";
    let Some(components) = &mut document.components else { return };
    for name in ["CreateTask", "UpdateTask"] {
        let Some(RefOr::T(Schema::Object(mut schema))) = components.schemas.remove(name) else { continue };
        schema.required.retain(|field| field != "priority");
        if name == "UpdateTask" {
            schema.properties.shift_remove("completed");
        }
        components.schemas.insert(format!("{name}{SUFFIX}"), RefOr::T(Schema::Object(schema)));
    }
    for item in document.paths.paths.values_mut() {
        for operation in openapi::operations(item) {
            let Some(RefOr::T(body)) = &mut operation.request_body else { continue };
            for content in body.content.values_mut() {
                if let RefOr::T(Content { schema: Some(RefOr::Ref(reference)), .. }) = content
                    && ["CreateTask", "UpdateTask"].iter().any(|name| reference.ref_location.ends_with(name))
                {
                    reference.ref_location.push_str(SUFFIX);
                }
            }
        }
    }
}

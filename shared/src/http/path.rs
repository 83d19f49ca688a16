//! The extractor of ids in paths.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use uuid::Uuid;

use crate::error::ApiError;

/// The path parameter `{id}`; `None` if it is malformed, which is 422 under `/api` and 404 under `/api/v1`.
#[derive(Clone, Copy, Debug)]
pub struct PathId(pub Option<Uuid>);

/// How `{id}` is documented.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Path, names("id"))]
pub struct IdPath(
    /// The id
    #[expect(dead_code, reason = "documentation only")]
    Uuid,
);

impl PathId {
    /// The id, for the legacy endpoints.
    ///
    /// # Errors
    /// 422 if it is not a UUID.
    pub fn uuid(self) -> Result<Uuid, ApiError> {
        self.0.ok_or_else(|| ApiError::invalid("/path/id", "must be a UUID"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        // A parameter that is not UTF-8 is not a UUID either.
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else { return Ok(Self(None)) };
        let id = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value);
        Ok(Self(id.and_then(|text| Uuid::try_parse(text).ok())))
    }
}

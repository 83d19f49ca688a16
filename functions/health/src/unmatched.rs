//! What API Gateway has no route for.

use shared::ApiError;
use shared::error::Code;

/// Answers a request that fits no route.
pub(crate) async fn unmatched() -> ApiError {
    ApiError::of(Code::RouteNotFound)
}

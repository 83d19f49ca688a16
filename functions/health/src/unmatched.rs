//! Requests that match no route of API Gateway.

use shared::ApiError;
use shared::error::Code;

pub(crate) async fn unmatched() -> ApiError {
    ApiError::of(Code::RouteNotFound)
}

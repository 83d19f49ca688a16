//! Where a request came from, and the context of the audit event that it causes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;

use super::event::Gateway;
use crate::domain::{AuditContext, RequestOrigin};
use crate::state::App;

/// The IP address comes from API Gateway. Headers such as `X-Forwarded-For` are ignored, because any client can set
/// them.
impl FromRequestParts<App> for AuditContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let ip = parts.extensions.get::<Gateway>().and_then(|gateway| gateway.source_ip);
        let user_agent = parts.headers.get(USER_AGENT).map(http::HeaderValue::as_bytes);
        Ok(app.audit_context(Arc::new(RequestOrigin::new(ip, user_agent))))
    }
}

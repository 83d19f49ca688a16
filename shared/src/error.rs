//! All errors of requests, in one table with their HTTP status, code and title.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Write as _;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::db::{DbError, RequestRefusal};
use crate::domain::{LimitExceeded, LimitName};

/// One row for each error: its meaning, variant, HTTP status, stable code and title.
macro_rules! table {
    ($($doc:literal $variant:ident = $status:ident, $code:literal, $title:literal;)*) => {
        /// The stable, machine-readable names of errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $doc] $variant,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The HTTP status of this error.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// The name that clients compare, the field `code` of a problem.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// A short summary for people, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What the error means and what a client should do about it.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

table! {
    "The body is not JSON. Nothing was done; send valid JSON." MalformedJson = BAD_REQUEST, "malformed_json", "The body is not valid JSON";
    "A parameter has a value that does not exist; the detail lists those that do." InvalidParameter = BAD_REQUEST, "invalid_parameter", "A parameter has an unknown value";
    "The request cannot be read at all: a path, header or body that is not UTF-8, for example." BadRequest = BAD_REQUEST, "bad_request", "The request cannot be read";
    "The request was understood and a field of it is not acceptable; `errors` points at each." ValidationFailed = UNPROCESSABLE_ENTITY, "validation_failed", "The input is not valid";
    "No bearer token was sent. Sign in and send `Authorization: Bearer <token>`." AuthenticationRequired = UNAUTHORIZED, "authentication_required", "Authentication is required";
    "The access token is malformed, forged or for another service. Refresh, or sign in again." TokenInvalid = UNAUTHORIZED, "token_invalid", "The access token is not valid";
    "The access token has expired. Refresh it." TokenExpired = UNAUTHORIZED, "token_expired", "The access token has expired";
    "The email or the password is wrong." InvalidCredentials = UNAUTHORIZED, "invalid_credentials", "Invalid email or password";
    "The account has been banned; the detail says until when and why." AccountBanned = FORBIDDEN, "account_banned", "The account is banned";
    "The endpoint is for administrators." AdminRequired = FORBIDDEN, "admin_required", "Administrators only";
    "A cookie came from a site that is not on the list of origins. Call from an allowed origin." OriginNotAllowed = FORBIDDEN, "origin_not_allowed", "The origin is not allowed";
    "The account has been disabled." AccountDisabled = UNAUTHORIZED, "account_disabled", "The account is disabled";
    "The session was ended: by a sign-out, a password change or an administrator. Sign in again." SessionRevoked = UNAUTHORIZED, "session_revoked", "The session has been ended";
    "The session has been idle or alive for too long. Sign in again." SessionExpired = UNAUTHORIZED, "session_expired", "The session has expired";
    "The refresh token is malformed or forged." RefreshTokenInvalid = UNAUTHORIZED, "refresh_token_invalid", "The refresh token is not valid";
    "Neither the cookie nor the body has a refresh token. Sign in." RefreshTokenMissing = UNAUTHORIZED, "refresh_token_missing", "There is no refresh token";
    "A newer refresh token is in use. Read the stored token again and retry with it; the session lives." RefreshTokenSuperseded = UNAUTHORIZED, "refresh_token_superseded", "A newer refresh token is in use";
    "An old refresh token came from another network and another program, or again and again from another network, so the session was ended. Sign in again." RefreshTokenReused = UNAUTHORIZED, "refresh_token_reused", "The refresh token was used before";
    "The refresh token is newer than the session, which happens after a database was restored. Sign in again." RefreshTokenAhead = UNAUTHORIZED, "refresh_token_ahead", "The refresh token is newer than its session";
    "There is no such task, or it is not yours." TaskNotFound = NOT_FOUND, "task_not_found", "Task not found";
    "There is no such session, or it is not yours, or it has ended." SessionNotFound = NOT_FOUND, "session_not_found", "Session not found";
    "There is no such account." UserNotFound = NOT_FOUND, "user_not_found", "User not found";
    "No endpoint has this path." RouteNotFound = NOT_FOUND, "route_not_found", "No such endpoint";
    "The endpoint does not support this method; `Allow` lists those that it does." MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed";
    "The body is larger than 256 KiB." PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large";
    "The body is declared as something other than JSON. Send `Content-Type: application/json`, or none." UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The content type is not supported";
    "An account with this email exists." EmailTaken = CONFLICT, "email_taken", "The email is already registered";
    "As much is stored as one account may store. Delete something first." LimitReached = CONFLICT, "limit_reached", "The limit is reached";
    "Nobody would be left to administer. Make another administrator first." LastAdmin = CONFLICT, "last_admin", "The last administrator";
    "Too many requests of this kind. Retry after the seconds in `Retry-After`; `RateLimit-Policy` says what is allowed." RateLimited = TOO_MANY_REQUESTS, "rate_limited", "Too many requests";
    "Too many failed sign-ins to this account. Retry after the seconds in `Retry-After`, or sign in from where you have before." TooManyFailures = TOO_MANY_REQUESTS, "too_many_failures", "Too many failed sign-ins";
    "The database cannot be reached or is busy. Retry after the seconds in `Retry-After`." DatabaseUnavailable = SERVICE_UNAVAILABLE, "database_unavailable", "The database is unavailable";
    "Tokens cannot be signed or verified right now. Retry later." AuthenticationUnavailable = SERVICE_UNAVAILABLE, "authentication_unavailable", "Authentication is unavailable";
    "A setting is missing or wrong; the checks say which." ConfigurationInvalid = SERVICE_UNAVAILABLE, "configuration_invalid", "The configuration is not valid";
    "Something failed on our side. Report the request id if it persists." Internal = INTERNAL_SERVER_ERROR, "internal_error", "Internal server error";
}

/// One part of the input that is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer into the body, `/query/<name>` or `/path/<name>`.
    #[schema(example = "/title")]
    pub pointer: String,
    /// What is wrong with it.
    #[schema(example = "must be 1 to 255 characters long")]
    pub detail: String,
}

/// A failed request. The response is `application/problem+json`; the cause goes only to the log.
#[derive(Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    body_status: Option<&'static str>,
    report: Option<serde_json::Value>,
    refused: Option<LimitExceeded>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl ApiError {
    /// An error with a detail for the user.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            body_status: None,
            report: None,
            refused: None,
            cause: None,
        }))
    }

    /// An error whose detail is its title.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// An exceeded limit (429). The response says when to try again.
    #[must_use]
    pub fn limited(refused: LimitExceeded) -> Self {
        let code = match refused.name {
            LimitName::SignInFailures => Code::TooManyFailures,
            _ => Code::RateLimited,
        };
        let mut error = Self::new(code, format!("{}; try again in {} s", code.title(), refused.retry_after()));
        error.0.refused = Some(refused);
        error
    }

    /// An internal error (500), with its cause.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::of(Code::Internal).because(cause)
    }

    /// An invalid value (422) at `pointer`: a JSON pointer into the body, `/query/<name>` or `/path/<name>`.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let error = FieldError { pointer: pointer.into(), detail: detail.into() };
        let name = error.pointer.rsplit('/').next().unwrap_or_default();
        let detail = if name.is_empty() { error.detail.clone() } else { format!("{name}: {}", error.detail) };
        Self::new(Code::ValidationFailed, detail).at(error)
    }

    /// Replaces the code.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.code = code;
        self
    }

    /// Adds an invalid part of the input.
    #[must_use]
    pub fn at(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    /// Sets the cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Replaces the number in the field `status` with a word, for clients of the old health checks.
    #[must_use]
    pub fn with_body_status(mut self, status: &'static str) -> Self {
        self.0.body_status = Some(status);
        self
    }

    /// Adds the field `data`, which clients see.
    #[must_use]
    pub fn with_report(mut self, report: serde_json::Value) -> Self {
        self.0.report = Some(report);
        self
    }

    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The detail that the user sees.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    pub(crate) fn body_status(&self) -> Option<&'static str> {
        self.0.body_status
    }

    pub(crate) fn report(&self) -> Option<&serde_json::Value> {
        self.0.report.as_ref()
    }

    pub(crate) fn refused(&self) -> Option<&LimitExceeded> {
        self.0.refused.as_ref()
    }

    /// The cause and its sources in one line, only for the log.
    pub(crate) fn cause_line(&self) -> Option<String> {
        self.0.cause.as_deref().map(|cause| describe_error(cause))
    }
}

/// An error and its sources in one line. An error of PostgreSQL is reduced to message, code and constraint, because its
/// details quote whole rows.
#[must_use]
pub fn describe_error(error: &(dyn StdError + 'static)) -> String {
    let mut line = String::new();
    let mut current = Some(error);
    while let Some(error) = current {
        if !line.is_empty() {
            line.push_str(": ");
        }
        if let Some(reported) = error.downcast_ref::<tokio_postgres::Error>().and_then(|error| error.as_db_error()) {
            let constraint = reported.constraint().map(|name| format!(", {name}")).unwrap_or_default();
            let _ = write!(
                line,
                "{}: {} ({}{constraint})",
                reported.severity(),
                reported.message(),
                reported.code().code()
            );
            return line;
        }
        let _ = write!(line, "{error}");
        current = error.source();
    }
    line
}

/// The message of a panic.
#[must_use]
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message")
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        let code = match &error {
            DbError::RequestRefused(refusal) | DbError::RetryRefused(refusal) => {
                return match refusal {
                    RequestRefusal::SessionRevoked => Self::of(Code::SessionRevoked),
                    RequestRefusal::SessionExpired => Self::of(Code::SessionExpired),
                    RequestRefusal::AccountDisabled => Self::of(Code::AccountDisabled),
                    RequestRefusal::AccountBanned => Self::of(Code::AccountBanned),
                    RequestRefusal::NotAdmin => Self::of(Code::AdminRequired),
                    RequestRefusal::RateLimited(refused) => Self::limited(*refused),
                };
            }
            DbError::Unavailable(_) | DbError::Overloaded(_) | DbError::TimedOut(_) => Code::DatabaseUnavailable,
            DbError::Constraint { .. } | DbError::Other(_) => Code::Internal,
        };
        Self::of(code).because(error)
    }
}

impl IntoResponse for ApiError {
    /// An empty response that carries the error; the problem layer writes the body, which needs the request id.
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        response.extensions_mut().insert(std::sync::Arc::new(self));
        response
    }
}

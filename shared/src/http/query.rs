//! The extractor of query parameters, which are read one by one, so that each error names its parameter.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Ready, ready};

use axum::extract::{FromRequestParts, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::request::Parts;
use http::{HeaderMap, Uri};

use super::{Fields, prefer};
use crate::error::{ApiError, Code};

/// The parameters of a query string, of which the handler takes each one once. Others are ignored, as the old backend
/// did, unless the client prefers strict handling.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    strict: bool,
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

impl Query {
    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let text = uri.query().unwrap_or_default();
        let pairs =
            form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()));
        let pairs = pairs.filter(|(name, value)| !(name.is_empty() && value.is_empty())).collect();
        Self { pairs, strict: prefer::is_strict(headers) }
    }

    /// Takes the value of a parameter; `None` if it is missing.
    ///
    /// # Errors
    /// 422 if the parameter is repeated.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut found = self.pairs.extract_if(.., |(given, _)| given == name);
        let first = found.next().map(|(_, value)| value);
        if found.next().is_some() {
            return Err(ApiError::invalid(format!("/query/{name}"), "is given more than once"));
        }
        Ok(first)
    }

    /// Takes a whole number in `range`; `default` if it is missing.
    ///
    /// # Errors
    /// 422 if it is not a whole number in the range.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<i64>, default: i64) -> Result<i64, ApiError> {
        let Some(text) = self.take(name)? else { return Ok(default) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let expected: Cow<'_, str> = match (range.start(), range.end()) {
                (min, &i64::MAX) => format!("must be a whole number, at least {min}").into(),
                (min, max) => format!("must be a whole number from {min} to {max}").into(),
            };
            ApiError::invalid(format!("/query/{name}"), expected)
        })
    }

    /// Takes a boolean, in the spellings that existing clients use.
    ///
    /// # Errors
    /// 422 if it is not a boolean.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Ok(Some(true)),
            "false" | "0" | "no" | "off" | "f" | "n" => Ok(Some(false)),
            _ => Err(ApiError::invalid(format!("/query/{name}"), "must be true or false")),
        }
    }

    /// Takes one of a set of names.
    ///
    /// # Errors
    /// With the code `unknown` if it is not one of the names.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)], unknown: Code) -> Result<Option<T>, ApiError> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        if let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == text) {
            Ok(Some(*value))
        } else {
            let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            let detail = format!("must be one of {}", names.join(", "));
            Err(ApiError::invalid(format!("/query/{name}"), detail).with_code(unknown))
        }
    }

    /// Refuses parameters that were not taken, if the client prefers strict handling.
    ///
    /// # Errors
    /// 422 that names every unknown parameter.
    pub fn finish(self) -> Result<(), ApiError> {
        let mut fields = Fields::default();
        if self.strict {
            for (name, _) in &self.pairs {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                let name = name.replace('~', "~0").replace('/', "~1");
                fields.refuse(&format!("/query/{name}"), "is not a parameter of this endpoint");
            }
        }
        fields.finish()
    }
}

/// Wraps a handler without query parameters, so that strict handling refuses every parameter.
#[derive(Clone, Debug)]
pub struct WithoutQuery<H>(pub H);

impl<T, S, H: Handler<T, S>> Handler<T, S> for WithoutQuery<H> {
    type Future = Either<Ready<Response>, H::Future>;

    fn call(self, request: Request, state: S) -> Self::Future {
        match Query::of(request.uri(), request.headers()).finish() {
            Ok(()) => Either::Right(self.0.call(request, state)),
            Err(error) => Either::Left(ready(error.into_response())),
        }
    }
}

//! Values that are valid by construction. This module imports no other: no HTTP, no SQL, no settings.

mod audit_context;
mod ban_reason;
mod description;
mod due;
mod email;
mod identity;
mod limit;
mod name;
mod password;
mod priority;
mod request_origin;
mod text;
mod title;

pub use audit_context::AuditContext;
pub use ban_reason::BanReason;
pub use description::Description;
pub use due::{DueDatetime, parse_time};
pub use email::Email;
pub use identity::{Identity, Proof};
pub use limit::{Limit, LimitExceeded, LimitName, Limits};
pub use name::Name;
pub use password::{NewPassword, Password, StoredPassword};
pub use priority::Priority;
pub use request_origin::RequestOrigin;
pub use text::replace_controls;
pub use title::Title;

/// Why a text from outside was refused: a sentence without a subject, such as "must not be empty".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(crate) std::borrow::Cow<'static, str>);

impl Invalid {
    pub(crate) const fn new(reason: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(reason))
    }
}

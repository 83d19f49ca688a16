//! HTTP: the layers around every function, the extractors of handlers, and their response types.

pub mod answer;
mod audit_context;
pub mod cookie;
mod created;
pub mod cursor;
pub mod event;
mod field;
mod fields;
mod fit;
mod json;
mod layers;
mod message;
pub mod openapi;
mod path;
mod prefer;
mod problem;
mod query;
mod request_id;
mod request_log;
pub mod routes;
mod time;
mod trace;
mod user;

pub use created::Created;
pub use field::Field;
pub use fields::Fields;
pub use fit::fitting;
pub use json::{Body, Json};
pub use layers::{MAX_BODY, stack};
pub use message::MessageBody;
pub use path::{IdPath, PathId};
pub use problem::ProblemBody;
pub use query::{Query, WithoutQuery};
pub use request_id::RequestId;
pub use time::Time;
pub use user::{CurrentAdmin, CurrentUser, bearer, identity_to_end};

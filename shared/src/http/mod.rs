//! HTTP: the layers around every function, what handlers take, and what they answer with.

pub mod client;
pub mod cookie;
mod created;
pub mod cursor;
pub mod deadline;
mod fields;
mod json;
mod layers;
mod message;
pub mod openapi;
mod patch;
mod path;
mod problem;
mod query;
mod request_id;
mod request_log;
mod routes;
mod user;

pub use created::Created;
pub use fields::Fields;
pub use json::{Body, Json};
pub use layers::{MAX_BODY, stack};
pub use message::MessageBody;
pub use patch::Patch;
pub use path::{IdPath, PathId};
pub use problem::ProblemBody;
pub use query::Query;
pub use request_id::RequestId;
pub(crate) use request_log::millis;
pub use routes::Routes;
pub use user::{CurrentAdmin, CurrentUser, bearer, session_to_end};

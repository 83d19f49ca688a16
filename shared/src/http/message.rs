//! The envelope of responses without data: `{"success": true, "message": …}`.

use serde::Serialize;
use utoipa::ToSchema;

/// An answer without data.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageBody {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened.
    #[schema(example = "Successfully signed out")]
    message: &'static str,
}

impl MessageBody {
    /// The response to a request that succeeded. `message` is a sentence for people.
    #[must_use]
    pub fn done(message: &'static str) -> Self {
        Self { success: true, message }
    }
}

//! `POST /api/v1/auth/signup`

use axum::extract::State;
use serde::Deserialize;
use shared::db::users::{self, NewUser};
use shared::domain::{Email, Name, NewPassword};
use shared::error::{ApiError, Code};
use shared::http::{Created, Fields, Json, client};
use shared::{App, passwords};
use utoipa::ToSchema;

use crate::issue::{self, Session};
use crate::view::SignedInBody;

/// An account to make.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SignUp {
    /// The address to sign in with.
    #[schema(example = "ada@example.com", max_length = 254)]
    email: String,
    /// 8 to 128 characters.
    #[schema(example = "correct horse battery", format = Password, min_length = 8, max_length = 128)]
    password: String,
    /// What to call the person.
    #[schema(example = "Ada", max_length = 255)]
    name: Option<String>,
}

/// Sign up
///
/// Makes an account and signs in to it.
#[utoipa::path(
    post, path = "/signup", tag = "auth", request_body = SignUp,
    responses(
        (status = 201, description = "The account and its tokens", body = SignedInBody),
        (status = 409, description = "email_taken"),
    )
)]
pub(crate) async fn sign_up(
    State(app): State<App>,
    client::From(client): client::From,
    Json(body): Json<SignUp>,
) -> Result<Created<SignedInBody>, ApiError> {
    let mut fields = Fields::default();
    let email = fields.check("/email", Email::parse(&body.email));
    let password = fields.check("/password", NewPassword::parse(&body.password));
    let name = fields.check("/name", body.name.as_deref().map_or(Ok(None), Name::parse));
    let (Some(email), Some(password), Some(name)) = (email, password, name) else { return Err(fields.into_error()) };

    let taken = || ApiError::of(Code::EmailTaken);
    let db = app.db.anonymous();
    if users::find_credentials(&db, &email).await?.is_some() {
        return Err(taken());
    }
    let settings = app.settings();
    let password = passwords::hash(&settings, password.as_password().clone()).await.map_err(ApiError::internal)?;

    let now = app.clock.now();
    let user = NewUser { id: app.ids.next(), email: &email, name: name.as_ref(), password: &password, created_at: now };
    let session = issue::new_session(&app, &client, now);
    let row = users::insert_with_session(&db, &user, &session).await;
    let row = row.map_err(|error| if error.is_on("users_email_key") { taken() } else { error.into() })?;

    let session = Session { id: session.id, generation: 0, expires_at: session.idle_expires_at, is_new: true };
    let body = issue::tokens(&app, &settings, row, &session, now)?.into();
    Ok(Created { location: None, body })
}

//! `GET /api/v1/auth/events`

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use shared::App;
use shared::db::audit::{self, EventKind, EventRow};
use shared::domain::parse_time;
use shared::error::ApiError;
use shared::http::cursor::{self, Cursor};
use shared::http::{CurrentUser, Data, Json, Query, Time};
use utoipa::openapi::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// The query parameters, for the document only: the handler reads them one by one.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documentation only")]
pub(crate) struct ListEvents {
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Something that happened to the account.
#[derive(Serialize, ToSchema)]
pub(crate) struct Event {
    /// The event's id.
    id: Uuid,
    /// When it happened.
    occurred_at: Time,
    /// What happened. There may be more kinds in time.
    #[schema(schema_with = kinds)]
    kind: String,
    /// Whether an administrator did it.
    #[schema(example = false)]
    by_administrator: bool,
    /// The session it is about.
    #[schema(required)]
    session_id: Option<Uuid>,
    /// The address the request came from; null if an administrator made it.
    #[schema(required, example = "203.0.113.7")]
    ip: Option<String>,
    /// The program that made the request; null if an administrator made it.
    #[schema(required, example = "Mozilla/5.0")]
    user_agent: Option<String>,
    /// More, depending on the kind.
    #[schema(value_type = Object)]
    details: Value,
}

fn kinds() -> Object {
    let names = EventKind::ALL.map(EventKind::as_str);
    let builder = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).examples(["signed_in"]);
    builder.description(Some("What happened. There may be more kinds in time.")).build()
}

/// A page of events, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Events {
    /// The events.
    events: Vec<Event>,
    /// Where the next page starts; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

type EventsBody = Data<Events>;

/// List events
///
/// What happened to your account in the last 90 days: sign-ins, failed ones too, ended sessions, changes.
#[utoipa::path(
    get, path = "/api/v1/auth/events", tag = "auth", params(ListEvents), security(("bearer" = [])),
    responses(
        (status = 200, description = "The page", body = EventsBody),
        (status = 422, description = "validation_failed"),
    )
)]
pub(crate) async fn list_events(
    user: CurrentUser,
    State(app): State<App>,
    mut query: Query,
) -> Result<Json<EventsBody>, ApiError> {
    let limit = query.number("limit", 1..=100, 50)?;
    let after = Cursor::take(&mut query)?;
    query.finish()?;
    let after = after.map(|cursor| (cursor.time, cursor.id));
    let rows = audit::list(&app.read(user), user.id(), after, limit + 1).await?;
    let (rows, next_cursor) = cursor::page(rows, limit, |row| Cursor { time: row.occurred_at, id: row.id });
    let view = |row| {
        let EventRow { id, occurred_at, kind, by_administrator, session_id, ip, user_agent, mut details } = row;
        // PostgreSQL formats times in JSON differently from this API.
        if let Some(until) = details.get("until").and_then(Value::as_str).and_then(|text| parse_time(text).ok()) {
            details["until"] = Time(until).to_string().into();
        }
        let occurred_at = occurred_at.into();
        Event { id, occurred_at, kind, by_administrator, session_id, ip, user_agent, details }
    };
    let events = rows.into_iter().map(view).collect();
    Ok(Json(Events { events, next_cursor }.into()))
}

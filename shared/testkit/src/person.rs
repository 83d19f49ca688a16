//! A user with an account, a session and an access token.

use http::Method;
use serde_json::Value;
use shared::config::{Function, Settings, Sources};
use shared::tokens::{self, Claims};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::{Api, Call, TestResponse, log_recorder, settings};

/// A user of an API under test.
#[derive(Debug)]
pub struct Person<'a> {
    api: &'a Api,
    /// The id of the account.
    pub id: Uuid,
    /// The id of the session.
    pub session: Uuid,
    /// The access token.
    pub token: String,
}

impl<'a> Person<'a> {
    /// Inserts the account and the session directly into the database: functions other than auth have no sign-up.
    pub(crate) async fn new(api: &'a Api, email: &str) -> Self {
        let now = api.now();
        let (id, session) = (api.app.ids.next(), api.app.ids.next());
        let owner = api.database.connect().await;
        let (idle, absolute) =
            (now + shared::db::sessions::IDLE_LIFETIME, now + shared::db::sessions::ABSOLUTE_LIFETIME);
        // Row-level security also applies to the owner, so insert as the auth role.
        owner.batch_execute("SET ROLE todo_auth").await.expect("the role exists");
        let sql = "WITH account AS (
                       INSERT INTO users (id, email, created_at, updated_at) VALUES ($1, $2, $3, $3)
                   )
                   INSERT INTO sessions (id, user_id, settle_until, idle_expires_at, absolute_expires_at, created_at, last_used_at)
                   VALUES ($4, $1, $3, $5, $6, $3, $3)";
        let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 6] = [
            (&id, Type::UUID),
            (&email, Type::TEXT),
            (&now, Type::TIMESTAMPTZ),
            (&session, Type::UUID),
            (&idle, Type::TIMESTAMPTZ),
            (&absolute, Type::TIMESTAMPTZ),
        ];
        owner.execute_typed(sql, &params).await.expect("the account can be created");
        let token = Self::sign_token(api, id, session, email);
        log_recorder::record_secret(email);
        Self { api, id, session, token }
    }

    fn sign_token(api: &Api, id: Uuid, session: Uuid, email: &str) -> String {
        let mut all = settings();
        all.insert("DATABASE_URL".to_owned(), api.database.url());
        let signer = Settings::read(Function::Auth, &Sources::environment(all)).expect("the test settings are valid");
        let now = api.now();
        let claims = Claims {
            iss: signer.access_tokens.issuer.clone(),
            aud: signer.access_tokens.audience.clone(),
            sub: id,
            iat: now.as_second(),
            exp: (now + signer.access_ttl).as_second(),
            jti: api.app.ids.next(),
            sid: session,
            generation: 0,
            role: "user".to_owned(),
            user_id: id,
            email: email.to_owned(),
            name: None,
        };
        tokens::sign(&signer.access_tokens, &claims).expect("there is an active key")
    }

    /// A call with the access token.
    #[must_use]
    pub fn call(&self, method: Method, path: &str) -> Call<'a> {
        self.api.call(method, path).bearer(&self.token)
    }

    /// Sends `GET`.
    pub async fn get(&self, path: &str) -> TestResponse {
        self.call(Method::GET, path).send().await
    }

    /// Sends `POST` with JSON.
    pub async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.call(Method::POST, path).json(body).send().await
    }

    /// Sends `PUT` with JSON.
    pub async fn put(&self, path: &str, body: Value) -> TestResponse {
        self.call(Method::PUT, path).json(body).send().await
    }

    /// Sends `PATCH` with JSON.
    pub async fn patch(&self, path: &str, body: Value) -> TestResponse {
        self.call(Method::PATCH, path).json(body).send().await
    }

    /// Sends `DELETE`.
    pub async fn delete(&self, path: &str) -> TestResponse {
        self.call(Method::DELETE, path).send().await
    }
}

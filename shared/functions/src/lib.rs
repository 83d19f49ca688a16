//! The table of functions: one row for each Lambda function of the backend.
//!
//! The settings of a function, its parts of `template.yaml`, the local router, the secrets of a stack, the probes of
//! `cargo xtask dev` and the functions that `cargo xtask bench` builds all follow from this table. The crate has no
//! dependencies, so that `xtask`, which must build fast, can use it too.

/// A Lambda function of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Accounts, sessions and tokens; the only function with private keys.
    Auth,
    /// Tasks; verifies tokens with public keys.
    Tasks,
    /// Administration of accounts; verifies tokens with public keys.
    Users,
    /// Health checks, and 404 for every path without a route.
    Health,
    /// The OpenAPI document and its page.
    Docs,
    /// Migrations, over the direct database URL; no HTTP.
    Migrate,
    /// The scheduled purge, and operators' changes to accounts; no HTTP.
    Maintenance,
}

/// The properties of a function: everything that differs between functions.
#[derive(Debug)]
pub struct FunctionSpec {
    /// Names its folder, binary, secret and metrics.
    pub name: &'static str,
    /// The routes that API Gateway and the local router send to it; empty without HTTP.
    pub routes: &'static [Route],
    /// A path that `cargo xtask dev` probes, and the expected status without a token.
    pub probe: Option<(&'static str, u16)>,
    /// Its secret in Secrets Manager, if it has one.
    pub secret: Option<Secret>,
    /// Whether it uses the pooled database.
    pub uses_database: bool,
    /// Whether it starts even with invalid settings: `health` reports them, `migrate` must respond to CloudFormation.
    pub starts_with_problems: bool,
    /// Memory in MB, which also decides its share of a processor.
    pub memory: u16,
    /// The maximum size of its binary in MiB. Detects a second TLS stack or a changed release profile.
    pub largest_binary: u64,
    /// Whether `cargo xtask bench` measures it.
    pub is_measured: bool,
}

/// The secret of a function.
#[derive(Debug)]
pub struct Secret {
    /// Its content, for its description in AWS.
    pub content: &'static str,
    /// The settings that operators fill in, in addition to the keys.
    pub settings: &'static [&'static str],
}

/// A route of API Gateway.
#[derive(Debug)]
pub struct Route {
    /// The name of its event in the template.
    pub name: &'static str,
    /// Matches this path and everything below it; with a trailing slash, only what is below it.
    pub path: &'static str,
    /// The separate limit of `POST` to this path, if any: requests per second and burst, for all callers together.
    pub limit: Option<(u16, u16)>,
}

const fn route(name: &'static str, path: &'static str) -> Route {
    Route { name, path, limit: None }
}

/// A route whose `POST` hashes a password.
const fn hashing_route(name: &'static str, path: &'static str, per_second: u16, burst: u16) -> Route {
    Route { name, path, limit: Some((per_second, burst)) }
}

const AUTH: FunctionSpec = FunctionSpec {
    name: "auth",
    routes: &[
        route("Jwks", "/.well-known/jwks.json"),
        route("CheckAuthentication", "/health/auth"),
        route("AuthUnversioned", "/api/auth/"),
        route("Auth", "/api/v1/auth/"),
        hashing_route("SignUp", "/api/v1/auth/signup", 10, 20),
        hashing_route("SignIn", "/api/v1/auth/signin", 50, 100),
        hashing_route("Login", "/api/v1/auth/login", 50, 100),
        hashing_route("LoginUnversioned", "/api/auth/login", 50, 100),
    ],
    probe: Some(("/health/auth", 200)),
    secret: Some(Secret {
        content: "Signing keys, refresh token keys, password peppers and the pooled database URL",
        settings: &["DATABASE_URL", "BETTER_AUTH_SECRET"],
    }),
    uses_database: true,
    starts_with_problems: false,
    memory: 1024,
    largest_binary: 16,
    is_measured: true,
};

const TASKS: FunctionSpec = FunctionSpec {
    name: "tasks",
    routes: &[route("TasksUnversioned", "/api/tasks"), route("Tasks", "/api/v1/tasks")],
    probe: Some(("/api/tasks", 401)),
    secret: Some(Secret {
        content: "Public keys and the pooled database URL",
        settings: &["DATABASE_URL", "BETTER_AUTH_SECRET"],
    }),
    uses_database: true,
    starts_with_problems: false,
    memory: 512,
    largest_binary: 13,
    is_measured: true,
};

const USERS: FunctionSpec = FunctionSpec {
    name: "users",
    routes: &[route("Users", "/api/v1/users")],
    probe: Some(("/api/v1/users", 401)),
    secret: Some(Secret {
        content: "Public keys and the pooled database URL",
        settings: &["DATABASE_URL", "BETTER_AUTH_SECRET"],
    }),
    uses_database: true,
    starts_with_problems: false,
    memory: 512,
    largest_binary: 13,
    is_measured: false,
};

const HEALTH: FunctionSpec = FunctionSpec {
    name: "health",
    routes: &[route("Unmatched", "/")],
    probe: Some(("/health/config", 200)),
    secret: Some(Secret { content: "Public keys and the pooled database URL", settings: &["DATABASE_URL"] }),
    uses_database: true,
    starts_with_problems: true,
    memory: 256,
    largest_binary: 12,
    is_measured: true,
};

const DOCS: FunctionSpec = FunctionSpec {
    name: "docs",
    routes: &[route("Openapi", "/api/openapi.json"), route("Docs", "/api/docs")],
    probe: Some(("/api/docs", 200)),
    secret: None,
    uses_database: false,
    starts_with_problems: false,
    memory: 256,
    largest_binary: 16,
    is_measured: false,
};

const MIGRATE: FunctionSpec = FunctionSpec {
    name: "migrate",
    routes: &[],
    probe: None,
    secret: Some(Secret { content: "The direct database URL", settings: &["DATABASE_URL_UNPOOLED"] }),
    uses_database: false,
    starts_with_problems: true,
    memory: 256,
    largest_binary: 12,
    is_measured: false,
};

const MAINTENANCE: FunctionSpec = FunctionSpec {
    name: "maintenance",
    routes: &[],
    probe: None,
    secret: Some(Secret { content: "The pooled database URL", settings: &["DATABASE_URL"] }),
    uses_database: true,
    starts_with_problems: false,
    memory: 256,
    largest_binary: 11,
    is_measured: false,
};

impl Function {
    pub const ALL: [Self; 7] =
        [Self::Auth, Self::Tasks, Self::Users, Self::Health, Self::Docs, Self::Migrate, Self::Maintenance];

    #[must_use]
    pub const fn spec(self) -> &'static FunctionSpec {
        match self {
            Self::Auth => &AUTH,
            Self::Tasks => &TASKS,
            Self::Users => &USERS,
            Self::Health => &HEALTH,
            Self::Docs => &DOCS,
            Self::Migrate => &MIGRATE,
            Self::Maintenance => &MAINTENANCE,
        }
    }

    /// The name of the function, as in [`FunctionSpec::name`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// Whether API Gateway invokes it.
    #[must_use]
    pub const fn has_http(self) -> bool {
        !self.spec().routes.is_empty()
    }
}

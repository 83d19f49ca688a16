-- One row per sign-in. Refresh tokens are not stored: they are derived from (id, generation).
CREATE TABLE sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- The newest refresh token handed out, and the newest one known to have arrived.
    generation bigint NOT NULL DEFAULT 0,
    confirmed_generation bigint NOT NULL DEFAULT 0,
    -- Until then the parent of the newest token still yields the newest token.
    settle_until timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoke_reason text,
    created_ip text,
    user_agent text,
    -- Where the last rotation came from.
    rotated_network text,
    rotated_agent text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (id),
    CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT sessions_generations_ordered CHECK (0 <= confirmed_generation AND confirmed_generation <= generation),
    CONSTRAINT sessions_revocation_whole CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX sessions_user_id_idx ON sessions (user_id) WHERE revoked_at IS NULL;

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY sessions_auth ON sessions TO todo_auth USING (true) WITH CHECK (true);
CREATE POLICY sessions_owner ON sessions TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON sessions TO todo_auth;

-- What happened to accounts, for their owners and for whoever investigates. Rows are only ever added, and
-- purged when they are 90 days old. No foreign keys: an event outlives the account it tells of.
CREATE TABLE audit_events (
    id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    kind text NOT NULL,
    -- Whose account; null where none is known. Never an address in clear.
    user_id uuid,
    -- The administrator who did it, if it was not the user.
    actor_id uuid,
    session_id uuid,
    ip text,
    user_agent text,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT audit_events_pkey PRIMARY KEY (id),
    CONSTRAINT audit_events_kind_length CHECK (char_length(kind) BETWEEN 1 AND 64)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE INDEX audit_events_of_user_idx ON audit_events (user_id, occurred_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_events_of_actor_idx ON audit_events (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_events_by_age_idx ON audit_events (occurred_at, id);

ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_events FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_events_own ON audit_events FOR SELECT TO todo_auth
    USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid);
CREATE POLICY audit_events_append ON audit_events FOR INSERT TO todo_auth WITH CHECK (true);
-- Functions that note events run as the owner.
CREATE POLICY audit_events_owner ON audit_events TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_events TO todo_auth;

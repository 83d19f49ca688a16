-- What administrators' requests run as. Roles belong to the whole cluster, so another database may have made
-- this one already.
DO $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_admin') THEN
            CREATE ROLE todo_admin NOLOGIN NOINHERIT;
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL; -- made by a concurrent migration
    END;
    -- PostgreSQL 16 and newer do not let the creator SET ROLE without this.
    IF NOT pg_has_role(current_user, 'todo_admin', 'MEMBER') OR current_setting('server_version_num')::int >= 160000 THEN
        BEGIN
            GRANT todo_admin TO CURRENT_USER;
        EXCEPTION
            WHEN unique_violation THEN NULL; -- granted by a concurrent migration
        END;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA app, public TO todo_admin;
-- Neither password hashes nor tasks.
GRANT SELECT (id, email, name, role, is_active, email_verified, banned_at, banned_until, ban_reason,
              sign_in_unlocked_at, legacy_revoked_at, created_at, updated_at) ON users TO todo_admin;
GRANT UPDATE (role, is_active, banned_at, banned_until, ban_reason, sign_in_unlocked_at, legacy_revoked_at,
              updated_at) ON users TO todo_admin;
GRANT SELECT (id, user_id, revoked_at, idle_expires_at, absolute_expires_at) ON sessions TO todo_admin;
GRANT UPDATE (revoked_at, revoke_reason) ON sessions TO todo_admin;
GRANT INSERT ON audit_events TO todo_admin;
CREATE POLICY users_admin ON users TO todo_admin USING (true) WITH CHECK (true);
CREATE POLICY sessions_admin ON sessions TO todo_admin USING (true) WITH CHECK (true);
CREATE POLICY audit_events_admin ON audit_events FOR INSERT TO todo_admin WITH CHECK (true);
GRANT EXECUTE ON FUNCTION app.end_sessions(uuid, uuid, timestamptz, text) TO todo_admin;
GRANT EXECUTE ON FUNCTION app.open_request(
    uuid, uuid, bigint, timestamptz, text, integer, double precision, uuid) TO todo_admin;
GRANT EXECUTE ON FUNCTION app.note_refused_write(uuid, timestamptz, integer, double precision, uuid) TO todo_admin;

REVOKE EXECUTE ON FUNCTION app.note_refused_write(uuid, timestamptz, integer, double precision, uuid)
    FROM todo_admin;
REVOKE EXECUTE ON FUNCTION app.open_request(
    uuid, uuid, bigint, timestamptz, text, integer, double precision, uuid) FROM todo_admin;
REVOKE EXECUTE ON FUNCTION app.end_sessions(uuid, uuid, timestamptz, text) FROM todo_admin;
DROP POLICY audit_events_admin ON audit_events;
DROP POLICY sessions_admin ON sessions;
DROP POLICY users_admin ON users;
REVOKE INSERT ON audit_events FROM todo_admin;
REVOKE UPDATE (revoked_at, revoke_reason) ON sessions FROM todo_admin;
REVOKE SELECT (id, user_id, revoked_at, idle_expires_at, absolute_expires_at) ON sessions FROM todo_admin;
REVOKE UPDATE (role, is_active, banned_at, banned_until, ban_reason, sign_in_unlocked_at, legacy_revoked_at,
               updated_at) ON users FROM todo_admin;
REVOKE SELECT (id, email, name, role, is_active, email_verified, banned_at, banned_until, ban_reason,
               sign_in_unlocked_at, legacy_revoked_at, created_at, updated_at) ON users FROM todo_admin;
REVOKE USAGE ON SCHEMA app, public FROM todo_admin;

-- A role that another database of this cluster still uses stays.
DO $$
BEGIN
    DROP ROLE IF EXISTS todo_admin;
EXCEPTION
    -- An internal error is a database that is being dropped.
    WHEN dependent_objects_still_exist OR insufficient_privilege OR internal_error THEN NULL;
END
$$;

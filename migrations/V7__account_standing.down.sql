DROP INDEX sessions_user_id_idx;
CREATE INDEX sessions_user_id_idx ON sessions (user_id) WHERE revoked_at IS NULL;
DROP INDEX tasks_user_id_idx;
REVOKE DELETE ON users FROM todo_auth;
DROP INDEX users_by_creation_idx;
ALTER TABLE users
    DROP CONSTRAINT users_ban_reason_length,
    DROP CONSTRAINT users_ban_whole,
    DROP COLUMN legacy_revoked_at,
    DROP COLUMN sign_in_unlocked_at,
    DROP COLUMN ban_reason,
    DROP COLUMN banned_until,
    DROP COLUMN banned_at;

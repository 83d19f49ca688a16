-- Whether an account may be used: bans, beside is_active, and what was done about its sign-ins.
ALTER TABLE users
    ADD COLUMN banned_at timestamptz,
    -- Null while banned: for good.
    ADD COLUMN banned_until timestamptz,
    ADD COLUMN ban_reason text,
    -- Failed sign-ins before this moment do not count any more.
    ADD COLUMN sign_in_unlocked_at timestamptz,
    -- Set when every session was ended: tokens of the old backend, which have no session, end with them.
    ADD COLUMN legacy_revoked_at timestamptz,
    ADD CONSTRAINT users_ban_whole CHECK (
        (banned_at IS NULL) = (ban_reason IS NULL) AND (banned_at IS NOT NULL OR banned_until IS NULL)
    ),
    ADD CONSTRAINT users_ban_reason_length CHECK (char_length(ban_reason) BETWEEN 1 AND 500);

CREATE INDEX users_by_creation_idx ON users (created_at, id);
GRANT DELETE ON users TO todo_auth;
-- Deleting an account deletes its tasks, also those in the bin, which no other index covers.
CREATE INDEX tasks_user_id_idx ON tasks (user_id);
-- And its sessions, also those that have ended.
DROP INDEX sessions_user_id_idx;
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

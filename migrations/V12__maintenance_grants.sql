-- What the scheduled purge may see and delete.
GRANT SELECT (ctid, id, revoked_at, idle_expires_at, absolute_expires_at), DELETE ON sessions TO todo_maintenance;
GRANT SELECT (ctid, bucket, key, full_at), DELETE ON rate_limits TO todo_maintenance;
GRANT SELECT (ctid, account, failures, failed_at), DELETE ON sign_in_failures TO todo_maintenance;
GRANT SELECT (ctid, user_id, address, last_used_at), DELETE ON sign_in_addresses TO todo_maintenance;
GRANT SELECT (ctid, id, occurred_at), DELETE ON audit_events TO todo_maintenance;
CREATE POLICY sessions_maintenance ON sessions TO todo_maintenance USING (true);
-- By the server's clock: whatever the caller's says, events of the last weeks cannot be deleted.
CREATE POLICY audit_events_maintenance ON audit_events TO todo_maintenance
    USING (occurred_at < now() - interval '89 days');

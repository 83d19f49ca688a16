-- What the scheduled purge may see and delete.
GRANT SELECT (id, revoked_at, idle_expires_at, absolute_expires_at), DELETE ON sessions TO todo_maintenance;
GRANT SELECT (bucket, key, full_at), DELETE ON rate_limits TO todo_maintenance;
GRANT SELECT (account, failures, failed_at), DELETE ON sign_in_failures TO todo_maintenance;
GRANT SELECT (user_id, address, last_used_at), DELETE ON sign_in_addresses TO todo_maintenance;
GRANT SELECT (id, occurred_at), DELETE ON audit_events TO todo_maintenance;
CREATE POLICY sessions_maintenance ON sessions TO todo_maintenance USING (true);
CREATE POLICY audit_events_maintenance ON audit_events TO todo_maintenance USING (true);

DROP POLICY audit_events_maintenance ON audit_events;
DROP POLICY sessions_maintenance ON sessions;
REVOKE SELECT (ctid, id, occurred_at), DELETE ON audit_events FROM todo_maintenance;
REVOKE SELECT (ctid, user_id, address, last_used_at), DELETE ON sign_in_addresses FROM todo_maintenance;
REVOKE SELECT (ctid, account, failures, failed_at), DELETE ON sign_in_failures FROM todo_maintenance;
REVOKE SELECT (ctid, bucket, key, full_at), DELETE ON rate_limits FROM todo_maintenance;
REVOKE SELECT (ctid, id, revoked_at, idle_expires_at, absolute_expires_at), DELETE ON sessions FROM todo_maintenance;

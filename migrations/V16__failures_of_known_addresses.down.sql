DROP FUNCTION app.begin_sign_in(
    text[], integer[], double precision[], integer, double precision, text, text[], timestamptz, uuid, text, text);
DROP FUNCTION app.pause_after(integer, timestamptz);
REVOKE UPDATE (noted_until) ON sign_in_failures FROM todo_auth;
-- The version before counts those from new addresses alone. What it has written itself stays.
UPDATE sign_in_failures SET failures = unknown_failures, blocked_until = unknown_blocked_until
WHERE unknown_failures > 0 OR known_failures > 0;
DELETE FROM sign_in_failures WHERE failures = 0;
ALTER TABLE sign_in_failures
    DROP CONSTRAINT sign_in_failures_counted,
    ADD CONSTRAINT sign_in_failures_positive CHECK (failures > 0),
    DROP COLUMN unknown_failures,
    DROP COLUMN unknown_blocked_until,
    DROP COLUMN unknown_refused,
    DROP COLUMN known_failures,
    DROP COLUMN known_since;
ALTER TABLE sign_in_addresses DROP COLUMN failed_at;

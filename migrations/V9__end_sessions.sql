-- The first two functions are called with the account's row locked. Being volatile, they see sessions that were opened
-- while the caller waited for that lock, which the statement they are called from does not.

-- Ends the sessions of a user but one. Answers how many were live.
CREATE FUNCTION app.end_sessions(who uuid, but_not uuid, at timestamptz, why text) RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended_live bigint;
BEGIN
    WITH ended AS (
        UPDATE public.sessions s SET revoked_at = at, revoke_reason = why
        WHERE s.user_id = who AND s.revoked_at IS NULL AND s.id IS DISTINCT FROM but_not
        RETURNING s.idle_expires_at > at AND s.absolute_expires_at > at AS live
    )
    SELECT count(*) FILTER (WHERE live) INTO ended_live FROM ended;
    RETURN ended_live;
END
$$;

-- Makes room for one more session: ends the longest idle ones until `most` - 1 are left beside it.
CREATE FUNCTION app.make_room(who uuid, newcomer uuid, at timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made bigint;
BEGIN
    WITH surplus AS (
        SELECT s.id FROM public.sessions s
        WHERE s.user_id = who AND s.id <> newcomer AND s.revoked_at IS NULL
          AND s.idle_expires_at > at AND s.absolute_expires_at > at
        ORDER BY s.last_used_at DESC, s.id DESC
        OFFSET most - 1
    ), ended AS (
        UPDATE public.sessions s SET revoked_at = at, revoke_reason = 'too_many_sessions'
        FROM surplus WHERE s.id = surplus.id AND s.revoked_at IS NULL
        RETURNING s.id
    ), noted AS (
        INSERT INTO public.audit_events (id, occurred_at, kind, user_id, session_id, details)
        SELECT gen_random_uuid(), at, 'session_revoked', who, ended.id, '{"reason": "too_many_sessions"}' FROM ended
    )
    SELECT count(*) INTO made FROM ended;
    RETURN made;
END
$$;

-- Takes from the events of a deleted account what could tell who it was: its own, and what it did to others.
CREATE FUNCTION app.forget_account(who uuid) RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    forgotten bigint;
BEGIN
    UPDATE public.audit_events e SET ip = NULL, user_agent = NULL,
        details = CASE WHEN e.user_id = who THEN e.details - 'reason' ELSE e.details END
    WHERE e.user_id = who OR e.actor_id = who;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;

REVOKE ALL ON FUNCTION app.end_sessions(uuid, uuid, timestamptz, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.make_room(uuid, uuid, timestamptz, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.forget_account(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.end_sessions(uuid, uuid, timestamptz, text) TO todo_auth;
GRANT EXECUTE ON FUNCTION app.make_room(uuid, uuid, timestamptz, integer) TO todo_auth;
GRANT EXECUTE ON FUNCTION app.forget_account(uuid) TO todo_auth;

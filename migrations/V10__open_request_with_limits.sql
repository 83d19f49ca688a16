-- Refuses an account or a session that may not be used, or a role that is missing.
CREATE FUNCTION app.check_standing(who uuid, session uuid, at timestamptz, needed text) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    account record;
    found_session public.sessions;
BEGIN
    SELECT u.role, u.is_active, u.banned_at IS NOT NULL AND coalesce(u.banned_until > at, true) AS banned,
           u.legacy_revoked_at
    INTO account FROM public.users u WHERE u.id = who;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'UA001', MESSAGE = 'the account is gone';
    END IF;
    IF NOT account.is_active THEN
        RAISE EXCEPTION USING ERRCODE = 'UA003', MESSAGE = 'the account is disabled';
    END IF;
    IF account.banned THEN
        RAISE EXCEPTION USING ERRCODE = 'UA006', MESSAGE = 'the account is banned';
    END IF;

    IF session IS NULL THEN
        IF account.legacy_revoked_at IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'UA001', MESSAGE = 'tokens without a session are revoked';
        END IF;
    ELSE
        SELECT * INTO found_session FROM public.sessions s WHERE s.id = session AND s.user_id = who;
        IF NOT FOUND OR found_session.revoked_at IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'UA001', MESSAGE = 'the session is revoked';
        END IF;
        IF found_session.idle_expires_at <= at OR found_session.absolute_expires_at <= at THEN
            RAISE EXCEPTION USING ERRCODE = 'UA002', MESSAGE = 'the session has expired';
        END IF;
    END IF;
    IF needed IS NOT NULL AND (session IS NULL OR account.role IS DISTINCT FROM needed) THEN
        RAISE EXCEPTION USING ERRCODE = 'UA005', MESSAGE = 'the role is missing';
    END IF;
END
$$;

-- Opens a request as before, and also refuses banned accounts, those without a needed role, and writes beyond
-- a user's limit. The function with four arguments stays for functions deployed before this migration.
--
-- needed         the role the user must have, in a session; null for any
-- burst, every   the user's limit of writes, as for app.take_permit; null for reads
-- event          the id of the audit event if this is the first refusal
CREATE FUNCTION app.open_request(
    who uuid, session uuid, presented bigint, at timestamptz,
    needed text, burst integer, every double precision, event uuid
) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    permit record;
BEGIN
    PERFORM app.check_standing(who, session, at, needed);
    IF burst IS NOT NULL THEN
        SELECT * INTO permit FROM app.take_permit(
            'writes', who::text, at, burst, every, event, who, session, NULL, NULL);
        IF permit.wait IS NOT NULL THEN
            -- The refusal rolls its own note back; the caller notes the first one once more.
            RAISE EXCEPTION USING ERRCODE = 'UA004', MESSAGE = 'too many writes',
                DETAIL = permit.wait::text || CASE WHEN permit.first_refusal THEN ' first' ELSE ' again' END;
        END IF;
        -- Other writes of this user may have been waited for, and one of them may have ended the session.
        PERFORM app.check_standing(who, session, at, needed);
    END IF;
    PERFORM FROM public.sessions s
    WHERE s.id = session AND s.confirmed_generation < presented AND presented <= s.generation;
    IF FOUND THEN
        UPDATE public.sessions s
        SET confirmed_generation = presented, settle_until = at + interval '60 seconds'
        WHERE s.id = session AND s.confirmed_generation < presented AND s.revoked_at IS NULL;
        -- Whoever held the row may have ended the session.
        PERFORM app.check_standing(who, session, at, needed);
    END IF;

    PERFORM set_config('app.user_id', who::text, true);
END
$$;

-- Notes the first refusal of a window, which took its own note back with its transaction, for the user that
-- app.open_request has named.
CREATE FUNCTION app.note_refused_write(
    session uuid, at timestamptz, burst integer, every double precision, event uuid) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT app.take_permit('writes', current_setting('app.user_id'), at, burst, every, event,
                           current_setting('app.user_id')::uuid, session, NULL, NULL)
    WHERE NULLIF(current_setting('app.user_id', true), '') IS NOT NULL
$$;

REVOKE ALL ON FUNCTION app.check_standing(uuid, uuid, timestamptz, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.note_refused_write(uuid, timestamptz, integer, double precision, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.note_refused_write(uuid, timestamptz, integer, double precision, uuid)
    TO todo_tasks, todo_auth;
REVOKE ALL ON FUNCTION app.open_request(
    uuid, uuid, bigint, timestamptz, text, integer, double precision, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.open_request(
    uuid, uuid, bigint, timestamptz, text, integer, double precision, uuid) TO todo_tasks, todo_auth;

CREATE OR REPLACE FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamptz) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT app.open_request(who, session, presented, at, NULL, NULL, NULL, NULL)
$$;

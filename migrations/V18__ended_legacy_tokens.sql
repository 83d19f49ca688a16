-- Access tokens of the old backend that their clients have signed out with. Such a token has no session to end.
CREATE TABLE ended_legacy_tokens (
    -- Half of the token's SHA-256.
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- When the token expires by itself, and the row has served.
    expires_at timestamptz NOT NULL,
    CONSTRAINT ended_legacy_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT ended_legacy_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX ended_legacy_tokens_user_id_idx ON ended_legacy_tokens (user_id);
GRANT SELECT, INSERT ON ended_legacy_tokens TO todo_auth;
GRANT SELECT (ctid, id, expires_at), DELETE ON ended_legacy_tokens TO todo_maintenance;

-- Opens a request as the function with eight arguments does, which stays for functions deployed before this migration.
-- Also refuses a token of the old backend that was signed out with, and limits an administrator's writes by session:
-- whoever steals one of their tokens cannot keep their other sessions from ending it.
--
-- legacy_token  names a token of the old backend; null in a session
CREATE FUNCTION app.open_request(
    who uuid, session uuid, presented bigint, legacy_token uuid, at timestamptz,
    needed text, burst integer, every double precision, event uuid
) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fine boolean;
    confirms boolean;
    permit record;
    named text;
BEGIN
    SELECT u.is_active
           AND (u.banned_at IS NULL OR u.banned_until <= at)
           AND CASE WHEN session IS NULL THEN u.legacy_revoked_at IS NULL
                    ELSE s.id IS NOT NULL AND s.revoked_at IS NULL
                         AND s.idle_expires_at > at AND s.absolute_expires_at > at END
           AND (needed IS NULL OR session IS NOT NULL AND u.role = needed),
           s.confirmed_generation < presented AND presented <= s.generation
    INTO fine, confirms
    FROM public.users u LEFT JOIN public.sessions s ON s.id = session AND s.user_id = u.id
    WHERE u.id = who;
    IF fine IS NOT TRUE THEN
        PERFORM app.check_standing(who, session, at, needed);
    END IF;
    IF legacy_token IS NOT NULL THEN
        PERFORM FROM public.ended_legacy_tokens t WHERE t.id = legacy_token;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'UA001', MESSAGE = 'the token was signed out with';
        END IF;
    END IF;
    IF burst IS NOT NULL THEN
        SELECT * INTO permit FROM app.take_permit(
            'writes', CASE WHEN needed IS NULL THEN who ELSE session END::text, at, burst, every, event, who, session,
            NULL, NULL);
        IF permit.wait IS NOT NULL THEN
            -- The refusal rolls its own note back; the caller notes the first one once more.
            RAISE EXCEPTION USING ERRCODE = 'UA004', MESSAGE = 'too many writes',
                DETAIL = permit.wait::text || CASE WHEN permit.first_refusal THEN ' first' ELSE ' again' END;
        END IF;
        -- Other writes of this user may have been waited for, and one of them may have ended the session.
        PERFORM app.check_standing(who, session, at, needed);
    END IF;
    IF confirms THEN
        UPDATE public.sessions s
        SET confirmed_generation = presented, settle_until = at + interval '60 seconds'
        WHERE s.id = session AND s.confirmed_generation < presented AND s.revoked_at IS NULL;
        -- Whoever held the row may have ended the session.
        PERFORM app.check_standing(who, session, at, needed);
    END IF;

    -- An assignment costs less than a statement.
    named := set_config('app.user_id', who::text, true);
END
$$;

-- Notes the first refusal of a window, which took its own note back with its transaction, for the user that
-- app.open_request has named.
--
-- by_session  whether the session's bucket refused, and not the user's
CREATE FUNCTION app.note_refused_write(
    session uuid, by_session boolean, at timestamptz, burst integer, every double precision, event uuid) RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT app.take_permit('writes', CASE WHEN by_session THEN session::text ELSE current_setting('app.user_id') END,
                           at, burst, every, event, current_setting('app.user_id')::uuid, session, NULL, NULL)
    WHERE NULLIF(current_setting('app.user_id', true), '') IS NOT NULL
$$;

REVOKE ALL ON FUNCTION app.open_request(
    uuid, uuid, bigint, uuid, timestamptz, text, integer, double precision, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.open_request(
    uuid, uuid, bigint, uuid, timestamptz, text, integer, double precision, uuid)
    TO todo_tasks, todo_auth, todo_admin;
REVOKE ALL ON FUNCTION app.note_refused_write(
    uuid, boolean, timestamptz, integer, double precision, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.note_refused_write(
    uuid, boolean, timestamptz, integer, double precision, uuid) TO todo_tasks, todo_auth, todo_admin;

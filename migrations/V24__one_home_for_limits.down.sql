-- Undoes V24: both functions with their literals, as V16 and V18 defined them. Deploy the earlier functions first: those of
-- this version call app.settle_window and app.first_pause.
CREATE OR REPLACE FUNCTION app.pause_after(failures integer, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    -- Not `at`: the clock of another instance may be behind.
    WHEN failures < 5 THEN '-infinity'::timestamptz
    WHEN failures >= 100 THEN 'infinity'::timestamptz
    ELSE at + least(interval '30 seconds' * 2 ^ least(failures - 5, 10), interval '1 hour')
END;

CREATE OR REPLACE FUNCTION app.open_request(
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

DROP FUNCTION app.first_pause();
DROP FUNCTION app.settle_window();

-- Opens a request as before, with one read of account and session where nothing is wrong: every request pays
-- for it. What is wrong is told by app.check_standing.
CREATE OR REPLACE FUNCTION app.open_request(
    who uuid, session uuid, presented bigint, at timestamptz,
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

-- Two limits that both SQL and the functions need are defined here alone.

-- How long the parent of the newest refresh token still yields that newest token.
CREATE FUNCTION app.settle_window() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interval '60 seconds';

-- After how many failed sign-ins an account is paused for the first time, and for how many seconds.
CREATE FUNCTION app.first_pause(OUT failures integer, OUT seconds double precision)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW(5, 30::double precision);

-- Until when an account is paused after so many failures: the first pause doubles with each further failure, up to an hour;
-- after 100 failures the account is paused until an operator unlocks it.
CREATE OR REPLACE FUNCTION app.pause_after(failures integer, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT CASE
        -- Not `at`: the clock of another instance may be behind.
        WHEN pause_after.failures < first.failures THEN '-infinity'::timestamptz
        WHEN pause_after.failures >= 100 THEN 'infinity'::timestamptz
        ELSE at + least(make_interval(secs => first.seconds) * 2 ^ least(pause_after.failures - first.failures, 10),
                        interval '1 hour')
    END
    FROM app.first_pause() first
);

-- As before, with app.settle_window().
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
        SET confirmed_generation = presented, settle_until = at + app.settle_window()
        WHERE s.id = session AND s.confirmed_generation < presented AND s.revoked_at IS NULL;
        -- Whoever held the row may have ended the session.
        PERFORM app.check_standing(who, session, at, needed);
    END IF;

    -- An assignment costs less than a statement.
    named := set_config('app.user_id', who::text, true);
END
$$;

COMMENT ON FUNCTION app.settle_window() IS
'How long the parent of the newest refresh token still yields that newest token. Functions that were replaced by later signatures keep their own copy.';
COMMENT ON FUNCTION app.first_pause() IS
'After how many failed sign-ins an account is paused, and for how many seconds the first time. app.attempt_sign_in, which is only for functions before V16, keeps its own copy.';

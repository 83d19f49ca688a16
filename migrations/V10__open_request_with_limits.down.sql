-- As V4 left it.
CREATE OR REPLACE FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamptz) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_session public.sessions;
    active boolean;
BEGIN
    SELECT u.is_active INTO active FROM public.users u WHERE u.id = who;
    IF active IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'UA001', MESSAGE = 'the account is gone';
    END IF;
    IF NOT active THEN
        RAISE EXCEPTION USING ERRCODE = 'UA003', MESSAGE = 'the account is disabled';
    END IF;

    IF session IS NOT NULL THEN
        SELECT * INTO found_session FROM public.sessions s WHERE s.id = session AND s.user_id = who;
        IF NOT FOUND OR found_session.revoked_at IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'UA001', MESSAGE = 'the session is revoked';
        END IF;
        IF found_session.idle_expires_at <= at OR found_session.absolute_expires_at <= at THEN
            RAISE EXCEPTION USING ERRCODE = 'UA002', MESSAGE = 'the session has expired';
        END IF;
        IF found_session.confirmed_generation < presented AND presented <= found_session.generation THEN
            UPDATE public.sessions s
            SET confirmed_generation = presented, settle_until = at + interval '60 seconds'
            WHERE s.id = session AND s.confirmed_generation < presented;
        END IF;
    END IF;

    PERFORM set_config('app.user_id', who::text, true);
END
$$;

DROP FUNCTION app.open_request(uuid, uuid, bigint, timestamptz, text, integer, double precision, uuid);
DROP FUNCTION app.note_refused_write(uuid, timestamptz, integer, double precision, uuid);
DROP FUNCTION app.check_standing(uuid, uuid, timestamptz, text);

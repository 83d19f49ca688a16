DROP FUNCTION app.take_permits(
    text, text[], integer[], double precision[], timestamptz, uuid, uuid, uuid, text, text);
DROP FUNCTION app.give_back_permits(text, text[], double precision[]);
CREATE OR REPLACE FUNCTION app.take_permit(
    of_bucket text, of_key text, at timestamptz, burst integer, every double precision,
    event uuid, who uuid, in_session uuid, from_ip text, with_agent text,
    OUT wait double precision, OUT first_refusal boolean
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step interval := make_interval(secs => every);
    whole interval := step * burst;
    state public.rate_limits;
BEGIN
    first_refusal := false;
    IF burst IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO public.rate_limits AS l (bucket, key, full_at) VALUES (of_bucket, of_key, at + step)
    ON CONFLICT ON CONSTRAINT rate_limits_pkey DO UPDATE
    SET full_at = least(greatest(l.full_at, at), at + whole) + step
    WHERE least(greatest(l.full_at, at), at + whole) + step <= at + whole;
    IF FOUND THEN
        RETURN;
    END IF;
    -- The row is locked, although it was not changed.
    SELECT * INTO state FROM public.rate_limits l WHERE l.bucket = of_bucket AND l.key = of_key;
    wait := extract(epoch FROM least(state.full_at, at + whole) + step - whole - at);
    IF coalesce(state.noted_until <= at, true) THEN
        first_refusal := true;
        UPDATE public.rate_limits l SET noted_until = least(state.full_at, at + whole)
        WHERE l.bucket = of_bucket AND l.key = of_key;
        INSERT INTO public.audit_events (id, occurred_at, kind, user_id, session_id, ip, user_agent, details)
        VALUES (event, at, 'rate_limited', who, in_session, from_ip, with_agent, jsonb_build_object('limit', of_bucket))
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;

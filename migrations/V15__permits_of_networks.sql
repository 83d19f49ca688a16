-- A permit can be taken from several buckets at once, as for an IPv6 /64 and the wider networks around it, and given
-- back. A bucket that a clock running ahead has filled is full now, and not until that clock's time.
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
    SET full_at = greatest(l.full_at, at) + step
    WHERE greatest(l.full_at, at) + step <= at + whole;
    IF FOUND THEN
        RETURN;
    END IF;
    -- The row is locked, although it was not changed.
    SELECT * INTO state FROM public.rate_limits l WHERE l.bucket = of_bucket AND l.key = of_key;
    IF state.full_at > at + whole THEN
        -- No bucket holds so much: a clock ran ahead, or the limit has become smaller.
        state.full_at := at + whole;
        UPDATE public.rate_limits l SET full_at = state.full_at WHERE l.bucket = of_bucket AND l.key = of_key;
    END IF;
    wait := extract(epoch FROM state.full_at + step - whole - at);
    IF coalesce(state.noted_until <= at OR state.noted_until > at + whole, true) THEN
        first_refusal := true;
        UPDATE public.rate_limits l SET noted_until = state.full_at WHERE l.bucket = of_bucket AND l.key = of_key;
        INSERT INTO public.audit_events (id, occurred_at, kind, user_id, session_id, ip, user_agent, details)
        VALUES (event, at, 'rate_limited', who, in_session, from_ip, with_agent, jsonb_build_object('limit', of_bucket))
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;

-- Gives permits back that were taken from the buckets of these keys.
CREATE FUNCTION app.give_back_permits(of_bucket text, keys text[], everys double precision[]) RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- In the order in which they are taken, so that nobody waits for each other.
    FOR n IN 1 .. coalesce(cardinality(keys), 0) LOOP
        UPDATE public.rate_limits l SET full_at = l.full_at - make_interval(secs => everys[n])
        WHERE l.bucket = of_bucket AND l.key = keys[n];
    END LOOP;
END
$$;

-- Takes a permit out of each of several buckets, from the narrowest network to the widest, or out of none.
--
-- level  which of them refused, counted from 1
CREATE FUNCTION app.take_permits(
    of_bucket text, keys text[], bursts integer[], everys double precision[], at timestamptz,
    event uuid, who uuid, in_session uuid, from_ip text, with_agent text,
    OUT wait double precision, OUT level integer
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR n IN 1 .. coalesce(cardinality(bursts), 0) LOOP
        SELECT p.wait INTO wait FROM app.take_permit(
            of_bucket, keys[n], at, bursts[n], everys[n], event, who, in_session, from_ip, with_agent) p;
        IF wait IS NOT NULL THEN
            level := n;
            PERFORM app.give_back_permits(of_bucket, keys[:n - 1], everys[:n - 1]);
            RETURN;
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION app.give_back_permits(text, text[], double precision[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.take_permits(
    text, text[], integer[], double precision[], timestamptz, uuid, uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.give_back_permits(text, text[], double precision[]) TO todo_auth;
GRANT EXECUTE ON FUNCTION app.take_permits(
    text, text[], integer[], double precision[], timestamptz, uuid, uuid, uuid, text, text) TO todo_auth;

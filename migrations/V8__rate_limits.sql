-- One bucket per kind of request and caller. Logged, because Neon drops unlogged tables when it suspends.
-- Permits are taken by the functions below only.
CREATE TABLE rate_limits (
    bucket text NOT NULL,
    key text NOT NULL,
    -- When the bucket is full again: the theoretical arrival time of GCRA.
    full_at timestamptz NOT NULL,
    -- Until then a refusal is in the audit events already.
    noted_until timestamptz,
    CONSTRAINT rate_limits_pkey PRIMARY KEY (bucket, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Failed sign-ins in a row by account, whether it exists or not. Not limited to an address.
CREATE TABLE sign_in_failures (
    -- An HMAC of the normalised email address.
    account text NOT NULL,
    failures integer NOT NULL,
    failed_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL,
    noted_until timestamptz,
    CONSTRAINT sign_in_failures_pkey PRIMARY KEY (account),
    CONSTRAINT sign_in_failures_positive CHECK (failures > 0)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
GRANT SELECT, DELETE ON sign_in_failures TO todo_auth;

-- Addresses that have signed in to an account before; strangers cannot lock these out.
CREATE TABLE sign_in_addresses (
    user_id uuid NOT NULL,
    address text NOT NULL,
    last_used_at timestamptz NOT NULL,
    CONSTRAINT sign_in_addresses_pkey PRIMARY KEY (user_id, address),
    CONSTRAINT sign_in_addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) WITH (fillfactor = 85);
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_addresses TO todo_auth;

-- Takes one permit out of a bucket that holds `burst` and gains one every `every` seconds (GCRA). Null is a
-- permit; otherwise the seconds until there is one, and whether this is the first refusal of its window,
-- which is noted as an audit event. A null burst means no limit.
--
-- at  the caller's clock; a clock that runs ahead fills a bucket for no longer than it takes to empty
CREATE FUNCTION app.take_permit(
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

-- Decides whether a sign-in may be tried, before any password is hashed. Counts the try as failed; signing in
-- clears the count. So any number of tries at once are judged one after the other.
--
-- address   whose permits are taken; account, its HMAC; mail, the normalised address
-- bucket    what refused, with the seconds to wait; null if nothing did
CREATE FUNCTION app.attempt_sign_in(
    address text, of_account text, mail text, at timestamptz, event uuid,
    address_burst integer, address_every double precision, account_burst integer, account_every double precision,
    from_ip text, with_agent text,
    OUT bucket text, OUT wait double precision
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    person record;
    state public.sign_in_failures;
BEGIN
    IF address_burst IS NULL THEN
        RETURN;
    END IF;
    SELECT p.wait INTO wait FROM app.take_permit(
        'sign_in_address', address, at, address_burst, address_every, event, NULL, NULL, from_ip, with_agent) p;
    IF wait IS NOT NULL THEN
        bucket := 'sign_in_address';
        RETURN;
    END IF;
    SELECT u.id, u.sign_in_unlocked_at INTO person FROM public.users u WHERE u.email = mail;
    SELECT p.wait INTO wait FROM app.take_permit(
        'sign_in_account', of_account || ' ' || address, at, account_burst, account_every, event, person.id, NULL,
        from_ip, with_agent) p;
    IF wait IS NOT NULL THEN
        bucket := 'sign_in_account';
        RETURN;
    END IF;

    PERFORM FROM public.sign_in_addresses a WHERE a.user_id = person.id AND a.address = attempt_sign_in.address;
    IF FOUND THEN
        RETURN;
    END IF;
    -- After 5 failures 30 s, doubling to an hour; after 100 until somebody lifts it.
    INSERT INTO public.sign_in_failures AS f (account, failures, failed_at, blocked_until)
    VALUES (of_account, 1, at, '-infinity')
    ON CONFLICT (account) DO UPDATE SET
        failures = CASE WHEN f.failed_at < person.sign_in_unlocked_at THEN 1 ELSE f.failures + 1 END,
        failed_at = at,
        blocked_until = CASE
            -- Not `at`: the clocks of instances differ.
            WHEN f.failed_at < person.sign_in_unlocked_at OR f.failures + 1 < 5 THEN '-infinity'
            WHEN f.failures + 1 >= 100 THEN 'infinity'
            ELSE at + least(interval '30 seconds' * 2 ^ least(f.failures + 1 - 5, 10), interval '1 hour')
        END
    WHERE f.blocked_until <= at OR f.failed_at < person.sign_in_unlocked_at;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO state FROM public.sign_in_failures f WHERE f.account = of_account;
    bucket := 'sign_in_failures';
    wait := CASE WHEN isfinite(state.blocked_until) THEN extract(epoch FROM state.blocked_until - at) ELSE 3600 END;
    IF coalesce(state.noted_until < state.blocked_until, true) THEN
        UPDATE public.sign_in_failures f SET noted_until = state.blocked_until WHERE f.account = of_account;
        INSERT INTO public.audit_events (id, occurred_at, kind, user_id, ip, user_agent, details)
        VALUES (event, at, 'rate_limited', person.id, from_ip, with_agent, jsonb_build_object('limit', bucket))
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;

REVOKE ALL ON FUNCTION app.take_permit(
    text, text, timestamptz, integer, double precision, uuid, uuid, uuid, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.attempt_sign_in(
    text, text, text, timestamptz, uuid, integer, double precision, integer, double precision, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.take_permit(
    text, text, timestamptz, integer, double precision, uuid, uuid, uuid, text, text) TO todo_auth;
GRANT EXECUTE ON FUNCTION app.attempt_sign_in(
    text, text, text, timestamptz, uuid, integer, double precision, integer, double precision, text, text) TO todo_auth;

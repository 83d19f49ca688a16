-- What this migration and the next ones change, locked in the order in which requests do.
LOCK TABLE users, sessions, tasks, sign_in_failures IN ACCESS EXCLUSIVE MODE;

-- Failed sign-ins are counted three times: all of them, for what a refusal says; those from addresses that never signed
-- in, which pause such addresses; those from addresses that did, which close after a hundred, each at its next failure.
ALTER TABLE sign_in_failures
    ADD COLUMN unknown_failures integer NOT NULL DEFAULT 0,
    ADD COLUMN unknown_blocked_until timestamptz NOT NULL DEFAULT '-infinity',
    -- Of unknown_failures, those whose password was looked at and was wrong; the others are under way.
    ADD COLUMN unknown_refused integer NOT NULL DEFAULT 0,
    ADD COLUMN known_failures integer NOT NULL DEFAULT 0,
    -- When known_failures began: an address that failed before then does not count among them.
    ADD COLUMN known_since timestamptz,
    DROP CONSTRAINT sign_in_failures_positive,
    ADD CONSTRAINT sign_in_failures_counted CHECK (failures >= 0);
-- Strangers who were paused before stay paused.
UPDATE sign_in_failures
SET unknown_failures = failures, unknown_refused = failures, unknown_blocked_until = blocked_until;
GRANT UPDATE (unknown_refused, noted_until) ON sign_in_failures TO todo_auth;
GRANT SELECT (unknown_failures, known_failures) ON sign_in_failures TO todo_maintenance;
ALTER TABLE sign_in_addresses ADD COLUMN failed_at timestamptz;

-- Until when an account is paused after so many failures: after 5 for 30 s, doubling to an hour; after 100 until
-- somebody lifts it.
CREATE FUNCTION app.pause_after(failures integer, at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    -- Not `at`: the clock of another instance may be behind.
    WHEN failures < 5 THEN '-infinity'::timestamptz
    WHEN failures >= 100 THEN 'infinity'::timestamptz
    ELSE at + least(interval '30 seconds' * 2 ^ least(failures - 5, 10), interval '1 hour')
END;

-- Takes the permits of a sign-in and counts it as failed, before any password is hashed. Signing in clears the count, so
-- any number of tries at once are judged one after the other.
--
-- keys, bursts, everys  the caller's networks, the narrowest first; null bursts mean that nothing is limited
-- mails                 the spellings of the address, of which earlier versions stored any; the likeliest first
-- bucket, wait, level   what refused, for how many seconds, and which of the networks; null if nothing did
-- paused                the seconds that a wrong password is answered with, whatever the address; null if none
-- gate                  whether the right password signs in from here: `open`; `paused`, only if one of the sign-ins under
--                       way succeeds; `closed`, not: known addresses failed a hundred times, and this one among them
-- unknown_paused        whether addresses that never signed in are paused, from wherever this try comes
-- counted               whether this try counts among unknown_failures
CREATE FUNCTION app.begin_sign_in(
    keys text[], bursts integer[], everys double precision[], account_burst integer, account_every double precision,
    of_account text, mails text[], at timestamptz, event uuid, from_ip text, with_agent text,
    OUT bucket text, OUT wait double precision, OUT level integer,
    OUT paused double precision, OUT gate text, OUT unknown_paused boolean, OUT counted boolean
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    person record;
    known record;
    state public.sign_in_failures;
    longest timestamptz := at + interval '1 hour';
BEGIN
    gate := 'open';
    unknown_paused := false;
    counted := false;
    IF bursts IS NULL THEN
        RETURN;
    END IF;
    SELECT p.wait, p.level INTO wait, level FROM app.take_permits(
        'sign_in_address', keys, bursts, everys, at, event, NULL, NULL, from_ip, with_agent) p;
    IF wait IS NOT NULL THEN
        bucket := 'sign_in_address';
        RETURN;
    END IF;
    SELECT u.id, u.sign_in_unlocked_at INTO person FROM public.users u
    WHERE u.email = ANY (mails) ORDER BY array_position(mails, u.email) LIMIT 1;
    SELECT p.wait INTO wait FROM app.take_permit(
        'sign_in_account', of_account || ' ' || keys[1], at, account_burst, account_every, event, person.id, NULL,
        from_ip, with_agent) p;
    IF wait IS NOT NULL THEN
        bucket := 'sign_in_account';
        PERFORM app.give_back_permits('sign_in_address', keys, everys);
        RETURN;
    END IF;

    -- Writing the row locks it, also if it was there.
    INSERT INTO public.sign_in_failures AS f (account, failures, failed_at, blocked_until)
    VALUES (of_account, 0, at, '-infinity')
    ON CONFLICT (account) DO UPDATE SET account = f.account
    RETURNING * INTO state;
    IF state.failed_at < person.sign_in_unlocked_at THEN
        -- An operator has forgiven them.
        state.failures := 0;
        state.blocked_until := '-infinity';
        state.unknown_failures := 0;
        state.unknown_blocked_until := '-infinity';
        state.unknown_refused := 0;
        state.known_failures := 0;
    END IF;
    -- A finite pause lasts an hour at most; what ends later was written by a clock that ran ahead.
    IF isfinite(state.blocked_until) THEN
        state.blocked_until := least(state.blocked_until, longest);
    END IF;
    IF isfinite(state.unknown_blocked_until) THEN
        state.unknown_blocked_until := least(state.unknown_blocked_until, longest);
    END IF;

    IF state.blocked_until > at THEN
        paused := CASE WHEN isfinite(state.blocked_until)
                       THEN extract(epoch FROM state.blocked_until - at) ELSE 3600 END;
    ELSE
        state.failures := state.failures + 1;
        state.blocked_until := app.pause_after(state.failures, at);
    END IF;
    unknown_paused := state.unknown_blocked_until > at;
    SELECT a.failed_at INTO known FROM public.sign_in_addresses a WHERE a.user_id = person.id AND a.address = keys[1];
    IF FOUND THEN
        IF state.known_failures >= 100 AND known.failed_at >= state.known_since THEN
            gate := 'closed';
        END IF;
        IF state.known_failures = 0 THEN
            state.known_since := at;
        END IF;
        state.known_failures := least(state.known_failures + 1, 100);
        UPDATE public.sign_in_addresses a SET failed_at = greatest(at, state.known_since)
        WHERE a.user_id = person.id AND a.address = keys[1];
    ELSIF unknown_paused THEN
        gate := 'paused';
    ELSE
        counted := true;
        state.unknown_failures := state.unknown_failures + 1;
        state.unknown_blocked_until := app.pause_after(state.unknown_failures, at);
    END IF;
    UPDATE public.sign_in_failures f SET
        failures = state.failures, blocked_until = state.blocked_until,
        unknown_failures = state.unknown_failures, unknown_blocked_until = state.unknown_blocked_until,
        unknown_refused = state.unknown_refused, known_failures = state.known_failures,
        known_since = state.known_since, failed_at = at
    WHERE f.account = of_account;
END
$$;

REVOKE ALL ON FUNCTION app.begin_sign_in(
    text[], integer[], double precision[], integer, double precision, text, text[], timestamptz, uuid, text, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.begin_sign_in(
    text[], integer[], double precision[], integer, double precision, text, text[], timestamptz, uuid, text, text)
    TO todo_auth;

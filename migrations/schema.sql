-- The schema after all migrations. `cargo xtask openapi` writes this file.

CREATE SCHEMA app;

CREATE FUNCTION app.attempt_sign_in(address text, of_account text, mail text, at timestamp with time zone, event uuid, address_burst integer, address_every double precision, account_burst integer, account_every double precision, from_ip text, with_agent text, OUT bucket text, OUT wait double precision) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

COMMENT ON FUNCTION app.attempt_sign_in(address text, of_account text, mail text, at timestamp with time zone, event uuid, address_burst integer, address_every double precision, account_burst integer, account_every double precision, from_ip text, with_agent text, OUT bucket text, OUT wait double precision) IS 'What app.begin_sign_in replaces; for functions that were deployed before V16.';

CREATE FUNCTION app.begin_sign_in(keys text[], bursts integer[], everys double precision[], account_burst integer, account_every double precision, of_account text, mails text[], at timestamp with time zone, event uuid, from_ip text, with_agent text, OUT bucket text, OUT wait double precision, OUT level integer, OUT paused double precision, OUT gate text, OUT unknown_paused boolean, OUT counted boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

COMMENT ON FUNCTION app.begin_sign_in(keys text[], bursts integer[], everys double precision[], account_burst integer, account_every double precision, of_account text, mails text[], at timestamp with time zone, event uuid, from_ip text, with_agent text, OUT bucket text, OUT wait double precision, OUT level integer, OUT paused double precision, OUT gate text, OUT unknown_paused boolean, OUT counted boolean) IS 'Decides whether a password may be checked, before any hash is computed, and counts the attempt as failed until it succeeds. Locks the account''s row of sign_in_failures, so that simultaneous attempts are decided one after the other. SECURITY DEFINER, because requests may not write the counters.';

CREATE FUNCTION app.check_standing(who uuid, session uuid, at timestamp with time zone, needed text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

COMMENT ON FUNCTION app.check_standing(who uuid, session uuid, at timestamp with time zone, needed text) IS 'Raises UA001 to UA006 if the account or the session may not be used, or if the role is missing. app.open_request calls it to name the reason, and again after each lock that it waited for, because the session may have ended meanwhile.';

CREATE FUNCTION app.count_added_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO public.task_counts AS c (user_id, tasks)
    SELECT a.user_id, count(*) FROM added a GROUP BY a.user_id ORDER BY a.user_id
    ON CONFLICT (user_id) DO UPDATE SET tasks = c.tasks + excluded.tasks;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION app.count_added_tasks() IS 'Trigger: adds inserted tasks to task_counts, in the order of the users'' ids, so that two statements do not deadlock. SECURITY DEFINER, because requests may not write task_counts.';

CREATE FUNCTION app.count_legacy_passwords() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
BEGIN
    RETURN (
        SELECT count(*) FROM public.users u
        WHERE u.password_hash IS NOT NULL AND u.pepper_id IS NULL
          AND u.password_hash ~ '^\$2[ab]\$\d\d\$[A-Za-z0-9./]{53}$|^.{1,128}:[0-9A-Fa-f]{64}$'
    );
END
$_$;

COMMENT ON FUNCTION app.count_legacy_passwords() IS 'Counts the accounts whose password hash still comes from the old backend. SECURITY DEFINER, because administrators may not read hashes.';

CREATE FUNCTION app.count_removed_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE public.task_counts c SET tasks = c.tasks - r.tasks
    FROM (SELECT user_id, count(*) AS tasks FROM removed GROUP BY user_id) r
    WHERE c.user_id = r.user_id;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION app.count_removed_tasks() IS 'Trigger: subtracts deleted tasks from task_counts. SECURITY DEFINER, because requests may not write task_counts.';

CREATE FUNCTION app.delete_account(mails text[], at timestamp with time zone, event uuid, OUT who uuid, OUT is_gone boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    as_admin boolean;
BEGIN
    -- Row-level security lets the owner, which this runs as, change accounts with this setting only.
    PERFORM set_config('app.importing', 'on', true);
    SELECT u.id, u.role = 'admin' INTO who, as_admin FROM public.users u
    WHERE u.email = ANY (mails) ORDER BY array_position(mails, u.email) LIMIT 1;
    IF who IS NULL THEN
        RETURN;
    END IF;
    IF as_admin THEN
        -- Administrators are locked in the order of their ids, so that of the last two only one can go.
        PERFORM u.id FROM public.users u WHERE u.role = 'admin' ORDER BY u.id FOR NO KEY UPDATE;
        PERFORM FROM public.users u
        WHERE u.role = 'admin' AND u.id <> who AND u.is_active AND (u.banned_at IS NULL OR u.banned_until <= at);
        IF NOT FOUND THEN
            is_gone := false;
            RETURN;
        END IF;
    END IF;
    DELETE FROM public.users u WHERE u.id = who AND (u.role = 'admin') = as_admin;
    is_gone := FOUND;
    IF NOT is_gone THEN
        -- It has just been deleted, promoted or demoted: the caller runs this again.
        RAISE 'the account has changed' USING ERRCODE = 'serialization_failure';
    END IF;
    PERFORM app.forget_account(who);
    INSERT INTO public.audit_events (id, occurred_at, kind, user_id, details)
    VALUES (event, at, 'account_deleted', who, '{"by": "operator"}') ON CONFLICT DO NOTHING;
END
$$;

COMMENT ON FUNCTION app.delete_account(mails text[], at timestamp with time zone, event uuid, OUT who uuid, OUT is_gone boolean) IS 'Deletes an account for an operator. SECURITY DEFINER, so that no role of a request needs the right to delete other accounts. Locks all administrators in the order of their ids, so that of the last two only one can go.';

CREATE FUNCTION app.end_sessions(who uuid, but_not uuid, at timestamp with time zone, why text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    ended_live bigint;
BEGIN
    WITH ended AS (
        UPDATE public.sessions s SET revoked_at = at, revoke_reason = why
        WHERE s.user_id = who AND s.revoked_at IS NULL AND s.id IS DISTINCT FROM but_not
        RETURNING s.idle_expires_at > at AND s.absolute_expires_at > at AS live
    )
    SELECT count(*) FILTER (WHERE live) INTO ended_live FROM ended;
    RETURN ended_live;
END
$$;

COMMENT ON FUNCTION app.end_sessions(who uuid, but_not uuid, at timestamp with time zone, why text) IS 'Ends the sessions of a user except one, and returns how many were live. Call it with the account''s row locked. It is volatile, so that it also sees sessions that were opened while the caller waited for that lock.';

CREATE FUNCTION app.first_pause(OUT failures integer, OUT seconds double precision) RETURNS record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(5, (30)::double precision);

COMMENT ON FUNCTION app.first_pause(OUT failures integer, OUT seconds double precision) IS 'After how many failed sign-ins an account is paused, and for how many seconds the first time. app.attempt_sign_in, which is only for functions before V16, keeps its own copy.';

CREATE FUNCTION app.forget_account(who uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    forgotten bigint;
BEGIN
    UPDATE public.audit_events e SET ip = NULL, user_agent = NULL,
        details = CASE WHEN e.user_id = who THEN e.details - 'reason' ELSE e.details END
    WHERE e.user_id = who OR e.actor_id = who;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;

COMMENT ON FUNCTION app.forget_account(who uuid) IS 'Removes network addresses, programs and reasons from the audit events of a deleted account. SECURITY DEFINER, because requests may only add audit events.';

CREATE FUNCTION app.give_back_permits(of_bucket text, keys text[], everys double precision[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    -- In the order in which they are taken, so that nobody waits for each other.
    FOR n IN 1 .. coalesce(cardinality(keys), 0) LOOP
        UPDATE public.rate_limits l SET full_at = l.full_at - make_interval(secs => everys[n])
        WHERE l.bucket = of_bucket AND l.key = keys[n];
    END LOOP;
END
$$;

COMMENT ON FUNCTION app.give_back_permits(of_bucket text, keys text[], everys double precision[]) IS 'Gives back permits that turned out not to be needed: a successful sign-in does not count against its network. SECURITY DEFINER, because requests may not write rate_limits.';

CREATE FUNCTION app.has_room(most bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    who uuid := NULLIF(current_setting('app.user_id', true), '')::uuid;
    stored bigint;
BEGIN
    SELECT c.tasks INTO stored FROM public.task_counts c WHERE c.user_id = who FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.task_counts AS c (user_id, tasks) VALUES (who, 0)
        ON CONFLICT (user_id) DO UPDATE SET tasks = c.tasks
        RETURNING c.tasks INTO stored;
    END IF;
    RETURN stored < most;
END
$$;

COMMENT ON FUNCTION app.has_room(most bigint) IS 'Whether the user of the request may store one more task. Locks their row of task_counts, so that the second of two inserts sees the first. SECURITY DEFINER, because requests may not read task_counts.';

CREATE FUNCTION app.key_title() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    NEW.title_key := CASE WHEN octet_length(NEW.title) > char_length(NEW.title)
                          THEN left(app.sort_key(NEW.title), 255) END;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION app.key_title() IS 'Trigger: stores the sort key of a title that is not ASCII, because computing it for a whole list takes long.';

CREATE FUNCTION app.make_room(who uuid, newcomer uuid, at timestamp with time zone, most integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    made bigint;
BEGIN
    WITH surplus AS (
        SELECT s.id FROM public.sessions s
        WHERE s.user_id = who AND s.id <> newcomer AND s.revoked_at IS NULL
          AND s.idle_expires_at > at AND s.absolute_expires_at > at
        ORDER BY s.last_used_at DESC, s.id DESC
        OFFSET most - 1
    ), ended AS (
        UPDATE public.sessions s SET revoked_at = at, revoke_reason = 'too_many_sessions'
        FROM surplus WHERE s.id = surplus.id AND s.revoked_at IS NULL
        RETURNING s.id
    ), noted AS (
        INSERT INTO public.audit_events (id, occurred_at, kind, user_id, session_id, details)
        SELECT gen_random_uuid(), at, 'session_revoked', who, ended.id, '{"reason": "too_many_sessions"}' FROM ended
    )
    SELECT count(*) INTO made FROM ended;
    RETURN made;
END
$$;

COMMENT ON FUNCTION app.make_room(who uuid, newcomer uuid, at timestamp with time zone, most integer) IS 'Ends the longest idle sessions of a user until there is room for one more. Call it with the account''s row locked, for the reason that app.end_sessions gives.';

CREATE FUNCTION app.note_refused_write(session uuid, at timestamp with time zone, burst integer, every double precision, event uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT app.take_permit('writes', current_setting('app.user_id'), at, burst, every, event,
                           current_setting('app.user_id')::uuid, session, NULL, NULL)
    WHERE NULLIF(current_setting('app.user_id', true), '') IS NOT NULL
$$;

COMMENT ON FUNCTION app.note_refused_write(session uuid, at timestamp with time zone, burst integer, every double precision, event uuid) IS 'An earlier signature of app.note_refused_write, for functions that were deployed before V18.';

CREATE FUNCTION app.note_refused_write(session uuid, by_session boolean, at timestamp with time zone, burst integer, every double precision, event uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT app.take_permit('writes', CASE WHEN by_session THEN session::text ELSE current_setting('app.user_id') END,
                           at, burst, every, event, current_setting('app.user_id')::uuid, session, NULL, NULL)
    WHERE NULLIF(current_setting('app.user_id', true), '') IS NOT NULL
$$;

COMMENT ON FUNCTION app.note_refused_write(session uuid, by_session boolean, at timestamp with time zone, burst integer, every double precision, event uuid) IS 'Adds the audit event for the first refused write of a window. Separate from app.open_request, because the refusal rolls back its transaction. SECURITY DEFINER, because requests may not write rate_limits.';

CREATE FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT app.open_request(who, session, presented, at, NULL, NULL, NULL, NULL)
$$;

COMMENT ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone) IS 'The first signature of app.open_request, for functions that were deployed before V10. Knows neither roles nor limits.';

CREATE FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

COMMENT ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) IS 'An earlier signature of app.open_request, for functions that were deployed before V18. Knows no legacy tokens and limits the writes of administrators by user.';

CREATE FUNCTION app.open_request(who uuid, session uuid, presented bigint, legacy_token uuid, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

COMMENT ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, legacy_token uuid, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) IS 'Opens an authenticated request in its transaction: checks account, session, legacy token and role, takes a write permit, confirms the refresh token generation that the caller has received, and sets app.user_id for row-level security. SECURITY DEFINER, because the roles of requests may not read users, sessions and rate_limits themselves. Locks the bucket of a write, and the session when a generation is confirmed.';

CREATE FUNCTION app.pause_after(failures integer, at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT CASE WHEN (pause_after.failures < first.failures) THEN '-infinity'::timestamp with time zone WHEN (pause_after.failures >= 100) THEN 'infinity'::timestamp with time zone ELSE (pause_after.at + LEAST((make_interval(secs => first.seconds) * ((2)::double precision ^ (LEAST((pause_after.failures - first.failures), 10))::double precision)), '01:00:00'::interval)) END AS "case" FROM app.first_pause() first(failures, seconds));

COMMENT ON FUNCTION app.pause_after(failures integer, at timestamp with time zone) IS 'Until when an account is paused after so many failures in a row: 30 seconds after 5, doubling up to an hour; after 100 until an operator lifts it.';

CREATE FUNCTION app.release_address(mails text[], at timestamp with time zone, event uuid, why text, OUT who uuid, OUT placeholder text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM set_config('app.importing', 'on', true);
    UPDATE public.users u
    -- Nobody can sign up with what nobody can guess.
    SET email = 'released-' || gen_random_uuid() || '@released.invalid', email_verified = false, updated_at = at
    WHERE u.id = (
        SELECT t.id FROM public.users t WHERE t.email = ANY (mails) ORDER BY array_position(mails, t.email) LIMIT 1
    )
    RETURNING u.id, u.email INTO who, placeholder;
    IF who IS NOT NULL THEN
        INSERT INTO public.audit_events (id, occurred_at, kind, user_id, details)
        VALUES (event, at, 'address_released', who, jsonb_build_object('reason', why)) ON CONFLICT DO NOTHING;
    END IF;
END
$$;

COMMENT ON FUNCTION app.release_address(mails text[], at timestamp with time zone, event uuid, why text, OUT who uuid, OUT placeholder text) IS 'Replaces the email address of an account with a placeholder, for an operator. SECURITY DEFINER, so that no role of a request needs the right to change addresses.';

CREATE FUNCTION app.settle_window() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '00:01:00'::interval;

COMMENT ON FUNCTION app.settle_window() IS 'How long the parent of the newest refresh token still yields that newest token. Functions that were replaced by later signatures keep their own copy.';

CREATE FUNCTION app.sort_key(given text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (octet_length(given) = char_length(given)) THEN lower((given COLLATE "C")) ELSE replace(replace(replace(replace(replace(replace(translate(lower((NORMALIZE(given, NFKD) COLLATE "C")), (((('ÐØĐĦŁŊŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩϏ'::text || 'ϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪ'::text) || 'ҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖøłđ'::text) || 'ħŧıςĸÞ'::text) || '̧̨̛̣̤̥̦̭̮̰̱̀́̂̃̄̆̇̈̉̊̋̌̏̑̓̔͂ͅ'::text), (((('ðodhlŋtɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǥƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωϗ'::text || 'ϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫ'::text) || 'ҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆold'::text) || 'htiσkþ'::text) || ''::text)), 'Æ'::text, 'ae'::text), 'æ'::text, 'ae'::text), 'Œ'::text, 'oe'::text), 'œ'::text, 'oe'::text), 'ẞ'::text, 'ss'::text), 'ß'::text, 'ss'::text) END;

COMMENT ON FUNCTION app.sort_key(given text) IS 'The text that titles are ordered by: the same in every database, because neither ICU nor a certain collation is everywhere. Not STRICT, so that PostgreSQL inlines it. docs/decisions has the reasons.';

CREATE FUNCTION app.take_permit(of_bucket text, of_key text, at timestamp with time zone, burst integer, every double precision, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT first_refusal boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

COMMENT ON FUNCTION app.take_permit(of_bucket text, of_key text, at timestamp with time zone, burst integer, every double precision, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT first_refusal boolean) IS 'Takes one permit from a bucket that holds burst permits and gains one every so many seconds (GCRA). Returns null, or the seconds to wait. SECURITY DEFINER, so that a request takes permits only in this way. Locks the bucket''s row, so that of many requests at once exactly the burst passes.';

CREATE FUNCTION app.take_permits(of_bucket text, keys text[], bursts integer[], everys double precision[], at timestamp with time zone, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT level integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
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

COMMENT ON FUNCTION app.take_permits(of_bucket text, keys text[], bursts integer[], everys double precision[], at timestamp with time zone, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT level integer) IS 'Takes one permit from each bucket of a caller''s networks, the narrowest first, or from none of them. Locks the buckets in that order, so that two calls do not deadlock.';

CREATE TABLE public.audit_events (
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    user_id uuid,
    actor_id uuid,
    session_id uuid,
    ip text,
    user_agent text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT audit_events_kind_length CHECK (((char_length(kind) >= 1) AND (char_length(kind) <= 64)))
)
WITH (autovacuum_vacuum_insert_scale_factor='0.05');

ALTER TABLE ONLY public.audit_events FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.audit_events IS 'What happened to accounts. Requests only add rows; the purge deletes them after 90 days. No foreign keys, because an event outlives its account.';

CREATE TABLE public.ended_legacy_tokens (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.ended_legacy_tokens IS 'Access tokens of the old backend that were signed out. They have no session that could be ended.';

CREATE TABLE public.legacy_problems (
    source text NOT NULL,
    legacy_id text NOT NULL,
    problem text NOT NULL,
    skipped boolean NOT NULL,
    found_at timestamp with time zone NOT NULL,
    CONSTRAINT legacy_problems_source_known CHECK ((source = ANY (ARRAY['user'::text, 'task'::text])))
);

COMMENT ON TABLE public.legacy_problems IS 'What was wrong with rows of the old backend in the last import. Ids only, no personal data.';

CREATE TABLE public.legacy_rows (
    source text NOT NULL,
    id uuid NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    CONSTRAINT legacy_rows_source_known CHECK ((source = ANY (ARRAY['user'::text, 'task'::text])))
);

COMMENT ON TABLE public.legacy_rows IS 'Rows of the old backend that were imported. A second import skips them, so that it does not bring back what their owner has deleted.';

CREATE TABLE public.rate_limits (
    bucket text NOT NULL,
    key text NOT NULL,
    full_at timestamp with time zone NOT NULL,
    noted_until timestamp with time zone
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');

COMMENT ON TABLE public.rate_limits IS 'One token bucket per limit and caller, as the time at which it is full again (GCRA). Only functions of the schema app write it.';

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    generation bigint DEFAULT 0 NOT NULL,
    confirmed_generation bigint DEFAULT 0 NOT NULL,
    settle_until timestamp with time zone NOT NULL,
    idle_expires_at timestamp with time zone NOT NULL,
    absolute_expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    revoke_reason text,
    created_ip text,
    user_agent text,
    rotated_network text,
    rotated_agent text,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone NOT NULL,
    rotated_family text,
    superseded_at timestamp with time zone,
    CONSTRAINT sessions_generations_ordered CHECK (((0 <= confirmed_generation) AND (confirmed_generation <= generation))),
    CONSTRAINT sessions_revocation_whole CHECK (((revoked_at IS NULL) = (revoke_reason IS NULL)))
)
WITH (fillfactor='85', autovacuum_vacuum_scale_factor='0.05');

ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.sessions IS 'One row per sign-in. Refresh tokens are not stored: they are derived from the session''s id and its generation.';

CREATE TABLE public.sign_in_addresses (
    user_id uuid NOT NULL,
    address text NOT NULL,
    last_used_at timestamp with time zone NOT NULL,
    failed_at timestamp with time zone
)
WITH (fillfactor='85');

COMMENT ON TABLE public.sign_in_addresses IS 'Network addresses that have signed in to an account before. Failures from other addresses do not lock these out.';

CREATE TABLE public.sign_in_failures (
    account text NOT NULL,
    failures integer NOT NULL,
    failed_at timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone NOT NULL,
    noted_until timestamp with time zone,
    unknown_failures integer DEFAULT 0 NOT NULL,
    unknown_blocked_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    unknown_refused integer DEFAULT 0 NOT NULL,
    known_failures integer DEFAULT 0 NOT NULL,
    known_since timestamp with time zone,
    CONSTRAINT sign_in_failures_counted CHECK ((failures >= 0))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');

COMMENT ON TABLE public.sign_in_failures IS 'Failed sign-ins in a row by account, whether the account exists or not. The key is an HMAC of the email address.';

CREATE TABLE public.task_counts (
    user_id uuid NOT NULL,
    tasks bigint NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.05');

COMMENT ON TABLE public.task_counts IS 'How many tasks each user has stored. Triggers on tasks keep it, so that the number can be bounded without counting.';

CREATE TABLE public.tasks (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    description text,
    due_datetime timestamp with time zone,
    priority smallint NOT NULL,
    is_completed boolean DEFAULT false NOT NULL,
    completed_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    deleted_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    title_key text COLLATE pg_catalog."C",
    CONSTRAINT tasks_completion_whole CHECK (((completed_at IS NULL) OR is_completed)),
    CONSTRAINT tasks_description_length CHECK ((char_length(description) <= 10000)),
    CONSTRAINT tasks_priority_known CHECK (((priority >= 0) AND (priority <= 3))),
    CONSTRAINT tasks_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 255))),
    CONSTRAINT tasks_version_positive CHECK ((version > 0))
)
WITH (fillfactor='85', autovacuum_vacuum_scale_factor='0.01', autovacuum_vacuum_insert_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');

ALTER TABLE ONLY public.tasks FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.tasks IS 'The tasks of all users. The policy tasks_owner_only shows a request the rows of its own user only.';

CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    name text,
    role text DEFAULT 'user'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    email_verified boolean DEFAULT false NOT NULL,
    password_hash text,
    pepper_id text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    banned_at timestamp with time zone,
    banned_until timestamp with time zone,
    ban_reason text,
    sign_in_unlocked_at timestamp with time zone,
    legacy_revoked_at timestamp with time zone,
    CONSTRAINT users_ban_reason_length CHECK (((char_length(ban_reason) >= 1) AND (char_length(ban_reason) <= 500))),
    CONSTRAINT users_ban_whole CHECK ((((banned_at IS NULL) = (ban_reason IS NULL)) AND ((banned_at IS NOT NULL) OR (banned_until IS NULL)))),
    CONSTRAINT users_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT users_email_normalised CHECK ((email = lower(email))),
    CONSTRAINT users_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 255))),
    CONSTRAINT users_role_known CHECK ((role = ANY (ARRAY['user'::text, 'admin'::text])))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE public.users IS 'One row per account. Row-level security is forced: it also binds the owner of the table, as which functions of the schema app run.';

ALTER TABLE ONLY public.audit_events
    ADD CONSTRAINT audit_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ended_legacy_tokens
    ADD CONSTRAINT ended_legacy_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.legacy_problems
    ADD CONSTRAINT legacy_problems_pkey PRIMARY KEY (source, legacy_id, problem);

ALTER TABLE ONLY public.legacy_rows
    ADD CONSTRAINT legacy_rows_pkey PRIMARY KEY (source, id);

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (bucket, key);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sign_in_addresses
    ADD CONSTRAINT sign_in_addresses_pkey PRIMARY KEY (user_id, address);

ALTER TABLE ONLY public.sign_in_failures
    ADD CONSTRAINT sign_in_failures_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.task_counts
    ADD CONSTRAINT task_counts_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX audit_events_by_age_idx ON public.audit_events USING btree (occurred_at, id);

CREATE INDEX audit_events_of_actor_idx ON public.audit_events USING btree (actor_id) WHERE (actor_id IS NOT NULL);

CREATE INDEX audit_events_of_user_idx ON public.audit_events USING btree (user_id, occurred_at, id) WHERE (user_id IS NOT NULL);

CREATE INDEX ended_legacy_tokens_user_id_idx ON public.ended_legacy_tokens USING btree (user_id);

CREATE INDEX sessions_user_id_idx ON public.sessions USING btree (user_id);

CREATE INDEX tasks_by_creation_idx ON public.tasks USING btree (user_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_by_due_idx ON public.tasks USING btree (user_id, due_datetime, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_by_priority_idx ON public.tasks USING btree (user_id, priority, id) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_counts_idx ON public.tasks USING btree (user_id, is_completed, priority) WHERE (deleted_at IS NULL);

CREATE INDEX tasks_user_id_idx ON public.tasks USING btree (user_id);

CREATE INDEX users_by_creation_idx ON public.users USING btree (created_at, id);

CREATE INDEX users_legacy_password_idx ON public.users USING btree (id) WHERE ((password_hash IS NOT NULL) AND (pepper_id IS NULL));

CREATE TRIGGER tasks_added AFTER INSERT ON public.tasks REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION app.count_added_tasks();

CREATE TRIGGER tasks_keyed BEFORE INSERT OR UPDATE OF title ON public.tasks FOR EACH ROW EXECUTE FUNCTION app.key_title();

CREATE TRIGGER tasks_removed AFTER DELETE ON public.tasks REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION app.count_removed_tasks();

ALTER TABLE ONLY public.ended_legacy_tokens
    ADD CONSTRAINT ended_legacy_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sign_in_addresses
    ADD CONSTRAINT sign_in_addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.task_counts
    ADD CONSTRAINT task_counts_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE public.audit_events ENABLE ROW LEVEL SECURITY;

CREATE POLICY audit_events_admin ON public.audit_events FOR INSERT TO todo_admin WITH CHECK (true);

CREATE POLICY audit_events_append ON public.audit_events FOR INSERT TO todo_auth WITH CHECK (true);

CREATE POLICY audit_events_maintenance ON public.audit_events TO todo_maintenance USING ((occurred_at < (now() - '89 days'::interval)));

CREATE POLICY audit_events_own ON public.audit_events FOR SELECT TO todo_auth USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

CREATE POLICY audit_events_owner ON public.audit_events TO CURRENT_USER USING (true) WITH CHECK (true);

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

CREATE POLICY sessions_admin ON public.sessions TO todo_admin USING (true) WITH CHECK (true);

CREATE POLICY sessions_auth ON public.sessions TO todo_auth USING (true) WITH CHECK (true);

CREATE POLICY sessions_maintenance ON public.sessions TO todo_maintenance USING (true);

CREATE POLICY sessions_owner ON public.sessions TO CURRENT_USER USING (true) WITH CHECK (true);

ALTER TABLE public.tasks ENABLE ROW LEVEL SECURITY;

CREATE POLICY tasks_import ON public.tasks TO CURRENT_USER USING ((current_setting('app.importing'::text, true) = 'on'::text)) WITH CHECK ((current_setting('app.importing'::text, true) = 'on'::text));

CREATE POLICY tasks_owner_only ON public.tasks TO todo_tasks USING ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid)) WITH CHECK ((user_id = (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid));

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

CREATE POLICY users_admin ON public.users TO todo_admin USING (true) WITH CHECK (true);

CREATE POLICY users_auth ON public.users TO todo_auth USING (true) WITH CHECK (true);

CREATE POLICY users_import ON public.users TO CURRENT_USER USING ((current_setting('app.importing'::text, true) = 'on'::text)) WITH CHECK ((current_setting('app.importing'::text, true) = 'on'::text));

CREATE POLICY users_owner ON public.users FOR SELECT TO CURRENT_USER USING (true);

GRANT USAGE ON SCHEMA app TO todo_tasks;
GRANT USAGE ON SCHEMA app TO todo_auth;
GRANT USAGE ON SCHEMA app TO todo_maintenance;
GRANT USAGE ON SCHEMA app TO todo_admin;

GRANT USAGE ON SCHEMA public TO todo_tasks;
GRANT USAGE ON SCHEMA public TO todo_auth;
GRANT USAGE ON SCHEMA public TO todo_maintenance;
GRANT USAGE ON SCHEMA public TO todo_admin;

REVOKE ALL ON FUNCTION app.attempt_sign_in(address text, of_account text, mail text, at timestamp with time zone, event uuid, address_burst integer, address_every double precision, account_burst integer, account_every double precision, from_ip text, with_agent text, OUT bucket text, OUT wait double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION app.attempt_sign_in(address text, of_account text, mail text, at timestamp with time zone, event uuid, address_burst integer, address_every double precision, account_burst integer, account_every double precision, from_ip text, with_agent text, OUT bucket text, OUT wait double precision) TO todo_auth;

REVOKE ALL ON FUNCTION app.begin_sign_in(keys text[], bursts integer[], everys double precision[], account_burst integer, account_every double precision, of_account text, mails text[], at timestamp with time zone, event uuid, from_ip text, with_agent text, OUT bucket text, OUT wait double precision, OUT level integer, OUT paused double precision, OUT gate text, OUT unknown_paused boolean, OUT counted boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.begin_sign_in(keys text[], bursts integer[], everys double precision[], account_burst integer, account_every double precision, of_account text, mails text[], at timestamp with time zone, event uuid, from_ip text, with_agent text, OUT bucket text, OUT wait double precision, OUT level integer, OUT paused double precision, OUT gate text, OUT unknown_paused boolean, OUT counted boolean) TO todo_auth;

REVOKE ALL ON FUNCTION app.check_standing(who uuid, session uuid, at timestamp with time zone, needed text) FROM PUBLIC;

REVOKE ALL ON FUNCTION app.count_added_tasks() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.count_legacy_passwords() FROM PUBLIC;
GRANT ALL ON FUNCTION app.count_legacy_passwords() TO todo_admin;

REVOKE ALL ON FUNCTION app.count_removed_tasks() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.delete_account(mails text[], at timestamp with time zone, event uuid, OUT who uuid, OUT is_gone boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.delete_account(mails text[], at timestamp with time zone, event uuid, OUT who uuid, OUT is_gone boolean) TO todo_maintenance;

REVOKE ALL ON FUNCTION app.end_sessions(who uuid, but_not uuid, at timestamp with time zone, why text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.end_sessions(who uuid, but_not uuid, at timestamp with time zone, why text) TO todo_auth;
GRANT ALL ON FUNCTION app.end_sessions(who uuid, but_not uuid, at timestamp with time zone, why text) TO todo_admin;

REVOKE ALL ON FUNCTION app.forget_account(who uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.forget_account(who uuid) TO todo_auth;

REVOKE ALL ON FUNCTION app.give_back_permits(of_bucket text, keys text[], everys double precision[]) FROM PUBLIC;
GRANT ALL ON FUNCTION app.give_back_permits(of_bucket text, keys text[], everys double precision[]) TO todo_auth;

REVOKE ALL ON FUNCTION app.has_room(most bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION app.has_room(most bigint) TO todo_tasks;

REVOKE ALL ON FUNCTION app.key_title() FROM PUBLIC;

REVOKE ALL ON FUNCTION app.make_room(who uuid, newcomer uuid, at timestamp with time zone, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.make_room(who uuid, newcomer uuid, at timestamp with time zone, most integer) TO todo_auth;

REVOKE ALL ON FUNCTION app.note_refused_write(session uuid, at timestamp with time zone, burst integer, every double precision, event uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.note_refused_write(session uuid, at timestamp with time zone, burst integer, every double precision, event uuid) TO todo_tasks;
GRANT ALL ON FUNCTION app.note_refused_write(session uuid, at timestamp with time zone, burst integer, every double precision, event uuid) TO todo_auth;
GRANT ALL ON FUNCTION app.note_refused_write(session uuid, at timestamp with time zone, burst integer, every double precision, event uuid) TO todo_admin;

REVOKE ALL ON FUNCTION app.note_refused_write(session uuid, by_session boolean, at timestamp with time zone, burst integer, every double precision, event uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.note_refused_write(session uuid, by_session boolean, at timestamp with time zone, burst integer, every double precision, event uuid) TO todo_tasks;
GRANT ALL ON FUNCTION app.note_refused_write(session uuid, by_session boolean, at timestamp with time zone, burst integer, every double precision, event uuid) TO todo_auth;
GRANT ALL ON FUNCTION app.note_refused_write(session uuid, by_session boolean, at timestamp with time zone, burst integer, every double precision, event uuid) TO todo_admin;

REVOKE ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone) TO todo_tasks;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone) TO todo_auth;

REVOKE ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) TO todo_tasks;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) TO todo_auth;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) TO todo_admin;

REVOKE ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, legacy_token uuid, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, legacy_token uuid, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) TO todo_tasks;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, legacy_token uuid, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) TO todo_auth;
GRANT ALL ON FUNCTION app.open_request(who uuid, session uuid, presented bigint, legacy_token uuid, at timestamp with time zone, needed text, burst integer, every double precision, event uuid) TO todo_admin;

REVOKE ALL ON FUNCTION app.release_address(mails text[], at timestamp with time zone, event uuid, why text, OUT who uuid, OUT placeholder text) FROM PUBLIC;
GRANT ALL ON FUNCTION app.release_address(mails text[], at timestamp with time zone, event uuid, why text, OUT who uuid, OUT placeholder text) TO todo_maintenance;

REVOKE ALL ON FUNCTION app.take_permit(of_bucket text, of_key text, at timestamp with time zone, burst integer, every double precision, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT first_refusal boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION app.take_permit(of_bucket text, of_key text, at timestamp with time zone, burst integer, every double precision, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT first_refusal boolean) TO todo_auth;

REVOKE ALL ON FUNCTION app.take_permits(of_bucket text, keys text[], bursts integer[], everys double precision[], at timestamp with time zone, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT level integer) FROM PUBLIC;
GRANT ALL ON FUNCTION app.take_permits(of_bucket text, keys text[], bursts integer[], everys double precision[], at timestamp with time zone, event uuid, who uuid, in_session uuid, from_ip text, with_agent text, OUT wait double precision, OUT level integer) TO todo_auth;

GRANT SELECT,INSERT ON TABLE public.audit_events TO todo_auth;
GRANT INSERT ON TABLE public.audit_events TO todo_admin;
GRANT DELETE ON TABLE public.audit_events TO todo_maintenance;

GRANT SELECT(ctid) ON TABLE public.audit_events TO todo_maintenance;

GRANT SELECT(id) ON TABLE public.audit_events TO todo_maintenance;

GRANT SELECT(occurred_at) ON TABLE public.audit_events TO todo_maintenance;

GRANT SELECT,INSERT ON TABLE public.ended_legacy_tokens TO todo_auth;
GRANT DELETE ON TABLE public.ended_legacy_tokens TO todo_maintenance;

GRANT SELECT(ctid) ON TABLE public.ended_legacy_tokens TO todo_maintenance;

GRANT SELECT(id) ON TABLE public.ended_legacy_tokens TO todo_maintenance;

GRANT SELECT(expires_at) ON TABLE public.ended_legacy_tokens TO todo_maintenance;

GRANT DELETE ON TABLE public.rate_limits TO todo_maintenance;

GRANT SELECT(ctid) ON TABLE public.rate_limits TO todo_maintenance;

GRANT SELECT(bucket) ON TABLE public.rate_limits TO todo_maintenance;

GRANT SELECT(key) ON TABLE public.rate_limits TO todo_maintenance;

GRANT SELECT(full_at) ON TABLE public.rate_limits TO todo_maintenance;

GRANT SELECT,INSERT,UPDATE ON TABLE public.sessions TO todo_auth;
GRANT DELETE ON TABLE public.sessions TO todo_maintenance;

GRANT SELECT(ctid) ON TABLE public.sessions TO todo_maintenance;

GRANT SELECT(id) ON TABLE public.sessions TO todo_admin;
GRANT SELECT(id) ON TABLE public.sessions TO todo_maintenance;

GRANT SELECT(user_id) ON TABLE public.sessions TO todo_admin;

GRANT SELECT(idle_expires_at) ON TABLE public.sessions TO todo_admin;
GRANT SELECT(idle_expires_at) ON TABLE public.sessions TO todo_maintenance;

GRANT SELECT(absolute_expires_at) ON TABLE public.sessions TO todo_admin;
GRANT SELECT(absolute_expires_at) ON TABLE public.sessions TO todo_maintenance;

GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.sessions TO todo_admin;
GRANT SELECT(revoked_at) ON TABLE public.sessions TO todo_maintenance;

GRANT UPDATE(revoke_reason) ON TABLE public.sessions TO todo_admin;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sign_in_addresses TO todo_auth;
GRANT DELETE ON TABLE public.sign_in_addresses TO todo_maintenance;

GRANT SELECT(ctid) ON TABLE public.sign_in_addresses TO todo_maintenance;

GRANT SELECT(user_id) ON TABLE public.sign_in_addresses TO todo_maintenance;

GRANT SELECT(address) ON TABLE public.sign_in_addresses TO todo_maintenance;

GRANT SELECT(last_used_at) ON TABLE public.sign_in_addresses TO todo_maintenance;

GRANT SELECT,DELETE ON TABLE public.sign_in_failures TO todo_auth;
GRANT DELETE ON TABLE public.sign_in_failures TO todo_maintenance;

GRANT SELECT(ctid) ON TABLE public.sign_in_failures TO todo_maintenance;

GRANT SELECT(account) ON TABLE public.sign_in_failures TO todo_maintenance;

GRANT SELECT(failures) ON TABLE public.sign_in_failures TO todo_maintenance;

GRANT SELECT(failed_at) ON TABLE public.sign_in_failures TO todo_maintenance;

GRANT UPDATE(noted_until) ON TABLE public.sign_in_failures TO todo_auth;

GRANT SELECT(unknown_failures) ON TABLE public.sign_in_failures TO todo_maintenance;

GRANT UPDATE(unknown_refused) ON TABLE public.sign_in_failures TO todo_auth;

GRANT SELECT(known_failures) ON TABLE public.sign_in_failures TO todo_maintenance;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tasks TO todo_tasks;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO todo_auth;

GRANT SELECT(id) ON TABLE public.users TO todo_admin;

GRANT SELECT(email) ON TABLE public.users TO todo_admin;

GRANT SELECT(name) ON TABLE public.users TO todo_admin;

GRANT SELECT(role),UPDATE(role) ON TABLE public.users TO todo_admin;

GRANT SELECT(is_active),UPDATE(is_active) ON TABLE public.users TO todo_admin;

GRANT SELECT(email_verified) ON TABLE public.users TO todo_admin;

GRANT SELECT(created_at) ON TABLE public.users TO todo_admin;

GRANT SELECT(updated_at),UPDATE(updated_at) ON TABLE public.users TO todo_admin;

GRANT SELECT(banned_at),UPDATE(banned_at) ON TABLE public.users TO todo_admin;

GRANT SELECT(banned_until),UPDATE(banned_until) ON TABLE public.users TO todo_admin;

GRANT SELECT(ban_reason),UPDATE(ban_reason) ON TABLE public.users TO todo_admin;

GRANT SELECT(sign_in_unlocked_at),UPDATE(sign_in_unlocked_at) ON TABLE public.users TO todo_admin;

GRANT SELECT(legacy_revoked_at),UPDATE(legacy_revoked_at) ON TABLE public.users TO todo_admin;

-- What operators do about an account whose address is somebody else's: delete it, or take the address away. As functions,
-- so that no role of a request gets the right to delete accounts or to change addresses.

-- Deletes an account with everything that is its own, as its user can. Null if there is none, false if it is the last
-- administrator's.
CREATE FUNCTION app.delete_account(mails text[], at timestamptz, event uuid, OUT who uuid, OUT is_gone boolean)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

-- Gives an account a placeholder in place of its address, which is free from then on. The account stays usable: with its
-- sessions, and by signing in with the placeholder.
CREATE FUNCTION app.release_address(mails text[], at timestamptz, event uuid, why text, OUT who uuid, OUT placeholder text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

REVOKE ALL ON FUNCTION app.delete_account(text[], timestamptz, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.release_address(text[], timestamptz, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.delete_account(text[], timestamptz, uuid) TO todo_maintenance;
GRANT EXECUTE ON FUNCTION app.release_address(text[], timestamptz, uuid, text) TO todo_maintenance;

-- How many accounts still have a password hash that is verified as the old backend's; those have no pepper. They are few
-- and become fewer, so the index is small. Other hashes without a pepper let nobody in.
CREATE INDEX users_legacy_password_idx ON users (id) WHERE password_hash IS NOT NULL AND pepper_id IS NULL;

CREATE FUNCTION app.count_legacy_passwords() RETURNS bigint
LANGUAGE plpgsql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM public.users u
        WHERE u.password_hash IS NOT NULL AND u.pepper_id IS NULL
          AND u.password_hash ~ '^\$2[ab]\$\d\d\$[A-Za-z0-9./]{53}$|^.{1,128}:[0-9A-Fa-f]{64}$'
    );
END
$$;
REVOKE ALL ON FUNCTION app.count_legacy_passwords() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.count_legacy_passwords() TO todo_admin;

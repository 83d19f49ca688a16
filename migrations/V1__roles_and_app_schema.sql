-- The database roles that requests run as, and the schema of the functions they may call.
-- Roles belong to the whole cluster, so another database may have made them already.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['todo_tasks', 'todo_auth', 'todo_maintenance'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL; -- made by a concurrent migration
        END;
        -- PostgreSQL 16 and newer do not let the creator SET ROLE without this.
        IF NOT pg_has_role(current_user, wanted, 'MEMBER') OR current_setting('server_version_num')::int >= 160000 THEN
            BEGIN
                EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
            EXCEPTION
                WHEN unique_violation THEN NULL; -- granted by a concurrent migration
            END;
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO todo_tasks, todo_auth, todo_maintenance;
GRANT USAGE ON SCHEMA public TO todo_tasks, todo_auth, todo_maintenance;

DROP SCHEMA app;
REVOKE USAGE ON SCHEMA public FROM todo_tasks, todo_auth, todo_maintenance;

-- A role that another database of this cluster still uses stays.
DO $$
DECLARE
    unwanted text;
BEGIN
    FOREACH unwanted IN ARRAY ARRAY['todo_tasks', 'todo_auth', 'todo_maintenance'] LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', unwanted);
        EXCEPTION
            -- An internal error is a database that is being dropped.
            WHEN dependent_objects_still_exist OR insufficient_privilege OR internal_error THEN NULL;
        END;
    END LOOP;
END
$$;

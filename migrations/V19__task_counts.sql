-- How many tasks each user has stored, so that their number can be bounded without counting them. Triggers keep it:
-- requests, the import and the deletion of an account all change it alike. `tasks` is locked first, as requests do.
LOCK TABLE tasks IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE task_counts (
    user_id uuid NOT NULL,
    tasks bigint NOT NULL,
    CONSTRAINT task_counts_pkey PRIMARY KEY (user_id),
    CONSTRAINT task_counts_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
INSERT INTO task_counts (user_id, tasks) SELECT t.user_id, count(*) FROM tasks t GROUP BY t.user_id;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;

CREATE FUNCTION app.count_added_tasks() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.task_counts AS c (user_id, tasks)
    SELECT a.user_id, count(*) FROM added a GROUP BY a.user_id ORDER BY a.user_id
    ON CONFLICT (user_id) DO UPDATE SET tasks = c.tasks + excluded.tasks;
    RETURN NULL;
END
$$;

CREATE FUNCTION app.count_removed_tasks() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE public.task_counts c SET tasks = c.tasks - r.tasks
    FROM (SELECT user_id, count(*) AS tasks FROM removed GROUP BY user_id) r
    WHERE c.user_id = r.user_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER tasks_added AFTER INSERT ON tasks REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION app.count_added_tasks();
CREATE TRIGGER tasks_removed AFTER DELETE ON tasks REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION app.count_removed_tasks();

-- Whether the user that app.open_request has named may store one more task. Locks their count, so that of two at once
-- the second sees what the first has stored.
CREATE FUNCTION app.has_room(most bigint) RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
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

REVOKE ALL ON FUNCTION app.count_added_tasks() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.count_removed_tasks() FROM PUBLIC;
REVOKE ALL ON FUNCTION app.has_room(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.has_room(bigint) TO todo_tasks;

-- fillfactor leaves room for HOT updates; vacuum comes early because counts rely on index-only scans.
CREATE TABLE tasks (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    description text,
    due_datetime timestamptz,
    -- The Eisenhower matrix in its order: 0 urgent_important, 1 not_urgent_important,
    -- 2 urgent_not_important, 3 not_urgent_not_important.
    priority smallint NOT NULL,
    is_completed boolean NOT NULL DEFAULT false,
    completed_at timestamptz,
    -- Counts the changes of the row, for optimistic locking.
    version integer NOT NULL DEFAULT 1,
    -- A task in the bin; every query leaves it out.
    deleted_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT tasks_pkey PRIMARY KEY (id),
    CONSTRAINT tasks_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 255),
    CONSTRAINT tasks_description_length CHECK (char_length(description) <= 10000),
    CONSTRAINT tasks_priority_known CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT tasks_completion_whole CHECK (completed_at IS NULL OR is_completed),
    CONSTRAINT tasks_version_positive CHECK (version > 0)
) WITH (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);

CREATE INDEX tasks_by_creation_idx ON tasks (user_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_due_idx ON tasks (user_id, due_datetime, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_priority_idx ON tasks (user_id, priority, id) WHERE deleted_at IS NULL;
-- Exact counts under every filter, as index-only scans.
CREATE INDEX tasks_counts_idx ON tasks (user_id, is_completed, priority) WHERE deleted_at IS NULL;

ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
CREATE POLICY tasks_owner_only ON tasks TO todo_tasks
    USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid)
    WITH CHECK (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO todo_tasks;

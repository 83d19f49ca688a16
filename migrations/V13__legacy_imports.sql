-- Which rows of the old backend were taken over, so that what its owner has deleted since is not taken over
-- again; and what was wrong with rows, from the newest run. Ids only, nothing personal.
CREATE TABLE legacy_rows (
    source text NOT NULL,
    id uuid NOT NULL,
    imported_at timestamptz NOT NULL,
    CONSTRAINT legacy_rows_pkey PRIMARY KEY (source, id),
    CONSTRAINT legacy_rows_source_known CHECK (source IN ('user', 'task'))
);

CREATE TABLE legacy_problems (
    source text NOT NULL,
    -- As the old table spells it.
    legacy_id text NOT NULL,
    problem text NOT NULL,
    -- Whether the row was left out; else it was taken over with a change.
    skipped boolean NOT NULL,
    found_at timestamptz NOT NULL,
    CONSTRAINT legacy_problems_pkey PRIMARY KEY (source, legacy_id, problem),
    CONSTRAINT legacy_problems_source_known CHECK (source IN ('user', 'task'))
);

-- The owner imports, and only then sees and adds rows.
CREATE POLICY users_import ON users TO CURRENT_USER
    USING (current_setting('app.importing', true) = 'on')
    WITH CHECK (current_setting('app.importing', true) = 'on');
CREATE POLICY tasks_import ON tasks TO CURRENT_USER
    USING (current_setting('app.importing', true) = 'on')
    WITH CHECK (current_setting('app.importing', true) = 'on');

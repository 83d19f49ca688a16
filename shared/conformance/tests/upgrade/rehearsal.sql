-- What migrations do while users work: a column with a default, an index, a change of every row. The locks first, in the
-- order in which requests take them.
LOCK TABLE users, tasks IN ACCESS EXCLUSIVE MODE;
ALTER TABLE tasks ADD COLUMN rehearsal text NOT NULL DEFAULT 'none';
CREATE INDEX tasks_rehearsal ON tasks (user_id, rehearsal);
ALTER TABLE users ADD COLUMN rehearsal text;
ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
UPDATE tasks SET rehearsal = 'done';
ALTER TABLE tasks FORCE ROW LEVEL SECURITY;

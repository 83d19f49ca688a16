LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE;
DROP TRIGGER tasks_keyed ON tasks;
DROP FUNCTION app.key_title();
ALTER TABLE tasks DROP COLUMN title_key;
DROP FUNCTION app.sort_key(text);

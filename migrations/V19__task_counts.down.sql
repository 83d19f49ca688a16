LOCK TABLE tasks IN SHARE ROW EXCLUSIVE MODE;
DROP TRIGGER tasks_added ON tasks;
DROP TRIGGER tasks_removed ON tasks;
DROP FUNCTION app.has_room(bigint);
DROP FUNCTION app.count_added_tasks();
DROP FUNCTION app.count_removed_tasks();
DROP TABLE task_counts;

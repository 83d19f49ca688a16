DROP POLICY tasks_import ON tasks;
DROP POLICY users_import ON users;
DROP TABLE legacy_problems;
DROP TABLE legacy_rows;

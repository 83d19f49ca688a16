ALTER TABLE users DROP COLUMN rehearsal;
ALTER TABLE tasks DROP COLUMN rehearsal;

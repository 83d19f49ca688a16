ALTER TABLE sessions
    DROP COLUMN rotated_family,
    DROP COLUMN superseded_at;

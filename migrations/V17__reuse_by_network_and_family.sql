-- An old refresh token ends its session only if it looks stolen: from another network and another program than the last
-- rotation's, or from another network for the second time.
ALTER TABLE sessions
    -- Browser and system of the last rotation, without versions; null in sessions that rotated before this migration.
    ADD COLUMN rotated_family text,
    -- When an old token first came from outside the network of the last rotation, since that rotation.
    ADD COLUMN superseded_at timestamptz;

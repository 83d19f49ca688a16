DROP FUNCTION app.note_refused_write(uuid, boolean, timestamptz, integer, double precision, uuid);
DROP FUNCTION app.open_request(uuid, uuid, bigint, uuid, timestamptz, text, integer, double precision, uuid);
DROP TABLE ended_legacy_tokens;

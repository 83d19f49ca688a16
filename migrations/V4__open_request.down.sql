DROP FUNCTION app.open_request(uuid, uuid, bigint, timestamptz);

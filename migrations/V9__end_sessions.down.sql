DROP FUNCTION app.forget_account(uuid);
DROP FUNCTION app.make_room(uuid, uuid, timestamptz, integer);
DROP FUNCTION app.end_sessions(uuid, uuid, timestamptz, text);

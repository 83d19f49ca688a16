DROP FUNCTION app.release_address(text[], timestamptz, uuid, text);
DROP FUNCTION app.delete_account(text[], timestamptz, uuid);

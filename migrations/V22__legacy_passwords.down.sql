DROP FUNCTION app.count_legacy_passwords();
DROP INDEX users_legacy_password_idx;

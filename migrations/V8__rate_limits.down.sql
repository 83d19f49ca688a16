DROP FUNCTION app.attempt_sign_in(
    text, text, text, timestamptz, uuid, integer, double precision, integer, double precision, text, text);
DROP FUNCTION app.take_permit(
    text, text, timestamptz, integer, double precision, uuid, uuid, uuid, text, text);
DROP TABLE sign_in_addresses;
DROP TABLE sign_in_failures;
DROP TABLE rate_limits;

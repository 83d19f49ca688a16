-- Gives every table and function its reason in the database itself, where `\d+`, `\df+` and schema.sql show it.

COMMENT ON TABLE users IS 'One row per account. Row-level security is forced: it also binds the owner of the table, as which functions of the schema app run.';
COMMENT ON TABLE sessions IS 'One row per sign-in. Refresh tokens are not stored: they are derived from the session''s id and its generation.';
COMMENT ON TABLE tasks IS 'The tasks of all users. The policy tasks_owner_only shows a request the rows of its own user only.';
COMMENT ON TABLE task_counts IS 'How many tasks each user has stored. Triggers on tasks keep it, so that the number can be bounded without counting.';
COMMENT ON TABLE audit_events IS 'What happened to accounts. Requests only add rows; the purge deletes them after 90 days. No foreign keys, because an event outlives its account.';
COMMENT ON TABLE rate_limits IS 'One token bucket per limit and caller, as the time at which it is full again (GCRA). Only functions of the schema app write it.';
COMMENT ON TABLE sign_in_failures IS 'Failed sign-ins in a row by account, whether the account exists or not. The key is an HMAC of the email address.';
COMMENT ON TABLE sign_in_addresses IS 'Network addresses that have signed in to an account before. Failures from other addresses do not lock these out.';
COMMENT ON TABLE ended_legacy_tokens IS 'Access tokens of the old backend that were signed out. They have no session that could be ended.';
COMMENT ON TABLE legacy_rows IS 'Rows of the old backend that were imported. A second import skips them, so that it does not bring back what their owner has deleted.';
COMMENT ON TABLE legacy_problems IS 'What was wrong with rows of the old backend in the last import. Ids only, no personal data.';

COMMENT ON FUNCTION app.open_request(uuid, uuid, bigint, uuid, timestamptz, text, integer, double precision, uuid) IS
'Opens an authenticated request in its transaction: checks account, session, legacy token and role, takes a write permit, confirms the refresh token generation that the caller has received, and sets app.user_id for row-level security. SECURITY DEFINER, because the roles of requests may not read users, sessions and rate_limits themselves. Locks the bucket of a write, and the session when a generation is confirmed.';
COMMENT ON FUNCTION app.open_request(uuid, uuid, bigint, timestamptz, text, integer, double precision, uuid) IS
'An earlier signature of app.open_request, for functions that were deployed before V18. Knows no legacy tokens and limits the writes of administrators by user.';
COMMENT ON FUNCTION app.open_request(uuid, uuid, bigint, timestamptz) IS
'The first signature of app.open_request, for functions that were deployed before V10. Knows neither roles nor limits.';
COMMENT ON FUNCTION app.check_standing(uuid, uuid, timestamptz, text) IS
'Raises UA001 to UA006 if the account or the session may not be used, or if the role is missing. app.open_request calls it to name the reason, and again after each lock that it waited for, because the session may have ended meanwhile.';
COMMENT ON FUNCTION app.note_refused_write(uuid, boolean, timestamptz, integer, double precision, uuid) IS
'Adds the audit event for the first refused write of a window. Separate from app.open_request, because the refusal rolls back its transaction. SECURITY DEFINER, because requests may not write rate_limits.';
COMMENT ON FUNCTION app.note_refused_write(uuid, timestamptz, integer, double precision, uuid) IS
'An earlier signature of app.note_refused_write, for functions that were deployed before V18.';

COMMENT ON FUNCTION app.take_permit(text, text, timestamptz, integer, double precision, uuid, uuid, uuid, text, text) IS
'Takes one permit from a bucket that holds burst permits and gains one every so many seconds (GCRA). Returns null, or the seconds to wait. SECURITY DEFINER, so that a request takes permits only in this way. Locks the bucket''s row, so that of many requests at once exactly the burst passes.';
COMMENT ON FUNCTION app.take_permits(text, text[], integer[], double precision[], timestamptz, uuid, uuid, uuid, text, text) IS
'Takes one permit from each bucket of a caller''s networks, the narrowest first, or from none of them. Locks the buckets in that order, so that two calls do not deadlock.';
COMMENT ON FUNCTION app.give_back_permits(text, text[], double precision[]) IS
'Gives back permits that turned out not to be needed: a successful sign-in does not count against its network. SECURITY DEFINER, because requests may not write rate_limits.';
COMMENT ON FUNCTION app.begin_sign_in(text[], integer[], double precision[], integer, double precision, text, text[], timestamptz, uuid, text, text) IS
'Decides whether a password may be checked, before any hash is computed, and counts the attempt as failed until it succeeds. Locks the account''s row of sign_in_failures, so that simultaneous attempts are decided one after the other. SECURITY DEFINER, because requests may not write the counters.';
COMMENT ON FUNCTION app.attempt_sign_in(text, text, text, timestamptz, uuid, integer, double precision, integer, double precision, text, text) IS
'What app.begin_sign_in replaces; for functions that were deployed before V16.';
COMMENT ON FUNCTION app.pause_after(integer, timestamptz) IS
'Until when an account is paused after so many failures in a row: 30 seconds after 5, doubling up to an hour; after 100 until an operator lifts it.';

COMMENT ON FUNCTION app.end_sessions(uuid, uuid, timestamptz, text) IS
'Ends the sessions of a user except one, and returns how many were live. Call it with the account''s row locked. It is volatile, so that it also sees sessions that were opened while the caller waited for that lock.';
COMMENT ON FUNCTION app.make_room(uuid, uuid, timestamptz, integer) IS
'Ends the longest idle sessions of a user until there is room for one more. Call it with the account''s row locked, for the reason that app.end_sessions gives.';
COMMENT ON FUNCTION app.forget_account(uuid) IS
'Removes network addresses, programs and reasons from the audit events of a deleted account. SECURITY DEFINER, because requests may only add audit events.';
COMMENT ON FUNCTION app.delete_account(text[], timestamptz, uuid) IS
'Deletes an account for an operator. SECURITY DEFINER, so that no role of a request needs the right to delete other accounts. Locks all administrators in the order of their ids, so that of the last two only one can go.';
COMMENT ON FUNCTION app.release_address(text[], timestamptz, uuid, text) IS
'Replaces the email address of an account with a placeholder, for an operator. SECURITY DEFINER, so that no role of a request needs the right to change addresses.';
COMMENT ON FUNCTION app.count_legacy_passwords() IS
'Counts the accounts whose password hash still comes from the old backend. SECURITY DEFINER, because administrators may not read hashes.';

COMMENT ON FUNCTION app.has_room(bigint) IS
'Whether the user of the request may store one more task. Locks their row of task_counts, so that the second of two inserts sees the first. SECURITY DEFINER, because requests may not read task_counts.';
COMMENT ON FUNCTION app.count_added_tasks() IS
'Trigger: adds inserted tasks to task_counts, in the order of the users'' ids, so that two statements do not deadlock. SECURITY DEFINER, because requests may not write task_counts.';
COMMENT ON FUNCTION app.count_removed_tasks() IS
'Trigger: subtracts deleted tasks from task_counts. SECURITY DEFINER, because requests may not write task_counts.';
COMMENT ON FUNCTION app.sort_key(text) IS
'The text that titles are ordered by: the same in every database, because neither ICU nor a certain collation is everywhere. Not STRICT, so that PostgreSQL inlines it. docs/decisions has the reasons.';
COMMENT ON FUNCTION app.key_title() IS
'Trigger: stores the sort key of a title that is not ASCII, because computing it for a whole list takes long.';

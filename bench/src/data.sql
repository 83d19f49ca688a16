-- Fills users and tasks from the temporary table `accounts`. `Account` in data.rs calculates the same ids.

INSERT INTO users (id, email, name, password_hash, pepper_id, created_at, updated_at)
SELECT (lpad(to_hex(1700000000000), 12, '0') || '7001' || '8' || lpad(to_hex(number), 7, '0') || '00000000')::uuid,
       'person' || number || '@example.com', 'Person ' || number, hash, pepper,
       to_timestamp(1700000000), to_timestamp(1700000000)
FROM accounts;

-- Rows first, indexes and foreign keys afterwards: several times as fast.
SET session_replication_role = replica;
SET maintenance_work_mem = '512MB';
SET work_mem = '256MB';

CREATE TEMPORARY TABLE dropped AS
SELECT indexname, indexdef FROM pg_indexes i WHERE tablename = 'tasks' AND schemaname = 'public'
AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = i.indexname);

DO $$
DECLARE
    sql text;
BEGIN
    FOR sql IN SELECT format('DROP INDEX %I', indexname) FROM dropped LOOP
        EXECUTE sql;
    END LOOP;
END $$;

-- In the order of time, so that the tasks of a user are scattered over the table.
INSERT INTO tasks (id, user_id, title, description, due_datetime, priority, is_completed, completed_at, created_at,
                   updated_at)
SELECT (lpad(to_hex(millis), 12, '0') || '7002' || '8' || lpad(to_hex(owner), 7, '0') || lpad(to_hex(number), 8, '0'))::uuid,
       (lpad(to_hex(1700000000000), 12, '0') || '7001' || '8' || lpad(to_hex(owner), 7, '0') || '00000000')::uuid,
       words[1 + (bits & 15)] || ' ' || words[1 + (bits >> 4 & 15)] || ' ' || number,
       CASE WHEN bits & 256 = 0 THEN format('%s the %s before the %s, and ask about the %s', words[1 + (bits >> 12 & 15)],
            words[1 + (bits >> 16 & 15)], words[1 + (bits >> 20 & 15)], words[1 + (bits >> 24 & 15)]) END,
       CASE WHEN bits & 1536 <> 0 THEN created + make_interval(days => bits >> 9 & 511) END,
       bits >> 28 & 3, completed, CASE WHEN completed THEN created + interval '1 day' END,
       created, CASE WHEN completed THEN created + interval '1 day' ELSE created END
FROM (
    SELECT a.number AS owner, n AS number, millis, to_timestamp(millis / 1000.0) AS created,
           (a.number + n) % 8 < 3 AS completed, hashint8(a.number * 100000 + n) AS bits
    FROM accounts a, generate_series(0, size - 1) n,
         LATERAL (SELECT 700::bigint * 24 * 3600 * 1000 / size AS step) s,
         LATERAL (SELECT 1700000000000 + n * step + (a.number * 7919 + n * 104729) % step AS millis) t
) task,
(SELECT ARRAY['call', 'invoice', 'garden', 'report', 'dentist', 'tickets', 'review', 'budget', 'letter', 'slides',
              'repair', 'birthday', 'contract', 'shopping', 'release', 'backup'] AS words) w
ORDER BY millis;

DO $$
DECLARE
    sql text;
BEGIN
    FOR sql IN SELECT indexdef FROM dropped LOOP
        EXECUTE sql;
    END LOOP;
END $$;

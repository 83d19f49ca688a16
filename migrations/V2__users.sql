CREATE TABLE users (
    id uuid NOT NULL,
    email text NOT NULL,
    name text,
    role text NOT NULL DEFAULT 'user',
    is_active boolean NOT NULL DEFAULT true,
    email_verified boolean NOT NULL DEFAULT false,
    password_hash text,
    -- Names the pepper the hash was made with; null where none was.
    pepper_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_email_normalised CHECK (email = lower(email)),
    CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT users_role_known CHECK (role IN ('user', 'admin'))
);

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
-- Sign-in looks an account up before anybody is known, so the auth role sees every row.
CREATE POLICY users_auth ON users TO todo_auth USING (true) WITH CHECK (true);
-- app.open_request runs as the owner.
CREATE POLICY users_owner ON users FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT, INSERT, UPDATE ON users TO todo_auth;

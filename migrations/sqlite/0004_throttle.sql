-- Failed attempts to sign in, by account, address or device: counted here, so that replicas share it.
CREATE TABLE throttle (
    subject TEXT PRIMARY KEY NOT NULL,
    failures BIGINT NOT NULL,
    since BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);

-- Browsers that somebody has signed in with before: only a hash of their secret is kept.
CREATE TABLE devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    seen_at BIGINT NOT NULL
);
CREATE INDEX devices_user ON devices (user_id);

-- Rights are a closed list of the program's, kept as their codes with blanks between; whoever is in a
-- group has the group's as well.
CREATE TABLE groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    folded TEXT NOT NULL,
    rights TEXT NOT NULL,
    requires_factor BOOLEAN NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE memberships (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BIGINT NOT NULL REFERENCES users (id),
    group_id BIGINT NOT NULL REFERENCES groups (id),
    UNIQUE (user_id, group_id)
);
CREATE INDEX memberships_group ON memberships (group_id);

ALTER TABLE users ADD COLUMN rights TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN second_factor BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE users SET folded = LOWER(username || ' ' || email);

-- What proves who somebody is stands apart from the account, so that it reaches no page and no history.
CREATE TABLE credentials (
    user_id BIGINT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    password TEXT NOT NULL,
    totp_secret TEXT,
    totp_step BIGINT NOT NULL
);
INSERT INTO credentials (user_id, password, totp_step) SELECT id, password, 0 FROM users;
ALTER TABLE users DROP COLUMN password;

-- Each works once, in place of a code; only a hash of it is kept.
CREATE TABLE recovery_codes (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- Links by mail at which a new password is chosen; only a hash of each is kept.
CREATE TABLE reset_links (
    token_hash TEXT PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL
);
CREATE INDEX reset_links_user ON reset_links (user_id);

CREATE TABLE sign_ins (
    user_id BIGINT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at BIGINT NOT NULL
);

ALTER TABLE sessions ADD COLUMN awaits_factor BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE sessions ADD COLUMN confirmed_at BIGINT NOT NULL DEFAULT 0;

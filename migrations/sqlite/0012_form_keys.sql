-- A form that makes an object carries a key. The same form sent again gets the answer to the first one.
CREATE TABLE form_keys (
    key TEXT PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    object_id BIGINT NOT NULL,
    change_set_id BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX form_keys_created_at ON form_keys (created_at);
CREATE INDEX form_keys_user ON form_keys (user_id);

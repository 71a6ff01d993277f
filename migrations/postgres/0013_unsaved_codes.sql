-- Recovery codes that were shown and whose owner has not yet said that they are saved.
CREATE TABLE unsaved_codes (
    user_id BIGINT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    batch TEXT COLLATE "C" NOT NULL
);

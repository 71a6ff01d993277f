-- The recovery codes that an account was shown last, and whether its owner has said that they are saved.
CREATE TABLE recovery_batches (
    user_id BIGINT PRIMARY KEY NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    batch TEXT COLLATE "C" NOT NULL,
    is_saved BOOLEAN NOT NULL
);

-- What was done, by whom: it outlives the people and the objects in it, so nothing here refers to them.
CREATE TABLE change_sets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    actor_id BIGINT,
    actor TEXT NOT NULL,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    change_set_id BIGINT NOT NULL REFERENCES change_sets (id),
    kind TEXT NOT NULL,
    object_id BIGINT NOT NULL,
    label TEXT NOT NULL,
    before TEXT,
    after TEXT
);
CREATE INDEX changes_set ON changes (change_set_id);

-- Whose history a change belongs to: a booking's is in its flight's and in its passenger's.
CREATE TABLE change_subjects (
    change_id BIGINT NOT NULL REFERENCES changes (id),
    kind TEXT NOT NULL,
    object_id BIGINT NOT NULL,
    PRIMARY KEY (kind, object_id, change_id)
);

-- Counts the change sets in the order of their commits: what was rendered from one count is right
-- until the next.
CREATE TABLE data_version (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO data_version (id, version) VALUES (1, 0);

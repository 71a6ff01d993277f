-- History is append-only, for whoever owns the tables as well, and each change set carries a hash of itself and
-- of the one before: `airline history verify` proves that nothing was changed, taken out or put in.
ALTER TABLE change_sets ADD COLUMN undoes BIGINT;
ALTER TABLE change_sets ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE data_version ADD COLUMN head TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE changes SET folded = LOWER(label);
ALTER TABLE change_sets ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE change_sets SET folded = LOWER(actor || ' ' || action || ' ' || reason);
-- How many sets are older than the chain.
ALTER TABLE data_version ADD COLUMN older BIGINT NOT NULL DEFAULT 0;
UPDATE data_version SET older = (SELECT COUNT(*) FROM change_sets);
CREATE INDEX change_sets_at ON change_sets (at);
CREATE INDEX change_sets_undoes ON change_sets (undoes);

CREATE TRIGGER change_sets_fixed BEFORE UPDATE ON change_sets
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER change_sets_kept BEFORE DELETE ON change_sets
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER changes_fixed BEFORE UPDATE ON changes
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER changes_kept BEFORE DELETE ON changes
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER change_subjects_fixed BEFORE UPDATE ON change_subjects
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
CREATE TRIGGER change_subjects_kept BEFORE DELETE ON change_subjects
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

-- Lists under a name: the query of a list's address, without where its page begins.
CREATE TABLE saved_views (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    group_id BIGINT REFERENCES groups (id) ON DELETE SET NULL,
    pinned BOOLEAN NOT NULL,
    UNIQUE (user_id, name)
);
CREATE INDEX saved_views_group ON saved_views (group_id);

-- A list of a million is sorted and narrowed by these, too.
CREATE INDEX flights_duration ON flights (duration, id);
CREATE INDEX flights_capacity ON flights (capacity, id);

-- Search keys are made from names by the program, which can make them again (`airline rebuild-search-keys`). So those
-- of the log stand beside the history, not in it. The columns `folded` of `changes` and `change_sets` are the previous
-- release's.
ALTER TABLE airports ADD COLUMN city_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE airports ADD COLUMN country_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE passengers ADD COLUMN first_key TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE TABLE change_set_keys (
    change_set_id BIGINT PRIMARY KEY,
    who TEXT COLLATE "C" NOT NULL,
    folded TEXT COLLATE "C" NOT NULL
);
CREATE TABLE change_keys (
    change_id BIGINT PRIMARY KEY,
    change_set_id BIGINT NOT NULL,
    folded TEXT COLLATE "C" NOT NULL
);
-- The version of the keys that are stored.
ALTER TABLE data_version ADD COLUMN search_keys BIGINT NOT NULL DEFAULT 0;

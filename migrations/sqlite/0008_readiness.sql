-- One row that `/readyz` writes: whether the database can be written is known by writing only.
CREATE TABLE readiness (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    checks INTEGER NOT NULL
);

INSERT INTO readiness (id, checks) VALUES (1, 0);

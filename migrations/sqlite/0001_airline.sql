-- Times are whole seconds since 1970-01-01 UTC; `folded` is lower case without accents, for search and order.
CREATE TABLE airports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL UNIQUE CHECK (length(code) = 3),
    city TEXT NOT NULL CHECK (length(city) BETWEEN 1 AND 64 AND instr(city, char(0)) = 0),
    country TEXT NOT NULL CHECK (length(country) <= 64 AND instr(country, char(0)) = 0),
    timezone TEXT NOT NULL,
    latitude DOUBLE,
    longitude DOUBLE,
    folded TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX airports_folded ON airports (folded);

-- An invalid flight (from an airport to itself, a negative duration) can be stored: it is flagged, and cannot be booked.
CREATE TABLE flights (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin_id BIGINT NOT NULL REFERENCES airports (id),
    destination_id BIGINT NOT NULL REFERENCES airports (id),
    duration BIGINT NOT NULL,
    departs_at BIGINT,
    departs_on TEXT NOT NULL,
    capacity BIGINT CHECK (capacity >= 0),
    version BIGINT NOT NULL
);
CREATE INDEX flights_origin ON flights (origin_id);
CREATE INDEX flights_destination ON flights (destination_id);
CREATE INDEX flights_departs_at ON flights (departs_at, id);
CREATE INDEX flights_departs_on ON flights (departs_on);

CREATE TABLE passengers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    first TEXT NOT NULL CHECK (length(first) BETWEEN 1 AND 64 AND instr(first, char(0)) = 0),
    last TEXT NOT NULL CHECK (length(last) BETWEEN 1 AND 64 AND instr(last, char(0)) = 0),
    folded TEXT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX passengers_folded ON passengers (folded, id);

CREATE TABLE bookings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    flight_id BIGINT NOT NULL REFERENCES flights (id),
    passenger_id BIGINT NOT NULL REFERENCES passengers (id),
    booked_at BIGINT NOT NULL,
    booked_by TEXT NOT NULL,
    UNIQUE (flight_id, passenger_id)
);
CREATE INDEX bookings_passenger ON bookings (passenger_id);

-- How many passengers are booked on each flight, and how many seats are free (NULL: no limit). Triggers keep
-- both, whichever release writes, so that lists of a million flights are sorted and filtered by index. They
-- follow from flights and bookings: neither history nor a dump holds them.
CREATE TABLE flight_bookings (
    flight_id INTEGER PRIMARY KEY REFERENCES flights (id) ON DELETE CASCADE,
    booked BIGINT NOT NULL,
    free BIGINT
);

CREATE TRIGGER flights_added AFTER INSERT ON flights
BEGIN INSERT INTO flight_bookings (flight_id, booked, free) VALUES (NEW.id, 0, NEW.capacity); END;
CREATE TRIGGER flights_resized AFTER UPDATE OF capacity ON flights
BEGIN UPDATE flight_bookings SET free = NEW.capacity - booked WHERE flight_id = NEW.id; END;
CREATE TRIGGER bookings_added AFTER INSERT ON bookings
BEGIN UPDATE flight_bookings SET booked = booked + 1, free = free - 1 WHERE flight_id = NEW.flight_id; END;
CREATE TRIGGER bookings_removed AFTER DELETE ON bookings
BEGIN UPDATE flight_bookings SET booked = booked - 1, free = free + 1 WHERE flight_id = OLD.flight_id; END;
CREATE TRIGGER bookings_moved AFTER UPDATE OF flight_id ON bookings
BEGIN
    UPDATE flight_bookings SET booked = booked - 1, free = free + 1 WHERE flight_id = OLD.flight_id;
    UPDATE flight_bookings SET booked = booked + 1, free = free - 1 WHERE flight_id = NEW.flight_id;
END;

INSERT INTO flight_bookings (flight_id, booked, free)
SELECT f.id, COALESCE(b.booked, 0), f.capacity - COALESCE(b.booked, 0)
FROM flights f LEFT JOIN (SELECT flight_id, COUNT(*) AS booked FROM bookings GROUP BY flight_id) b ON b.flight_id = f.id;

CREATE INDEX flight_bookings_booked ON flight_bookings (booked, flight_id);
CREATE INDEX flight_bookings_free ON flight_bookings (free, flight_id);

-- How many passengers are booked on each flight, and how many seats are free (NULL: no limit). Triggers keep
-- both, whichever release writes, so that lists of a million flights are sorted and filtered by index. They
-- follow from flights and bookings: neither history nor a dump holds them.
CREATE TABLE flight_bookings (
    flight_id BIGINT PRIMARY KEY REFERENCES flights (id) ON DELETE CASCADE,
    booked BIGINT NOT NULL,
    free BIGINT
);

CREATE FUNCTION count_added_flight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flight_bookings (flight_id, booked, free) VALUES (NEW.id, 0, NEW.capacity);
    RETURN NULL;
END $$;
CREATE FUNCTION count_resized_flight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE flight_bookings SET free = NEW.capacity - booked WHERE flight_id = NEW.id;
    RETURN NULL;
END $$;
CREATE FUNCTION count_booking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE flight_bookings SET booked = booked - 1, free = free + 1 WHERE flight_id = OLD.flight_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE flight_bookings SET booked = booked + 1, free = free - 1 WHERE flight_id = NEW.flight_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER flights_added AFTER INSERT ON flights
    FOR EACH ROW EXECUTE FUNCTION count_added_flight();
-- The other two count at the commit, when a change set holds the one row of data_version: two sets that book
-- and cancel on the same flights in another order never wait for each other's counts.
CREATE CONSTRAINT TRIGGER flights_resized AFTER UPDATE OF capacity ON flights
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_resized_flight();
CREATE CONSTRAINT TRIGGER bookings_counted AFTER INSERT OR DELETE OR UPDATE OF flight_id ON bookings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_booking();

-- The triggers came first: creating them has kept every other writer out until this is committed.
INSERT INTO flight_bookings (flight_id, booked, free)
SELECT f.id, COALESCE(b.booked, 0), f.capacity - COALESCE(b.booked, 0)
FROM flights f LEFT JOIN (SELECT flight_id, COUNT(*) AS booked FROM bookings GROUP BY flight_id) b ON b.flight_id = f.id;

CREATE INDEX flight_bookings_booked ON flight_bookings (booked, flight_id);
CREATE INDEX flight_bookings_free ON flight_bookings (free, flight_id);

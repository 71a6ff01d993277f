-- How far the clocks at both ends of a flight were from UTC, in seconds, when its times were saved: `airline check` finds
-- the flights whose shown times changed with the rules of time zones. They follow from flights and airports: neither
-- history nor a dump holds them. Whatever changes what they follow from takes them away, whichever release does it.
CREATE TABLE flight_clocks (
    flight_id BIGINT PRIMARY KEY REFERENCES flights (id) ON DELETE CASCADE,
    departs_offset BIGINT NOT NULL,
    arrives_offset BIGINT NOT NULL
);

CREATE FUNCTION flight_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM flight_clocks WHERE flight_id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER flights_moved AFTER UPDATE OF origin_id, destination_id, duration, departs_at, departs_on ON flights
    FOR EACH ROW EXECUTE FUNCTION flight_moved();
CREATE FUNCTION airport_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM flight_clocks WHERE flight_id IN
        (SELECT id FROM flights WHERE origin_id = NEW.id UNION ALL SELECT id FROM flights WHERE destination_id = NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER airports_moved AFTER UPDATE OF timezone ON airports
    FOR EACH ROW WHEN (NEW.timezone <> OLD.timezone) EXECUTE FUNCTION airport_moved();

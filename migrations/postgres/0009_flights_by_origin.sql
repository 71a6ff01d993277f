-- no-transaction
-- The flights from an airport in the order of their departures, and whether they go to another one,
-- without a look at the flights themselves.
CREATE INDEX CONCURRENTLY IF NOT EXISTS flights_origin_departs ON flights (origin_id, departs_at, id, destination_id);

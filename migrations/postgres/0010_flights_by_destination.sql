-- no-transaction
-- The flights to an airport in the order of their departures, and whether they come from another one,
-- without a look at the flights themselves.
CREATE INDEX CONCURRENTLY IF NOT EXISTS flights_destination_departs ON flights (destination_id, departs_at, id, origin_id);

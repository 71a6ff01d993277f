//! The counts of bookings and free seats that triggers keep beside each flight.

use airline::db::{Pool, Select};

/// Flights whose kept counts are not what their bookings and seats say; every flight has counts.
const MISCOUNTED: Select = Select::new(
    "SELECT f.id FROM flights f LEFT JOIN flight_bookings k ON k.flight_id = f.id
     WHERE k.flight_id IS NULL
        OR k.booked <> (SELECT COUNT(*) FROM bookings b WHERE b.flight_id = f.id)
        OR (k.free IS NULL) <> (f.capacity IS NULL) OR k.free <> f.capacity - k.booked
     ORDER BY f.id",
);
const ORPHANED: Select = Select::new(
    "SELECT k.flight_id FROM flight_bookings k WHERE k.flight_id NOT IN (SELECT id FROM flights)",
);

/// Every flight has its counts, they are right, and nothing else has any.
pub(crate) async fn assert_counts_are_right(pool: &Pool) {
    let mut db = pool.conn().await.unwrap();
    let wrong: Vec<(i64,)> = db.query(MISCOUNTED).all().await.unwrap();
    let gone: Vec<(i64,)> = db.query(ORPHANED).all().await.unwrap();
    assert_eq!((wrong, gone), (Vec::new(), Vec::new()), "flights whose bookings are miscounted");
}

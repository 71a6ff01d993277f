//! How far the clocks at both ends of a flight were from UTC when its times were saved. By these, flights are found
//! whose shown times changed because the rules of time zones did.

use super::Flight;
use crate::changes::ChangeSet;
use crate::db::Upkeep;
use crate::db::insert::Param;
use crate::domain::times;
use crate::error::Result;

const FORGET: Upkeep = Upkeep::new("DELETE FROM flight_clocks WHERE flight_id = $1");
const KEEP: Upkeep =
    Upkeep::new("INSERT INTO flight_clocks (flight_id, departs_offset, arrives_offset) VALUES");

/// The offsets of a departure and an arrival from UTC, in seconds. None without a departure, and where a time zone is
/// not known.
pub(in crate::domain) fn offsets(
    departs_at: i64,
    minutes: i64,
    origin: &str,
    destination: &str,
) -> Option<(i64, i64)> {
    let arrives_at = departs_at.checked_add(minutes.checked_mul(60)?)?;
    Some((times::offset(departs_at, origin)?, times::offset(arrives_at, destination)?))
}

/// Keeps the clocks of flights whose times were saved just now and that had none kept.
pub(super) async fn keep(set: &mut ChangeSet, flights: &[Flight]) -> Result<()> {
    let rows = flights.iter().filter_map(|flight| {
        let (departs, arrives) = offsets(
            flight.departs_at?,
            flight.duration,
            &flight.origin_timezone,
            &flight.destination_timezone,
        )?;
        Some(vec![Param::Number(flight.id), Param::Number(departs), Param::Number(arrives)])
    });
    let rows: Vec<_> = rows.collect();
    set.insert_rows(KEEP, &rows).await
}

/// Keeps the clocks of a flight in the place of those that were kept before.
pub(super) async fn keep_again(set: &mut ChangeSet, flight: &Flight) -> Result<()> {
    set.upkeep(FORGET).bind(flight.id).execute().await?;
    keep(set, std::slice::from_ref(flight)).await
}

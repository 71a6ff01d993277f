//! What time zones do to flights: which show other times when an airport's zone moves, and which were stored under
//! rules that have changed since.

use std::collections::BTreeMap;

use sqlx::FromRow;

use super::airports::Airport;
use super::flights::offsets;
use super::times;
use crate::changes::{ChangeSet, MOST_AT_ONCE};
use crate::db::{Conn, Select};
use crate::error::Result;
use crate::input::{Errors, Refusal};
use crate::random;

/// The field of an airport's form that holds a digest of a time zone and of what it does to flights, as somebody has
/// seen it.
pub const CONFIRMED: &str = "confirm_times";
/// How many flights are named as examples of those that will show other times.
const EXAMPLES: usize = 5;
/// How many flights with other times [`stale_times`] names.
pub const STALE_NAMED: usize = 20;
/// How many flights are read at a time.
const BATCH: usize = 1_000;
/// How many flights of an airport are looked at in a form.
const MOST_IN_A_FORM: usize = 20_000;

const LEAVING: Select = Select::new(
    "SELECT id, origin_id, destination_id, departs_at, duration FROM flights
     WHERE origin_id = $1 AND (departs_at, id) > ($2, $3) ORDER BY departs_at, id LIMIT 1000",
);
const ARRIVING: Select = Select::new(
    "SELECT id, origin_id, destination_id, departs_at, duration FROM flights
     WHERE destination_id = $1 AND (departs_at, id) > ($2, $3) ORDER BY departs_at, id LIMIT 1000",
);
const DATED_FROM: Select = Select::new(
    "SELECT id FROM flights WHERE origin_id = $1 AND departs_at IS NOT NULL ORDER BY id",
);
const STORED: Select = Select::new(
    "SELECT f.id, f.departs_at, f.departs_on, f.duration, o.timezone AS origin, d.timezone AS destination,
            k.departs_offset, k.arrives_offset
     FROM flights f JOIN airports o ON o.id = f.origin_id JOIN airports d ON d.id = f.destination_id
     LEFT JOIN flight_clocks k ON k.flight_id = f.id
     WHERE f.id > $1 AND f.departs_at IS NOT NULL ORDER BY f.id LIMIT 1000",
);
const DAY: Select = Select::new("SELECT departs_on FROM flights WHERE id = $1");

/// The time zones of airports, by their ids: before they move, and after.
pub type Moves = BTreeMap<i64, (String, String)>;

/// The flights that will show other local times when time zones move.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TimeChanges {
    /// How many; each counts once, also where departure and arrival change.
    pub count: usize,
    /// Whether there are too many flights to look at all of them.
    pub more: bool,
    /// The first few: `20001 leaves Mon 1 Jan 2029 08:00 UTC → Mon 1 Jan 2029 09:00 CET`.
    pub examples: Vec<String>,
}

impl TimeChanges {
    /// Whether every flight shows the times that it showed before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0 && !self.more
    }
}

impl std::fmt::Display for TimeChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.count, self.more) {
            (0, true) => {
                return f.write_str(
                    "Too many flights are concerned to check each of them. Those that were checked show the same times.",
                );
            }
            (1, false) => write!(f, "1 flight will show other times")?,
            (count, false) => write!(f, "{count} flights will show other times")?,
            (count, true) => write!(f, "At least {count} flights will show other times")?,
        }
        if !self.examples.is_empty() {
            write!(f, ": {}", self.examples.join("; "))?;
        }
        match self.count.saturating_sub(self.examples.len()) {
            0 => f.write_str("."),
            more => write!(f, "; and {more} more."),
        }
    }
}

/// A flight with a departure.
#[derive(Debug, FromRow)]
struct Dated {
    id: i64,
    origin_id: i64,
    destination_id: i64,
    departs_at: i64,
    duration: i64,
}

impl Dated {
    /// How its times change, if they do: the departure's, or else the arrival's.
    fn change(&self, moves: &Moves) -> Option<String> {
        let shown = |airport: i64, at: Option<i64>| {
            let (before, after) = moves.get(&airport)?;
            let (before, after) = (times::local(at?, before)?, times::local(at?, after)?);
            let differs = (&before.date, &before.time) != (&after.date, &after.time);
            differs.then(|| format!("{before} → {after}"))
        };
        let seconds = self.duration.checked_mul(60);
        let arrives_at = seconds.and_then(|seconds| self.departs_at.checked_add(seconds));
        let id = self.id;
        let leaves = shown(self.origin_id, Some(self.departs_at));
        leaves.map(|times| format!("{id} leaves {times}")).or_else(|| {
            let arrives = shown(self.destination_id, arrives_at)?;
            Some(format!("{id} arrives {arrives}"))
        })
    }
}

/// The flights that show other times when time zones move; looks at no more than `most` and a batch.
pub async fn time_changes(db: &mut Conn, moves: &Moves, most: usize) -> Result<TimeChanges> {
    let mut found = TimeChanges::default();
    let mut looked_at = 0;
    for airport in moves.keys() {
        for (text, is_arriving) in [(LEAVING, false), (ARRIVING, true)] {
            let (mut departs_at, mut id) = (i64::MIN, i64::MIN);
            loop {
                let flights: Vec<Dated> =
                    db.query(text).bind(*airport).bind(departs_at).bind(id).all().await?;
                let Some(last) = flights.last() else {
                    break;
                };
                (departs_at, id) = (last.departs_at, last.id);
                for flight in &flights {
                    // One that also leaves from an airport that moves counts there.
                    if is_arriving && moves.contains_key(&flight.origin_id) {
                        continue;
                    }
                    let Some(change) = flight.change(moves) else {
                        continue;
                    };
                    found.count += 1;
                    if found.examples.len() < EXAMPLES {
                        found.examples.push(change);
                    }
                }
                looked_at += flights.len();
                if looked_at > most {
                    found.more = true;
                    return Ok(found);
                }
                if flights.len() < BATCH {
                    break;
                }
            }
        }
    }
    Ok(found)
}

/// [`time_changes`], for somebody who waits for a page.
pub async fn time_changes_for_page(db: &mut Conn, moves: &Moves) -> Result<TimeChanges> {
    time_changes(db, moves, MOST_IN_A_FORM).await
}

/// Refuses a time zone with which flights would show other times. The error names them, and the same form with the
/// confirmation that it holds is saved.
pub(super) async fn ask_first(
    db: &mut Conn,
    airport: &Airport,
    timezone: &str,
    confirms: impl Fn(&str) -> bool + Send + Sync,
) -> Result<(), Refusal> {
    let moves = [(airport.id, (airport.timezone.clone(), timezone.to_owned()))];
    let changes = time_changes_for_page(db, &Moves::from(moves)).await?;
    // Whoever confirms means these flights, and no others that came meanwhile.
    let seen = random::digest(&format!("{timezone}\n{changes}"));
    if changes.is_empty() || confirms(&seen) {
        return Ok(());
    }
    let why = format!("{changes} Save again to change the time zone of {airport}.");
    Err(Errors::needing_confirmation("timezone", why, CONFIRMED, seen).into())
}

/// The flights whose local day is computed again when an airport's time zone moves. Too many are refused.
pub(super) async fn departures_to_date(
    set: &mut ChangeSet,
    airport: &Airport,
) -> Result<Vec<i64>, Refusal> {
    let dated: Vec<(i64,)> = set.query(DATED_FROM).bind(airport.id).all().await?;
    if !set.has_room_for(dated.len()) {
        let why = format!(
            "The days of {} flights from {airport} would change along with its time zone, and at most \
             {MOST_AT_ONCE} objects are changed at once. Load a file with the airport instead: \
             `airline loaddata`.",
            dated.len()
        );
        return Err(Errors::one("timezone", why).into());
    }
    Ok(dated.into_iter().map(|(id,)| id).collect())
}

/// Flights that show other times than when these were saved.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct StaleTimes {
    /// How many.
    pub count: usize,
    /// The first [`STALE_NAMED`]: the flight, and what changed: `leaves 2027-01-16 08:30, now 2027-01-16 09:30`.
    pub named: Vec<(i64, String)>,
}

/// A flight with a departure, as it is stored, and the zones of its airports.
#[derive(Debug, FromRow)]
struct Stored {
    id: i64,
    departs_at: i64,
    departs_on: String,
    duration: i64,
    origin: String,
    destination: String,
    departs_offset: Option<i64>,
    arrives_offset: Option<i64>,
}

impl Stored {
    /// What the rules of today show otherwise than those under which it was saved, if anything. The offsets tell; of
    /// what an earlier release saved, only the day does.
    fn change(&self) -> Option<String> {
        let minutes = self.duration.checked_mul(60)?;
        let (departs, arrives) =
            offsets(self.departs_at, self.duration, &self.origin, &self.destination)?;
        let changed = |what: &str, at: i64, was: Option<i64>, is: i64| {
            let was = was.filter(|was| *was != is)?;
            let (was, is) = (times::at_offset(at, was)?, times::at_offset(at, is)?);
            Some(format!("{what} {was}, now {is}"))
        };
        let day = times::local_day(Some(self.departs_at), &self.origin);
        let day_changed = || {
            let stored = if self.departs_on.is_empty() { "no day" } else { &self.departs_on };
            (self.departs_on != day).then(|| format!("is listed under {stored}, now {day}"))
        };
        changed("leaves", self.departs_at, self.departs_offset, departs)
            .or_else(|| changed("arrives", self.departs_at + minutes, self.arrives_offset, arrives))
            .or_else(day_changed)
    }
}

/// Finds flights that show other times than when these were saved: an update of the bundled database changed the rules
/// of their time zones. Airports whose zone is not known are left out: nobody knows their times.
pub async fn stale_times(db: &mut Conn) -> Result<StaleTimes> {
    let mut found = StaleTimes::default();
    let mut last = i64::MIN;
    loop {
        let flights: Vec<Stored> = db.query(STORED).bind(last).all().await?;
        for flight in &flights {
            last = flight.id;
            let Some(change) = flight.change() else {
                continue;
            };
            found.count += 1;
            if found.named.len() < STALE_NAMED {
                found.named.push((flight.id, change));
            }
        }
        if flights.len() < BATCH {
            return Ok(found);
        }
    }
}

/// Whether a flight is stored under a local day.
pub(super) async fn is_stored_under(db: &mut Conn, flight: i64, day: &str) -> Result<bool> {
    let stored: Option<(String,)> = db.query(DAY).bind(flight).optional().await?;
    Ok(stored.is_some_and(|(stored,)| stored == day))
}

//! Flights.

mod clocks;
mod paging;
mod search;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

pub(super) use clocks::offsets;
pub use paging::{MOST_PAGED, PAGE};
pub use search::{Listed, Search, Sort, choices, of_ids, of_passenger, pages, touching};

use super::airports::{self, Airport};
use super::{bookings, times, zones};
use crate::changes::{ChangeSet, Undoable, Versioned};
use crate::db::insert::Param;
use crate::db::{Composed, Conn, Select, Write};
use crate::error::{Error, Result};
use crate::input::{Errors, Reader, Refusal, Values};

/// The longest flight that a form takes, in minutes: two days.
pub const LONGEST: i64 = 2 * 24 * 60;
/// The most seats that a form takes.
pub const MOST_SEATS: i64 = 1_000;

/// A flight, with what its airports are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Flight {
    /// Its id, which is its number.
    pub id: i64,
    /// The airport it leaves from.
    pub origin_id: i64,
    /// That airport's code.
    pub origin_code: String,
    /// That airport's city.
    pub origin_city: String,
    /// That airport's time zone.
    pub origin_timezone: String,
    /// The airport it goes to.
    pub destination_id: i64,
    /// That airport's code.
    pub destination_code: String,
    /// That airport's city.
    pub destination_city: String,
    /// That airport's time zone.
    pub destination_timezone: String,
    /// Minutes in the air.
    pub duration: i64,
    /// When it leaves, in seconds since 1970-01-01 UTC.
    pub departs_at: Option<i64>,
    /// How many seats it has; no limit where it is not said.
    pub capacity: Option<i64>,
    /// Counts its changes.
    pub version: i64,
}

/// [`Flight::is_valid`] as SQL, for lists and filters.
pub const VALID: &str = "(f.origin_id <> f.destination_id AND f.duration >= 0)";
/// The opposite of [`VALID`].
pub const NOT_VALID: &str = "(f.origin_id = f.destination_id OR f.duration < 0)";

impl Flight {
    /// The demo's `is_valid_flight`: it goes somewhere else, and takes no negative time. A flight
    /// that is not valid can be stored and looked at, but not booked.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.origin_id != self.destination_id && self.duration >= 0
    }

    /// `New York (JFK)`
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{} ({})", self.origin_city, self.origin_code)
    }

    /// `Paris (CDG)`
    #[must_use]
    pub fn destination(&self) -> String {
        format!("{} ({})", self.destination_city, self.destination_code)
    }

    /// Whether it has left.
    #[must_use]
    pub fn has_departed(&self, now: i64) -> bool {
        self.departs_at.is_some_and(|departs_at| departs_at <= now)
    }
}

impl std::fmt::Display for Flight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} - {} to {}", self.id, self.origin(), self.destination())
    }
}

impl Versioned for Flight {
    const KIND: &'static str = "flights";
    fn id(&self) -> i64 {
        self.id
    }
    fn label(&self) -> String {
        self.to_string()
    }
}

/// A flight as somebody typed it, with airports that exist. It may still not be valid: see
/// [`Draft::refuse_invalid`].
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where it leaves from.
    pub origin: Airport,
    /// Where it goes to.
    pub destination: Airport,
    /// Minutes in the air.
    pub duration: i64,
    /// When it leaves, in seconds since 1970-01-01 UTC.
    pub departs_at: Option<i64>,
    /// How many seats it has.
    pub capacity: Option<i64>,
}

impl Draft {
    /// Checks what a form or a file says about a flight: `origin` and `destination` as they were
    /// found, `duration`, `departs` in the origin's local time or with an offset, `capacity`.
    pub fn parse(
        values: &Values,
        origin: Result<Airport, String>,
        destination: Result<Airport, String>,
    ) -> Result<Self, Errors> {
        let mut read = Reader::new(values);
        let duration = read.number("duration", -LONGEST..=LONGEST);
        if duration.is_none() && read.errors.of("duration").is_empty() {
            read.errors.add("duration", "Give the minutes in the air.");
        }
        let capacity = read.number("capacity", 0..=MOST_SEATS);
        let departs = values.first("departs").trim();
        let departs_at = match &origin {
            Ok(origin) if !departs.is_empty() => times::parse_local(departs, &origin.timezone)
                .map_err(|why| read.errors.add("departs", why))
                .ok(),
            _ => None,
        };
        let mut airport = |field, found: Result<Airport, String>| match found {
            Ok(airport) => Some(airport),
            Err(why) => {
                read.errors.add(field, why);
                None
            }
        };
        let (origin, destination) =
            (airport("origin", origin), airport("destination", destination));
        match (origin, destination, duration) {
            (Some(origin), Some(destination), Some(duration)) => {
                read.finish(Self { origin, destination, duration, departs_at, capacity })
            }
            _ => Err(read.errors),
        }
    }

    /// [`Draft::parse`], with the airports looked up by what was typed.
    pub async fn read(db: &mut Conn, values: &Values) -> Result<Self, Refusal> {
        let origin = airports::resolve(db, values.first("origin")).await?;
        let destination = airports::resolve(db, values.first("destination")).await?;
        Ok(Self::parse(values, origin, destination)?)
    }

    /// Why this flight would not be valid, if so.
    pub fn refuse_invalid(&self) -> Result<(), Errors> {
        let mut errors = Errors::default();
        if self.origin.id == self.destination.id {
            errors.add("destination", "A flight must go somewhere else than it comes from.");
        }
        if self.duration < 0 {
            errors.add("duration", "Duration can't be negative.");
        }
        errors.into_result(())
    }

    fn departs_on(&self) -> String {
        times::local_day(self.departs_at, &self.origin.timezone)
    }

    fn into_flight(self, id: i64, version: i64) -> Flight {
        Flight {
            id,
            origin_id: self.origin.id,
            origin_code: self.origin.code,
            origin_city: self.origin.city,
            origin_timezone: self.origin.timezone,
            destination_id: self.destination.id,
            destination_code: self.destination.code,
            destination_city: self.destination.city,
            destination_timezone: self.destination.timezone,
            duration: self.duration,
            departs_at: self.departs_at,
            capacity: self.capacity,
            version,
        }
    }
}

/// Flights with what their airports are called; what follows narrows and orders them.
const FLIGHTS: Select = Select::new(
    "SELECT f.id, f.origin_id, o.code AS origin_code, o.city AS origin_city,
            o.timezone AS origin_timezone, f.destination_id, d.code AS destination_code,
            d.city AS destination_city, d.timezone AS destination_timezone, f.duration,
            f.departs_at, f.capacity, f.version
     FROM flights f JOIN airports o ON o.id = f.origin_id JOIN airports d ON d.id = f.destination_id
     WHERE 1 = 1",
);
const INSERT: Write = Write::new(
    "INSERT INTO flights
         (origin_id, destination_id, duration, departs_at, departs_on, capacity, version) VALUES",
);
const UPDATE: Write = Write::new(
    "UPDATE flights SET origin_id = $2, destination_id = $3, duration = $4, departs_at = $5,
            departs_on = $6, capacity = $7, version = version + 1
     WHERE id = $1",
);
const RETELL: Write =
    Write::new("UPDATE flights SET departs_on = $2, version = version + 1 WHERE id = $1");
const DELETE: Write = Write::new("DELETE FROM flights WHERE id = $1");
const LOCK: Select = Select::new("SELECT id FROM flights WHERE id = $1");

/// The flight of an id.
pub async fn find(db: &mut Conn, id: i64) -> Result<Option<Flight>> {
    let mut query = Composed::new(FLIGHTS);
    query.push(" AND f.id = ").bind_number(id);
    db.compose(query).optional().await
}

/// Every flight, by id.
pub async fn all(db: &mut Conn) -> Result<Vec<Flight>> {
    let mut query = Composed::new(FLIGHTS);
    query.push(" ORDER BY f.id");
    db.compose(query).all().await
}

/// The flight of an id, kept from other writers until the set ends: who holds it may count seats.
pub async fn lock(set: &mut ChangeSet, id: i64) -> Result<Option<Flight>> {
    let _: Option<(i64,)> = set.lock(LOCK).bind(id).optional().await?;
    find(set, id).await
}

/// Makes a flight, valid or not.
pub async fn insert(set: &mut ChangeSet, draft: Draft) -> Result<Flight> {
    insert_all(set, vec![draft]).await?.pop().ok_or(Error::NotFound)
}

/// Makes many flights, valid or not, in a few statements.
pub async fn insert_all(set: &mut ChangeSet, drafts: Vec<Draft>) -> Result<Vec<Flight>> {
    let days: Vec<_> = drafts.iter().map(Draft::departs_on).collect();
    let rows = drafts.iter().zip(&days).map(|(draft, departs_on)| {
        vec![
            Param::from(&draft.origin.id),
            Param::from(&draft.destination.id),
            Param::from(&draft.duration),
            Param::from(&draft.departs_at),
            Param::from(departs_on),
            Param::from(&draft.capacity),
            Param::Number(1),
        ]
    });
    let ids = set.insert(INSERT, &rows.collect::<Vec<_>>()).await?;
    let flights: Vec<_> =
        drafts.into_iter().zip(ids).map(|(draft, id)| draft.into_flight(id, 1)).collect();
    for flight in &flights {
        set.created(flight)?;
    }
    clocks::keep(set, &flights).await?;
    Ok(flights)
}

/// Makes a flight under a number that is free, valid or not.
pub async fn insert_as(set: &mut ChangeSet, id: i64, draft: Draft) -> Result<Flight> {
    insert_again(set, id, 1, draft).await
}

/// Changes a flight that the set has locked. Fewer seats than are booked is a field's error.
pub async fn update(set: &mut ChangeSet, before: &Flight, draft: Draft) -> Result<Flight, Refusal> {
    let departs_on = draft.departs_on();
    let after = draft.into_flight(before.id, before.version + 1);
    let unchanged = after == (Flight { version: after.version, ..before.clone() });
    if unchanged && zones::is_stored_under(set, before.id, &departs_on).await? {
        // Whoever saves it has seen the times that it shows now.
        clocks::keep_again(set, before).await?;
        return Ok(before.clone());
    }
    if let Some(capacity) = after.capacity {
        let booked = bookings::count(set, before.id).await?;
        if capacity < booked {
            let why = format!(
                "{booked} passengers are booked: give at least {booked} seats, or none for no limit."
            );
            return Err(Errors::one("capacity", why).into());
        }
    }
    set.write(UPDATE)
        .bind(after.id)
        .bind(after.origin_id)
        .bind(after.destination_id)
        .bind(after.duration)
        .bind(after.departs_at)
        .bind(departs_on)
        .bind(after.capacity)
        .execute_one()
        .await?;
    set.changed(before, &after)?;
    clocks::keep_again(set, &after).await?;
    Ok(after)
}

/// Tells anew on which local day a flight leaves, after its origin's time zone moved.
pub(super) async fn retell_day(set: &mut ChangeSet, id: i64) -> Result<()> {
    let flight = lock(set, id).await?.ok_or(Error::NotFound)?;
    let day = times::local_day(flight.departs_at, &flight.origin_timezone);
    set.write(RETELL).bind(id).bind(day).execute_one().await?;
    let after = Flight { version: flight.version + 1, ..flight.clone() };
    set.changed(&flight, &after)?;
    clocks::keep_again(set, &after).await
}

/// Deletes a flight and its bookings, each remembered.
pub async fn delete(set: &mut ChangeSet, id: i64) -> Result<()> {
    let flight = lock(set, id).await?.ok_or(Error::NotFound)?;
    bookings::delete_of_flight(set, id).await?;
    delete_row(set, &flight).await
}

pub(super) async fn delete_row(set: &mut ChangeSet, flight: &Flight) -> Result<()> {
    match set.write(DELETE).bind(flight.id).execute().await? {
        0 => Ok(()),
        _ => set.deleted(flight),
    }
}

const INSERT_AGAIN: Write = Write::new(
    "INSERT INTO flights (origin_id, destination_id, duration, departs_at, departs_on, capacity, version, id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

impl Flight {
    /// As a draft, with its airports as they are now.
    async fn draft(self, set: &mut ChangeSet) -> Result<Draft, Refusal> {
        let gone = |code: &str| Error::Refused(format!("The airport {code} is gone."));
        let origin = airports::find(set, self.origin_id).await?;
        let origin = origin.ok_or_else(|| gone(&self.origin_code))?;
        let destination = airports::find(set, self.destination_id).await?;
        let destination = destination.ok_or_else(|| gone(&self.destination_code))?;
        let Self { duration, departs_at, capacity, .. } = self;
        Ok(Draft { origin, destination, duration, departs_at, capacity })
    }
}

async fn insert_again(set: &mut ChangeSet, id: i64, version: i64, draft: Draft) -> Result<Flight> {
    set.write(INSERT_AGAIN)
        .bind(draft.origin.id)
        .bind(draft.destination.id)
        .bind(draft.duration)
        .bind(draft.departs_at)
        .bind(draft.departs_on())
        .bind(draft.capacity)
        .bind(version)
        .bind(id)
        .execute_one()
        .await?;
    let flight = draft.into_flight(id, version);
    set.created(&flight)?;
    clocks::keep_again(set, &flight).await?;
    Ok(flight)
}

#[rocket::async_trait]
impl Undoable for Flight {
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>> {
        lock(set, id).await
    }

    fn same(&self, other: &Self) -> bool {
        let of = |flight: &Self| {
            let Self { origin_id, destination_id, duration, departs_at, capacity, .. } = flight;
            (*origin_id, *destination_id, *duration, *departs_at, *capacity)
        };
        of(self) == of(other)
    }

    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        let (id, version) = (self.id, self.version + 1);
        let draft = self.draft(set).await?;
        insert_again(set, id, version, draft).await?;
        Ok(())
    }

    async fn put_back(self, set: &mut ChangeSet, now: Self) -> Result<(), Refusal> {
        let draft = self.draft(set).await?;
        update(set, &now, draft).await.map(drop)
    }

    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        Ok(delete_row(set, &self).await?)
    }
}

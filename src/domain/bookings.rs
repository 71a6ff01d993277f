//! Bookings: who is on which flight. One function books, for visitors, staff and files alike.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::flights::{self, Flight};
use super::passengers::{self, Passenger};
use crate::changes::{ChangeSet, Undoable, Versioned};
use crate::db::{Composed, Conn, Select, Write};
use crate::error::{Error, Result};
use crate::input::Refusal;

/// A passenger's place on a flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Booking {
    /// Its id.
    pub id: i64,
    /// The flight.
    pub flight_id: i64,
    /// The passenger.
    pub passenger_id: i64,
    /// When it was made, in seconds since 1970-01-01 UTC.
    pub booked_at: i64,
    /// Who made it, by name.
    pub booked_by: String,
    /// What the passenger is called.
    pub passenger: String,
    /// What the flight is called.
    pub flight: String,
}

impl Versioned for Booking {
    const KIND: &'static str = "bookings";
    fn id(&self) -> i64 {
        self.id
    }
    fn label(&self) -> String {
        format!("{} on {}", self.passenger, self.flight)
    }
    fn subjects(&self) -> Vec<(&'static str, i64)> {
        vec![(Flight::KIND, self.flight_id), (Passenger::KIND, self.passenger_id)]
    }
}

/// What came of a wish to book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booked {
    /// The passenger has a seat now.
    New(Passenger),
    /// The passenger had one before: nothing was changed.
    Already(Passenger),
}

/// Why a passenger was not booked. Each says so to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such flight.
    #[error("No flight.")]
    NoFlight,
    /// There is no such passenger.
    #[error("No passenger.")]
    NoPassenger,
    /// The flight is not valid.
    #[error("This flight is not valid, so it cannot be booked.")]
    Invalid,
    /// The flight has left.
    #[error("This flight has departed, so it can no longer be booked.")]
    Departed,
    /// Every seat is taken.
    #[error("This flight is full.")]
    Full,
}

const COUNT: Select = Select::new("SELECT COUNT(*) FROM bookings WHERE flight_id = $1");
const KEPT: Select = Select::new("SELECT booked FROM flight_bookings WHERE flight_id = $1");
const IS_BOOKED: Select =
    Select::new("SELECT id FROM bookings WHERE flight_id = $1 AND passenger_id = $2");
/// Bookings with what their flights and passengers are called; what follows narrows and orders
/// them.
const BOOKINGS: Select = Select::new(
    "SELECT b.id, b.flight_id, b.passenger_id, b.booked_at, b.booked_by,
            p.first || ' ' || p.last AS passenger,
            f.id || ' - ' || o.city || ' (' || o.code || ') to ' || d.city || ' (' || d.code || ')' AS flight
     FROM bookings b JOIN passengers p ON p.id = b.passenger_id JOIN flights f ON f.id = b.flight_id
     JOIN airports o ON o.id = f.origin_id JOIN airports d ON d.id = f.destination_id
     WHERE 1 = 1",
);
const INSERT: Write = Write::new(
    "INSERT INTO bookings (flight_id, passenger_id, booked_at, booked_by)
     VALUES ($1, $2, $3, $4) RETURNING id",
);
const DELETE: Write = Write::new("DELETE FROM bookings WHERE id = $1");

/// How many passengers are booked on a flight, for pages: as it was kept at the last commit.
pub async fn kept_count(db: &mut Conn, flight: i64) -> Result<i64> {
    let kept: Option<(i64,)> = db.query(KEPT).bind(flight).optional().await?;
    Ok(kept.map_or(0, |(booked,)| booked))
}

/// How many passengers are booked on a flight, with what the change set itself has done so far.
pub async fn count(db: &mut Conn, flight: i64) -> Result<i64> {
    let (count,): (i64,) = db.query(COUNT).bind(flight).one().await?;
    Ok(count)
}

/// The bookings of a flight, by last name.
pub async fn of_flight(db: &mut Conn, flight: i64) -> Result<Vec<Booking>> {
    let mut query = Composed::new(BOOKINGS);
    query.push(" AND b.flight_id = ").bind_number(flight).push(" ORDER BY p.folded, p.id");
    db.compose(query).all().await
}

/// The bookings of a passenger, by flight.
pub async fn of_passenger(db: &mut Conn, passenger: i64) -> Result<Vec<Booking>> {
    let mut query = Composed::new(BOOKINGS);
    query.push(" AND b.passenger_id = ").bind_number(passenger).push(" ORDER BY f.id");
    db.compose(query).all().await
}

/// Books a passenger on a flight. The flight is locked first, so that the seats that are counted
/// stay free until the set ends: two who want the last seat come one after the other.
pub async fn book(
    set: &mut ChangeSet,
    flight: i64,
    passenger: i64,
) -> Result<Result<Booked, Refused>> {
    let Some(flight) = flights::lock(set, flight).await? else {
        return Ok(Err(Refused::NoFlight));
    };
    let Some(passenger) = passengers::find(set, passenger).await? else {
        return Ok(Err(Refused::NoPassenger));
    };
    let already: Option<(i64,)> =
        set.query(IS_BOOKED).bind(flight.id).bind(passenger.id).optional().await?;
    if already.is_some() {
        return Ok(Ok(Booked::Already(passenger)));
    }
    if !flight.is_valid() {
        return Ok(Err(Refused::Invalid));
    }
    if flight.has_departed(set.at()) {
        return Ok(Err(Refused::Departed));
    }
    if let Some(capacity) = flight.capacity
        && count(set, flight.id).await? >= capacity
    {
        return Ok(Err(Refused::Full));
    }
    let (booked_at, booked_by) = (set.at(), set.actor().name.clone());
    let inserted = set
        .write(INSERT)
        .bind(flight.id)
        .bind(passenger.id)
        .bind(booked_at)
        .bind(booked_by.clone())
        .one()
        .await;
    let (id,): (i64,) = match inserted {
        Ok(made) => made,
        // The flight is locked, so it is the passenger that went at this moment.
        Err(Error::Conflict(_)) => return Ok(Err(Refused::NoPassenger)),
        Err(error) => return Err(error),
    };
    set.created(&Booking {
        id,
        flight_id: flight.id,
        passenger_id: passenger.id,
        booked_at,
        booked_by,
        passenger: passenger.to_string(),
        flight: flight.to_string(),
    })?;
    Ok(Ok(Booked::New(passenger)))
}

/// Takes a booking back. One that somebody else took back meanwhile is nothing to remember.
pub async fn cancel(set: &mut ChangeSet, booking: &Booking) -> Result<()> {
    match set.write(DELETE).bind(booking.id).execute().await? {
        0 => Ok(()),
        _ => set.deleted(booking),
    }
}

pub(super) async fn delete_of_flight(set: &mut ChangeSet, flight: i64) -> Result<()> {
    for booking in of_flight(set, flight).await? {
        cancel(set, &booking).await?;
    }
    Ok(())
}

pub(super) async fn delete_of_passenger(set: &mut ChangeSet, passenger: i64) -> Result<()> {
    for booking in of_passenger(set, passenger).await? {
        cancel(set, &booking).await?;
    }
    Ok(())
}

const INSERT_AGAIN: Write = Write::new(
    "INSERT INTO bookings (flight_id, passenger_id, booked_at, booked_by, id)
     VALUES ($1, $2, $3, $4, $5)",
);

/// The booking of an id.
async fn find(db: &mut Conn, id: i64) -> Result<Option<Booking>> {
    let mut query = Composed::new(BOOKINGS);
    query.push(" AND b.id = ").bind_number(id);
    db.compose(query).optional().await
}

#[rocket::async_trait]
impl Undoable for Booking {
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>> {
        find(set, id).await
    }

    /// A booking never changes.
    fn same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Neither a departure since nor a flight that is not valid takes a seat away that somebody had; a
    /// full flight does.
    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        let refused = |why: Refused| Error::Refused(why.to_string());
        let flight = flights::lock(set, self.flight_id).await?;
        let flight = flight.ok_or_else(|| refused(Refused::NoFlight))?;
        let passenger = passengers::find(set, self.passenger_id).await?;
        passenger.ok_or_else(|| refused(Refused::NoPassenger))?;
        if let Some(capacity) = flight.capacity
            && count(set, flight.id).await? >= capacity
        {
            return Err(refused(Refused::Full).into());
        }
        set.write(INSERT_AGAIN)
            .bind(self.flight_id)
            .bind(self.passenger_id)
            .bind(self.booked_at)
            .bind(self.booked_by.clone())
            .bind(self.id)
            .execute_one()
            .await?;
        Ok(set.created(&self)?)
    }

    async fn put_back(self, _set: &mut ChangeSet, _now: Self) -> Result<(), Refusal> {
        Ok(())
    }

    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        Ok(cancel(set, &self).await?)
    }
}

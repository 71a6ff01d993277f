//! What a fresh machine shows: real airports, the demo's five flights, flights of the next days,
//! and passengers, some of them booked.

use super::Progress;
use super::load::{self, Kind};
use crate::changes::ChangeSet;
use crate::domain::airports::Directory;
use crate::domain::{airports, bookings, flights, passengers, times};
use crate::error::{Error, Result};
use crate::input::Values;

const AIRPORTS: &str = include_str!("sample/airports.csv");
const FLIGHTS: &str = include_str!("sample/flights.csv");
const SCHEDULE: &str = include_str!("sample/schedule.csv");
const PASSENGERS: &str = include_str!("sample/passengers.csv");

/// Loads the sample into an empty database.
pub async fn load(set: &mut ChangeSet, progress: &mut dyn Progress) -> Result<()> {
    let files = [
        (Kind::Airports, "sample airports", AIRPORTS),
        (Kind::Flights, "sample flights", FLIGHTS),
        (Kind::Passengers, "sample passengers", PASSENGERS),
    ];
    for (kind, name, text) in files {
        let file = load::File::read(name, text.as_bytes(), Some(kind)).map_err(broken)?;
        load::load(set, &file, progress).await?.map_err(broken)?;
    }
    schedule(set).await?;
    book(set).await
}

/// Flights of the next days, each so many days after today.
async fn schedule(set: &mut ChangeSet) -> Result<()> {
    let directory = Directory::new(airports::all(set).await?);
    let mut rows = csv::Reader::from_reader(SCHEDULE.as_bytes());
    for row in rows.deserialize() {
        let (origin, destination, minutes, days, time, seats): (
            String,
            String,
            String,
            i64,
            String,
            String,
        ) = row.map_err(Error::internal)?;
        let mut values = Values::default();
        if let Some(day) = times::day_after(set.at(), days) {
            values.set("departs", format!("{day}T{time}"));
        }
        values.set("duration", minutes);
        values.set("capacity", seats);
        let airport = |code: &str| directory.named(code).cloned();
        let draft = flights::Draft::parse(&values, airport(&origin), airport(&destination))
            .map_err(|errors| Error::internal(format!("sample flight {origin}: {errors:?}")))?;
        flights::insert(set, draft).await?;
    }
    Ok(())
}

/// Puts every third passenger on some flights, so that pages have something to show.
async fn book(set: &mut ChangeSet) -> Result<()> {
    let flights = flights::all(set).await?;
    let passengers = passengers::all(set).await?;
    for (place, passenger) in passengers.iter().enumerate().step_by(3) {
        for flight in
            flights.iter().skip(place % 7).step_by(7).filter(|flight| flight.capacity != Some(1))
        {
            // A refusal (a flight that filled up) is nothing to worry about in a sample.
            let _ = bookings::book(set, flight.id, passenger.id).await?;
        }
    }
    Ok(())
}

fn broken(problems: load::Problems) -> Error {
    Error::internal(problems)
}

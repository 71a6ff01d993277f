//! Bookings as parts of a flight's or a passenger's form: one way in and one way out for both.

use crate::changes::ChangeSet;
use crate::domain::bookings::{self, Booked, Refused};
use crate::domain::passengers::Passenger;
use crate::domain::{flights, passengers};
use crate::error::Result;
use crate::input::{Errors, Refusal};

/// Whose form it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    /// A flight's: its rows are passengers.
    Flight(i64),
    /// A passenger's: its panes hold flights.
    Passenger(i64),
}

/// Takes bookings out: of a flight by its passengers' ids, of a passenger by its flights'. What is
/// not there any more was taken out by somebody else, and that is as well.
pub(super) async fn take_out(set: &mut ChangeSet, side: Side, others: &[i64]) -> Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let there = match side {
        Side::Flight(id) => bookings::of_flight(set, id).await?,
        Side::Passenger(id) => bookings::of_passenger(set, id).await?,
    };
    for booking in there {
        let other = match side {
            Side::Flight(_) => booking.passenger_id,
            Side::Passenger(_) => booking.flight_id,
        };
        if others.contains(&other) {
            bookings::cancel(set, &booking).await?;
        }
    }
    Ok(())
}

/// Books, each a flight and a passenger. Refusals are errors of the field. Answers who got a seat.
pub(super) async fn add(
    set: &mut ChangeSet,
    field: &'static str,
    wishes: impl IntoIterator<Item = (i64, i64)> + Send,
) -> Result<Vec<Passenger>, Refusal> {
    // Locked in one order, so that two forms with the same flights wait, but never for each other.
    let mut wishes: Vec<_> = wishes.into_iter().collect();
    wishes.sort_unstable();
    let (mut booked, mut errors) = (Vec::new(), Errors::default());
    for (flight, passenger) in wishes {
        match bookings::book(set, flight, passenger).await? {
            Ok(Booked::New(passenger)) => booked.push(passenger),
            Ok(Booked::Already(_)) => {}
            Err(Refused::NoPassenger) => {
                errors.add(field, Refused::NoPassenger.to_string());
                break;
            }
            Err(refused) => errors.add(field, told(set, refused, flight, passenger).await?),
        }
    }
    Ok(errors.into_result(booked)?)
}

async fn told(
    set: &mut ChangeSet,
    refused: Refused,
    flight: i64,
    passenger: i64,
) -> Result<String> {
    let flight = flights::find(set, flight).await?.map(|flight| flight.to_string());
    let passenger = passengers::find(set, passenger).await?.map(|passenger| passenger.to_string());
    Ok(match (passenger, flight) {
        (Some(passenger), Some(flight)) => format!("{passenger} on {flight}: {refused}"),
        _ => refused.to_string(),
    })
}

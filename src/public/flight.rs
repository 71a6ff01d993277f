//! One flight: where, when, who is on it, and who could be.

use rocket::get;
use rocket::http::Status;
use serde::Serialize;

use super::index::Seats;
use crate::auth::{Need, Right, groups};
use crate::db::{Conn, RequestConn};
use crate::domain::bookings;
use crate::domain::flights::{self, Flight};
use crate::domain::passengers::{self, Passenger};
use crate::domain::times::{self, LocalTime};
use crate::error::{Error, Result};
use crate::input::search_problem;
use crate::pages::{Html, Page, Query, first_of};

/// How many passengers the form offers at once.
const OFFERED: usize = 10;

#[expect(clippy::struct_excessive_bools, reason = "what a template asks")]
#[derive(Debug, Serialize)]
struct Show {
    id: i64,
    origin: String,
    destination: String,
    duration: String,
    minutes: i64,
    valid: bool,
    departed: bool,
    departs: Option<LocalTime>,
    arrives: Option<LocalTime>,
    capacity: Option<i64>,
    booked: i64,
    seats: Seats,
    may_book: bool,
    sees_names: bool,
    /// Why one of the staff does not book, if so.
    why_not_book: String,
    passengers: Vec<Named>,
    closed: Option<String>,
    offer: Option<Offer>,
    error: Option<String>,
    csrf: String,
}

/// A passenger by name.
#[derive(Debug, Serialize)]
struct Named {
    id: i64,
    name: String,
    chosen: bool,
}

/// Passengers who could be booked: those whose names hold the words that were typed.
#[derive(Debug, Serialize)]
struct Offer {
    flight: i64,
    search: String,
    problem: Option<&'static str>,
    passengers: Vec<Named>,
    more: bool,
}

async fn offer(db: &mut Conn, flight: i64, search: &str, chosen: Option<i64>) -> Result<Offer> {
    let found = passengers::matching(db, search, Some(flight), OFFERED + 1).await?;
    let (found, more) = first_of(found, OFFERED);
    let named = |passenger: Passenger| Named {
        id: passenger.id,
        name: passenger.to_string(),
        chosen: Some(passenger.id) == chosen,
    };
    Ok(Offer {
        flight,
        search: search.to_owned(),
        problem: search_problem(search),
        passengers: found.into_iter().map(named).collect(),
        more,
    })
}

/// Why nobody can be booked now, if so.
fn closed(flight: &Flight, booked: i64, now: i64) -> Option<String> {
    let refused = if !flight.is_valid() {
        bookings::Refused::Invalid
    } else if flight.has_departed(now) {
        bookings::Refused::Departed
    } else if flight.capacity.is_some_and(|capacity| booked >= capacity) {
        bookings::Refused::Full
    } else {
        return None;
    };
    Some(refused.to_string())
}

/// A refused wish to book, to be shown on the form again.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    pub(super) error: Option<String>,
    pub(super) chosen: Option<i64>,
    pub(super) search: String,
}

/// The page of a flight.
pub(super) async fn render(
    db: &mut Conn,
    page: &Page<'_>,
    flight: &Flight,
    refusal: Refusal,
) -> Result<Html> {
    let (may_book, sees_names) = (page.may_book(), page.sees_names());
    let passengers = if sees_names { passengers::aboard(db, flight.id).await? } else { Vec::new() };
    let booked = if sees_names {
        i64::try_from(passengers.len()).unwrap_or(i64::MAX)
    } else {
        bookings::kept_count(db, flight.id).await?
    };
    let closed = closed(flight, booked, page.now());
    let offer = if may_book && closed.is_none() {
        Some(offer(db, flight.id, &refusal.search, refusal.chosen).await?)
    } else {
        None
    };
    let context = Show {
        id: flight.id,
        origin: flight.origin(),
        destination: flight.destination(),
        duration: times::spoken(flight.duration),
        minutes: flight.duration,
        valid: flight.is_valid(),
        departed: flight.has_departed(page.now()),
        departs: flight.departs_at.and_then(|at| times::local(at, &flight.origin_timezone)),
        arrives: flight.departs_at.and_then(|at| {
            times::arrival(
                at,
                &flight.origin_timezone,
                flight.duration,
                &flight.destination_timezone,
            )
        }),
        capacity: flight.capacity,
        booked,
        seats: Seats::of(flight.capacity, booked),
        may_book,
        sees_names,
        why_not_book: if may_book || !page.visitor.is_staff() {
            String::new()
        } else {
            Need::Right(Right::Book).reason(&groups::all(db).await?)
        },
        passengers: passengers
            .iter()
            .map(|passenger| Named { id: passenger.id, name: passenger.to_string(), chosen: false })
            .collect(),
        closed,
        csrf: if offer.is_some() { page.token() } else { String::new() },
        offer,
        error: refusal.error,
    };
    let title = format!("Flight #{}: {} to {}", flight.id, flight.origin(), flight.destination());
    page.show("public/flight", &title, &context)
}

/// One flight. `?q=` searches among those who could be booked.
#[get("/<id>")]
pub(super) async fn show(
    id: i64,
    page: Page<'_>,
    query: Query,
    mut db: RequestConn,
) -> Result<Html> {
    let flight = flights::find(&mut db, id).await?.ok_or(Error::NotFound)?;
    let search = query.0.first("q").to_owned();
    let chosen = query.0.first("passenger").parse().ok();
    render(&mut db, &page, &flight, Refusal { search, chosen, error: None }).await
}

/// Those who could be booked, for the form to show as one types.
#[get("/<id>/passengers", rank = 1)]
pub(super) async fn candidates(
    id: i64,
    page: Page<'_>,
    query: Query,
    mut db: RequestConn,
) -> Result<Html> {
    page.need_unless_public(Right::Book)?;
    let flight = flights::find(&mut db, id).await?.ok_or(Error::NotFound)?;
    let offer =
        offer(&mut db, flight.id, query.0.first("q"), query.0.first("passenger").parse().ok());
    page.fragment("public/candidates", &offer.await?)
}

/// The answer to a wish to book that was refused: the page again, with the reason at the form.
pub(super) async fn refused(
    db: &mut Conn,
    page: &Page<'_>,
    flight: i64,
    refusal: Refusal,
    status: Status,
) -> Result<Html> {
    let flight = flights::find(db, flight).await?.ok_or(Error::NotFound)?;
    Ok(render(db, page, &flight, refusal).await?.with_status(status))
}

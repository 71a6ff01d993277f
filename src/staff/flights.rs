//! Flights, for staff, with their passengers as rows.

use super::bookings;
use crate::admin::{
    Choice, Column, Field, Filled, Filter, Input, Key, List, Loaded, Look, Manage, Model, Saved,
    Search,
};
use crate::auth::{Need, Right};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::domain::airports;
use crate::domain::flights::{self, Draft, Flight, LONGEST, MOST_SEATS, NOT_VALID, VALID};
use crate::domain::passengers::{self, Passenger};
use crate::domain::times;
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};

/// The kind.
#[derive(Debug)]
pub struct Flights;

const VALID_NUMBER: &str = "CAST(CASE WHEN f.origin_id <> f.destination_id AND f.duration >= 0 THEN 1 ELSE 0 END AS BIGINT)";

static MODEL: Model = Model {
    slug: "flights",
    name: "flight",
    plural: "Flights",
    empty: "Add a flight, and visitors can look it up.",
    list: List {
        // Where nothing asks for the counts, both databases leave this join out. A page shows them and is
        // sorted by them, by index: only an inner join lets them lead.
        table: "flights f LEFT JOIN flight_bookings k ON k.flight_id = f.id",
        from: "flights f JOIN flight_bookings k ON k.flight_id = f.id
               JOIN airports o ON o.id = f.origin_id JOIN airports d ON d.id = f.destination_id",
        id: "f.id",
        columns: &[
            Column::number("number", "Number", "f.id"),
            Column::named("origin", "Origin", "o.city || ' (' || o.code || ')'", "o.folded")
                .edits("origin"),
            Column::named(
                "destination",
                "Destination",
                "d.city || ' (' || d.code || ')'",
                "d.folded",
            )
            .edits("destination"),
            Column::moment("departs", "Departure", "f.departs_at", "o.timezone").edits("departs"),
            Column::minutes("duration", "Duration", "f.duration").edits("duration"),
            Column::number("booked", "Booked", "k.booked"),
            Column::number("seats", "Seats", "f.capacity")
                .by(Key::Sparse("f.capacity"))
                .edits("capacity"),
            Column::flag("valid", "Valid", VALID, VALID_NUMBER),
        ],
        search: &[
            Look::Related { column: "f.origin_id", searched: airports::SEARCHED, kind: "airports" },
            Look::Related {
                column: "f.destination_id",
                searched: airports::SEARCHED,
                kind: "airports",
            },
            Look::Number("f.id"),
        ],
        search_help: "airports' codes, cities and countries, or the number",
        filters: &[
            Filter::states(&[
                ("valid", "Valid", VALID),
                ("invalid", "Not valid", NOT_VALID),
                ("full", "Full", "k.free <= 0"),
                ("empty", "Nobody booked", "k.booked = 0"),
            ]),
            Filter::new(
                "from",
                "Origin",
                Look::Related {
                    column: "f.origin_id",
                    searched: airports::SEARCHED,
                    kind: "airports",
                },
            ),
            Filter::new(
                "to",
                "Destination",
                Look::Related {
                    column: "f.destination_id",
                    searched: airports::SEARCHED,
                    kind: "airports",
                },
            ),
            Filter::new("departs", "Departure", Look::Day("f.departs_on")),
            Filter::new("minutes", "Minutes", Look::Number("f.duration")),
            Filter::new("seats", "Seats", Look::Number("f.capacity")),
            Filter::new("booked", "Booked", Look::Number("k.booked")),
            Filter::new("free", "Free seats", Look::Number("k.free")),
            Filter::new("number", "Number", Look::Number("f.id")),
        ],
        order: "number",
    },
    fields: &[
        Field::new("origin", "Origin", Input::Pick { kind: "airports" })
            .required()
            .help("A code or a city."),
        Field::new("destination", "Destination", Input::Pick { kind: "airports" })
            .required()
            .help("A code or a city."),
        Field::new("duration", "Duration", Input::Number { least: 0, most: LONGEST })
            .required()
            .help("Minutes in the air."),
        Field::new("departs", "Departure", Input::LocalTime).help(
            "Date and time on the clocks at the origin; UTC where it ends in Z. May be left open.",
        ),
        Field::new("capacity", "Seats", Input::Number { least: 0, most: MOST_SEATS })
            .help("Leave empty for no limit."),
        Field::new("passengers", "Passengers", Input::Rows { kind: "passengers" })
            .seen_by(Need::Right(Right::SeeNames))
            .needs(Need::Right(Right::Book)),
    ],
    ..Model::PLAIN
};

/// A flight as a list of choices shows it: with its departure, which tells flights of one route
/// apart.
pub(super) fn choice(flight: &Flight) -> Choice {
    let departs = flight.departs_at.and_then(|at| times::local(at, &flight.origin_timezone));
    let label = match departs {
        Some(departs) => format!("{flight}, {}", departs.brief()),
        None => flight.to_string(),
    };
    Choice { id: flight.id, text: format!("#{}", flight.id), label }
}

#[rocket::async_trait]
impl Manage for Flights {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    async fn load(&self, db: &mut Conn, id: i64) -> Result<Option<Loaded>> {
        let Some(flight) = flights::find(db, id).await? else {
            return Ok(None);
        };
        let mut values = Values::default();
        values.set("origin", flight.origin());
        values.set("destination", flight.destination());
        values.set("duration", flight.duration.to_string());
        values.set("departs", times::for_input(flight.departs_at, &flight.origin_timezone));
        values.set("capacity", flight.capacity.map(|seats| seats.to_string()).unwrap_or_default());
        Ok(Some(Loaded { label: flight.to_string(), version: flight.version, values }))
    }

    async fn save(&self, set: &mut ChangeSet, form: Filled<'_>) -> Result<Saved, Refusal> {
        let Filled { id, values, .. } = form;
        let (mut draft, new) = {
            let draft = Draft::read(set, values).await;
            let new = passengers_to_add(set, values).await?;
            match (draft, new) {
                (Ok(draft), Ok(new)) => (draft, new),
                (Err(Refusal::Invalid(mut errors)), Err(more)) => {
                    for error in more.of("passengers") {
                        errors.add("passengers", error.clone());
                    }
                    return Err(errors.into());
                }
                (Err(refusal), _) => return Err(refusal),
                (_, Err(errors)) => return Err(errors.into()),
            }
        };
        draft.refuse_invalid()?;
        let flight = match id {
            None => flights::insert(set, draft).await?,
            Some(id) => {
                let before = flights::find(set, id).await?.ok_or(Error::NotFound)?;
                // A time that nobody touched stays the moment it is, to the second, also where the
                // clocks at the origin show it twice.
                let shown = times::for_input(before.departs_at, &before.origin_timezone);
                if values.first("departs") == shown && draft.origin.id == before.origin_id {
                    draft.departs_at = before.departs_at;
                }
                // Who leaves makes room for who comes, and for fewer seats.
                let leaving = values.all("passengers-remove").iter();
                let leaving: Vec<i64> = leaving.filter_map(|id| id.parse().ok()).collect();
                bookings::take_out(set, bookings::Side::Flight(id), &leaving).await?;
                flights::update(set, &before, draft).await?
            }
        };
        let wishes = new.into_iter().map(|passenger| (flight.id, passenger));
        let booked = bookings::add(set, "passengers", wishes).await?;
        Ok(Saved { also: told(&booked), ..Saved::of(flight.id, &flight) })
    }

    async fn delete(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        flights::delete(set, id).await
    }

    async fn choices(&self, db: &mut Conn, search: Search<'_>) -> Result<Vec<Choice>> {
        let found = flights::choices(db, search.words, search.owner, search.most).await?;
        Ok(found.iter().map(choice).collect())
    }

    async fn chosen(&self, db: &mut Conn, ids: &[i64]) -> Result<Vec<Choice>> {
        let found = flights::of_ids(db, ids).await?;
        Ok(found.iter().map(choice).collect())
    }

    async fn linked(&self, db: &mut Conn, _field: &str, id: i64) -> Result<Vec<Choice>> {
        let aboard = passengers::aboard(db, id).await?;
        Ok(aboard.iter().map(super::passengers::choice).collect())
    }

    fn links(&self, id: i64) -> Vec<(&'static str, String)> {
        vec![("View on site", format!("/{id}"))]
    }
}

/// Who was booked, as a sentence: whoever typed a name sees whose it is.
fn told(booked: &[Passenger]) -> String {
    const NAMED: usize = 5;
    let names: Vec<_> = booked.iter().take(NAMED).map(passengers::picked).collect();
    match booked.len() {
        0 => String::new(),
        1 => format!("{} is booked.", names.join("")),
        count if count > NAMED => {
            format!("{} and {} more are booked.", names.join(", "), count - NAMED)
        }
        _ => format!("{} are booked.", names.join(", ")),
    }
}

/// The passengers that the rows for new ones name, and what is wrong with each name that means
/// nobody or several.
async fn passengers_to_add(db: &mut Conn, values: &Values) -> Result<Result<Vec<i64>, Errors>> {
    let mut errors = Errors::default();
    let mut found = Vec::new();
    for text in values.all("passengers").iter().filter(|text| !text.trim().is_empty()) {
        match passengers::resolve(db, text).await? {
            Ok(passenger) => found.push(passenger.id),
            Err(why) => errors.add("passengers", why),
        }
    }
    Ok(errors.into_result(found))
}

//! Passengers, for staff, with their flights in two panes.

use super::{Choices, bookings};
use crate::admin::{
    Choice, Column, Field, Filled, Filter, Input, List, Loaded, Look, Manage, Model, Saved, Search,
};
use crate::auth::{Need, Right};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::domain::flights;
use crate::domain::passengers::{self, Draft, Passenger};
use crate::error::Result;
use crate::input::{Refusal, Values};

/// The kind.
#[derive(Debug)]
pub struct Passengers;

const FLIGHTS: &str = "(SELECT COUNT(*) FROM bookings b WHERE b.passenger_id = p.id)";
const BOOKED: &str = "EXISTS (SELECT 1 FROM bookings b WHERE b.passenger_id = p.id)";
const IDLE: &str = "NOT EXISTS (SELECT 1 FROM bookings b WHERE b.passenger_id = p.id)";

static MODEL: Model = Model {
    slug: "passengers",
    name: "passenger",
    plural: "Passengers",
    empty: "Add a passenger, and put him on flights.",
    list: List {
        table: "passengers p",
        from: "passengers p",
        id: "p.id",
        columns: &[
            Column::named("last", "Last name", "p.last", "p.folded").edits("last"),
            Column::named("first", "First name", "p.first", "p.first_key").edits("first"),
            Column::number("number", "Number", "p.id"),
            Column::number("flights", "Flights", FLIGHTS),
        ],
        search: &[Look::Words("p.folded"), Look::Number("p.id")],
        search_help: "first or last name",
        filters: &[
            Filter::states(&[("booked", "On a flight", BOOKED), ("idle", "On no flight", IDLE)]),
            Filter::new("name", "Name", Look::Words("p.folded")),
            Filter::new("flights", "Flights", Look::Number(FLIGHTS)),
            Filter::new("number", "Number", Look::Number("p.id")),
        ],
        order: "last",
    },
    fields: &[
        Field::text("first", "First name", 64).required(),
        Field::text("last", "Last name", 64).required(),
        Field::new("flights", "Flights", Input::Chooser { kind: "flights" })
            .needs(Need::Right(Right::Book)),
    ],
    named_to: Need::Right(Right::SeeNames),
    ..Model::PLAIN
};

/// A passenger as a list of choices shows it.
pub(super) fn choice(passenger: &Passenger) -> Choice {
    Choice::of(passenger.id, &passengers::picked(passenger))
}

#[rocket::async_trait]
impl Manage for Passengers {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    async fn load(&self, db: &mut Conn, id: i64) -> Result<Option<Loaded>> {
        let Some(passenger) = passengers::find(db, id).await? else {
            return Ok(None);
        };
        let mut values = Values::default();
        values.set("first", passenger.first.clone());
        values.set("last", passenger.last.clone());
        let aboard = flights::of_passenger(db, id).await?;
        values.set_all("flights", aboard.iter().map(|flight| flight.id.to_string()).collect());
        Ok(Some(Loaded { label: passenger.to_string(), version: passenger.version, values }))
    }

    async fn save(&self, set: &mut ChangeSet, form: Filled<'_>) -> Result<Saved, Refusal> {
        let passenger = passengers::save(set, form.id, Draft::parse(form.values)?).await?;
        let Choices { gone, new } = Choices::of(form.values, "flights");
        bookings::take_out(set, bookings::Side::Passenger(passenger.id), &gone).await?;
        let wishes = new.into_iter().map(|flight| (flight, passenger.id));
        bookings::add(set, "flights", wishes).await?;
        Ok(Saved::of(passenger.id, &passenger))
    }

    async fn delete(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        passengers::delete(set, id).await
    }

    async fn resolve(&self, db: &mut Conn, text: &str) -> Result<Result<i64, String>> {
        Ok(passengers::resolve(db, text).await?.map(|passenger| passenger.id))
    }

    async fn chosen(&self, db: &mut Conn, ids: &[i64]) -> Result<Vec<Choice>> {
        Ok(passengers::of_ids(db, ids).await?.iter().map(choice).collect())
    }

    async fn choices(&self, db: &mut Conn, search: Search<'_>) -> Result<Vec<Choice>> {
        let found = passengers::matching(db, search.words, search.owner, search.most).await?;
        Ok(found.iter().map(choice).collect())
    }

    async fn linked(&self, db: &mut Conn, _field: &str, id: i64) -> Result<Vec<Choice>> {
        let aboard = flights::of_passenger(db, id).await?;
        Ok(aboard.iter().map(super::flights::choice).collect())
    }
}

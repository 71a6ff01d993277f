//! Airports, for staff.

use crate::admin::{
    Choice, Column, Field, Filter, Input, Key, List, Loaded, Look, Manage, Model, Saved,
};
use crate::auth::{Need, Visitor};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::domain::airports::{self, Airport, Draft};
use crate::error::{Error, Result};
use crate::input::{Refusal, Values};

/// The kind.
#[derive(Debug)]
pub struct Airports;

const DEPARTURES: &str = "(SELECT COUNT(*) FROM flights f WHERE f.origin_id = a.id)";
const UNUSED: &str =
    "NOT EXISTS (SELECT 1 FROM flights f WHERE a.id IN (f.origin_id, f.destination_id))";
const ARRIVALS: &str = "(SELECT COUNT(*) FROM flights f WHERE f.destination_id = a.id)";

static MODEL: Model = Model {
    slug: "airports",
    name: "airport",
    plural: "Airports",
    empty: "Flights go from one airport to another: add two to begin.",
    list: List {
        table: "airports a",
        from: "airports a",
        id: "a.id",
        columns: &[
            Column::text("code", "Code", "a.code"),
            Column::text("city", "City", "a.city").by(Key::Text("a.folded")).edits("city"),
            Column::text("country", "Country", "a.country").edits("country"),
            Column::text("timezone", "Time zone", "a.timezone").edits("timezone"),
            Column::number("departures", "Departures", DEPARTURES),
            Column::number("arrivals", "Arrivals", ARRIVALS),
        ],
        search: &[Look::Words("a.folded")],
        search_help: "code, city or country",
        filters: &[
            Filter::new(
                "is",
                "State",
                Look::Choice(&[
                    ("unused", "Without flights", UNUSED),
                    ("zoneless", "Without a time zone", "a.timezone = ''"),
                ]),
            ),
            Filter::new("city", "City", Look::Words("a.folded")),
            Filter::new("departures", "Departures", Look::Number(DEPARTURES)),
            Filter::new("arrivals", "Arrivals", Look::Number(ARRIVALS)),
        ],
        order: "city",
    },
    fields: &[
        Field::text("code", "Code", 3).required().help("Three letters, such as JFK."),
        Field::text("city", "City", 64).required(),
        Field::text("country", "Country", 64),
        Field::text("timezone", "Time zone", 64).help(
            "From the IANA database, such as Europe/Paris. Without one, times are told in UTC.",
        ),
        Field::new("latitude", "Latitude", Input::Decimal).help("Degrees north, such as 40.64."),
        Field::new("longitude", "Longitude", Input::Decimal).help("Degrees east, such as -73.78."),
    ],
    read_only: false,
    named_to: Need::Staff,
};

fn choice(airport: &Airport) -> Choice {
    Choice { id: airport.id, label: airport.to_string(), text: airport.to_string() }
}

#[rocket::async_trait]
impl Manage for Airports {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    async fn load(&self, db: &mut Conn, id: i64) -> Result<Option<Loaded>> {
        let Some(airport) = airports::find(db, id).await? else {
            return Ok(None);
        };
        let decimal =
            |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
        let fields = [
            ("code", airport.code.clone()),
            ("city", airport.city.clone()),
            ("country", airport.country.clone()),
            ("timezone", airport.timezone.clone()),
            ("latitude", decimal(airport.latitude)),
            ("longitude", decimal(airport.longitude)),
        ];
        Ok(Some(Loaded::of(&airport, airport.version, fields)))
    }

    async fn lock(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        airports::lock(set, id).await.map(drop)
    }

    async fn save(
        &self,
        set: &mut ChangeSet,
        _by: &Visitor,
        id: Option<i64>,
        values: &Values,
    ) -> Result<Saved, Refusal> {
        let draft = Draft::parse(values)?;
        let airport = match id {
            None => airports::insert(set, draft).await?,
            Some(id) => {
                let before = airports::find(set, id).await?.ok_or(Error::NotFound)?;
                airports::update(set, &before, draft).await?
            }
        };
        Ok(Saved { id: airport.id, label: airport.to_string() })
    }

    async fn delete(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        airports::delete(set, id).await
    }

    async fn choices(
        &self,
        db: &mut Conn,
        search: &str,
        _owner: Option<i64>,
        most: usize,
    ) -> Result<Vec<Choice>> {
        let found = airports::matching(db, search, most).await?;
        Ok(found.iter().map(choice).collect())
    }
}

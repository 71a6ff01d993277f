//! Airports, for staff.

use crate::admin::{
    Choice, Column, Field, Filter, Input, Key, List, Loaded, Look, Manage, Model, Saved, Show,
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
            Column {
                name: "code",
                title: "Code",
                show: Show::Text("a.code"),
                sort: Key::Text("a.code"),
                edits: "",
            },
            Column {
                name: "city",
                title: "City",
                show: Show::Text("a.city"),
                sort: Key::Text("a.folded"),
                edits: "city",
            },
            Column {
                name: "country",
                title: "Country",
                show: Show::Text("a.country"),
                sort: Key::Text("a.country"),
                edits: "country",
            },
            Column {
                name: "timezone",
                title: "Time zone",
                show: Show::Text("a.timezone"),
                sort: Key::Text("a.timezone"),
                edits: "timezone",
            },
            Column {
                name: "departures",
                title: "Departures",
                show: Show::Number(DEPARTURES),
                sort: Key::Number(DEPARTURES),
                edits: "",
            },
            Column {
                name: "arrivals",
                title: "Arrivals",
                show: Show::Number(ARRIVALS),
                sort: Key::Number(ARRIVALS),
                edits: "",
            },
        ],
        search: &[Look::Words("a.folded")],
        search_help: "code, city or country",
        filters: &[
            Filter {
                name: "is",
                title: "State",
                look: Look::Choice(&[
                    (
                        "unused",
                        "Without flights",
                        "NOT EXISTS (SELECT 1 FROM flights f WHERE a.id IN (f.origin_id, f.destination_id))",
                    ),
                    ("zoneless", "Without a time zone", "a.timezone = ''"),
                ]),
            },
            Filter { name: "city", title: "City", look: Look::Words("a.folded") },
            Filter { name: "departures", title: "Departures", look: Look::Number(DEPARTURES) },
            Filter { name: "arrivals", title: "Arrivals", look: Look::Number(ARRIVALS) },
        ],
        order: "city",
    },
    fields: &[
        Field {
            name: "code",
            label: "Code",
            help: "Three letters, such as JFK.",
            required: true,
            input: Input::Text { longest: 3 },
            ..Field::PLAIN
        },
        Field { name: "city", label: "City", required: true, ..Field::PLAIN },
        Field { name: "country", label: "Country", ..Field::PLAIN },
        Field {
            name: "timezone",
            label: "Time zone",
            help: "From the IANA database, such as Europe/Paris. Without one, times are told in UTC.",
            ..Field::PLAIN
        },
        Field {
            name: "latitude",
            label: "Latitude",
            help: "Degrees north, such as 40.64.",
            input: Input::Decimal,
            ..Field::PLAIN
        },
        Field {
            name: "longitude",
            label: "Longitude",
            help: "Degrees east, such as -73.78.",
            input: Input::Decimal,
            ..Field::PLAIN
        },
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
        let mut values = Values::default();
        values.set("code", airport.code.clone());
        values.set("city", airport.city.clone());
        values.set("country", airport.country.clone());
        values.set("timezone", airport.timezone.clone());
        values.set("latitude", decimal(airport.latitude));
        values.set("longitude", decimal(airport.longitude));
        Ok(Some(Loaded { label: airport.to_string(), version: airport.version, values }))
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

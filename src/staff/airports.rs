//! Airports, for staff.

use crate::admin::{
    Choice, Column, Field, Filled, Filter, Input, List, Loaded, Look, Manage, Model, Saved, Search,
};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::domain::{airports, zones};
use crate::error::Result;
use crate::input::Refusal;

/// The kind.
#[derive(Debug)]
pub struct Airports;

const DEPARTURES: &str = "(SELECT COUNT(*) FROM flights f WHERE f.origin_id = a.id)";
const ARRIVALS: &str = "(SELECT COUNT(*) FROM flights f WHERE f.destination_id = a.id)";
const UNUSED: &str = "NOT EXISTS (SELECT 1 FROM flights WHERE a.id IN (origin_id, destination_id))";
const NAMED: Look = Look::Related { column: "a.id", searched: airports::SEARCHED, kind: "" };

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
            Column::named("city", "City", "a.city", "a.folded").edits("city"),
            Column::named("country", "Country", "a.country", "a.country_key").edits("country"),
            Column::text("timezone", "Time zone", "a.timezone").edits("timezone"),
            Column::decimal("latitude", "Latitude", "latitude", "CAST(latitude*1e6 AS BIGINT)"),
            Column::decimal("longitude", "Longitude", "longitude", "CAST(longitude*1e6 AS BIGINT)"),
            Column::number("departures", "Departures", DEPARTURES),
            Column::number("arrivals", "Arrivals", ARRIVALS),
        ],
        search: &[NAMED],
        search_help: "code, city or country",
        filters: &[
            Filter::states(&[
                ("unused", "Without flights", UNUSED),
                ("zoneless", "Without a time zone", "a.timezone = ''"),
            ]),
            Filter::new("city", "City", NAMED),
            Filter::new("departures", "Departures", Look::Number(DEPARTURES)),
            Filter::new("arrivals", "Arrivals", Look::Number(ARRIVALS)),
        ],
        order: "city",
    },
    fields: &[
        Field::text("code", "Code", 3).required().help("Three letters, such as JFK."),
        Field::text("city", "City", 64).required(),
        Field::text("country", "Country", 64),
        Field::text("timezone", "Time zone", 64).help("Such as Europe/Paris. Departures need one."),
        Field::new("latitude", "Latitude", Input::Decimal).help("Degrees north, such as 40.64."),
        Field::new("longitude", "Longitude", Input::Decimal).help("Degrees east, such as -73.78."),
    ],
    ..Model::PLAIN
};

#[rocket::async_trait]
impl Manage for Airports {
    fn model(&self) -> &'static Model {
        &MODEL
    }

    async fn load(&self, db: &mut Conn, id: i64) -> Result<Option<Loaded>> {
        let decimal = |it: Option<f64>| it.map(|it| it.to_string()).unwrap_or_default();
        Ok(airports::find(db, id).await?.map(|it| {
            let fields = [
                ("code", it.code.clone()),
                ("city", it.city.clone()),
                ("country", it.country.clone()),
                ("timezone", it.timezone.clone()),
                ("latitude", decimal(it.latitude)),
                ("longitude", decimal(it.longitude)),
            ];
            Loaded::of(&it, it.version, fields)
        }))
    }

    async fn save(&self, set: &mut ChangeSet, form: Filled<'_>) -> Result<Saved, Refusal> {
        let draft = airports::Draft::parse(form.values)?;
        let confirms = |seen: &str| form.confirms(zones::CONFIRMED, seen);
        airports::save(set, form.id, draft, confirms).await.map(|it| Saved::of(it.id, &it))
    }

    async fn delete(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        airports::delete(set, id).await
    }

    async fn resolve(&self, db: &mut Conn, text: &str) -> Result<Result<i64, String>> {
        Ok(airports::resolve(db, text).await?.map(|it| it.id))
    }

    async fn choices(&self, db: &mut Conn, search: Search<'_>) -> Result<Vec<Choice>> {
        let found = airports::matching(db, search.words, search.most).await?;
        Ok(found.iter().map(|airport| Choice::of(airport.id, airport)).collect())
    }
}

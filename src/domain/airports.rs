//! Airports.

mod directory;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{bookings, flights, times, zones};
use crate::changes::{ChangeSet, Undoable, Versioned};
use crate::db::{Composed, Conn, Fit, Needle, Searched, Select, Write, fold};
use crate::error::{Error, Result};
use crate::input::{Errors, Reader, Refusal, Values, shortened};

pub use directory::{Directory, resolve};

/// An airport.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Airport {
    /// Its id.
    pub id: i64,
    /// Its IATA code: three capital letters.
    pub code: String,
    /// The city it serves; at most 64 characters.
    pub city: String,
    /// Its country; may be empty.
    pub country: String,
    /// Its IANA time zone, `Europe/Paris`; may be empty, and then its times are shown in UTC.
    pub timezone: String,
    /// Degrees north, -90 to 90.
    pub latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    pub longitude: Option<f64>,
    /// Counts its changes.
    pub version: i64,
}

impl std::fmt::Display for Airport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.city, self.code)
    }
}

impl Versioned for Airport {
    const KIND: &'static str = "airports";
    fn id(&self) -> i64 {
        self.id
    }
    fn label(&self) -> String {
        self.to_string()
    }
}

/// An airport as somebody typed it, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Three capital letters.
    pub code: String,
    /// At most 64 characters.
    pub city: String,
    /// At most 64 characters; may be empty.
    pub country: String,
    /// A zone of the IANA database, by the name it has there, or empty.
    pub timezone: String,
    /// -90 to 90.
    pub latitude: Option<f64>,
    /// -180 to 180.
    pub longitude: Option<f64>,
}

impl Draft {
    /// Checks what a form or a file says about an airport.
    pub fn parse(values: &Values) -> Result<Self, Errors> {
        let mut read = Reader::new(values);
        let code = read.text("code", 64);
        if code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_alphabetic()) {
            read.errors.add("code", "A code has three letters, such as JFK.");
        }
        let mut draft = Self {
            code: code.to_ascii_uppercase(),
            city: read.required("city", 64),
            country: read.text("country", 64),
            timezone: read.text("timezone", 64),
            latitude: read.decimal("latitude", -90.0..=90.0),
            longitude: read.decimal("longitude", -180.0..=180.0),
        };
        if let Some(name) = times::zone_name(&draft.timezone) {
            draft.timezone = name;
        } else if !draft.timezone.is_empty() {
            let zone = shortened(&draft.timezone);
            let why = format!("“{zone}” is not a time zone. Enter one like Europe/Paris.");
            read.errors.add("timezone", why);
        }
        if draft.latitude.is_some() != draft.longitude.is_some() && read.errors.is_empty() {
            read.errors.add("longitude", "Give both latitude and longitude, or neither.");
        }
        read.finish(draft)
    }

    fn keys(&self) -> [String; 3] {
        search_keys(&self.code, &self.city, &self.country)
    }

    /// As the airport of an id.
    #[must_use]
    pub fn into_airport(self, id: i64, version: i64) -> Airport {
        Airport {
            id,
            code: self.code,
            city: self.city,
            country: self.country,
            timezone: self.timezone,
            latitude: self.latitude,
            longitude: self.longitude,
            version,
        }
    }
}

/// Returns the search keys of an airport: of all its names, of its city, and of its country.
#[must_use]
pub fn search_keys(code: &str, city: &str, country: &str) -> [String; 3] {
    [fold(&format!("{city} {code} {country}")), fold(city), fold(country)]
}

/// How airports are searched: a code, a city or a country is meant as a whole.
pub const SEARCHED: Searched =
    Searched { table: "airports", whole: &["LOWER(code)", "city_key", "country_key"] };

/// Airports; what follows narrows and orders them.
const AIRPORTS: Select = Select::new(
    "SELECT id, code, city, country, timezone, latitude, longitude, version
     FROM airports WHERE 1 = 1",
);
const INSERT: Write = Write::new(
    "INSERT INTO airports
         (code, city, country, timezone, latitude, longitude, folded, city_key, country_key, version)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) RETURNING id",
);
const UPDATE: Write = Write::new(
    "UPDATE airports SET code = $2, city = $3, country = $4, timezone = $5, latitude = $6,
            longitude = $7, folded = $8, city_key = $9, country_key = $10, version = version + 1
     WHERE id = $1",
);
const DELETE: Write = Write::new("DELETE FROM airports WHERE id = $1");
const LOCK: Select = Select::new("SELECT id FROM airports WHERE id = $1");

/// The airport of an id.
pub async fn find(db: &mut Conn, id: i64) -> Result<Option<Airport>> {
    let mut query = Composed::new(AIRPORTS);
    query.push(" AND id = ").bind_number(id);
    db.compose(query).optional().await
}

/// The airport of a code, however it is written.
pub async fn by_code(db: &mut Conn, code: &str) -> Result<Option<Airport>> {
    let mut query = Composed::new(AIRPORTS);
    query.push(" AND code = ").bind_text(code.trim().to_uppercase());
    db.compose(query).optional().await
}

/// Every airport, by id.
pub async fn all(db: &mut Conn) -> Result<Vec<Airport>> {
    let mut query = Composed::new(AIRPORTS);
    query.push(" ORDER BY id");
    db.compose(query).all().await
}

/// Airports that a search may mean, the best first: see [`Fit`].
pub async fn matching(db: &mut Conn, search: &str, most: usize) -> Result<Vec<Airport>> {
    let Some(needle) = Needle::words(search) else {
        return Ok(Vec::new());
    };
    let mut query = Composed::new(AIRPORTS);
    query.push(" AND ");
    SEARCHED.push_fit(&mut query, &needle, Fit::Parts);
    query.push(" ORDER BY ");
    SEARCHED.push_rank(&mut query, &needle);
    query.push(", folded, id").limit(most);
    db.compose(query).all().await
}

/// Makes an airport (without an id) or changes it. Unless somebody has confirmed it, a time zone is refused with which
/// flights would show other times.
pub async fn save(
    set: &mut ChangeSet,
    id: Option<i64>,
    draft: Draft,
    confirms: impl Fn(&str) -> bool + Send + Sync,
) -> Result<Airport, Refusal> {
    let Some(id) = id else {
        return insert(set, draft).await;
    };
    let before = find(set, id).await?.ok_or(Error::NotFound)?;
    if before.timezone != draft.timezone {
        refuse_taken(set, Some(id), &draft.code).await?;
        zones::departures_to_date(set, &before).await?;
        zones::ask_first(set, &before, &draft.timezone, confirms).await?;
    }
    update(set, &before, draft).await
}

/// Makes an airport. A code that is taken is a field's error.
pub async fn insert(set: &mut ChangeSet, draft: Draft) -> Result<Airport, Refusal> {
    refuse_taken(set, None, &draft.code).await?;
    let [folded, city_key, country_key] = draft.keys();
    let (id,): (i64,) = set
        .write(INSERT)
        .bind(draft.code.clone())
        .bind(draft.city.clone())
        .bind(draft.country.clone())
        .bind(draft.timezone.clone())
        .bind(draft.latitude)
        .bind(draft.longitude)
        .bind(folded)
        .bind(city_key)
        .bind(country_key)
        .one()
        .await
        .map_err(|error| taken_meanwhile(error, &draft.code))?;
    let airport = draft.into_airport(id, 1);
    set.created(&airport)?;
    Ok(airport)
}

/// Changes an airport. Where its time zone moves, its flights keep their moment, and the day they
/// leave on is told anew.
pub async fn update(
    set: &mut ChangeSet,
    before: &Airport,
    draft: Draft,
) -> Result<Airport, Refusal> {
    refuse_taken(set, Some(before.id), &draft.code).await?;
    let after = draft.clone().into_airport(before.id, before.version + 1);
    if after == (Airport { version: after.version, ..before.clone() }) {
        return Ok(before.clone());
    }
    // Flights are locked before the airport is written: their own forms do it in this order, too.
    let mut dated = Vec::new();
    if before.timezone != after.timezone {
        dated = zones::departures_to_date(set, &after).await?;
        for flight in &dated {
            flights::lock(set, *flight).await?;
        }
    }
    let [folded, city_key, country_key] = draft.keys();
    set.write(UPDATE)
        .bind(before.id)
        .bind(draft.code.clone())
        .bind(draft.city.clone())
        .bind(draft.country.clone())
        .bind(draft.timezone.clone())
        .bind(draft.latitude)
        .bind(draft.longitude)
        .bind(folded)
        .bind(city_key)
        .bind(country_key)
        .execute_one()
        .await
        .map_err(|error| taken_meanwhile(error, &draft.code))?;
    set.changed(before, &after)?;
    for flight in dated {
        flights::retell_day(set, flight).await?;
    }
    Ok(after)
}

/// Deletes an airport, and with it every flight from or to it and their bookings, each remembered.
pub async fn delete(set: &mut ChangeSet, id: i64) -> Result<()> {
    let airport = lock(set, id).await?.ok_or(Error::NotFound)?;
    for flight in flights::touching(set, id).await? {
        bookings::delete_of_flight(set, flight.id).await?;
        flights::delete_row(set, &flight).await?;
    }
    set.write(DELETE).bind(id).execute_one().await?;
    set.deleted(&airport)
}

/// [`find`], kept from other writers until the set ends.
pub async fn lock(set: &mut ChangeSet, id: i64) -> Result<Option<Airport>> {
    let _: Option<(i64,)> = set.lock(LOCK).bind(id).optional().await?;
    find(set, id).await
}

/// Two asked for one code at the same moment: the later one is told so at the field.
fn taken_meanwhile(error: Error, code: &str) -> Refusal {
    if error.is_taken() {
        Errors::one("code", format!("Somebody gave an airport the code {code} just now.")).into()
    } else {
        error.into()
    }
}

async fn refuse_taken(set: &mut ChangeSet, own: Option<i64>, code: &str) -> Result<(), Refusal> {
    match by_code(set, code).await? {
        Some(other) if Some(other.id) != own => {
            Err(Errors::one("code", format!("{other} has this code already.")).into())
        }
        _ => Ok(()),
    }
}

const INSERT_AGAIN: Write = Write::new(
    "INSERT INTO airports
         (code, city, country, timezone, latitude, longitude, folded, city_key, country_key, version, id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);

impl From<Airport> for Draft {
    fn from(airport: Airport) -> Self {
        let Airport { code, city, country, timezone, latitude, longitude, .. } = airport;
        Self { code, city, country, timezone, latitude, longitude }
    }
}

#[rocket::async_trait]
impl Undoable for Airport {
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>> {
        lock(set, id).await
    }

    fn same(&self, other: &Self) -> bool {
        *self == Self { version: self.version, ..other.clone() }
    }

    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        refuse_taken(set, None, &self.code).await?;
        let draft = Draft::from(self.clone());
        let again = Self { version: self.version + 1, ..self };
        let [folded, city_key, country_key] = draft.keys();
        set.write(INSERT_AGAIN)
            .bind(draft.code.clone())
            .bind(draft.city.clone())
            .bind(draft.country.clone())
            .bind(draft.timezone.clone())
            .bind(draft.latitude)
            .bind(draft.longitude)
            .bind(folded)
            .bind(city_key)
            .bind(country_key)
            .bind(again.version)
            .bind(again.id)
            .execute_one()
            .await?;
        Ok(set.created(&again)?)
    }

    async fn put_back(self, set: &mut ChangeSet, now: Self) -> Result<(), Refusal> {
        update(set, &now, self.into()).await.map(drop)
    }

    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        set.write(DELETE).bind(self.id).execute_one().await?;
        Ok(set.deleted(&self)?)
    }
}

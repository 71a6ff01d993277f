//! Passengers.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::bookings;
use crate::changes::{ChangeSet, Undoable, Versioned};
use crate::db::query::Param;
use crate::db::{Composed, Conn, Select, Write, and_all_words, fold};
use crate::error::{Error, Result};
use crate::input::{Errors, Reader, Refusal, Values, shortened};

/// A passenger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Passenger {
    /// Its id.
    pub id: i64,
    /// First name; at most 64 characters of any script.
    pub first: String,
    /// Last name; at most 64 characters of any script.
    pub last: String,
    /// Counts its changes.
    pub version: i64,
}

impl std::fmt::Display for Passenger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.first, self.last)
    }
}

impl Versioned for Passenger {
    const KIND: &'static str = "passengers";
    fn id(&self) -> i64 {
        self.id
    }
    fn label(&self) -> String {
        self.to_string()
    }
}

/// A passenger as somebody typed it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// First name.
    pub first: String,
    /// Last name.
    pub last: String,
}

impl Draft {
    /// Checks what a form or a file says about a passenger.
    pub fn parse(values: &Values) -> Result<Self, Errors> {
        let mut read = Reader::new(values);
        let draft = Self { first: read.required("first", 64), last: read.required("last", 64) };
        read.finish(draft)
    }

    fn folded(&self) -> String {
        fold(&format!("{} {}", self.last, self.first))
    }
}

/// Passengers; what follows narrows and orders them.
const PASSENGERS: Select =
    Select::new("SELECT p.id, p.first, p.last, p.version FROM passengers p WHERE 1 = 1");
const INSERT: Write = Write::new("INSERT INTO passengers (first, last, folded, version) VALUES");
const UPDATE: Write = Write::new(
    "UPDATE passengers SET first = $2, last = $3, folded = $4, version = version + 1 WHERE id = $1",
);
const DELETE: Write = Write::new("DELETE FROM passengers WHERE id = $1");
const LOCK: Select = Select::new("SELECT id FROM passengers WHERE id = $1");

/// The passenger of an id.
pub async fn find(db: &mut Conn, id: i64) -> Result<Option<Passenger>> {
    let mut query = Composed::new(PASSENGERS);
    query.push(" AND p.id = ").bind_number(id);
    db.compose(query).optional().await
}

/// Every passenger, by id.
pub async fn all(db: &mut Conn) -> Result<Vec<Passenger>> {
    let mut query = Composed::new(PASSENGERS);
    query.push(" ORDER BY p.id");
    db.compose(query).all().await
}

/// The passengers of a flight, by last name.
pub async fn aboard(db: &mut Conn, flight: i64) -> Result<Vec<Passenger>> {
    let mut query = Composed::new(PASSENGERS);
    query.push(" AND p.id IN (SELECT passenger_id FROM bookings WHERE flight_id = ");
    query.bind_number(flight).push(") ORDER BY p.folded, p.id");
    db.compose(query).all().await
}

/// Passengers whose name holds every word of a search, by last name; without those of a flight.
pub async fn matching(
    db: &mut Conn,
    search: &str,
    not_aboard: Option<i64>,
    most: usize,
) -> Result<Vec<Passenger>> {
    let mut query = Composed::new(PASSENGERS);
    and_all_words(&mut query, "p.folded", search);
    if let Some(flight) = not_aboard {
        query.push(
            " AND NOT EXISTS (SELECT 1 FROM bookings b WHERE b.passenger_id = p.id AND b.flight_id = ",
        );
        query.bind_number(flight).push(")");
    }
    query.push(" ORDER BY p.folded, p.id").limit(most);
    db.compose(query).all().await
}

/// A passenger as a picker shows and reads it: names are not unique, so the id stands with it.
#[must_use]
pub fn picked(passenger: &Passenger) -> String {
    format!("{passenger} (#{})", passenger.id)
}

/// Which passenger a person means by `First Last (#ID)`, `#ID` or a name that only one has. The
/// error is a sentence that says what to write instead.
pub async fn resolve(db: &mut Conn, text: &str) -> Result<Result<Passenger, String>> {
    const ENOUGH: usize = 6;
    let text = text.trim();
    let number = text.rsplit_once('#').map(|(_, rest)| rest.trim_end_matches(')').trim());
    if let Some(number) = number {
        let found = match number.parse() {
            Ok(id) => find(db, id).await?,
            Err(_) => None,
        };
        return Ok(found.ok_or_else(|| format!("There is no passenger “{}”.", shortened(text))));
    }
    let name = fold(text);
    if name.is_empty() || text.chars().any(char::is_control) {
        return Ok(Err(format!("There is no passenger “{}”.", shortened(text))));
    }
    // Whoever has just this name is asked for first: many others may hold the same words.
    let mut query = Composed::new(PASSENGERS);
    and_all_words(&mut query, "p.folded", text);
    query
        .push(" AND LENGTH(p.folded) = ")
        .bind_number(i64::try_from(name.chars().count()).unwrap_or(0));
    query.push(" ORDER BY p.id").limit(50);
    let mut found: Vec<Passenger> = db.compose(query).all().await?;
    if found.is_empty() {
        found = matching(db, text, None, 50).await?;
    }
    let same: Vec<_> =
        found.iter().filter(|passenger| fold(&passenger.to_string()) == name).collect();
    Ok(match same.as_slice() {
        [one] => Ok((*one).clone()),
        [] if found.len() == 1 => found.into_iter().next().ok_or_else(String::new),
        [] if found.is_empty() => Err(format!("There is no passenger “{}”.", shortened(text))),
        several => {
            let several: Vec<_> =
                if several.is_empty() { found.iter().collect() } else { several.to_vec() };
            let choice: Vec<_> =
                several.iter().take(ENOUGH).map(|passenger| picked(passenger)).collect();
            let more = if several.len() > choice.len() { ", …" } else { "" };
            Err(format!("Which one? Write {}{more}.", choice.join(" or ")))
        }
    })
}

/// Makes a passenger (without an id) or changes it.
pub async fn save(
    set: &mut ChangeSet,
    id: Option<i64>,
    draft: Draft,
) -> Result<Passenger, Refusal> {
    let Some(id) = id else {
        return Ok(insert(set, draft).await?);
    };
    let before = find(set, id).await?.ok_or(Error::NotFound)?;
    Ok(update(set, &before, draft).await?)
}

/// Makes a passenger.
pub async fn insert(set: &mut ChangeSet, draft: Draft) -> Result<Passenger> {
    insert_all(set, vec![draft]).await?.pop().ok_or(Error::NotFound)
}

/// Makes many passengers in a few statements.
pub async fn insert_all(set: &mut ChangeSet, drafts: Vec<Draft>) -> Result<Vec<Passenger>> {
    let names: Vec<_> = drafts.iter().map(Draft::folded).collect();
    let rows = drafts.iter().zip(&names).map(|(draft, folded)| {
        let Draft { first, last } = draft;
        vec![Param::from(first), Param::from(last), Param::from(folded), Param::Number(1)]
    });
    let ids = set.insert(INSERT, &rows.collect::<Vec<_>>()).await?;
    let passengers: Vec<_> = drafts
        .into_iter()
        .zip(ids)
        .map(|(Draft { first, last }, id)| Passenger { id, first, last, version: 1 })
        .collect();
    for passenger in &passengers {
        set.created(passenger)?;
    }
    Ok(passengers)
}

/// Makes a passenger under a number that is free.
pub async fn insert_as(set: &mut ChangeSet, id: i64, draft: Draft) -> Result<Passenger> {
    insert_again(set, Passenger { id, first: draft.first, last: draft.last, version: 1 }).await
}

/// Changes a passenger.
pub async fn update(set: &mut ChangeSet, before: &Passenger, draft: Draft) -> Result<Passenger> {
    if before.first == draft.first && before.last == draft.last {
        return Ok(before.clone());
    }
    set.write(UPDATE)
        .bind(before.id)
        .bind(draft.first.clone())
        .bind(draft.last.clone())
        .bind(draft.folded())
        .execute_one()
        .await?;
    let after = Passenger {
        id: before.id,
        first: draft.first,
        last: draft.last,
        version: before.version + 1,
    };
    set.changed(before, &after)?;
    Ok(after)
}

/// Deletes a passenger and its bookings, each remembered.
pub async fn delete(set: &mut ChangeSet, id: i64) -> Result<()> {
    let passenger = lock(set, id).await?.ok_or(Error::NotFound)?;
    bookings::delete_of_passenger(set, id).await?;
    set.write(DELETE).bind(id).execute_one().await?;
    set.deleted(&passenger)
}

/// The passenger of an id, kept from other writers until the set ends.
pub async fn lock(set: &mut ChangeSet, id: i64) -> Result<Option<Passenger>> {
    let _: Option<(i64,)> = set.lock(LOCK).bind(id).optional().await?;
    find(set, id).await
}

const INSERT_AGAIN: Write = Write::new(
    "INSERT INTO passengers (first, last, folded, version, id) VALUES ($1, $2, $3, $4, $5)",
);

async fn insert_again(set: &mut ChangeSet, passenger: Passenger) -> Result<Passenger> {
    let draft = Draft { first: passenger.first.clone(), last: passenger.last.clone() };
    set.write(INSERT_AGAIN)
        .bind(passenger.first.clone())
        .bind(passenger.last.clone())
        .bind(draft.folded())
        .bind(passenger.version)
        .bind(passenger.id)
        .execute_one()
        .await?;
    set.created(&passenger)?;
    Ok(passenger)
}

#[rocket::async_trait]
impl Undoable for Passenger {
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>> {
        lock(set, id).await
    }

    fn same(&self, other: &Self) -> bool {
        *self == Self { version: self.version, ..other.clone() }
    }

    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        insert_again(set, Self { version: self.version + 1, ..self }).await?;
        Ok(())
    }

    async fn put_back(self, set: &mut ChangeSet, now: Self) -> Result<(), Refusal> {
        update(set, &now, Draft { first: self.first, last: self.last }).await?;
        Ok(())
    }

    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        set.write(DELETE).bind(self.id).execute_one().await?;
        Ok(set.deleted(&self)?)
    }
}

//! Passengers.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::bookings;
use crate::changes::{ChangeSet, Undoable, Versioned};
use crate::db::insert::Param;
use crate::db::{Composed, Conn, Fit, Needle, Searched, Select, Write, fold, identity};
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
        let draft = Self { first: read.name("first", 64), last: read.name("last", 64) };
        read.finish(draft)
    }

    fn keys(&self) -> [String; 2] {
        search_keys(&self.first, &self.last)
    }
}

/// Returns the search keys of a passenger: of the whole name, and of the first name. The whole name is sorted by the
/// last name, and holds phrases in either order.
#[must_use]
pub fn search_keys(first: &str, last: &str) -> [String; 2] {
    [fold(&format!("{last} {first} {last}")), fold(first)]
}

/// How passengers are searched.
const SEARCHED: Searched = Searched::by_parts("passengers");

/// Passengers; what follows narrows and orders them.
const PASSENGERS: Select =
    Select::new("SELECT p.id, p.first, p.last, p.version FROM passengers p WHERE 1 = 1");
const INSERT: Write =
    Write::new("INSERT INTO passengers (first, last, folded, first_key, version) VALUES");
const UPDATE: Write = Write::new(
    "UPDATE passengers SET first = $2, last = $3, folded = $4, first_key = $5, version = version + 1
     WHERE id = $1",
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

/// Passengers by their ids; as many as one statement takes values.
pub async fn of_ids(db: &mut Conn, ids: &[i64]) -> Result<Vec<Passenger>> {
    let mut query = Composed::new(PASSENGERS);
    query.push(" AND p.id IN (").bind_number(-1);
    for id in ids {
        query.push(", ").bind_number(*id);
    }
    query.push(")");
    db.compose(query).all().await
}

/// The passengers of a flight, by last name.
pub async fn aboard(db: &mut Conn, flight: i64) -> Result<Vec<Passenger>> {
    let mut query = Composed::new(PASSENGERS);
    query.push(" AND p.id IN (SELECT passenger_id FROM bookings WHERE flight_id = ");
    query.bind_number(flight).push(") ORDER BY p.folded, p.id");
    db.compose(query).all().await
}

/// Passengers that a search may mean: first those who have just this name or number, then those whose names have
/// words that begin so, then those that hold the words; each by last name, without those of a flight.
pub async fn matching(
    db: &mut Conn,
    search: &str,
    not_aboard: Option<i64>,
    most: usize,
) -> Result<Vec<Passenger>> {
    let mut found = Vec::new();
    let Some(needle) = Needle::words(search) else {
        return Ok(found);
    };
    let exact: Vec<i64> = match numbered(search) {
        Some((_, id)) => vec![id],
        None if needle.is_empty() => Vec::new(),
        None => of_name(db, search).await?.iter().map(|passenger| passenger.id).collect(),
    };
    // A statement for each, so that it reads the index only until enough are found.
    for fit in [Fit::Whole, Fit::Beginnings, Fit::Parts] {
        if (fit == Fit::Whole && exact.is_empty()) || (fit == Fit::Parts && needle.is_empty()) {
            continue;
        }
        let mut query = Composed::new(PASSENGERS);
        query.push(if fit == Fit::Whole { " AND p.id IN (-1" } else { " AND p.id NOT IN (-1" });
        for id in &exact {
            query.push(", ").bind_number(*id);
        }
        query.push(")");
        if fit != Fit::Whole {
            query.push(" AND ");
            SEARCHED.push_fit(&mut query, &needle, fit);
        }
        if fit == Fit::Parts {
            query.push(" AND NOT ");
            SEARCHED.push_fit(&mut query, &needle, Fit::Beginnings);
        }
        if let Some(flight) = not_aboard {
            query.push(
                " AND NOT EXISTS (SELECT 1 FROM bookings b WHERE b.passenger_id = p.id AND b.flight_id = ",
            );
            query.bind_number(flight).push(")");
        }
        query.push(" ORDER BY p.folded, p.id").limit(most - found.len());
        let more: Vec<Passenger> = db.compose(query).all().await?;
        found.extend(more);
        if found.len() >= most {
            break;
        }
    }
    Ok(found)
}

/// What stands before the number in `First Last (#ID)` or `#ID`, and the number.
fn numbered(text: &str) -> Option<(&str, i64)> {
    let (name, number) = text.trim().trim_end_matches(')').rsplit_once('#')?;
    Some((name.trim().trim_end_matches('(').trim_end(), number.trim().parse().ok()?))
}

/// A passenger as a picker shows and reads it: names are not unique, so the id stands with it.
#[must_use]
pub fn picked(passenger: &Passenger) -> String {
    format!("{passenger} (#{})", passenger.id)
}

/// Which passenger a person means by `First Last (#ID)`, `#ID` or a name that only one has. Names are compared
/// whole ([`identity`]): a part of a name is nobody's.
///
/// # Errors
/// A sentence that says what to write instead, with those that may be meant.
pub async fn resolve(db: &mut Conn, text: &str) -> Result<Result<Passenger, String>> {
    let text = text.trim();
    let unknown = || format!("There is no passenger “{}”.", shortened(text));
    if let Some((name, id)) = numbered(text) {
        return Ok(match find(db, id).await? {
            Some(found) if name.is_empty() || identity(name) == identity(&found.to_string()) => {
                Ok(found)
            }
            Some(found) => Err(format!(
                "#{id} is {found}, not “{}”. Enter {} to book them.",
                shortened(name),
                picked(&found)
            )),
            None => Err(unknown()),
        });
    }
    if fold(text).is_empty() {
        return Ok(Err(unknown()));
    }
    let same = of_name(db, text).await?;
    Ok(match same.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let near = matching(db, text, None, SUGGESTED + 1).await?;
            if near.is_empty() {
                Err(unknown())
            } else {
                Err(format!("{} Did you mean {}?", unknown(), one_of(&near)))
            }
        }
        several => Err(format!("Which one? Enter {}.", one_of(several))),
    })
}

/// How many passengers are suggested where a name does not identify one.
const SUGGESTED: usize = 6;

fn one_of(passengers: &[Passenger]) -> String {
    let names: Vec<_> = passengers.iter().take(SUGGESTED).map(picked).collect();
    let more = if passengers.len() > SUGGESTED { ", …" } else { "" };
    format!("{}{more}", names.join(" or "))
}

/// The passengers who have just this name, first name first.
async fn of_name(db: &mut Conn, name: &str) -> Result<Vec<Passenger>> {
    // Two names of 64 characters and the blank between them; a capital may become two small letters.
    if identity(name).chars().count() > 2 * (64 + 1 + 64) {
        return Ok(Vec::new());
    }
    let mut query = Composed::new(PASSENGERS);
    query.push(" AND p.folded IN ('-'");
    // Nobody says where the first name ends. Names that are the same have the same keys.
    let words: Vec<_> = name.split_whitespace().collect();
    for place in 1..words.len() {
        let (first, last) = words.split_at(place);
        let [key, _] = search_keys(&first.join(" "), &last.join(" "));
        query.push(", ").bind_text(key);
    }
    query.push(") ORDER BY p.id").limit(1_000);
    let found: Vec<Passenger> = db.compose(query).all().await?;
    let name = identity(name);
    Ok(found.into_iter().filter(|found| identity(&found.to_string()) == name).collect())
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
    let keys: Vec<_> = drafts.iter().map(Draft::keys).collect();
    let rows = drafts.iter().zip(&keys).map(|(Draft { first, last }, [folded, first_key])| {
        let [first, last] = [first, last].map(Param::from);
        vec![first, last, folded.into(), first_key.into(), Param::Number(1)]
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
    let [folded, first_key] = draft.keys();
    set.write(UPDATE)
        .bind(before.id)
        .bind(draft.first.clone())
        .bind(draft.last.clone())
        .bind(folded)
        .bind(first_key)
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
    "INSERT INTO passengers (first, last, folded, first_key, version, id)
     VALUES ($1, $2, $3, $4, $5, $6)",
);

async fn insert_again(set: &mut ChangeSet, passenger: Passenger) -> Result<Passenger> {
    let [folded, first_key] = search_keys(&passenger.first, &passenger.last);
    set.write(INSERT_AGAIN)
        .bind(passenger.first.clone())
        .bind(passenger.last.clone())
        .bind(folded)
        .bind(first_key)
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

//! A database of the demo's, made by Django, copied over: airports, flights, passengers and who is on
//! which flight, accounts with their password hashes, groups, rights, and what Django's log remembers.
//!
//! It can be copied into an empty database or into one in use, and again: what is there already is left
//! as it is, also what was changed since. Flights and passengers keep their numbers where those are free,
//! so that links go on working.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use sqlx::FromRow;

use self::earlier::Earlier;
use super::Progress;
use crate::auth::groups::Group;
use crate::auth::users::User;
use crate::changes::ChangeSet;
use crate::db::{Composed, Conn, Record, identity};
use crate::domain::airports::{self, Airport};
use crate::domain::{bookings, flights, passengers};
use crate::error::{Error, Result};
use crate::input::{Refusal, Values};

/// Does one row in a part of its own, so that one that fails takes nothing along.
macro_rules! row {
    ($set:ident, $copied:ident, $progress:ident, $name:expr, $done:expr) => {{
        let name = $name;
        let part = $set.begin_part().await?;
        let done: Result<Fate, Refusal> = $done.await;
        match done {
            Ok(fate) => {
                $set.keep_part(part).await?;
                $copied.count(&fate);
            }
            Err(refusal) => {
                $set.take_part_back(part).await?;
                $copied.refuse(&name, why(refusal)?);
            }
        }
        $progress.step();
    }};
}

mod earlier;
mod log;
mod people;

/// What the log calls the command that copies.
pub const COMMAND: &str = "import-django";

/// What became of the rows of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The kind, in the plural.
    pub kind: &'static str,
    /// Rows that are new.
    pub added: usize,
    /// Rows that were there already.
    pub known: usize,
    /// Rows that were not taken: which, and why.
    pub refused: Vec<(String, String)>,
}

/// One row's fate.
enum Fate {
    Added,
    Known,
}

impl Copied {
    fn of(kind: &'static str) -> Self {
        Self { kind, added: 0, known: 0, refused: Vec::new() }
    }

    fn refuse(&mut self, row: &str, why: impl Into<String>) {
        // What the demo holds is told on a terminal, and does not steer it.
        let row = row.chars().filter(|letter| !letter.is_control()).collect();
        self.refused.push((row, why.into()));
    }

    fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::Added => self.added += 1,
            Fate::Known => self.known += 1,
        }
    }
}

#[derive(FromRow)]
struct OldFlight {
    id: i64,
    origin_id: i64,
    destination_id: i64,
    duration: i64,
}

/// The new ids of rows by their old ones.
#[derive(Default)]
struct Ids {
    airports: HashMap<i64, Airport>,
    flights: HashMap<i64, i64>,
    passengers: HashMap<i64, i64>,
    users: HashMap<i64, User>,
    /// The old ids of accounts that were not here before.
    new_users: HashSet<i64>,
    groups: HashMap<i64, Group>,
}

impl Ids {
    /// The object that Django's log means: a kind of ours, and an id.
    fn meant(&self, model: &str, id: &str) -> Option<(&'static str, i64)> {
        let old = id.parse().ok()?;
        match model {
            "airport" => Some(("airports", self.airports.get(&old)?.id)),
            "flight" => Some(("flights", *self.flights.get(&old)?)),
            "passenger" => Some(("passengers", *self.passengers.get(&old)?)),
            "user" => Some(("users", self.users.get(&old)?.id)),
            "group" => Some(("groups", self.groups.get(&old)?.id)),
            _ => None,
        }
    }
}

/// Copies all of it, in one change set: rows that cannot be taken are told, the others are.
pub async fn copy(
    set: &mut ChangeSet,
    from: &mut Conn,
    progress: &mut dyn Progress,
) -> Result<Vec<Copied>> {
    // One after the other: what the first copies, the next must know.
    set.alone("import-django").await?;
    let mut ids = Ids::default();
    let copied = vec![
        copy_airports(set, from, &mut ids, progress).await?,
        copy_flights(set, from, &mut ids, progress).await?,
        copy_passengers(set, from, &mut ids, progress).await?,
        copy_bookings(set, from, &ids, progress).await?,
        people::copy_groups(set, from, &mut ids, progress).await?,
        people::copy_users(set, from, &mut ids, progress).await?,
        people::copy_memberships(set, from, &ids, progress).await?,
        log::copy_log(set, from, &ids, progress).await?,
    ];
    for table in ["flights", "passengers"] {
        set.restart_ids(table).await?;
    }
    Ok(copied)
}

/// Reads a table of Django's.
async fn read<T>(from: &mut Conn, text: &'static str) -> Result<Vec<T>>
where
    T: Record,
{
    from.compose(Composed::select(text)).all().await.map_err(|error| match error {
        Error::Database(_) => Error::Told(
            "This is no database of the demo's, or one of another version: its tables \
             (flights_airport, flights_flight, auth_user, …) are not there, or hold something else than expected."
                .to_owned(),
        ),
        other => other,
    })
}

/// Why a row was not taken, as a sentence; an error of ours stays one.
fn why(refusal: Refusal) -> Result<String> {
    match refusal {
        Refusal::Invalid(errors) => {
            Ok(errors.iter().map(|(_, errors)| errors.join(" ")).collect::<Vec<_>>().join(" "))
        }
        Refusal::Failed(error @ (Error::Refused(_) | Error::Conflict(_))) => Ok(error.to_string()),
        Refusal::Failed(error) => Err(error),
    }
}

fn not_there(kind: &str) -> Refusal {
    Error::Refused(format!("Its {kind} was not taken.")).into()
}

fn values<const N: usize>(pairs: [(&str, String); N]) -> Values {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn copy_airports(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &mut Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<(i64, String, String)> =
        read(from, "CAST(id AS BIGINT), code, city FROM flights_airport ORDER BY id").await?;
    let mut copied = Copied::of("airports");
    let earlier = Earlier::of(set, "airports", "airport").await?;
    progress.begin("airports", rows.len());
    for (id, code, city) in rows {
        let name = format!("airport {id} ({city}, {code})");
        row!(set, copied, progress, name, async {
            let said = json!([code, city]).to_string();
            if let Some(known) = earlier.object(id) {
                let airport = airports::find(set, known).await?.ok_or(Error::NotFound)?;
                ids.airports.insert(id, airport);
                earlier.same(id, &said)?;
                return Ok(Fate::Known);
            }
            let there =
                if code.contains('\0') { None } else { airports::by_code(set, &code).await? };
            let (airport, fate) = if let Some(known) = there {
                if identity(&known.city) != identity(&city) {
                    let why = format!(
                        "Its code is that of {known} here. Give one of the two another code, or both the same city."
                    );
                    return Err(Error::Refused(why).into());
                }
                (known, Fate::Known)
            } else {
                let typed = values([("code", code), ("city", city)]);
                (airports::insert(set, airports::Draft::parse(&typed)?).await?, Fate::Added)
            };
            earlier.remember(set, id, said, airport.id)?;
            ids.airports.insert(id, airport);
            Ok(fate)
        });
    }
    progress.end();
    Ok(copied)
}

async fn copy_flights(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &mut Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<OldFlight> = read(
        from,
        "CAST(id AS BIGINT) AS id, CAST(origin_id AS BIGINT) AS origin_id,
         CAST(destination_id AS BIGINT) AS destination_id, CAST(duration AS BIGINT) AS duration
         FROM flights_flight ORDER BY id",
    )
    .await?;
    let mut copied = Copied::of("flights");
    let earlier = Earlier::of(set, "flights", "flight").await?;
    let mut raised = false;
    progress.begin("flights", rows.len());
    for OldFlight { id, origin_id, destination_id, duration } in
        earlier.free_first(rows, |flight| flight.id)
    {
        if !earlier.is_free(id) && !std::mem::replace(&mut raised, true) {
            set.restart_ids("flights").await?;
        }
        let ends = (ids.airports.get(&origin_id), ids.airports.get(&destination_id));
        let (Some(origin), Some(destination)) = ends else {
            copied.refuse(&format!("flight {id}"), "One of its airports was not taken.");
            progress.step();
            continue;
        };
        let (origin, destination) = (origin.clone(), destination.clone());
        let name = format!("flight {id} ({origin} to {destination})");
        row!(set, copied, progress, name, async {
            let said = json!([origin_id, destination_id, duration]).to_string();
            if let Some(known) = earlier.object(id) {
                ids.flights.insert(id, known);
                earlier.same(id, &said)?;
                return Ok(Fate::Known);
            }
            let there = flights::find(set, id).await?;
            let is_same = there.is_some_and(|there| {
                (there.origin_id, there.destination_id, there.duration)
                    == (origin.id, destination.id, duration)
            });
            let (flight, fate) = if is_same {
                (id, Fate::Known)
            } else {
                let typed = values([("duration", duration.to_string())]);
                let draft = flights::Draft::parse(&typed, Ok(origin), Ok(destination))?;
                let new = if earlier.is_free(id) {
                    flights::insert_as(set, id, draft).await?
                } else {
                    flights::insert(set, draft).await?
                };
                (new.id, Fate::Added)
            };
            earlier.remember(set, id, said, flight)?;
            ids.flights.insert(id, flight);
            Ok(fate)
        });
    }
    progress.end();
    Ok(copied)
}

async fn copy_passengers(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &mut Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<(i64, String, String)> =
        read(from, "CAST(id AS BIGINT), first, last FROM flights_passenger ORDER BY id").await?;
    let mut copied = Copied::of("passengers");
    let earlier = Earlier::of(set, "passengers", "passenger").await?;
    let mut raised = false;
    progress.begin("passengers", rows.len());
    for (id, first, last) in earlier.free_first(rows, |(id, ..)| *id) {
        if !earlier.is_free(id) && !std::mem::replace(&mut raised, true) {
            set.restart_ids("passengers").await?;
        }
        let name = format!("passenger {id} ({first} {last})");
        row!(set, copied, progress, name, async {
            let said = json!([first, last]).to_string();
            if let Some(known) = earlier.object(id) {
                ids.passengers.insert(id, known);
                earlier.same(id, &said)?;
                return Ok(Fate::Known);
            }
            let draft = passengers::Draft::parse(&values([("first", first), ("last", last)]))?;
            let there = passengers::find(set, id).await?;
            let is_same = there.is_some_and(|there| {
                (there.first, there.last) == (draft.first.clone(), draft.last.clone())
            });
            let (passenger, fate) = if is_same {
                (id, Fate::Known)
            } else {
                let new = if earlier.is_free(id) {
                    passengers::insert_as(set, id, draft).await?
                } else {
                    passengers::insert(set, draft).await?
                };
                (new.id, Fate::Added)
            };
            earlier.remember(set, id, said, passenger)?;
            ids.passengers.insert(id, passenger);
            Ok(fate)
        });
    }
    progress.end();
    Ok(copied)
}

async fn copy_bookings(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<(i64, i64)> = read(
        from,
        "CAST(flight_id AS BIGINT), CAST(passenger_id AS BIGINT)
         FROM flights_passenger_flights ORDER BY id",
    )
    .await?;
    let mut copied = Copied::of("bookings");
    progress.begin("bookings", rows.len());
    for (flight, passenger) in rows {
        let name = format!("passenger {passenger} on flight {flight}");
        row!(set, copied, progress, name, async {
            let flight = ids.flights.get(&flight).ok_or_else(|| not_there("flight"))?;
            let passenger = ids.passengers.get(&passenger).ok_or_else(|| not_there("passenger"))?;
            match bookings::book(set, *flight, *passenger).await? {
                Ok(bookings::Booked::New(_)) => Ok(Fate::Added),
                Ok(bookings::Booked::Already(_)) => Ok(Fate::Known),
                Err(refused) => Err(Error::Refused(refused.to_string()).into()),
            }
        });
    }
    progress.end();
    Ok(copied)
}

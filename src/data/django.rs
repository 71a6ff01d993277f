//! A database of the demo's, made by Django, copied over: airports, flights, passengers and who is on
//! which flight, accounts with their password hashes, groups, rights, and what Django's log remembers.
//!
//! It can be copied into an empty database or into one in use, and again: what is there already is left
//! as it is, also what was changed since. Flights and passengers keep their numbers where those are free,
//! so that links go on working.

mod earlier;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use sqlx::FromRow;

use self::earlier::Earlier;
use super::Progress;
use crate::auth::groups::{self, Group};
use crate::auth::rights::{Act, KINDS};
use crate::auth::users::{self, User};
use crate::auth::{Right, Rights, credentials};
use crate::changes::ChangeSet;
use crate::db::{Composed, Conn, Record};
use crate::domain::airports::{self, Airport};
use crate::domain::{bookings, flights, passengers};
use crate::error::{Error, Result};
use crate::input::{Refusal, Values};

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

#[derive(FromRow)]
struct OldUser {
    id: i64,
    username: String,
    email: String,
    password: String,
    is_active: i64,
    is_staff: i64,
    is_superuser: i64,
}

#[derive(FromRow)]
struct OldEntry {
    at: String,
    username: String,
    model: String,
    object_id: String,
    label: String,
    flag: i64,
    message: String,
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
    let mut ids = Ids::default();
    let copied = vec![
        copy_airports(set, from, &mut ids, progress).await?,
        copy_flights(set, from, &mut ids, progress).await?,
        copy_passengers(set, from, &mut ids, progress).await?,
        copy_bookings(set, from, &ids, progress).await?,
        copy_groups(set, from, &mut ids, progress).await?,
        copy_users(set, from, &mut ids, progress).await?,
        copy_memberships(set, from, &ids, progress).await?,
        copy_log(set, from, &ids, progress).await?,
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
             (flights_airport, flights_flight, auth_user, …) are not there, or not as expected."
                .to_owned(),
        ),
        other => other,
    })
}

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
    progress.begin("airports", rows.len());
    for (id, code, city) in rows {
        let name = format!("airport {id} ({city}, {code})");
        row!(set, copied, progress, name, async {
            if !code.contains('\0')
                && let Some(known) = airports::by_code(set, &code).await?
            {
                ids.airports.insert(id, known);
                return Ok(Fate::Known);
            }
            let draft = airports::Draft::parse(&values([("code", code), ("city", city)]))?;
            ids.airports.insert(id, airports::insert(set, draft).await?);
            Ok(Fate::Added)
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
    let mut earlier =
        Earlier::of(set, "flights", &["origin_id", "destination_id", "duration"]).await?;
    progress.begin("flights", rows.len());
    for OldFlight { id, origin_id, destination_id, duration } in
        earlier.free_first(rows, |flight| flight.id)
    {
        let ends = (ids.airports.get(&origin_id), ids.airports.get(&destination_id));
        let (Some(origin), Some(destination)) = ends else {
            copied.refuse(&format!("flight {id}"), "One of its airports was not taken.");
            progress.step();
            continue;
        };
        let (origin, destination) = (origin.clone(), destination.clone());
        let name = format!("flight {id} ({origin} to {destination})");
        row!(set, copied, progress, name, async {
            let said = (origin.id, destination.id, duration);
            let there = flights::find(set, id).await?;
            let same = there
                .filter(|there| (there.origin_id, there.destination_id, there.duration) == said);
            let made = earlier.known(id, &json!(said));
            if let Some(known) = made.or(same.map(|same| same.id)) {
                ids.flights.insert(id, known);
                return Ok(Fate::Known);
            }
            let typed = values([("duration", duration.to_string())]);
            let draft = flights::Draft::parse(&typed, Ok(origin), Ok(destination))?;
            let new = if earlier.is_free(id) {
                flights::insert_as(set, id, draft).await?
            } else {
                set.restart_ids("flights").await?;
                flights::insert(set, draft).await?
            };
            ids.flights.insert(id, new.id);
            Ok(Fate::Added)
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
    let mut earlier = Earlier::of(set, "passengers", &["first", "last"]).await?;
    progress.begin("passengers", rows.len());
    for (id, first, last) in earlier.free_first(rows, |(id, ..)| *id) {
        let name = format!("passenger {id} ({first} {last})");
        row!(set, copied, progress, name, async {
            let draft = passengers::Draft::parse(&values([("first", first), ("last", last)]))?;
            let said = (&draft.first, &draft.last);
            let there = passengers::find(set, id).await?;
            let same = there.filter(|there| (&there.first, &there.last) == said);
            let made = earlier.known(id, &json!(said));
            if let Some(known) = made.or(same.map(|same| same.id)) {
                ids.passengers.insert(id, known);
                return Ok(Fate::Known);
            }
            let new = if earlier.is_free(id) {
                passengers::insert_as(set, id, draft).await?
            } else {
                set.restart_ids("passengers").await?;
                passengers::insert(set, draft).await?
            };
            ids.passengers.insert(id, new.id);
            Ok(Fate::Added)
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

/// The right that a permission of Django's is here. Whoever changed passengers or flights there put people
/// on flights in the same form; whoever changed accounts gave them rights in theirs.
fn rights_of(permissions: &[(i64, String, String)], owner: i64) -> Rights {
    let mut rights = Vec::new();
    for (_, codename, model) in permissions.iter().filter(|(of, ..)| *of == owner) {
        let kind = format!("{model}s");
        let act = Act::ALL.into_iter().find(|act| *codename == format!("{}_{model}", act.name()));
        let Some(act) = act.filter(|_| KINDS.contains(&&*kind)) else { continue };
        rights.extend(Right::on(act, &kind));
        match (act, model.as_str()) {
            (Act::Change, "passenger" | "flight") => rights.push(Right::Book),
            (Act::Change, "user") => rights.push(Right::ManageUsers),
            _ => {}
        }
    }
    rights.into_iter().collect()
}

async fn copy_groups(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &mut Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<(i64, String)> =
        read(from, "CAST(id AS BIGINT), name FROM auth_group ORDER BY id").await?;
    let permissions: Vec<(i64, String, String)> = read(
        from,
        "CAST(g.group_id AS BIGINT), p.codename, t.model FROM auth_group_permissions g
         JOIN auth_permission p ON p.id = g.permission_id
         JOIN django_content_type t ON t.id = p.content_type_id ORDER BY g.id",
    )
    .await?;
    let there = groups::all(set).await?;
    let mut copied = Copied::of("groups");
    progress.begin("groups", rows.len());
    for (id, name) in rows {
        row!(set, copied, progress, format!("group {id} ({name})"), async {
            if let Some(known) = there.iter().find(|known| known.name == name) {
                ids.groups.insert(id, known.clone());
                return Ok(Fate::Known);
            }
            let mut draft = groups::Draft::parse(&values([("name", name)]))?;
            draft.rights = rights_of(&permissions, id);
            ids.groups.insert(id, groups::insert(set, draft).await?);
            Ok(Fate::Added)
        });
    }
    progress.end();
    Ok(copied)
}

async fn copy_users(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &mut Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<OldUser> = read(
        from,
        "CAST(id AS BIGINT) AS id, username, email, password,
         CAST(CASE WHEN is_active THEN 1 ELSE 0 END AS BIGINT) AS is_active,
         CAST(CASE WHEN is_staff THEN 1 ELSE 0 END AS BIGINT) AS is_staff,
         CAST(CASE WHEN is_superuser THEN 1 ELSE 0 END AS BIGINT) AS is_superuser
         FROM auth_user ORDER BY id",
    )
    .await?;
    let permissions: Vec<(i64, String, String)> = read(
        from,
        "CAST(u.user_id AS BIGINT), p.codename, t.model FROM auth_user_user_permissions u
         JOIN auth_permission p ON p.id = u.permission_id
         JOIN django_content_type t ON t.id = p.content_type_id ORDER BY u.id",
    )
    .await?;
    let mut copied = Copied::of("users");
    progress.begin("users", rows.len());
    for old in rows {
        row!(set, copied, progress, format!("user {} ({})", old.id, old.username), async {
            if !old.username.contains('\0')
                && let Some(known) = users::by_name(set, &old.username).await?
            {
                ids.users.insert(old.id, known);
                return Ok(Fate::Known);
            }
            let mut draft =
                users::Draft::parse(&values([("username", old.username), ("email", old.email)]))?;
            draft.is_active = old.is_active == 1;
            draft.is_staff = old.is_staff == 1;
            draft.is_superuser = old.is_superuser == 1;
            draft.rights = rights_of(&permissions, old.id);
            let user = users::insert(set, draft).await?;
            // What nobody here can check is no password: an invitation gives one anew.
            let hash = Some(old.password).filter(|hash| hash.starts_with("pbkdf2_sha256$"));
            credentials::set_first_password(set, &user, hash.unwrap_or_default()).await?;
            ids.users.insert(old.id, user);
            ids.new_users.insert(old.id);
            Ok(Fate::Added)
        });
    }
    progress.end();
    Ok(copied)
}

async fn copy_memberships(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<(i64, i64)> = read(
        from,
        "CAST(user_id AS BIGINT), CAST(group_id AS BIGINT) FROM auth_user_groups ORDER BY id",
    )
    .await?;
    let mut copied = Copied::of("memberships");
    progress.begin("memberships", rows.len());
    for (user, group) in rows {
        row!(set, copied, progress, format!("user {user} in group {group}"), async {
            let is_new = ids.new_users.contains(&user);
            let user = ids.users.get(&user).ok_or_else(|| not_there("account"))?;
            let group = ids.groups.get(&group).ok_or_else(|| not_there("group"))?;
            let there = groups::of_user(set, user.id).await?;
            if there.iter().any(|known| known.id == group.id) {
                return Ok(Fate::Known);
            }
            if !is_new {
                let why = format!(
                    "The account {} was here before: its groups are left as they are.",
                    user.username
                );
                return Err(Error::Refused(why).into());
            }
            groups::join(set, user, group).await?;
            Ok(Fate::Added)
        });
    }
    progress.end();
    Ok(copied)
}

async fn copy_log(
    set: &mut ChangeSet,
    from: &mut Conn,
    ids: &Ids,
    progress: &mut dyn Progress,
) -> Result<Copied> {
    let rows: Vec<OldEntry> = read(
        from,
        "CAST(l.action_time AS TEXT) AS at, u.username AS username, COALESCE(t.model, '') AS model,
         COALESCE(l.object_id, '') AS object_id, l.object_repr AS label,
         CAST(l.action_flag AS BIGINT) AS flag, l.change_message AS message
         FROM django_admin_log l JOIN auth_user u ON u.id = l.user_id
         LEFT JOIN django_content_type t ON t.id = l.content_type_id ORDER BY l.id",
    )
    .await?;
    let mut copied = Copied::of("log entries");
    progress.begin("log entries", rows.len());
    let known = set.remarks().await?;
    for old in rows {
        let text = told(&old);
        if known.contains(&text) {
            copied.known += 1;
        } else {
            set.remark(text, ids.meant(&old.model, &old.object_id));
            copied.added += 1;
        }
        progress.step();
    }
    progress.end();
    Ok(copied)
}

/// An entry of Django's log, in a line.
fn told(old: &OldEntry) -> String {
    let done = match old.flag {
        1 => "added",
        2 => "changed",
        3 => "deleted",
        _ => "did something to",
    };
    let day: String = old.at.chars().take(16).collect();
    let OldEntry { username, model, label, .. } = old;
    let details = details(&old.message);
    let line = format!("{day}: {username} {done} the {model} “{label}”{details}");
    line.chars().filter(|letter| !letter.is_control()).take(500).collect()
}

/// What an entry says beyond that: Django writes it as JSON, older versions as a sentence.
fn details(message: &str) -> String {
    let Ok(Value::Array(parts)) = serde_json::from_str(message) else {
        return if message.is_empty() { String::new() } else { format!(": {message}") };
    };
    let mut said = Vec::new();
    for (verb, what) in parts.iter().filter_map(Value::as_object).flatten() {
        let text = |name: &str| what.get(name).and_then(Value::as_str).unwrap_or_default();
        let fields = what.get("fields").and_then(Value::as_array);
        let fields: Vec<_> = fields.into_iter().flatten().filter_map(Value::as_str).collect();
        match (text("object"), fields.as_slice()) {
            ("", []) => {}
            ("", fields) => said.push(format!("{verb} {}", fields.join(", "))),
            (object, _) => said.push(format!("{verb} {} “{object}”", text("name"))),
        }
    }
    if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_djangos_log_says_is_one_line() {
        let entry = |flag, message: &str| {
            told(&OldEntry {
                at: "2019-05-01 10:20:30.123456+00".to_owned(),
                username: "alice".to_owned(),
                model: "flight".to_owned(),
                object_id: "7".to_owned(),
                label: "7 - A to B".to_owned(),
                flag,
                message: message.to_owned(),
            })
        };
        assert_eq!(
            entry(1, "[{\"added\": {}}]"),
            "2019-05-01 10:20: alice added the flight “7 - A to B”"
        );
        assert_eq!(
            entry(
                2,
                r#"[{"changed": {"fields": ["Duration", "Origin"]}}, {"deleted": {"name": "booking", "object": "Bo"}}]"#
            ),
            "2019-05-01 10:20: alice changed the flight “7 - A to B”: changed Duration, Origin; deleted booking “Bo”"
        );
        assert_eq!(
            entry(2, "Changed\nall."),
            "2019-05-01 10:20: alice changed the flight “7 - A to B”: Changedall."
        );
        assert!(entry(3, "[7, null, {\"x\": 1}]").contains("deleted"));
    }

    #[test]
    fn a_permission_becomes_a_right() {
        let rows = [
            (1, "change_passenger".to_owned(), "passenger".to_owned()),
            (1, "view_airport".to_owned(), "airport".to_owned()),
            (1, "add_logentry".to_owned(), "logentry".to_owned()),
            (2, "delete_flight".to_owned(), "flight".to_owned()),
        ];
        assert_eq!(rights_of(&rows, 1), Rights::parse("change_passengers view_airports book"));
        assert_eq!(rights_of(&rows, 2), Rights::parse("delete_flights"));
    }
}

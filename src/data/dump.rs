//! The whole database as JSON lines, and back: `dumpdata` of one database loads into the other.
//!
//! The first line is [`FIRST_LINE`]; each further line is one row, `{"airports":{…}}`, tables in
//! the order in which they can be loaded; the last line, `{"end":1178}`, counts the rows. Sessions are left out: they belong to browsers, not to
//! the data. A dump brings its own history, so loading one is the one write that adds none.

use std::io;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::Progress;
use super::load::Problems;
use crate::changes;
use crate::db::{Conn, Pool, Query, Select, Tx, Upkeep, Write};
use crate::error::{Error, Result};

/// How a dump begins.
pub const FIRST_LINE: &str = r#"{"airline-dump":1}"#;

/// The tables that a dump leaves out, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("sessions", "they belong to browsers"),
    ("devices", "they belong to browsers"),
    ("throttle", "it forgets within a day"),
    ("reset_links", "they hold for an hour"),
    ("data_version", "loading a dump sets it"),
    ("flight_bookings", "triggers keep it"),
    ("readiness", "it holds nothing"),
];

/// Tables whose rows are objects, and tables without history: each with its columns and types.
macro_rules! tables {
    ($( $constructor:ident $method:ident $table:ident $row:ident ($($id:ident)?) { $($column:ident: $type:ty),+ $(,)? } )+) => {
        $(
            #[derive(Debug, Serialize, Deserialize, FromRow)]
            #[serde(deny_unknown_fields)]
            struct $row { $($column: $type),+ }

            impl $row {
                const ALL: Select = Select::new(concat!(
                    "SELECT ", tables!(@list $($column),+), " FROM ", stringify!($table),
                    " ORDER BY ", tables!(@list $($column),+),
                ));
                const ANY: Select = Select::new(concat!("SELECT COUNT(*) FROM ", stringify!($table)));

                async fn restore(self, tx: &mut Tx) -> Result<()> {
                    const INSERT: $constructor = $constructor::new(concat!(
                        "INSERT INTO ", stringify!($table), " (", tables!(@list $($column),+), ") VALUES (",
                        tables!(@places $($column),+), ")",
                    ));
                    tables!(@query $method tx INSERT)$( .bind(self.$column) )+.execute_one().await
                }
            }
        )+

        /// Every table that a dump holds, with its columns.
        pub const COLUMNS: &[(&str, &[&str])] =
            &[$( (stringify!($table), &[$(stringify!($column)),+]) ),+];

        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(non_camel_case_types, reason = "each is named as its table")]
        enum Line { $( $table($row) ),+ }

        async fn dump_all(db: &mut Conn, out: &mut (dyn io::Write + Send), progress: &mut dyn Progress) -> Result<usize> {
            let mut written = 0;
            $(
                let rows: Vec<$row> = db.query($row::ALL).all().await?;
                progress.begin(stringify!($table), rows.len());
                for row in rows {
                    write_line(out, &Line::$table(row))?;
                    written += 1;
                    progress.step();
                }
                progress.end();
            )+
            Ok(written)
        }

        async fn first_table_in_use(db: &mut Conn) -> Result<Option<&'static str>> {
            $(
                let (rows,): (i64,) = db.query($row::ANY).one().await?;
                if rows > 0 {
                    return Ok(Some(stringify!($table)));
                }
            )+
            Ok(None)
        }

        async fn restore(tx: &mut Tx, line: Line) -> Result<()> {
            match line { $( Line::$table(row) => row.restore(tx).await ),+ }
        }

        async fn restart_ids(tx: &mut Tx) -> Result<()> {
            $( $( tables!(@ignore $id); tx.restart_ids(stringify!($table)).await?; )? )+
            Ok(())
        }
    };
    (@ignore $id:ident) => {};
    (@list $first:ident $(, $rest:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($rest))*) };
    (@places $a:ident, $b:ident) => { "$1, $2" };
    (@places $a:ident, $b:ident, $c:ident) => { "$1, $2, $3" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident) => { "$1, $2, $3, $4" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident, $e:ident) => { "$1, $2, $3, $4, $5" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident) => { "$1, $2, $3, $4, $5, $6" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident) => { "$1, $2, $3, $4, $5, $6, $7" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => { "$1, $2, $3, $4, $5, $6, $7, $8" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $i:ident) => { "$1, $2, $3, $4, $5, $6, $7, $8, $9" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $i:ident, $j:ident) => { "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10" };
    (@places $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $i:ident, $j:ident, $k:ident) => { "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11" };
    (@query write $tx:ident $sql:ident) => { write_object($tx, $sql, &mut 0) };
    (@query upkeep $tx:ident $sql:ident) => { $tx.upkeep($sql) };
}

tables! {
    Write write airports AirportRow (id) {
        id: i64, code: String, city: String, country: String, timezone: String,
        latitude: Option<f64>, longitude: Option<f64>, folded: String, version: i64,
    }
    Write write flights FlightRow (id) {
        id: i64, origin_id: i64, destination_id: i64, duration: i64, departs_at: Option<i64>,
        departs_on: String, capacity: Option<i64>, version: i64,
    }
    Write write passengers PassengerRow (id) {
        id: i64, first: String, last: String, folded: String, version: i64,
    }
    Write write bookings BookingRow (id) {
        id: i64, flight_id: i64, passenger_id: i64, booked_at: i64, booked_by: String,
    }
    Write write users UserRow (id) {
        id: i64, username: String, email: String, folded: String, is_active: bool, is_staff: bool,
        is_superuser: bool, second_factor: bool, rights: String, created_at: i64, version: i64,
    }
    Upkeep upkeep credentials CredentialRow () {
        user_id: i64, password: String, totp_secret: Option<String>, totp_step: i64,
    }
    Upkeep upkeep recovery_codes RecoveryCodeRow () { user_id: i64, code_hash: String }
    Upkeep upkeep sign_ins SignInRow () { user_id: i64, at: i64 }
    Write write groups GroupRow (id) {
        id: i64, name: String, folded: String, rights: String, requires_factor: bool, version: i64,
    }
    Write write memberships MembershipRow (id) { id: i64, user_id: i64, group_id: i64 }
    Upkeep upkeep change_sets ChangeSetRow (id) {
        id: i64, at: i64, actor_id: Option<i64>, actor: String, request_id: String, action: String,
        reason: String, undoes: Option<i64>, hash: String, folded: String,
    }
    Upkeep upkeep changes ChangeRow (id) {
        id: i64, change_set_id: i64, kind: String, object_id: i64, label: String,
        folded: String, before: Option<String>, after: Option<String>,
    }
    Upkeep upkeep change_subjects SubjectRow () { change_id: i64, kind: String, object_id: i64 }
    Upkeep upkeep saved_views SavedViewRow (id) {
        id: i64, user_id: i64, kind: String, name: String, query: String, group_id: Option<i64>,
        pinned: bool,
    }
}

#[expect(clippy::disallowed_methods, reason = "a dump brings its own history")]
fn write_object<'c>(tx: &'c mut Tx, sql: Write, written: &'c mut u64) -> Query<'c> {
    tx.write_recorded(sql, written)
}

fn write_line(out: &mut (dyn io::Write + Send), line: &Line) -> Result<()> {
    serde_json::to_writer(&mut *out, line).map_err(|error| unwritable(&error))?;
    out.write_all(b"\n").map_err(|error| unwritable(&error))
}

fn unwritable(error: &dyn std::fmt::Display) -> Error {
    Error::Told(format!("The dump could not be written: {error}"))
}

/// Writes everything, as of one moment.
pub async fn dump(
    pool: &Pool,
    out: &mut (dyn io::Write + Send),
    progress: &mut dyn Progress,
) -> Result<()> {
    let mut db = pool.snapshot().await?;
    writeln!(out, "{FIRST_LINE}").map_err(|error| unwritable(&error))?;
    let rows = dump_all(&mut db, out, progress).await?;
    writeln!(out, "{}", last_line(rows)).map_err(|error| unwritable(&error))?;
    out.flush().map_err(|error| unwritable(&error))
}

/// How a dump of so many rows ends: one that was cut off does not.
fn last_line(rows: usize) -> String {
    format!(r#"{{"end":{rows}}}"#)
}

/// Whether a file is a dump.
#[must_use]
pub fn is_dump(bytes: &[u8]) -> bool {
    bytes.starts_with(FIRST_LINE.as_bytes())
}

/// Loads a dump into an empty database, within a transaction that the caller keeps or drops.
/// Answers how many rows there were.
pub async fn load(
    tx: &mut Tx,
    name: &str,
    bytes: &[u8],
    progress: &mut dyn Progress,
) -> Result<Result<usize, Problems>> {
    let problem = |line: usize, why: String| {
        let line = u64::try_from(line).unwrap_or(u64::MAX);
        Ok(Err(Problems { file: name.to_owned(), lines: vec![(line, why)] }))
    };
    if let Some(table) = first_table_in_use(tx).await? {
        return problem(
            0,
            format!("A dump goes into an empty database; this one has rows in {table}."),
        );
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return problem(0, "This is not UTF-8 text.".to_owned());
    };
    let mut lines: Vec<_> =
        text.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty()).collect();
    let end = lines.pop().map(|(_, line)| line);
    if end != Some(last_line(lines.len()).as_str()) {
        return problem(
            0,
            "The dump is cut off: its last line does not say how many rows it has.".to_owned(),
        );
    }
    progress.begin(name, lines.len());
    for (number, line) in &lines {
        match serde_json::from_str::<Line>(line) {
            Ok(row) => match restore(tx, row).await {
                Ok(()) => {}
                Err(Error::Conflict(_) | Error::Database(_)) => {
                    return problem(number + 1, "The row does not fit those before it.".to_owned());
                }
                Err(error) => return Err(error),
            },
            Err(error) => return problem(number + 1, format!("This is no row of a dump: {error}")),
        }
        progress.step();
    }
    progress.end();
    restart_ids(tx).await?;
    changes::go_on(tx).await?;
    Ok(Ok(lines.len()))
}

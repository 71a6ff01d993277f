//! The whole database as JSON lines, and back: `dumpdata` of one database loads into the other.
//!
//! The first line is [`FIRST_LINE`]; each further line is one row, `{"airports":{…}}`, tables in
//! the order in which they can be loaded; the last line, `{"end":1178}`, counts the rows. Sessions are left
//! out: they belong to browsers, not to the data. A dump brings its own history, so loading one is the one write that adds none.

use std::io::{self, BufRead, Seek, SeekFrom};
use std::mem::discriminant;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::load::Problems;
use super::{Progress, search_keys};
use crate::changes;
use crate::db::insert::{Param, ROWS_AT_ONCE};
use crate::db::{Conn, Pool, Select, Tx, Upkeep, Write};
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
    ("flight_clocks", "it is about the program that saved a flight"),
    ("readiness", "it holds nothing"),
    ("change_set_keys", "loading a dump makes them"),
    ("change_keys", "loading a dump makes them"),
    ("form_keys", "they hold for a day"),
    ("recovery_batches", "they are about a page that a browser shows"),
];

/// The columns that a dump leaves out: search keys, which loading a dump makes again.
pub const KEYS_LEFT_OUT: &[(&str, &[&str])] =
    &[("airports", &["city_key", "country_key"]), ("passengers", &["first_key"])];

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

                const INSERT: $constructor = $constructor::new(concat!(
                    "INSERT INTO ", stringify!($table), " (", tables!(@list $($column),+), ") VALUES",
                ));
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
                let (rows,): (i64,) = db.query($row::ANY).one().await?;
                progress.begin(stringify!($table), usize::try_from(rows).unwrap_or(0));
                db.query($row::ALL).each(|row: $row| {
                    written += 1;
                    progress.step();
                    write_line(out, &Line::$table(row))
                }).await?;
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

        impl Line {
            fn params(&self) -> Vec<Param<'_>> {
                match self { $( Self::$table(row) => vec![$( Param::from(&row.$column) ),+] ),+ }
            }
        }

        /// Inserts rows of one table.
        async fn restore(tx: &mut Tx, lines: &[Line]) -> Result<()> {
            let rows: Vec<_> = lines.iter().map(Line::params).collect();
            match lines.first() {
                None => Ok(()),
                $( Some(Line::$table(_)) => tables!(@insert $method tx $row rows), )+
            }
        }

        async fn restart_ids(tx: &mut Tx) -> Result<()> {
            $( $( tables!(@ignore $id); tx.restart_ids(stringify!($table)).await?; )? )+
            Ok(())
        }
    };
    (@ignore $id:ident) => {};
    (@list $first:ident $(, $rest:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($rest))*) };
    (@insert write $tx:ident $row:ident $rows:ident) => { insert_objects($tx, $row::INSERT, &$rows).await };
    (@insert upkeep $tx:ident $row:ident $rows:ident) => { $tx.insert_rows($row::INSERT, &$rows).await };
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
async fn insert_objects(tx: &mut Tx, start: Write, rows: &[Vec<Param<'_>>]) -> Result<()> {
    tx.insert_recorded(start, rows, &mut 0).await.map(drop)
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
    mut file: impl BufRead + Seek + Send,
    progress: &mut dyn Progress,
) -> Result<Result<usize, Problems>> {
    let problem = |line: u64, why: String| {
        Ok(Err(Problems { file: name.to_owned(), lines: vec![(line, why)] }))
    };
    if let Some(table) = first_table_in_use(tx).await? {
        return problem(
            0,
            format!("A dump goes into an empty database; this one has rows in {table}."),
        );
    }
    let cut_off = "The dump is cut off: its last line does not say how many rows it has.";
    let unreadable = |error| Error::Told(format!("Cannot read {name}: {error}"));
    let Some(rows) = count(&mut file).map_err(unreadable)? else {
        return problem(0, cut_off.to_owned());
    };
    progress.begin(name, rows);
    let mut batch = Batch::default();
    let mut done = 0;
    for (line, text) in (2_u64..).zip(file.lines().skip(1)) {
        let text = match text {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return problem(line, "This is not UTF-8 text.".to_owned());
            }
            Err(error) => return Err(unreadable(error)),
        };
        if text.is_empty() || text == last_line(done) {
            continue;
        }
        if text.starts_with(r#"{"end":"#) {
            return problem(0, cut_off.to_owned());
        }
        let row = match serde_json::from_str::<Line>(&text) {
            Ok(row) => row,
            Err(error) => return problem(line, format!("This is no row of a dump: {error}")),
        };
        if !batch.takes(&row)
            && let Some(bad) = batch.write(tx).await?
        {
            return problem(bad, MISFIT.to_owned());
        }
        batch.add(line, row);
        done += 1;
        progress.step();
    }
    if let Some(bad) = batch.write(tx).await? {
        return problem(bad, MISFIT.to_owned());
    }
    if done != rows {
        return problem(0, cut_off.to_owned());
    }
    progress.end();
    restart_ids(tx).await?;
    search_keys::rebuild_within(tx, progress).await?;
    changes::go_on(tx).await?;
    Ok(Ok(rows))
}

const MISFIT: &str = "The row does not fit those before it.";

/// How many rows the last line says that there are.
fn count(file: &mut (impl BufRead + Seek)) -> io::Result<Option<usize>> {
    const LONGEST: u64 = 64;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    file.rewind()?;
    let end = String::from_utf8_lossy(&end);
    let last: Option<End> =
        end.trim_end().lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok(last.map(|last| last.end))
}

/// The last line of a dump.
#[derive(Deserialize)]
struct End {
    end: usize,
}

/// Rows of one table that will be inserted in one statement, with their lines.
#[derive(Default)]
struct Batch {
    rows: Vec<Line>,
    lines: Vec<u64>,
}

impl Batch {
    /// Whether a row goes into the same statement.
    fn takes(&self, row: &Line) -> bool {
        self.rows.len() < ROWS_AT_ONCE
            && self.rows.last().is_none_or(|last| discriminant(last) == discriminant(row))
    }

    fn add(&mut self, line: u64, row: Line) {
        self.rows.push(row);
        self.lines.push(line);
    }

    /// Inserts the rows; answers the line of the first that does not fit, if one doesn't.
    async fn write(&mut self, tx: &mut Tx) -> Result<Option<u64>> {
        let Self { rows, lines } = std::mem::take(self);
        if fits(tx, &rows).await? {
            return Ok(None);
        }
        for (row, line) in rows.chunks(1).zip(lines) {
            if !fits(tx, row).await? {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}

/// Inserts rows of one table, unless one of them does not fit.
async fn fits(tx: &mut Tx, rows: &[Line]) -> Result<bool> {
    tx.begin_part().await?;
    match restore(tx, rows).await {
        Ok(()) => tx.keep_part().await.map(|()| true),
        Err(Error::Conflict(_) | Error::Database(_)) => tx.take_part_back().await.map(|()| false),
        Err(error) => Err(error),
    }
}

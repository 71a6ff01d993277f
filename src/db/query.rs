//! Statements on their way to one connection, bound and run on whichever database it is of.

use std::sync::atomic::{AtomicU64, Ordering};

use rocket::futures::stream::{Stream, TryStreamExt as _};
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, Encode, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, Type};

use super::conn::{Conn, Guard, Held, Tx};
use super::text::{Composed, Scalar, Select, Upkeep, Write};
use crate::error::{Error, Result};

/// A type both databases can store.
pub trait Value:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}
impl<T> Value for T where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres>
{
}

/// A type both databases can load from a row.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// A type both databases can load from one column.
pub trait Column:
    for<'r> sqlx::Decode<'r, Sqlite>
    + Type<Sqlite>
    + for<'r> sqlx::Decode<'r, Postgres>
    + Type<Postgres>
{
}
impl<T> Column for T where
    T: for<'r> sqlx::Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> sqlx::Decode<'r, Postgres>
        + Type<Postgres>
{
}

/// A row whose columns are read one by one, for lists whose shape is data.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, counted from 0.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        use sqlx::Row as _;
        Ok(match self {
            Self::Sqlite(row) => row.try_get(index)?,
            Self::Postgres(row) => row.try_get(index)?,
        })
    }
}

/// One statement on its way to one connection.
#[must_use = "a query does nothing until it is run"]
pub struct Query<'c> {
    sql: SqlStr,
    target: Target<'c>,
    guard: Guard<'c>,
    bad_value: Option<sqlx::Error>,
    written: Option<&'c mut u64>,
}

enum Target<'c> {
    Sqlite(&'c mut SqliteConnection, SqliteArguments),
    Postgres(&'c mut PgConnection, PgArguments),
    Gone,
}

impl Conn {
    /// A reading statement.
    pub fn query(&mut self, sql: Select) -> Query<'_> {
        self.run(sql.0.into_sql_str(), None)
    }

    /// A reading statement put together at run time.
    pub fn compose(&mut self, sql: Composed) -> Query<'_> {
        let query = self.run(sqlx::AssertSqlSafe(sql.text).into_sql_str(), None);
        sql.values.into_iter().fold(query, |query, value| match value {
            Scalar::Text(text) => query.bind(text),
            Scalar::Number(number) => query.bind(number),
        })
    }

    pub(super) fn run<'c>(&'c mut self, sql: SqlStr, written: Option<&'c mut u64>) -> Query<'c> {
        count(&self.statements);
        let (held, guard) = self.parts();
        let target = match held {
            Held::Sqlite(conn) => Target::Sqlite(conn, SqliteArguments::default()),
            Held::Postgres(conn) => Target::Postgres(conn, PgArguments::default()),
            Held::Taken => Target::Gone,
        };
        Query { sql, target, guard, bad_value: None, written }
    }
}

impl Tx {
    /// A command of the transaction itself.
    pub(super) async fn say(&mut self, command: &'static str) -> Result<()> {
        self.0.run(command.into_sql_str(), None).execute().await.map(drop)
    }

    /// A statement that changes what has no history.
    pub fn upkeep(&mut self, sql: Upkeep) -> Query<'_> {
        self.0.run(sql.0.into_sql_str(), None)
    }

    /// A statement that changes objects, and the count of rows it wrote: for change sets only,
    /// which a lint sees to.
    pub fn write_recorded<'c>(&'c mut self, sql: Write, written: &'c mut u64) -> Query<'c> {
        self.0.run(sql.0.into_sql_str(), Some(written))
    }

    /// A reading statement whose rows nobody else can change until the end of this transaction.
    /// SQLite has locked out every other writer from the beginning. On PostgreSQL rows that refer to
    /// these can still be inserted (`NO KEY`): a booking that waits for a passenger's form, which
    /// waits for the booking's flight, would be a deadlock.
    pub fn lock(&mut self, sql: impl Into<Composed>) -> Query<'_> {
        let mut sql = sql.into();
        if let Held::Postgres(_) = self.0.held {
            sql.push(" FOR NO KEY UPDATE");
        }
        self.0.compose(sql)
    }

    /// Waits until no other transaction does the same, and keeps others from it until this one ends. (On
    /// SQLite there is one that writes at a time.)
    pub async fn alone(&mut self, what: &'static str) -> Result<()> {
        if let Held::Postgres(_) = self.0.held {
            let text = format!(
                "SELECT pg_advisory_xact_lock(hashtext('airline {what} ' || current_schema()))"
            );
            self.0.run(sqlx::AssertSqlSafe(text).into_sql_str(), None).rows().await?;
        }
        Ok(())
    }

    /// Makes the next id of a table follow the greatest that it holds or ever held, as history
    /// tells, after rows came with ids of their own: an id that is gone is never given again. It never goes
    /// back: others may have drawn ids that nobody sees yet.
    pub async fn restart_ids(&mut self, table: &'static str) -> Result<()> {
        let last = format!(
            "(SELECT MAX(last) FROM (SELECT COALESCE(MAX(id), 0) AS last FROM {table} UNION ALL \
             SELECT COALESCE(MAX(object_id), 0) FROM changes WHERE kind = '{table}') AS ids)"
        );
        let texts = match self.0.held {
            Held::Postgres(_) => vec![format!(
                "SELECT setval(s.name, {last} + 1, false)
                 FROM (SELECT pg_get_serial_sequence('{table}', 'id')::regclass AS name) s
                 WHERE {last} >= COALESCE(pg_sequence_last_value(s.name), 0)"
            )],
            Held::Sqlite(_) | Held::Taken => vec![
                format!("DELETE FROM sqlite_sequence WHERE name = '{table}'"),
                format!("INSERT INTO sqlite_sequence (name, seq) VALUES ('{table}', {last})"),
            ],
        };
        for text in texts {
            self.0.run(sqlx::AssertSqlSafe(text).into_sql_str(), None).rows().await?;
        }
        Ok(())
    }
}

fn count(statements: &AtomicU64) {
    statements.fetch_add(1, Ordering::Relaxed);
}

/// Runs one expression against whichever database is held.
macro_rules! run {
    ($query:expr, $with:path, $method:ident) => {{
        if let Some(error) = $query.bad_value {
            return Err(error.into());
        }
        match $query.target {
            Target::Sqlite(conn, args) => {
                $query.guard.run($with($query.sql, args).$method(conn)).await?
            }
            Target::Postgres(conn, args) => {
                $query.guard.run($with($query.sql, args).$method(conn)).await?
            }
            Target::Gone => return Err(Error::Busy),
        }
    }};
}

impl Query<'_> {
    /// Binds the next value.
    pub fn bind<T: Value>(mut self, value: T) -> Self {
        let added = match &mut self.target {
            Target::Sqlite(_, args) => args.add(value),
            Target::Postgres(_, args) => args.add(value),
            Target::Gone => Ok(()),
        };
        if let Err(error) = added {
            self.bad_value.get_or_insert(sqlx::Error::Encode(error));
        }
        self
    }

    /// Every row.
    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        Ok(run!(self, sqlx::query_as_with, fetch_all))
    }

    /// Every row, one after the other: however many there are, few are in memory at a time.
    pub async fn each<T: Record>(self, mut with: impl FnMut(T) -> Result<()> + Send) -> Result<()> {
        let mut failed = None;
        let mut take = |row: T| match with(row) {
            Ok(()) => true,
            Err(error) => {
                failed = Some(error);
                false
            }
        };
        if let Some(error) = self.bad_value {
            return Err(error.into());
        }
        match self.target {
            Target::Sqlite(conn, args) => {
                let rows = sqlx::query_as_with(self.sql, args).fetch(conn);
                self.guard.run(take_each(rows, &mut take)).await?;
            }
            Target::Postgres(conn, args) => {
                let rows = sqlx::query_as_with(self.sql, args).fetch(conn);
                self.guard.run(take_each(rows, &mut take)).await?;
            }
            Target::Gone => return Err(Error::Busy),
        }
        failed.map_or(Ok(()), Err)
    }

    /// The one row; none is [`Error::NotFound`].
    pub async fn one<T: Record>(mut self) -> Result<T> {
        let written = self.written.take();
        let row = run!(self, sqlx::query_as_with, fetch_one);
        add(written, 1);
        Ok(row)
    }

    /// The row, if there is one.
    pub async fn optional<T: Record>(mut self) -> Result<Option<T>> {
        let written = self.written.take();
        let row: Option<T> = run!(self, sqlx::query_as_with, fetch_optional);
        add(written, u64::from(row.is_some()));
        Ok(row)
    }

    /// Runs the statement and returns how many rows it changed.
    pub async fn execute(mut self) -> Result<u64> {
        let written = self.written.take();
        if let Some(error) = self.bad_value {
            return Err(error.into());
        }
        let changed = match self.target {
            Target::Sqlite(conn, args) => {
                let work = sqlx::query_with(self.sql, args).execute(conn);
                self.guard.run(work).await?.rows_affected()
            }
            Target::Postgres(conn, args) => {
                let work = sqlx::query_with(self.sql, args).execute(conn);
                self.guard.run(work).await?.rows_affected()
            }
            Target::Gone => return Err(Error::Busy),
        };
        add(written, changed);
        Ok(changed)
    }

    /// Runs a statement that must change exactly one row; none is [`Error::NotFound`].
    pub async fn execute_one(self) -> Result<()> {
        match self.execute().await? {
            1 => Ok(()),
            0 => Err(Error::NotFound),
            rows => Err(Error::internal(format!("{rows} rows changed where one was meant"))),
        }
    }

    /// Every row, to be read column by column.
    pub async fn rows(self) -> Result<Vec<Row>> {
        if let Some(error) = self.bad_value {
            return Err(error.into());
        }
        Ok(match self.target {
            Target::Sqlite(conn, args) => {
                let work = sqlx::query_with(self.sql, args).fetch_all(conn);
                self.guard.run(work).await?.into_iter().map(Row::Sqlite).collect()
            }
            Target::Postgres(conn, args) => {
                let work = sqlx::query_with(self.sql, args).fetch_all(conn);
                self.guard.run(work).await?.into_iter().map(Row::Postgres).collect()
            }
            Target::Gone => return Err(Error::Busy),
        })
    }
}

/// Takes rows as long as they are wanted.
async fn take_each<T>(
    mut rows: impl Stream<Item = sqlx::Result<T>> + Unpin,
    take: &mut (impl FnMut(T) -> bool + Send),
) -> sqlx::Result<()> {
    while let Some(row) = rows.try_next().await? {
        if !take(row) {
            break;
        }
    }
    Ok(())
}

pub(super) fn add(written: Option<&mut u64>, rows: u64) {
    if let Some(written) = written {
        *written += rows;
    }
}

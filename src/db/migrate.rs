//! The migrations of both databases, embedded in the binary, and how far a database has come.

mod postgres;

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection as _, Executor as _};

use super::pool::{Either, Pool};
use super::url::Kind;
use crate::error::{Error, Result};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a migration waits for another one to finish.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// One migration, and whether this database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number and name, `0001_airline`.
    pub name: String,
    /// Whether the database has it.
    pub state: State,
}

/// Whether a database has a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It has.
    Applied,
    /// It has not: the schema is behind the program.
    Pending,
    /// It has, and this program does not know it: the schema is ahead.
    Unknown,
    /// It has another text under the same number.
    Differs,
    /// It started and did not finish: somebody must look.
    Failed,
}

/// The texts of one database's migrations: number and name, SQL.
pub fn texts(kind: Kind) -> impl Iterator<Item = (String, &'static str)> {
    migrator(kind).iter().map(|step| (name(step.version, &step.description), step.sql.as_str()))
}

/// The migrations of one database.
#[must_use]
pub fn migrator(kind: Kind) -> &'static Migrator {
    match kind {
        Kind::Sqlite => &SQLITE,
        Kind::Postgres => &POSTGRES,
    }
}

fn name(version: i64, description: &str) -> String {
    format!("{version:04}_{}", description.replace(' ', "_"))
}

/// Whether a migration may take something away: it is named `NNNN_contract` or `NNNN_contract_…`.
pub(super) fn contracts(name: &str) -> bool {
    let words = name.split_once('_').map_or(name, |(_, words)| words);
    words == "contract" || words.starts_with("contract_")
}

impl Pool {
    /// Every migration that the program or the database knows, in order. It reads only.
    pub async fn steps(&self) -> Result<Vec<Step>> {
        let applied = self.applied().await?;
        let known = migrator(self.kind());
        let mut steps: Vec<(i64, Step)> = known
            .iter()
            .map(|step| {
                let state = match applied.iter().find(|(version, ..)| *version == step.version) {
                    None => State::Pending,
                    Some((.., false)) => State::Failed,
                    Some((_, _, checksum, _)) if *checksum == *step.checksum => State::Applied,
                    Some(_) => State::Differs,
                };
                (step.version, Step { name: name(step.version, &step.description), state })
            })
            .collect();
        for (version, description, _, success) in &applied {
            if !known.version_exists(*version) {
                let name = name(*version, description);
                let state = if *success { State::Unknown } else { State::Failed };
                steps.push((*version, Step { name, state }));
            }
        }
        steps.sort_by_key(|(version, _)| *version);
        Ok(steps.into_iter().map(|(_, step)| step).collect())
    }

    /// `Ok` where schema and program agree; otherwise a line that names the command to run.
    pub async fn check_schema(&self) -> Result<()> {
        agree(&self.steps().await?)
    }

    /// `Ok` where this program can serve the database: also where a later release added to the schema,
    /// so that the old program runs on while the new one comes, and can come back after it. Not where a
    /// later release took something away, in a migration that is named `NNNN_contract_…`.
    pub async fn check_servable(&self) -> Result<()> {
        let steps = self.steps().await?;
        // What is behind and ahead at once is brought by neither: then all of it is told.
        let behind = steps.iter().any(|step| step.state == State::Pending);
        let concerns =
            |step: &Step| step.state != State::Unknown || behind || contracts(&step.name);
        agree(&steps.into_iter().filter(concerns).collect::<Vec<_>>())
    }

    /// `Ok` where a program that runs can go on: what a later release takes away is what the one before it
    /// needs no longer; who starts after that is asked by [`Pool::check_servable`].
    pub async fn check_not_behind(&self) -> Result<()> {
        let steps = self.steps().await?;
        agree(&steps.into_iter().filter(|step| step.state != State::Unknown).collect::<Vec<_>>())
    }

    /// Runs the migrations that are pending.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_with(migrator(self.kind()), PATIENCE).await
    }

    /// [`Pool::migrate`], with migrations that are named, and time for another migration to finish.
    pub async fn migrate_with(&self, migrations: &Migrator, patience: Duration) -> Result<()> {
        let done = match &self.driver {
            Either::Sqlite(pool) => migrations.run(pool).await,
            Either::Postgres(pool) => {
                let mut conn = postgres::lock(pool, patience).await?;
                let done = postgres::run(&mut conn, migrations).await;
                // The lock ends with the connection, also where this fails.
                let _ = conn.close().await;
                done
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(
                MigrateError::VersionMismatch(_)
                | MigrateError::VersionMissing(_)
                | MigrateError::Dirty(_),
            ) => self.check_servable().await,
            Err(error) if postgres::waited_in_vain(&error) => Err(Error::Told(
                "Other connections lock the tables that a migration changes, so that migration was not done. \
                 Run `airline migrate` again when their transactions have ended; pg_stat_activity lists them."
                    .to_owned(),
            )),
            Err(MigrateError::Execute(error)) => Err(error.into()),
            Err(error) => Err(Error::Told(format!("The database could not be migrated: {error}"))),
        }
    }

    /// Number, description and checksum of each migration that the database has, and whether it is finished.
    async fn applied(&self) -> Result<Vec<(i64, String, Vec<u8>, bool)>> {
        const APPLIED: &str =
            "SELECT version, description, checksum, success FROM _sqlx_migrations ORDER BY version";
        let rows = match &self.driver {
            Either::Sqlite(pool) => pool
                .fetch_all(APPLIED)
                .await
                .map(|rows| rows.into_iter().map(super::Row::Sqlite).collect::<Vec<_>>()),
            Either::Postgres(pool) => pool
                .fetch_all(APPLIED)
                .await
                .map(|rows| rows.into_iter().map(super::Row::Postgres).collect::<Vec<_>>()),
        };
        match rows {
            Ok(rows) => {
                let rows = rows.iter();
                rows.map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).collect()
            }
            // A new database has no such table: SQLite says so in words, PostgreSQL by 42P01.
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some("42P01")
                    || error.message().starts_with("no such table") =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// `Ok` where every migration is applied and known; otherwise a line that names the command to run.
pub fn agree(steps: &[Step]) -> Result<()> {
    let named = |state: State| {
        let names: Vec<_> = steps
            .iter()
            .filter(|step| step.state == state)
            .map(|step| step.name.as_str())
            .collect();
        names.join(", ")
    };
    let told = |why: String| Err(Error::Told(why));
    if steps.iter().any(|step| step.state == State::Differs) {
        return told(format!(
            "The database was migrated with another text of {}. Restore that file: a migration \
                 that has run is never edited; `airline makemigrations NAME` makes the next one.",
            named(State::Differs)
        ));
    }
    if steps.iter().any(|step| step.state == State::Failed) {
        return told(format!(
            "The database started {} and did not finish it. Undo by hand what it did, delete its row \
                 from _sqlx_migrations, and run `airline migrate`; or restore a backup.",
            named(State::Failed)
        ));
    }
    if steps.iter().any(|step| step.state == State::Unknown) {
        return told(format!(
            "The database is ahead of this program: it has {}. Deploy the release that brings \
                 this migration; `airline showmigrations` lists them.",
            named(State::Unknown)
        ));
    }
    if steps.iter().any(|step| step.state == State::Pending) {
        return told(format!(
            "The database is behind this program: it lacks {}. Run `airline migrate`.",
            named(State::Pending)
        ));
    }
    Ok(())
}

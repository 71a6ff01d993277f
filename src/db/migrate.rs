//! The migrations of both databases, embedded in the binary, and how far a database has come.

use sqlx::Executor as _;
use sqlx::migrate::{MigrateError, Migrator};

use super::pool::{Either, Pool};
use super::url::Kind;
use crate::error::{Error, Result};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

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
}

/// The texts of one database's migrations: number and name, SQL.
pub fn texts(kind: Kind) -> impl Iterator<Item = (String, &'static str)> {
    migrator(kind).iter().map(|step| (name(step.version, &step.description), step.sql.as_str()))
}

fn migrator(kind: Kind) -> &'static Migrator {
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
                    Some((_, _, checksum)) if *checksum == *step.checksum => State::Applied,
                    Some(_) => State::Differs,
                };
                (step.version, Step { name: name(step.version, &step.description), state })
            })
            .collect();
        for (version, description, _) in &applied {
            if !known.version_exists(*version) {
                let name = name(*version, description);
                steps.push((*version, Step { name, state: State::Unknown }));
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
        let done = match &self.driver {
            Either::Sqlite(pool) => SQLITE.run(pool).await,
            Either::Postgres(pool) => POSTGRES.run(pool).await,
        };
        match done {
            Ok(()) => Ok(()),
            Err(MigrateError::VersionMismatch(_) | MigrateError::VersionMissing(_)) => {
                self.check_servable().await
            }
            Err(MigrateError::Execute(error)) => Err(error.into()),
            Err(error) => Err(Error::Told(format!("The database could not be migrated: {error}"))),
        }
    }

    /// Number, description and checksum of each migration that the database has.
    async fn applied(&self) -> Result<Vec<(i64, String, Vec<u8>)>> {
        const APPLIED: &str = "SELECT version, description, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
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
                rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
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

//! Migrations of PostgreSQL beside a site that is in use: one at a time, and none waits for a table for long,
//! because whoever wants that table next queues behind it.

use std::time::{Duration, Instant};

use rocket::tokio::time::sleep;
use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool, Row as _};
use tracing::warn;

use crate::db::migration_lint::index_built;
use crate::error::{Error, Result};

/// Shorter than requests wait for a lock (`LIMITS` in `pool.rs`): they queue behind a migration, and get their
/// turn when it gives up.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '2s'";
/// `CREATE INDEX CONCURRENTLY` waits for transactions to end and keeps nobody waiting meanwhile.
const NO_LOCK_TIMEOUT: &str = "SET lock_timeout = 0";
/// A migration that gets no lock is tried this often.
const TRIES: u32 = 5;
/// Time for those who queued behind it.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two tries to become the only migration.
const POLL: Duration = Duration::from_millis(200);
/// PostgreSQL's lock time-out and deadlock.
const LOCKED: [&str; 2] = ["55P03", "40P01"];

/// A connection of its own that holds the lock of migrations, until it is closed.
pub(super) async fn lock(pool: &PgPool, patience: Duration) -> Result<PgConnection> {
    let mut conn = pool.acquire().await?.detach();
    let row = conn.fetch_one("SELECT current_database()::text").await?;
    let database: String = row.try_get(0)?;
    let (key, begin) = (lock_key(&database), Instant::now());
    let (mut pause, mut told) = (Duration::from_millis(10), false);
    loop {
        // Not `pg_advisory_lock`: a statement that waits holds a snapshot, and the other migration's
        // `CREATE INDEX CONCURRENTLY` waits for that.
        let sql = format!("SELECT pg_try_advisory_lock({key})");
        let row = conn.fetch_one(AssertSqlSafe(sql)).await?;
        let is_mine: bool = row.try_get(0)?;
        if is_mine {
            return Ok(conn);
        }
        if begin.elapsed() >= patience {
            return Err(Error::Told(
                "Another `airline migrate` is still running on this database. Run this again when it has finished."
                    .to_owned(),
            ));
        }
        if !told {
            warn!("another `airline migrate` is running on this database; waiting for it");
            told = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(POLL);
    }
}

/// Runs the migrations that are pending, on the connection of [`lock`].
pub(super) async fn run(
    conn: &mut PgConnection,
    migrations: &Migrator,
) -> Result<(), MigrateError> {
    let mut unlocked = Migrator::with_migrations(migrations.iter().cloned().collect());
    unlocked.set_locking(false);
    for migration in migrations.iter() {
        let mut tries = 1;
        while let Err(error) = apply(conn, &unlocked, migration).await {
            if tries == TRIES || !waited_in_vain(&error) {
                return Err(error);
            }
            let version = migration.version;
            warn!(version, tries, "a migration waits for a lock that others hold; trying again");
            tries += 1;
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Whether a migration failed because others hold the locks that it needs.
pub(super) fn waited_in_vain(error: &MigrateError) -> bool {
    match error {
        MigrateError::Execute(sqlx::Error::Database(cause))
        | MigrateError::ExecuteMigration(sqlx::Error::Database(cause), _) => {
            cause.code().is_some_and(|code| LOCKED.contains(&&*code))
        }
        _ => false,
    }
}

/// Runs one migration if it is pending, and looks whether those before it are as they were.
async fn apply(
    conn: &mut PgConnection,
    migrations: &Migrator,
    migration: &Migration,
) -> Result<(), MigrateError> {
    if migration.no_tx {
        conn.execute(NO_LOCK_TIMEOUT).await?;
        drop_unfinished_index(conn, migration).await?;
    } else {
        conn.execute(LOCK_TIMEOUT).await?;
    }
    migrations.run_direct(Some(migration.version), conn, false).await
}

/// An index whose `CREATE INDEX CONCURRENTLY` was interrupted is there and serves nobody: `IF NOT EXISTS` would
/// take it for the index.
async fn drop_unfinished_index(
    conn: &mut PgConnection,
    migration: &Migration,
) -> Result<(), MigrateError> {
    let Some(index) = index_built(migration.sql.as_str()) else {
        return Ok(());
    };
    let find = format!(
        "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass('{index}') AND NOT indisvalid"
    );
    if conn.fetch_optional(AssertSqlSafe(find)).await?.is_some() {
        conn.execute(AssertSqlSafe(format!("DROP INDEX CONCURRENTLY {index}"))).await?;
    }
    Ok(())
}

/// The key of the advisory lock that sqlx takes for a database, so that an older release's migration and this one
/// exclude each other.
fn lock_key(database: &str) -> i64 {
    0x3d32_ad9e * i64::from(crc32(database.as_bytes()))
}

/// CRC-32 as in ISO 3309 (zlib, PNG).
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let step = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
    !bytes
        .iter()
        .fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn crc32_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }
}

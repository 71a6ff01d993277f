//! Migrations beside others: another migration, a site in use, and one that stopped half-way.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use airline::db::{Kind, migrate};
use airline::error::Error;
use rocket::tokio::time::sleep;
use sqlx::migrate::{Migrate as _, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _};

use crate::commands::{airline, run, said};
use crate::support::Database;

/// PostgreSQL's migrations and some more: their texts, and whether they run outside a transaction.
fn with_more(more: &[(&'static str, bool)]) -> Migrator {
    let mut all: Vec<Migration> = migrate::migrator(Kind::Postgres).iter().cloned().collect();
    for (number, (text, outside)) in (9_001..).zip(more) {
        let text = (*text).into_sql_str();
        all.push(Migration::new(number, "test".into(), MigrationType::Simple, text, *outside));
    }
    Migrator::with_migrations(all)
}

async fn postgres() -> Option<(Database, PgConnection)> {
    let database = Database::migrated().await;
    if database.url.starts_with("sqlite:") {
        // One file, one writer: who writes waits for the other, and nobody reads what is half done.
        return None;
    }
    let conn = PgConnection::connect(&database.url).await.unwrap();
    Some((database, conn))
}

#[rocket::async_test]
async fn a_migration_that_stopped_half_way_is_reported() {
    let database = Database::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(folder.path(), &database.url, arguments);
    database.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 6").await;
    for arguments in [&["migrate", "--check"][..], &["migrate", "--plan"], &["migrate"]] {
        let told = run(arguments);
        assert!(!told.ok && told.err.contains("0006_history"), "{arguments:?}: {}", told.err);
        assert!(!told.err.contains("is behind"), "{arguments:?}: {}", told.err);
    }
    assert!(run(&["showmigrations"]).out.contains("[!] 0006_history"));
    database.run("UPDATE _sqlx_migrations SET success = TRUE WHERE version = 6").await;
    assert!(run(&["migrate", "--check"]).ok);
}

#[rocket::async_test]
async fn migrations_at_once_run_one_after_the_other() {
    let database = Database::empty().await;
    if database.url.starts_with("sqlite:") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = airline(folder.path(), &["migrate"]);
        command.env("DATABASE_URL", &database.url).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    for child in [start(), start(), start()] {
        let done = said(child.wait_with_output().unwrap());
        assert!(done.ok, "{}", done.err);
    }
    assert!(run(folder.path(), &database.url, &["migrate", "--check"]).ok);
}

/// An older release takes sqlx's own lock; an index that takes its time must not wait for who waits.
#[rocket::async_test]
async fn a_migration_waits_for_another_and_finishes_what_was_interrupted() {
    let Some((database, mut conn)) = postgres().await else {
        return;
    };
    let pool = database.open().await;
    let migrations = with_more(&[
        ("CREATE TABLE things (name TEXT); INSERT INTO things VALUES ('a'), ('a')", false),
        (
            "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS things_name ON things (name)",
            true,
        ),
    ]);
    // Another test's index may wait for whoever waits here: then the database ends one of the two.
    while let Err(error) = conn.lock().await {
        assert!(error.to_string().contains("deadlock"), "{error}");
    }
    let told = pool.migrate_with(&migrations, Duration::ZERO).await;
    assert!(matches!(told, Err(Error::Told(_))), "{told:?}");
    conn.unlock().await.unwrap();

    // Two rows are the same: the index is not built, and what is left of it serves nobody.
    let told = pool.migrate_with(&migrations, migrate::PATIENCE).await;
    assert!(matches!(told, Err(Error::Told(_))), "{told:?}");
    let is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'things_name'::regclass";
    let row = conn.fetch_one(is_valid).await.unwrap();
    assert!(!row.get::<bool, _>(0));
    conn.execute("DELETE FROM things; INSERT INTO things VALUES ('a')").await.unwrap();
    let (one, two) = futures::join!(
        pool.migrate_with(&migrations, migrate::PATIENCE),
        pool.migrate_with(&migrations, migrate::PATIENCE)
    );
    one.unwrap();
    two.unwrap();
    let row = conn.fetch_one(is_valid).await.unwrap();
    assert!(row.get::<bool, _>(0));
}

/// Somebody reads a table for long. A migration that wants it would make all who come later wait as well.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_migration_without_its_lock_gives_up_and_keeps_nobody_waiting() {
    let Some((database, mut reader)) = postgres().await else {
        return;
    };
    let pool = database.open().await;
    let migrations = with_more(&[("ALTER TABLE airports ADD COLUMN test TEXT", false)]);
    reader.execute("BEGIN; LOCK TABLE airports IN ACCESS SHARE MODE").await.unwrap();
    let mut visitor = PgConnection::connect(&database.url).await.unwrap();
    let over = AtomicBool::new(false);
    let (told, slowest) = futures::join!(
        async {
            let told = pool.migrate_with(&migrations, migrate::PATIENCE).await;
            over.store(true, Ordering::Relaxed);
            told
        },
        async {
            let mut slowest = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                visitor.execute("SELECT id FROM airports").await.unwrap();
                slowest = slowest.max(begin.elapsed());
                sleep(Duration::from_millis(20)).await;
            }
            slowest
        }
    );
    assert!(matches!(told, Err(Error::Told(_))), "{told:?}");
    assert!(slowest < Duration::from_secs(5), "a request would have given up: {slowest:?}");
    reader.execute("ROLLBACK").await.unwrap();
    pool.migrate_with(&migrations, migrate::PATIENCE).await.unwrap();
    visitor.execute("SELECT test FROM airports").await.unwrap();
}

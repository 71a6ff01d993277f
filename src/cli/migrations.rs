//! `airline migrate`, `showmigrations` and `makemigrations`.

use std::path::Path;
use std::time::{Duration, Instant};

use rocket::tokio::time::sleep;

use super::check::counted;
use super::{open, open_exact, progress};
use crate::config::Settings;
use crate::data::search_keys;
use crate::db::migrate::{PATIENCE, State, Step, agree, migrator, texts};
use crate::db::{Kind, Pool, migration_lint, schema};
use crate::error::{Error, Result};

/// `airline rebuild-search-keys`.
pub(super) async fn rebuild_search_keys() -> Result<()> {
    let pool = open_exact(&Settings::read()?).await?;
    let keys = search_keys::rebuild(&pool, progress::bar().as_mut()).await?;
    println!("{} rebuilt; the others were right.", counted(keys, "search key"));
    Ok(())
}

/// The folders of migrations in a source tree.
const FOLDERS: [(&str, Kind); 2] =
    [("migrations/sqlite", Kind::Sqlite), ("migrations/postgres", Kind::Postgres)];

/// Opens the database, and tries again for a while if it does not answer yet.
async fn open_waiting(settings: &Settings, seconds: u64) -> Result<Pool> {
    let begin = Instant::now();
    loop {
        match open(settings).await {
            Ok(pool) => return Ok(pool),
            Err(error @ Error::Unreachable(_))
                if begin.elapsed() < Duration::from_secs(seconds) =>
            {
                eprintln!("{error}; trying again.");
                sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// How far the database has come; one that is not there yet has come nowhere, and is not made.
async fn steps(settings: &Settings, seconds: u64) -> Result<Vec<Step>> {
    if settings.database.exists() {
        return open_waiting(settings, seconds).await?.steps().await;
    }
    let pending = |(name, _)| Step { name, state: State::Pending };
    Ok(texts(settings.database.kind()).map(pending).collect())
}

pub(super) async fn migrate(check: bool, plan: bool, wait: u64) -> Result<()> {
    let settings = Settings::read()?;
    let steps = steps(&settings, wait).await?;
    let pending: Vec<_> = steps.iter().filter(|step| step.state == State::Pending).collect();
    if check || plan {
        let blocks =
            |step: &Step| matches!(step.state, State::Unknown | State::Differs | State::Failed);
        if check || steps.iter().any(blocks) {
            agree(&steps)?;
        }
        for step in &pending {
            println!("Would apply {}.", step.name);
        }
    } else {
        let pool = open_waiting(&settings, wait).await?;
        let patience = Duration::from_secs(wait).max(PATIENCE);
        pool.migrate_with(migrator(pool.kind()), patience).await?;
        pool.check_servable().await?;
        for step in &pending {
            println!("Applied {}.", step.name);
        }
        // Only this program's schema is known to hold keys.
        if pool.check_schema().await.is_ok() {
            let keys = search_keys::rebuild_outdated(&pool, progress::bar().as_mut()).await?;
            if keys > 0 {
                println!("{} rebuilt.", counted(keys, "search key"));
            }
        }
    }
    if pending.is_empty() {
        println!("Nothing to migrate.");
    }
    Ok(())
}

pub(super) async fn show() -> Result<()> {
    let settings = Settings::read()?;
    println!("{}", settings.database);
    for step in steps(&settings, 0).await? {
        let (mark, note) = match step.state {
            State::Applied => ("X", ""),
            State::Pending => (" ", ""),
            State::Unknown => ("?", "  (this program does not know it)"),
            State::Differs => ("!", "  (its text has changed since it ran)"),
            State::Failed => ("!", "  (it started and did not finish)"),
        };
        println!("[{mark}] {}{note}", step.name);
    }
    Ok(())
}

/// The migrations of a folder: name and text, in order.
fn read(folder: &str) -> Result<Vec<(String, String)>> {
    let told = |error: std::io::Error| {
        Error::Told(format!("Cannot read {folder}: {error}. Run this where Cargo.toml is."))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        if let Some(name) = name.filter(|_| path.extension().is_some_and(|kind| kind == "sql")) {
            files.push((name, std::fs::read_to_string(&path).map_err(told)?));
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn make(name: &str) -> Result<()> {
    let words_only = name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if name.is_empty() || !words_only {
        return Err(Error::Told(format!("“{name}” will not do: use small letters, digits and _.")));
    }
    compare_folders()?;
    let number = |(name, _): &(String, String)| {
        name.split('_').next().and_then(|number| number.parse::<u32>().ok())
    };
    let last = read(FOLDERS[0].0)?.iter().filter_map(number).max().unwrap_or(0);
    for (folder, _) in FOLDERS {
        let path = Path::new(folder).join(format!("{:04}_{name}.sql", last + 1));
        let text = "-- What changes, and why. The old release still runs while this does: add first, remove later.\n";
        std::fs::write(&path, text)
            .map_err(|error| Error::Told(format!("Cannot write {}: {error}", path.display())))?;
        println!("Made {}.", path.display());
    }
    println!("Write both, then `airline makemigrations --check`.");
    Ok(())
}

pub(super) fn compare() -> Result<()> {
    for warning in compare_folders()? {
        println!("Note: {warning}.");
    }
    println!("Both folders hold the same migrations and lead to the same tables and columns.");
    Ok(())
}

/// Answers what a person must think about; an error is what must be written differently.
fn compare_folders() -> Result<Vec<String>> {
    let [(sqlite_folder, sqlite), (postgres_folder, postgres)] = FOLDERS;
    let (ours, theirs) = (read(sqlite_folder)?, read(postgres_folder)?);
    let (mut differences, mut warnings) = (Vec::new(), Vec::new());
    for (name, _) in &ours {
        if !theirs.iter().any(|(known, _)| known == name) {
            differences.push(format!("{postgres_folder} lacks {name}.sql"));
        }
    }
    for (name, _) in &theirs {
        if !ours.iter().any(|(known, _)| known == name) {
            differences.push(format!("{sqlite_folder} lacks {name}.sql"));
        }
    }
    if differences.is_empty() {
        let left = schema::tables(sqlite, &ours)?;
        let right = schema::tables(postgres, &theirs)?;
        differences = schema::differences(&left, &right);
        differences.extend(schema::losses(sqlite, &ours)?);
        let found = migration_lint::lint(&theirs)?;
        differences.extend(found.errors);
        warnings = found.warnings;
    }
    if differences.is_empty() {
        Ok(warnings)
    } else {
        Err(Error::Told(differences.join("\nairline: ")))
    }
}

//! `airline loaddata` and `airline dumpdata`.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use super::{open_exact, progress};
use crate::changes::{Actor, ChangeSet, Intent};
use crate::clock::Clock;
use crate::config::Settings;
use crate::data::load::{File, Kind, Problems, Report};
use crate::data::{dump, load};
use crate::error::{Error, Result};

pub(super) async fn load(files: &[PathBuf], kind: Option<Kind>, dry_run: bool) -> Result<()> {
    let settings = Settings::read()?;
    let mut contents = Vec::new();
    for path in files {
        contents.push((path.display().to_string(), load::bytes(path)?));
    }
    if contents.iter().any(|(_, bytes)| dump::is_dump(bytes)) {
        return match contents.as_slice() {
            [(name, bytes)] => load_dump(&settings, name, bytes, dry_run).await,
            _ => Err(Error::Told("A dump is loaded alone: give that one file.".to_owned())),
        };
    }
    // Every file is read before the first row is written: a broken one costs no waiting.
    let mut read = Vec::new();
    let mut problems = Vec::new();
    for (name, bytes) in &contents {
        match File::read(name, bytes, kind) {
            Ok(file) => read.push(file),
            Err(found) => problems.push(found),
        }
    }
    let pool = open_exact(&settings).await?;
    let intent = Intent {
        actor: Actor::command("loaddata"),
        action: "load",
        at: Clock::default().now(),
        request_id: String::new(),
    };
    let mut set = ChangeSet::begin(&pool, intent).await?;
    let mut reports = Vec::new();
    for file in &read {
        match load::load(&mut set, file, progress::bar().as_mut()).await? {
            Ok(report) => reports.push(report),
            Err(found) => problems.push(found),
        }
    }
    if !problems.is_empty() {
        return Err(nothing_loaded(&problems));
    }
    if dry_run {
        drop(set);
    } else {
        set.commit().await?;
    }
    for report in &reports {
        tell(report);
    }
    if dry_run {
        println!("This was a dry run: nothing was kept.");
    }
    Ok(())
}

async fn load_dump(settings: &Settings, name: &str, bytes: &[u8], dry_run: bool) -> Result<()> {
    let pool = open_exact(settings).await?;
    let mut tx = pool.begin().await?;
    let rows = dump::load(&mut tx, name, bytes, progress::bar().as_mut()).await?;
    let rows = rows.map_err(|problems| nothing_loaded(&[problems]))?;
    if dry_run {
        println!("{rows} rows would be loaded. This was a dry run: nothing was kept.");
        return Ok(());
    }
    tx.commit().await?;
    println!("{rows} rows loaded.");
    Ok(())
}

fn nothing_loaded(problems: &[Problems]) -> Error {
    let all: Vec<_> = problems.iter().map(Problems::to_string).collect();
    Error::Told(format!("nothing was loaded:\n{}", all.join("\n")))
}

fn tell(report: &Report) {
    let mut line = format!("{}: {} added", report.kind, report.added);
    if report.changed + report.unchanged > 0 {
        line = format!("{line}, {} changed, {} as they were", report.changed, report.unchanged);
    }
    println!("{line}.");
}

pub(super) async fn dump() -> Result<()> {
    let pool = open_exact(&Settings::read()?).await?;
    let mut out = BufWriter::new(io::stdout());
    dump::dump(&pool, &mut out, progress::bar().as_mut()).await
}

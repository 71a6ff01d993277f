//! `airline loaddata` and `airline dumpdata`.

use std::fs;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use super::{open_exact, progress};
use crate::changes::{Actor, ChangeSet, Intent};
use crate::clock::Clock;
use crate::config::Settings;
use crate::data::load::{File, Kind, Problems, Report};
use crate::data::{dump, load};
use crate::error::{Error, Result};

pub(super) async fn load(
    paths: &[PathBuf],
    kind: Option<Kind>,
    dry_run: bool,
    allow_time_changes: bool,
) -> Result<()> {
    let settings = Settings::read()?;
    let mut contents = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let mut file = Input::open(path).map_err(|error| unreadable(&name, &error))?;
        if file.is_dump().map_err(|error| unreadable(&name, &error))? {
            if paths.len() > 1 {
                return Err(Error::Told("A dump is loaded alone: give that one file.".to_owned()));
            }
            return load_dump(&settings, &name, file, dry_run).await;
        }
        let mut bytes = Vec::new();
        file.0.read_to_end(&mut bytes).map_err(|error| unreadable(&name, &error))?;
        contents.push((name, bytes));
    }
    // Every file is read before the first row is written: a broken one costs no waiting.
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for (name, bytes) in &contents {
        match File::read(name, bytes, kind) {
            Ok(file) => files.push(file),
            Err(found) => problems.push(found),
        }
    }
    for file in &files {
        println!("{}: {}", file.name(), file.understood());
    }
    let pool = open_exact(&settings).await?;
    let mut bar = progress::bar();
    problems.extend(load::check(&mut pool.conn().await?, &files, bar.as_mut()).await?);
    refuse(&problems)?;
    let times = load::time_changes(&mut pool.conn().await?, &files).await?;
    if !times.is_empty() && !allow_time_changes && !dry_run {
        return Err(Error::Told(format!(
            "nothing was loaded: the files give airports other time zones. {times} Add --allow-time-changes to load \
             them anyway."
        )));
    }
    let intent = Intent {
        actor: Actor::command("loaddata"),
        action: "load",
        at: Clock::default().now(),
        request_id: String::new(),
    };
    let mut set = ChangeSet::begin_large(&pool, intent).await?;
    let mut reports = Vec::new();
    for file in &files {
        match load::load(&mut set, file, bar.as_mut()).await? {
            Ok(report) => reports.push(report),
            // Somebody changed what the file refers to since it was checked.
            Err(found) => problems.push(found),
        }
    }
    refuse(&problems)?;
    if dry_run {
        drop(set);
    } else {
        bar.begin("Writing the history", set.len());
        set.commit_with(&mut |count| (0..count).for_each(|_| bar.step())).await?;
        bar.end();
    }
    for report in &reports {
        tell(report);
    }
    if !times.is_empty() {
        println!("Other time zones of airports: {times}");
    }
    if dry_run {
        println!("This was a dry run: nothing was kept.");
    }
    Ok(())
}

async fn load_dump(settings: &Settings, name: &str, file: Input, dry_run: bool) -> Result<()> {
    let pool = open_exact(settings).await?;
    let mut tx = pool.begin().await?;
    let rows = dump::load(&mut tx, name, file.0, progress::bar().as_mut()).await?;
    let rows = rows.map_err(|problems| nothing_loaded(&[problems]))?;
    if dry_run {
        println!("{rows} rows would be loaded. This was a dry run: nothing was kept.");
        return Ok(());
    }
    tx.commit().await?;
    println!("{rows} rows loaded.");
    Ok(())
}

/// A file that can be read from any place. What can be read only once (a pipe) is copied to a file without a
/// name.
struct Input(BufReader<fs::File>);

impl Input {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = fs::File::open(path)?;
        if !file.metadata()?.is_file() {
            let mut copy = tempfile::tempfile()?;
            io::copy(&mut file, &mut copy)?;
            copy.rewind()?;
            file = copy;
        }
        Ok(Self(BufReader::new(file)))
    }

    fn is_dump(&mut self) -> io::Result<bool> {
        Ok(dump::is_dump(self.0.fill_buf()?))
    }
}

fn unreadable(name: &str, error: &io::Error) -> Error {
    Error::Told(format!("Cannot read {name}: {error}"))
}

fn refuse(problems: &[Problems]) -> Result<()> {
    if problems.is_empty() { Ok(()) } else { Err(nothing_loaded(problems)) }
}

fn nothing_loaded(problems: &[Problems]) -> Error {
    let all: Vec<_> = problems.iter().map(Problems::to_string).collect();
    Error::Told(format!("nothing was loaded:\n{}", all.join("\n")))
}

fn tell(report: &Report) {
    let mut line = format!("{}: {} added", report.kind, report.added);
    if report.changed + report.unchanged > 0 {
        line = format!("{line}, {} changed, {} unchanged", report.changed, report.unchanged);
    }
    println!("{line}.");
}

pub(super) async fn dump() -> Result<()> {
    let pool = open_exact(&Settings::read()?).await?;
    let mut out = BufWriter::new(io::stdout());
    dump::dump(&pool, &mut out, progress::bar().as_mut()).await
}

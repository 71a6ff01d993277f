//! `airline list flights 'from:LHR minutes<300'`: the lists of the staff site, with their searches. A table
//! shows the first rows and says how many there are; CSV holds every row.

use std::io::{self, Write as _};

use crate::admin::Listing;
use crate::config::Settings;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::staff::KINDS;

/// How many rows a table shows where nothing else is said.
const SHOWN: usize = 100;

/// Lists objects of a kind as a table, or as CSV; `most` rows, where that is said.
pub(super) async fn list(
    kind: &str,
    search: &str,
    sort: &str,
    most: Option<usize>,
    csv: bool,
) -> Result<()> {
    let pool = super::open_migrated(&Settings::read()?).await?;
    let mut db = pool.snapshot().await?;
    let mut listing = Listing::open(&mut db, KINDS, kind, search, sort).await?;
    if csv {
        write_csv(&mut db, &mut listing, most.unwrap_or(usize::MAX)).await?;
    } else {
        write_table(&mut db, &mut listing, most.unwrap_or(SHOWN)).await?;
    }
    if !listing.is_done() {
        let progress = listing.progress(&mut db).await?;
        let how = if csv { "leave out --most" } else { "use --most N or --csv" };
        eprintln!("Showing {progress}: {how} to see more.");
    }
    Ok(())
}

/// Writes up to `most` rows as they are read.
async fn write_csv(db: &mut Conn, listing: &mut Listing, most: usize) -> Result<()> {
    let mut rows = vec![listing.names().into_iter().map(str::to_owned).collect::<Vec<_>>()];
    let mut count = 0;
    loop {
        let mut file = csv::Writer::from_writer(Vec::new());
        for row in &rows {
            file.write_record(row).map_err(Error::internal)?;
        }
        out(&file.into_inner().map_err(|error| Error::internal(error.error()))?)?;
        if count >= most || listing.is_done() {
            return Ok(());
        }
        rows = listing.next_plain(db, most - count).await?;
        count += rows.len();
    }
}

/// Writes up to `most` rows below each other.
async fn write_table(db: &mut Conn, listing: &mut Listing, most: usize) -> Result<()> {
    let mut rows = Vec::new();
    while rows.len() < most && !listing.is_done() {
        rows.extend(listing.next_told(db, most - rows.len()).await?);
    }
    let titles = listing.titles();
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = titles
        .iter()
        .enumerate()
        .map(|(place, title)| {
            let cells = rows.iter().filter_map(|row| row.get(place));
            cells.map(|cell| width(cell)).chain([width(title)]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide.saturating_sub(width(cell)))))
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&mut titles.iter().copied());
    for row in &rows {
        text.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out(text.as_bytes())
}

fn out(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Error::Told(format!("The list could not be written: {error}")))
}

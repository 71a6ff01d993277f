//! `airline list flights 'from:LHR minutes<300'`: the lists of the staff site, with their searches.

use std::io;

use crate::admin::{Listed, list_rows};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::staff::KINDS;

/// How many rows are listed, at most, where nothing else is said.
pub(super) const MOST: usize = 100;

/// Lists objects of a kind as a table, or as CSV.
pub(super) async fn list(
    kind: &str,
    search: &str,
    sort: &str,
    most: usize,
    csv: bool,
) -> Result<()> {
    let pool = super::open_migrated(&Settings::read()?).await?;
    let listed = list_rows(&mut pool.conn().await?, KINDS, kind, search, sort, most).await?;
    let mut out = io::stdout().lock();
    let written = if csv { as_csv(&mut out, &listed) } else { as_table(&mut out, &listed) };
    written.map_err(|error| Error::Told(format!("The list could not be written: {error}")))
}

fn as_csv(out: &mut impl io::Write, listed: &Listed) -> io::Result<()> {
    let mut file = csv::Writer::from_writer(out);
    file.write_record(&listed.names)?;
    for row in &listed.plain {
        file.write_record(row)?;
    }
    file.flush()
}

fn as_table(out: &mut impl io::Write, listed: &Listed) -> io::Result<()> {
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = listed
        .titles
        .iter()
        .enumerate()
        .map(|(place, title)| {
            let cells = listed.told.iter().filter_map(|row| row.get(place));
            cells.map(|cell| width(cell)).chain([width(title)]).max().unwrap_or(0)
        })
        .collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide.saturating_sub(width(cell)))))
            .collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(&mut listed.titles.iter().copied())?;
    for row in &listed.told {
        line(&mut row.iter().map(String::as_str))?;
    }
    let shown = listed.told.len();
    if listed.more {
        writeln!(out, "… the first {shown} of {}; --most shows more.", listed.total)?;
    }
    Ok(())
}

//! A list for a command.

use super::asked::{Asked, Place};
use super::manage::Registry;
use super::rows::{Cell, MOST_COUNTED, counted};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::input::Values;

/// A list for a command.
#[derive(Debug)]
pub struct Listed {
    /// The columns, as programs read them.
    pub names: Vec<&'static str>,
    /// The columns, as people read them.
    pub titles: Vec<&'static str>,
    /// The rows, as programs read them.
    pub plain: Vec<Vec<String>>,
    /// The rows, as people read them.
    pub told: Vec<Vec<String>>,
    /// How many there are: `12,345`, or `more than 10,000`.
    pub total: String,
    /// Whether there are more than these.
    pub more: bool,
}

/// The list of a kind for a command, which may see everything.
pub async fn list_rows(
    db: &mut Conn,
    registry: Registry,
    kind: &str,
    search: &str,
    sort: &str,
    most: usize,
) -> Result<Listed> {
    let Ok(manage) = registry.find(kind) else {
        let kinds: Vec<_> = registry.kinds.iter().map(|kind| kind.model().slug).collect();
        return Err(Error::Told(format!(
            "There is no list of “{kind}”; there are {}.",
            kinds.join(", ")
        )));
    };
    let list = &manage.model().list;
    for name in sort.split(',').filter(|name| !name.is_empty()) {
        let known = list.columns.iter().map(|column| column.name);
        if !known.clone().any(|known| known == name.trim_start_matches('-')) {
            let known: Vec<_> = known.collect();
            return Err(Error::Told(format!(
                "There is no column “{name}” to sort by; there are {}.",
                known.join(", ")
            )));
        }
    }
    let mut query = Values::default();
    query.set("q", search);
    query.set("sort", sort);
    let asked = Asked::of(list, &query);
    let narrowing = match asked.narrowing(db, list).await? {
        Ok(narrowing) => narrowing,
        Err(mistakes) => return Err(Error::Told(mistakes.join(" "))),
    };
    let mut lines =
        list.fetch(db, &narrowing, &asked, &Place::First, most.saturating_add(1)).await?;
    let more = lines.len() > most;
    lines.truncate(most);
    let total = counted(list.count(db, &narrowing).await?, MOST_COUNTED);
    let rows = |write: fn(&Cell) -> String| {
        lines.iter().map(|line| line.cells.iter().map(write).collect()).collect()
    };
    Ok(Listed {
        names: asked.columns.iter().map(|column| column.name).collect(),
        titles: asked.columns.iter().map(|column| column.title).collect(),
        plain: rows(Cell::plain),
        told: rows(Cell::told),
        total,
        more,
    })
}

//! A list for a command.

use super::asked::Asked;
use super::batches::Batches;
use super::export::field;
use super::manage::Registry;
use super::rows::Cell;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::input::Values;
use crate::pages::with_commas;

/// The list of a kind for a command, which may see everything.
pub struct Listing {
    batches: Batches,
    /// How many rows were given so far.
    given: usize,
}

impl Listing {
    /// Looks for objects of a kind.
    pub async fn open(
        db: &mut Conn,
        registry: Registry,
        kind: &str,
        search: &str,
        sort: &str,
    ) -> Result<Self> {
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
        match asked.narrowing(db, list).await? {
            Ok(narrowing) => Ok(Self { batches: Batches::of(list, narrowing, asked), given: 0 }),
            Err(mistakes) => Err(Error::Told(mistakes.join(" "))),
        }
    }

    /// The columns, as programs read them.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.batches.asked().columns.iter().map(|column| column.name).collect()
    }

    /// The columns, as people read them.
    #[must_use]
    pub fn titles(&self) -> Vec<&'static str> {
        self.batches.asked().columns.iter().map(|column| column.title).collect()
    }

    /// The next rows, up to `most`, as files hold them; none after the last.
    pub async fn next_plain(&mut self, db: &mut Conn, most: usize) -> Result<Vec<Vec<String>>> {
        self.next(db, most, field).await
    }

    /// The next rows, up to `most`, as people read them; none after the last.
    pub async fn next_told(&mut self, db: &mut Conn, most: usize) -> Result<Vec<Vec<String>>> {
        self.next(db, most, Cell::told).await
    }

    async fn next(
        &mut self,
        db: &mut Conn,
        most: usize,
        write: fn(&Cell) -> String,
    ) -> Result<Vec<Vec<String>>> {
        let lines = self.batches.next(db, most).await?;
        self.given += lines.len();
        Ok(lines.iter().map(|line| line.cells.iter().map(write).collect()).collect())
    }

    /// Whether all rows were given.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.batches.is_done()
    }

    /// How many rows were given, of how many: `100 of 12,345`.
    pub async fn progress(&self, db: &mut Conn) -> Result<String> {
        let given = i64::try_from(self.given).unwrap_or(i64::MAX);
        let all = self.batches.count(db).await?;
        Ok(format!("{} of {}", with_commas(given), with_commas(all)))
    }
}

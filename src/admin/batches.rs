//! All rows of a list, from first to last, in batches: each goes on where the one before ended, so that
//! memory and the time of one statement stay the same however long the list is.

use super::asked::{Asked, Place};
use super::model::List;
use super::narrow::Narrowing;
use super::rows::Line;
use crate::db::Conn;
use crate::error::Result;

/// How many rows are read at once.
pub(super) const BATCH: usize = 2_000;

/// All rows of a list.
pub(super) struct Batches {
    list: &'static List,
    narrowing: Narrowing,
    asked: Asked,
    /// Where the next batch begins; none after the last row.
    place: Option<Place>,
}

impl Batches {
    /// The rows that a search finds, in an order.
    pub(super) fn of(list: &'static List, narrowing: Narrowing, asked: Asked) -> Self {
        Self { list, narrowing, asked, place: Some(Place::First) }
    }

    /// What was asked for.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Whether there are no more rows.
    pub(super) fn is_done(&self) -> bool {
        self.place.is_none()
    }

    /// The next rows: a batch, or fewer if no more are wanted.
    pub(super) async fn next(&mut self, db: &mut Conn, wanted: usize) -> Result<Vec<Line>> {
        let Some(place) = &self.place else {
            return Ok(Vec::new());
        };
        let size = wanted.min(BATCH);
        // One more tells whether these are the last.
        let mut lines = self.list.fetch(db, &self.narrowing, &self.asked, place, size + 1).await?;
        let more = lines.len() > size;
        lines.truncate(size);
        let last = lines.last().filter(|_| more);
        self.place = last.map(|line| Place::After(line.cursor.clone()));
        Ok(lines)
    }

    /// How many rows there are in all.
    pub(super) async fn count(&self, db: &mut Conn) -> Result<i64> {
        self.list.count_to(db, &self.narrowing, i64::MAX).await
    }
}

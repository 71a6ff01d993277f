//! The rows of a list: in order, a page at a time, and how many there are.
//!
//! A page begins after a row and not at a number (keyset paging): the thousandth costs what the first
//! costs, and a row that is added or deleted meanwhile moves no other onto two pages.

use serde_json::Value;

use super::asked::{Asked, Cursor, Place};
use super::model::{Column, Key, List, Show};
use super::narrow::Narrowing;
use crate::changes::ChangeSet;
use crate::db::{Composed, Conn, Row};
use crate::domain::times;
use crate::error::Result;
pub(super) use crate::pages::counted;

/// Rows are counted up to here.
pub(super) const MOST_COUNTED: i64 = 10_000;

/// A row, ready to be shown.
#[derive(Debug)]
pub(super) struct Line {
    /// The object's id.
    pub id: i64,
    /// What each column that is shown holds.
    pub cells: Vec<Cell>,
    /// Its place in the order.
    pub cursor: Cursor,
}

/// What a column holds for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Text.
    Text(String),
    /// A whole number, or nothing.
    Number(Option<i64>),
    /// A number with a fraction, to the last digit, or nothing.
    Decimal(String),
    /// Minutes.
    Minutes(i64),
    /// Yes or no.
    Flag(bool),
    /// A moment on the clocks of some place, or nothing.
    Moment(Option<times::LocalTime>),
}

impl Cell {
    /// As people read it.
    #[must_use]
    pub(super) fn told(&self) -> String {
        match self {
            Self::Text(text) | Self::Decimal(text) => text.clone(),
            Self::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
            Self::Minutes(minutes) => times::spoken(*minutes),
            Self::Flag(flag) => if *flag { "Yes" } else { "No" }.to_owned(),
            Self::Moment(local) => local.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// As programs read it.
    #[must_use]
    pub(super) fn plain(&self) -> String {
        match self {
            Self::Minutes(minutes) => minutes.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Moment(local) => {
                local.as_ref().map(|local| local.iso.clone()).unwrap_or_default()
            }
            Self::Text(_) | Self::Number(_) | Self::Decimal(_) => self.told(),
        }
    }
}

/// A page of rows.
#[derive(Debug)]
pub(super) struct Sheet {
    /// The rows, in order.
    pub lines: Vec<Line>,
    /// Whether more come before.
    pub more_before: bool,
    /// Whether more come after.
    pub more_after: bool,
}

impl List {
    /// The page of rows that is asked for.
    pub(super) async fn sheet(
        &'static self,
        db: &mut Conn,
        narrowing: &Narrowing,
        asked: &Asked,
    ) -> Result<Sheet> {
        let backward = matches!(asked.place, Place::Before(_) | Place::Last);
        let mut lines =
            self.fetch(db, narrowing, asked, &asked.place, asked.size.saturating_add(1)).await?;
        let more = lines.len() > asked.size;
        lines.truncate(asked.size);
        if backward {
            lines.reverse();
        }
        let (more_before, more_after) = match asked.place {
            Place::First => (false, more),
            // The row that it begins after is before it; the one that it ends before is after it.
            Place::After(_) => (true, more),
            Place::Before(_) => (more, true),
            Place::Last => (more, false),
        };
        Ok(Sheet { lines, more_before, more_after })
    }

    /// [`List::sheet`]. If every row of the page was deleted, it is the nearest page that still has rows, and
    /// `asked` says so.
    pub(super) async fn nearest_sheet(
        &'static self,
        db: &mut Conn,
        narrowing: &Narrowing,
        asked: &mut Asked,
    ) -> Result<Sheet> {
        let sheet = self.sheet(db, narrowing, asked).await?;
        let nearest = match asked.place {
            Place::After(_) => Place::Last,
            Place::Before(_) => Place::First,
            Place::First | Place::Last => return Ok(sheet),
        };
        if !sheet.lines.is_empty() {
            return Ok(sheet);
        }
        (asked.place, asked.before) = (nearest, 0);
        self.sheet(db, narrowing, asked).await
    }

    /// Up to so many rows from a place on, and backward from one that is an end.
    pub(super) async fn fetch(
        &'static self,
        db: &mut Conn,
        narrowing: &Narrowing,
        asked: &Asked,
        place: &Place,
        most: usize,
    ) -> Result<Vec<Line>> {
        let mut query = Composed::select(self.id);
        for column in &asked.columns {
            match column.show {
                Show::Text(sql)
                | Show::Number(sql)
                | Show::Decimal(sql)
                | Show::Minutes(sql)
                | Show::Flag(sql) => {
                    query.push(", ").push(sql);
                }
                Show::Moment { at, zone } => {
                    query.push(", ").push(at).push(", ").push(zone);
                }
            }
        }
        for (column, _) in &asked.order {
            query.push(", ").push(column.sort.sql());
        }
        query.push(" FROM ").push(self.from);
        narrowing.push(&mut query);
        let (cursor, backward) = match place {
            Place::First => (None, false),
            Place::After(cursor) => (Some(cursor), false),
            Place::Before(cursor) => (Some(cursor), true),
            Place::Last => (None, true),
        };
        if let Some(cursor) = cursor {
            self.push_beyond(&mut query, &asked.order, cursor, backward);
        }
        self.push_order(&mut query, &asked.order, backward);
        query.limit(most);
        let rows = db.compose(query).rows().await?;
        rows.iter().map(|row| line(row, asked)).collect()
    }

    /// The keys of an order, with the id at the end, which makes it total.
    fn keys(&self, order: &[(&'static Column, bool)]) -> Vec<(Key, bool)> {
        let last = order.last().is_some_and(|(_, downward)| *downward);
        let keys = order.iter().map(|(column, downward)| (column.sort, *downward));
        keys.chain([(Key::Number(self.id), last)]).collect()
    }

    fn push_order(&self, query: &mut Composed, order: &[(&'static Column, bool)], backward: bool) {
        for (number, (key, downward)) in self.keys(order).into_iter().enumerate() {
            query.push(if number == 0 { " ORDER BY " } else { ", " }).push(key.sql());
            if downward != backward {
                query.push(" DESC");
            }
            if matches!(key, Key::Sparse(_)) {
                query.push(if backward { " NULLS FIRST" } else { " NULLS LAST" });
            }
        }
    }

    /// Adds that rows come after a cursor; before it, if backward.
    fn push_beyond(
        &self,
        query: &mut Composed,
        order: &[(&'static Column, bool)],
        cursor: &Cursor,
        backward: bool,
    ) {
        let keys: Vec<_> = self.keys(order).into_iter().zip(&cursor.0).collect();
        if let Some(((key, downward), value)) = keys.first() {
            key.push_from(query, value, *downward, backward);
        }
        query.push(" AND (");
        for number in 0..keys.len() {
            query.push(if number == 0 { "(" } else { " OR (" });
            for (place, ((key, downward), value)) in keys.iter().take(number + 1).enumerate() {
                query.push(if place == 0 { "" } else { " AND " });
                if place == number {
                    key.push_beyond(query, value, *downward, backward);
                } else {
                    key.push_equal(query, value);
                }
            }
            query.push(")");
        }
        query.push(")");
    }

    /// How many rows there are, up to [`MOST_COUNTED`], and one more where there are more.
    pub(super) async fn count(&self, db: &mut Conn, narrowing: &Narrowing) -> Result<i64> {
        self.count_to(db, narrowing, MOST_COUNTED).await
    }

    /// [`List::count`], up to some other number.
    pub(super) async fn count_to(
        &self,
        db: &mut Conn,
        narrowing: &Narrowing,
        most: i64,
    ) -> Result<i64> {
        let mut query = Composed::select("COUNT(*) FROM (SELECT 1 AS one FROM ");
        query.push(self.table);
        narrowing.push(&mut query);
        query.push(" LIMIT ").bind_number(most.saturating_add(1)).push(") AS found");
        let (count,): (i64,) = db.compose(query).one().await?;
        Ok(count)
    }

    /// The ids of all rows, up to so many, in no order that matters.
    pub(super) async fn ids(
        &self,
        db: &mut Conn,
        narrowing: &Narrowing,
        most: usize,
    ) -> Result<Vec<i64>> {
        let mut query = Composed::select(self.id);
        query.push(" FROM ").push(self.table);
        narrowing.push(&mut query);
        query.push(" ORDER BY ").push(self.id).limit(most);
        let ids: Vec<(i64,)> = db.compose(query).all().await?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    /// The cursor of an object in an order, if it is among the rows.
    pub(super) async fn cursor(
        &'static self,
        db: &mut Conn,
        asked: &Asked,
        id: i64,
    ) -> Result<Option<Cursor>> {
        let mut query = Composed::select(self.id);
        for (column, _) in &asked.order {
            query.push(", ").push(column.sort.sql());
        }
        query.push(" FROM ").push(self.from).push(" WHERE ").push(self.id).push(" = ");
        query.bind_number(id);
        let rows = db.compose(query).rows().await?;
        rows.first().map(|row| cursor(row, 1, &asked.order)).transpose()
    }

    /// The rows around an object: the ids of the one before it and the one after it.
    pub(super) async fn neighbours(
        &'static self,
        db: &mut Conn,
        asked: &Asked,
        id: i64,
    ) -> Result<(Option<i64>, Option<i64>)> {
        let Ok(narrowing) = asked.narrowing(db, self).await? else {
            return Ok((None, None));
        };
        let Some(cursor) = self.cursor(db, asked, id).await? else {
            return Ok((None, None));
        };
        let before = self.fetch(db, &narrowing, asked, &Place::Before(cursor.clone()), 1).await?;
        let after = self.fetch(db, &narrowing, asked, &Place::After(cursor), 1).await?;
        Ok((before.first().map(|line| line.id), after.first().map(|line| line.id)))
    }

    /// The table itself, without what is joined to it.
    pub(super) fn own_table(&self) -> &'static str {
        self.table.split(" LEFT JOIN ").next().unwrap_or(self.table)
    }

    /// Keeps an object from other writers until the set ends.
    pub(super) async fn lock(&self, set: &mut ChangeSet, id: i64) -> Result<()> {
        let mut row = Composed::select(self.id);
        row.push(" FROM ").push(self.own_table()).push(" WHERE ").push(self.id);
        row.push(" = ").bind_number(id);
        let _: Option<(i64,)> = set.lock(row).optional().await?;
        Ok(())
    }
}

impl Key {
    fn sql(self) -> &'static str {
        match self {
            Self::Text(sql) | Self::Number(sql) | Self::Sparse(sql) => sql,
        }
    }

    fn push_equal(self, query: &mut Composed, value: &Value) {
        query.push(self.sql());
        match value {
            Value::Null => query.push(" IS NULL"),
            value => bind(query.push(" = "), value),
        };
    }

    /// Adds what follows for the first key: with it, an index is read from the page on, not from its start.
    fn push_from(self, query: &mut Composed, value: &Value, downward: bool, backward: bool) {
        match (self, value, backward) {
            // Missing ones are on either side.
            (Self::Sparse(_), _, false) | (_, Value::Null, _) => {}
            (key, value, _) => {
                query.push(" AND ").push(key.sql());
                bind(query.push(if downward == backward { " >= " } else { " <= " }), value);
            }
        }
    }

    fn push_beyond(self, query: &mut Composed, value: &Value, downward: bool, backward: bool) {
        match (value, backward) {
            // Missing ones come last.
            (Value::Null, false) => {
                query.push("1 = 0");
            }
            (Value::Null, true) => {
                query.push(self.sql()).push(" IS NOT NULL");
            }
            (value, _) => {
                let missing_ones_too = matches!(self, Self::Sparse(_)) && !backward;
                query.push(if missing_ones_too { "(" } else { "" }).push(self.sql());
                query.push(if downward == backward { " > " } else { " < " });
                bind(query, value);
                if missing_ones_too {
                    query.push(" OR ").push(self.sql()).push(" IS NULL)");
                }
            }
        }
    }
}

fn bind<'q>(query: &'q mut Composed, value: &Value) -> &'q mut Composed {
    match value {
        Value::String(text) => query.bind_text(text.clone()),
        value => query.bind_number(value.as_i64().unwrap_or_default()),
    }
}

/// Reads a row: the id, each column that is shown (a moment takes two), each key of the order.
fn line(row: &Row, asked: &Asked) -> Result<Line> {
    let mut at = 1;
    let mut cells = Vec::with_capacity(asked.columns.len());
    for column in &asked.columns {
        cells.push(match column.show {
            Show::Text(_) => Cell::Text(row.get::<Option<String>>(at)?.unwrap_or_default()),
            Show::Number(_) => Cell::Number(row.get(at)?),
            Show::Decimal(_) => {
                let number: Option<f64> = row.get(at)?;
                Cell::Decimal(number.map(|number| number.to_string()).unwrap_or_default())
            }
            Show::Minutes(_) => Cell::Minutes(row.get(at)?),
            Show::Flag(_) => Cell::Flag(row.get(at)?),
            Show::Moment { .. } => {
                let (moment, zone) = (row.get::<Option<i64>>(at)?, row.get::<String>(at + 1)?);
                at += 1;
                Cell::Moment(moment.and_then(|moment| times::local(moment, &zone)))
            }
        });
        at += 1;
    }
    Ok(Line { id: row.get(0)?, cells, cursor: cursor(row, at, &asked.order)? })
}

fn cursor(row: &Row, at: usize, order: &[(&'static Column, bool)]) -> Result<Cursor> {
    let mut values = Vec::with_capacity(order.len() + 1);
    for (number, (column, _)) in order.iter().enumerate() {
        values.push(match column.sort {
            Key::Text(_) => Value::from(row.get::<String>(at + number)?),
            Key::Number(_) | Key::Sparse(_) => Value::from(row.get::<Option<i64>>(at + number)?),
        });
    }
    values.push(Value::from(row.get::<i64>(0)?));
    Ok(Cursor(values))
}

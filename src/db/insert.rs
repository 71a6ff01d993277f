//! Many rows in one statement.

use sqlx::SqlSafeStr as _;

use super::conn::{Held, Tx};
use super::query::{Query, add};
use super::text::{Upkeep, Write};
use crate::error::Result;

/// SQLite takes at most 32,766 bound values a statement, PostgreSQL 65,535.
pub const ROWS_AT_ONCE: usize = 500;

/// A value of a row for [`Tx::insert_rows`].
#[derive(Debug, Clone, Copy)]
pub enum Param<'a> {
    /// Text.
    Text(&'a str),
    /// Text or NULL.
    OptionalText(Option<&'a str>),
    /// A whole number.
    Number(i64),
    /// A whole number or NULL.
    OptionalNumber(Option<i64>),
    /// A number with a fraction, or NULL.
    Decimal(Option<f64>),
    /// True or false.
    Flag(bool),
}

macro_rules! params {
    ($($type:ty, $value:ident => $param:expr;)+) => {
        $(impl<'a> From<&'a $type> for Param<'a> {
            fn from($value: &'a $type) -> Self { $param }
        })+
    };
}

params! {
    String, text => Self::Text(text);
    Option<String>, text => Self::OptionalText(text.as_deref());
    i64, number => Self::Number(*number);
    Option<i64>, number => Self::OptionalNumber(*number);
    Option<f64>, number => Self::Decimal(*number);
    bool, flag => Self::Flag(*flag);
}

impl Tx {
    /// Inserts rows without a history, hundreds in one statement: `start` is `INSERT INTO t (…) VALUES`,
    /// without rows. Each row holds its values in the order of the columns.
    pub async fn insert_rows(&mut self, start: Upkeep, rows: &[Vec<Param<'_>>]) -> Result<()> {
        for rows in rows.chunks(ROWS_AT_ONCE) {
            self.insert_chunk(start.0, rows, "").execute().await?;
        }
        Ok(())
    }

    /// [`Tx::insert_rows`], and the ids of the rows in their order.
    pub async fn insert_rows_returning_ids(
        &mut self,
        start: Upkeep,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<i64>> {
        self.insert_returning_ids(start.0, rows).await
    }

    /// Inserts objects as [`Tx::insert_rows`] does, and adds to the count of rows written: for change
    /// sets only, which a lint sees to. Answers their ids in their order.
    pub async fn insert_recorded(
        &mut self,
        start: Write,
        rows: &[Vec<Param<'_>>],
        written: &mut u64,
    ) -> Result<Vec<i64>> {
        let ids = self.insert_returning_ids(start.0, rows).await?;
        add(Some(written), u64::try_from(ids.len()).unwrap_or(u64::MAX));
        Ok(ids)
    }

    async fn insert_returning_ids(
        &mut self,
        start: &'static str,
        rows: &[Vec<Param<'_>>],
    ) -> Result<Vec<i64>> {
        let mut ids = Vec::with_capacity(rows.len());
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let made: Vec<(i64,)> = self.insert_chunk(start, rows, " RETURNING id").all().await?;
            ids.extend(made.into_iter().map(|(id,)| id));
        }
        // Neither database promises the order of RETURNING; both number rows as they come.
        ids.sort_unstable();
        Ok(ids)
    }

    /// Changes the search keys of objects: columns that follow from others, so that no history holds them. Of each
    /// row its id, and the keys in the order of the columns.
    pub async fn update_search_keys<const N: usize>(
        &mut self,
        table: &'static str,
        columns: [&'static str; N],
        rows: &[(i64, [String; N])],
    ) -> Result<()> {
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let keys = (0..N).map(|key| format!("k{key}")).collect::<Vec<_>>();
            let set =
                columns.iter().zip(&keys).map(|(column, key)| format!("{column} = keys.{key}"));
            let set = set.collect::<Vec<_>>().join(", ");
            let start = format!("WITH keys (id, {}) AS (VALUES", keys.join(", "));
            let end = format!(") UPDATE {table} SET {set} FROM keys WHERE {table}.id = keys.id");
            let rows: Vec<_> = rows
                .iter()
                .map(|(id, keys)| {
                    [Param::from(id)].into_iter().chain(keys.iter().map(Param::from)).collect()
                })
                .collect();
            self.insert_chunk(&start, &rows, &end).execute().await?;
        }
        Ok(())
    }

    fn insert_chunk(&mut self, start: &str, rows: &[Vec<Param<'_>>], end: &str) -> Query<'_> {
        // SQLite searches the names of parameters for each of them, which thousands make slow: there they have none.
        let named = matches!(self.0.held, Held::Postgres(_));
        let mut text = start.to_owned();
        let mut placeholder = 0;
        for row in rows {
            text.push_str(if placeholder == 0 { " (" } else { ", (" });
            for column in 0..row.len() {
                placeholder += 1;
                text.push_str(if column == 0 { "" } else { ", " });
                text.push(if named { '$' } else { '?' });
                if named {
                    text.push_str(&placeholder.to_string());
                }
            }
            text.push(')');
        }
        text.push_str(end);
        let query = self.0.run(sqlx::AssertSqlSafe(text).into_sql_str(), None);
        rows.iter().flatten().fold(query, |query, param| match param {
            Param::Text(text) => query.bind((*text).to_owned()),
            Param::OptionalText(text) => query.bind(text.map(str::to_owned)),
            Param::Number(number) => query.bind(*number),
            Param::OptionalNumber(number) => query.bind(*number),
            Param::Decimal(number) => query.bind(*number),
            Param::Flag(flag) => query.bind(*flag),
        })
    }
}

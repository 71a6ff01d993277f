//! What would be deleted along with an object, asked before anything is deleted: it costs a few counts, where
//! deleting and taking back could hold every other writer up for a minute.

use super::manage::Registry;
use super::preview::numbered;
use crate::auth::{Act, Need, Visitor};
use crate::changes::MOST_AT_ONCE;
use crate::db::{Composed, Conn};
use crate::error::Result;
use crate::pages::with_commas;

/// Objects of one kind that cannot be without an object of another.
#[derive(Debug)]
pub struct Dependent {
    /// The kind that they depend on.
    pub of: &'static str,
    /// Their own kind.
    pub kind: &'static str,
    /// The tables that hold them.
    pub tables: &'static str,
    /// The columns that say on which objects they depend.
    pub columns: &'static [&'static str],
}

/// Why objects cannot be deleted.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    /// The rights that are missing to delete what depends on them.
    pub missing: Vec<Need>,
    /// That they are too many, as a sentence.
    pub too_many: Option<String>,
}

impl Obstacles {
    /// Those that somebody meets who wants to delete some objects of a kind.
    pub(super) async fn of(
        db: &mut Conn,
        registry: Registry,
        by: &Visitor,
        kind: &'static str,
        ids: &[i64],
    ) -> Result<Self> {
        let mut found = Self::default();
        let mut all = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        for dependent in registry.dependents.iter().filter(|dependent| dependent.of == kind) {
            let count = count(db, dependent, ids).await?;
            all = all.saturating_add(count);
            let need = Need::to(Act::Delete, dependent.kind);
            if count > 0 && !by.has(need) && !found.missing.contains(&need) {
                found.missing.push(need);
            }
        }
        found.too_many = (all > MOST_AT_ONCE).then(|| {
            format!(
                "Deleting {} would delete more than {} objects with what depends on them. Delete fewer at \
                 once, or delete what depends on them first.",
                numbered(ids.len(), kind),
                with_commas(MOST_AT_ONCE)
            )
        });
        Ok(found)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.too_many.is_none()
    }
}

/// How many objects depend on some, up to [`MOST_AT_ONCE`] and one.
async fn count(db: &mut Conn, dependent: &Dependent, ids: &[i64]) -> Result<i64> {
    let mut query = Composed::select("COUNT(*) FROM (SELECT 1 AS one FROM ");
    query.push(dependent.tables);
    for (number, column) in dependent.columns.iter().enumerate() {
        query.push(if number == 0 { " WHERE " } else { " OR " }).push(column);
        for (number, id) in ids.iter().enumerate() {
            query.push(if number == 0 { " IN (" } else { ", " }).bind_number(*id);
        }
        query.push(if ids.is_empty() { " IN (NULL)" } else { ")" });
    }
    query.push(" LIMIT ").bind_number(MOST_AT_ONCE + 1).push(") AS dependents");
    let (count,): (i64,) = db.compose(query).one().await?;
    Ok(count)
}

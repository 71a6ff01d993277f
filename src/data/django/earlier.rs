//! What an import before this one made of the demo's rows, as the log remembers it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::changes::{Actor, ChangeSet};
use crate::db::{Composed, Select};
use crate::error::{Error, Result};

/// The objects of one kind that are here, and which of them were made of a row of the demo's.
pub(super) struct Earlier {
    /// The numbers that are taken.
    taken: HashSet<i64>,
    /// By what a row said when it was taken over: the objects that were made of such rows.
    made: HashMap<String, Vec<i64>>,
}

const MADE: Select = Select::new(
    "SELECT c.object_id, c.after FROM changes c JOIN change_sets s ON s.id = c.change_set_id
     WHERE s.actor = $1 AND c.kind = $2 AND c.before IS NULL AND c.after IS NOT NULL ORDER BY c.id",
);

impl Earlier {
    /// Looks them up. A row of the demo's is known again by some fields of what was made of it.
    pub(super) async fn of(
        set: &mut ChangeSet,
        kind: &'static str,
        fields: &[&str],
    ) -> Result<Self> {
        let mut ids = Composed::select("id FROM ");
        ids.push(kind);
        let taken: Vec<(i64,)> = set.compose(ids).all().await?;
        let taken: HashSet<_> = taken.into_iter().map(|(id,)| id).collect();
        let by = Actor::command(super::COMMAND).name;
        let rows: Vec<(i64, String)> = set.query(MADE).bind(by).bind(kind.to_owned()).all().await?;
        let mut made: HashMap<String, Vec<i64>> = HashMap::new();
        for (id, after) in rows.into_iter().filter(|(id, _)| taken.contains(id)) {
            let row: Value = serde_json::from_str(&after).map_err(Error::internal)?;
            let said: Value = fields.iter().map(|field| row.get(field).cloned()).collect();
            made.entry(said.to_string()).or_default().push(id);
        }
        Ok(Self { taken, made })
    }

    /// Whether a row can keep its number: nothing has it, and numbers can go on after it.
    pub(super) fn is_free(&self, id: i64) -> bool {
        (1..=i64::from(i32::MAX)).contains(&id) && !self.taken.contains(&id)
    }

    /// Rows whose numbers are free come first: the others then get numbers that no row has.
    pub(super) fn free_first<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> i64) -> Vec<T> {
        rows.sort_by_key(|row| !self.is_free(id(row)));
        rows
    }

    /// The object that was made of a row of this number that said this. Each is answered once: rows that
    /// say the same became objects of their own.
    pub(super) fn known(&mut self, id: i64, said: &Value) -> Option<i64> {
        let made = self.made.get_mut(&said.to_string())?;
        let place = made.iter().position(|known| *known == id).unwrap_or(0);
        (place < made.len()).then(|| made.remove(place))
    }
}

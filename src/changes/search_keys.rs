//! What the log is searched in. It follows from the history, and stands beside it: the history itself never
//! changes, but what finds it may.

use sqlx::FromRow;

use crate::db::insert::Param;
use crate::db::{Conn, Select, Tx, Upkeep, fold};
use crate::error::Result;

const INSERT_OF_SET: Upkeep =
    Upkeep::new("INSERT INTO change_set_keys (change_set_id, who, folded) VALUES");
const INSERT_OF_CHANGES: Upkeep =
    Upkeep::new("INSERT INTO change_keys (change_id, change_set_id, folded) VALUES");
const SETS: Select = Select::new(
    "SELECT s.id, s.actor, s.action, s.reason, k.who, k.folded
     FROM change_sets s LEFT JOIN change_set_keys k ON k.change_set_id = s.id
     WHERE s.id > $1 ORDER BY s.id LIMIT $2",
);
const CHANGES: Select = Select::new(
    "SELECT c.id, c.change_set_id, c.label, k.folded
     FROM changes c LEFT JOIN change_keys k ON k.change_id = c.id
     WHERE c.id > $1 ORDER BY c.id LIMIT $2",
);
const DELETE_OF_SET: Upkeep = Upkeep::new("DELETE FROM change_set_keys WHERE change_set_id = $1");
const DELETE_OF_CHANGE: Upkeep = Upkeep::new("DELETE FROM change_keys WHERE change_id = $1");

fn keys_of_set(actor: &str, action: &str, reason: &str) -> [String; 2] {
    [fold(actor), fold(&format!("{actor} {action} {reason}"))]
}

/// Writes the keys of a change set.
pub(super) async fn of_set(
    tx: &mut Tx,
    set: i64,
    actor: &str,
    action: &str,
    reason: &str,
) -> Result<()> {
    let [who, folded] = keys_of_set(actor, action, reason);
    let row = vec![Param::Number(set), Param::from(&who), Param::from(&folded)];
    tx.insert_rows(INSERT_OF_SET, &[row]).await
}

/// Writes the keys of changes: of each its id, its set and its label.
pub(super) async fn of_changes(
    tx: &mut Tx,
    changes: impl Iterator<Item = (i64, i64, &str)> + Send,
) -> Result<()> {
    let keys: Vec<_> = changes.map(|(id, set, label)| (id, set, fold(label))).collect();
    let row = |(id, set, key)| vec![Param::from(id), Param::from(set), Param::from(key)];
    let rows: Vec<_> = keys.iter().map(|(id, set, key)| row((id, set, key))).collect();
    tx.insert_rows(INSERT_OF_CHANGES, &rows).await
}

#[derive(FromRow)]
struct SetRow {
    id: i64,
    actor: String,
    action: String,
    reason: String,
    who: Option<String>,
    folded: Option<String>,
}

/// A batch of rows whose keys were made again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rebuilt {
    /// How many rows were looked at.
    pub seen: usize,
    /// The id of the last, if there were any.
    pub last: Option<i64>,
    /// How many keys were wrong or missing.
    pub written: usize,
}

/// Makes the keys of up to `most` sets after one of an id.
pub async fn rebuild_sets(tx: &mut Tx, after: i64, most: i64) -> Result<Rebuilt> {
    let sets: Vec<SetRow> = tx.query(SETS).bind(after).bind(most).all().await?;
    let mut done = Rebuilt { seen: sets.len(), last: sets.last().map(|set| set.id), written: 0 };
    for set in sets {
        let keys = keys_of_set(&set.actor, &set.action, &set.reason);
        if [set.who, set.folded] != keys.map(Some) {
            tx.upkeep(DELETE_OF_SET).bind(set.id).execute().await?;
            of_set(tx, set.id, &set.actor, &set.action, &set.reason).await?;
            done.written += 1;
        }
    }
    Ok(done)
}

/// [`rebuild_sets`], for the keys of changes.
pub async fn rebuild_changes(tx: &mut Tx, after: i64, most: i64) -> Result<Rebuilt> {
    let changes: Vec<(i64, i64, String, Option<String>)> =
        tx.query(CHANGES).bind(after).bind(most).all().await?;
    let last = changes.last().map(|(id, ..)| *id);
    let wrong: Vec<_> =
        changes.iter().filter(|(.., label, key)| key.as_ref() != Some(&fold(label))).collect();
    for (id, ..) in wrong.iter().filter(|(.., key)| key.is_some()) {
        tx.upkeep(DELETE_OF_CHANGE).bind(*id).execute().await?;
    }
    let rows = wrong.iter().map(|(id, set, label, _)| (*id, *set, label.as_str()));
    of_changes(tx, rows).await?;
    Ok(Rebuilt { seen: changes.len(), last, written: wrong.len() })
}

/// How many sets and changes there are.
pub async fn count(db: &mut Conn) -> Result<i64> {
    const COUNT: Select =
        Select::new("SELECT (SELECT COUNT(*) FROM change_sets) + (SELECT COUNT(*) FROM changes)");
    let (count,): (i64,) = db.query(COUNT).one().await?;
    Ok(count)
}

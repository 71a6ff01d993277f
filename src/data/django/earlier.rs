//! Which rows of the demo's are here already, as the log remembers it: each object that was copied, or found
//! to be the same, has a remark that says which row of the demo's it is.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::changes::{Actor, ChangeSet, REMARKS};
use crate::db::{Composed, Select};
use crate::error::{Error, Result};
use crate::input::Refusal;

/// The objects of one kind that are here, and which rows of the demo's they are.
pub(super) struct Earlier {
    kind: &'static str,
    /// One of the kind, as a remark calls it.
    one: &'static str,
    /// The numbers that are taken.
    taken: HashSet<i64>,
    /// By the number in the demo: the object here, and what the row said.
    known: HashMap<i64, (i64, String)>,
}

/// What a remark holds.
#[derive(Serialize, Deserialize)]
struct Row {
    demo: i64,
    said: String,
}

const KNOWN: Select = Select::new(
    "SELECT t.object_id, c.after FROM changes c JOIN change_subjects t ON t.change_id = c.id
     WHERE c.kind = $1 AND t.kind = $2 AND c.after IS NOT NULL ORDER BY c.id",
);
const LAST_DELETION: Select = Select::new(
    "SELECT u.actor FROM changes c JOIN change_sets s ON s.id = c.change_set_id
     LEFT JOIN change_sets u ON u.id = s.undoes
     WHERE c.kind = $1 AND c.object_id = $2 AND c.after IS NULL ORDER BY c.id DESC LIMIT 1",
);

impl Earlier {
    /// Looks them up.
    pub(super) async fn of(
        set: &mut ChangeSet,
        kind: &'static str,
        one: &'static str,
    ) -> Result<Self> {
        let mut ids = Composed::select("id FROM ");
        ids.push(kind);
        let taken: Vec<(i64,)> = set.compose(ids).all().await?;
        let rows: Vec<(i64, String)> =
            set.query(KNOWN).bind(REMARKS.to_owned()).bind(kind.to_owned()).all().await?;
        let mut known = HashMap::new();
        for (object, row) in rows {
            // (Others are what Django's log said.)
            if let Ok(Row { demo, said }) = serde_json::from_str(&row) {
                known.insert(demo, (object, said));
            }
        }
        Ok(Self { kind, one, taken: taken.into_iter().map(|(id,)| id).collect(), known })
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

    /// The object that a row of the demo's is here, if it is.
    pub(super) fn object(&self, demo: i64) -> Option<i64> {
        self.known.get(&demo).map(|(object, _)| *object).filter(|id| self.taken.contains(id))
    }

    /// Refuses what says something else now than when it was copied.
    pub(super) fn same(&self, demo: i64, said: &str) -> Result<(), Refusal> {
        match self.known.get(&demo) {
            Some((object, before)) if before != said => {
                let one = self.one;
                Err(Error::Refused(format!(
                    "It has changed in the demo since it was copied, and here it is {one} {object}: change that."
                ))
                .into())
            }
            _ => Ok(()),
        }
    }

    /// Remembers which object a row of the demo's is here.
    pub(super) fn remember(
        &self,
        set: &mut ChangeSet,
        demo: i64,
        said: String,
        object: i64,
    ) -> Result<()> {
        let text = format!("In the demo this is {} {demo}.", self.one);
        let row = serde_json::to_string(&Row { demo, said }).map_err(Error::internal)?;
        set.remark(text, Some((self.kind, object)), row)
    }

    /// Whether somebody deleted here what was copied; an undo of the copying is no such thing.
    pub(super) async fn was_deleted(&self, set: &mut ChangeSet, demo: i64) -> Result<bool> {
        let Some((object, _)) = self.known.get(&demo) else {
            return Ok(false);
        };
        let deletion: Option<(Option<String>,)> =
            set.query(LAST_DELETION).bind(self.kind.to_owned()).bind(*object).optional().await?;
        let copying = Actor::command(super::COMMAND).name;
        Ok(deletion.is_some_and(|(undone,)| undone.as_ref() != Some(&copying)))
    }
}

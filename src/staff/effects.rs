//! What changes along with objects, and is in no object's row.

use crate::admin::SideEffects;
use crate::changes::{ChangeSet, Versioned as _};
use crate::domain::airports::Airport;
use crate::domain::zones::{self, Moves};
use crate::error::{Error, Result};

/// The local times that flights show, where airports' time zones move.
pub(super) struct Times;

#[rocket::async_trait]
impl SideEffects for Times {
    async fn of(&self, set: &mut ChangeSet) -> Result<Vec<String>> {
        let mut moves = Moves::new();
        for change in set.remembered().filter(|change| change.kind == Airport::KIND) {
            let (Some(before), Some(after)) = (change.before, change.after) else {
                continue;
            };
            let before: Airport = serde_json::from_str(before).map_err(Error::internal)?;
            let after: Airport = serde_json::from_str(after).map_err(Error::internal)?;
            // Of several changes of one airport, the first says what was shown, the last what will be.
            let zones = moves.entry(change.object_id).or_insert((before.timezone, String::new()));
            zones.1 = after.timezone;
        }
        moves.retain(|_, (before, after)| before != after);
        let changes = zones::time_changes_for_page(set, &moves).await?;
        Ok(if changes.is_empty() { Vec::new() } else { vec![changes.to_string()] })
    }
}

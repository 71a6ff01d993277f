//! Undoing: each kind of object can be made again as it was, put back, and taken away. An undo is a
//! change set like any other, and can itself be undone.

use serde::de::DeserializeOwned;

use super::{ChangeSet, Versioned};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::input::Refusal;

/// An object whose changes can be undone.
#[rocket::async_trait]
pub trait Undoable: Versioned + DeserializeOwned + Send {
    /// The object as it is now, kept from other writers.
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>>;

    /// Whether it is the same but for what only counts or is told from others.
    fn same(&self, other: &Self) -> bool;

    /// Makes it again, with its id, as far as the rules allow it now.
    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal>;

    /// Puts what it was in the place of what it is now, as far as the rules allow it now.
    async fn put_back(self, set: &mut ChangeSet, now: Self) -> Result<(), Refusal>;

    /// Takes it away; nothing falls with it.
    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal>;
}

fn read<T: DeserializeOwned>(json: Option<&str>) -> Result<Option<T>> {
    json.map(|json| serde_json::from_str(json).map_err(Error::internal)).transpose()
}

fn refused(why: impl Into<String>) -> Refusal {
    Error::Refused(why.into()).into()
}

/// Undoes one change of an object. It must still be as the change left it.
pub async fn undo<T: Undoable>(
    set: &mut ChangeSet,
    id: i64,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), Refusal> {
    let (before, after): (Option<T>, Option<T>) = (read(before)?, read(after)?);
    match (before, after, T::now(set, id).await?) {
        (Some(before), None, None) => before.make_again(set).await,
        (_, None, Some(_)) => Err(refused("It is there again already.")),
        (None, Some(_), None) => Err(refused("It is gone already.")),
        (Some(_), Some(_), None) => Err(refused("It was deleted since.")),
        (before, Some(after), Some(now)) => match before {
            Some(before) if before.same(&after) => Ok(()),
            _ if !now.same(&after) => Err(refused(changed_since(set, T::KIND, id).await?)),
            Some(before) => before.put_back(set, now).await,
            None => now.take_away(set).await,
        },
        (None, None, _) => Ok(()),
    }
}

async fn changed_since(db: &mut Conn, kind: &str, id: i64) -> Result<String> {
    Ok(super::latest(db, kind, id).await?.map_or_else(
        || "It was changed since.".to_owned(),
        |entry| format!("{} changed it since.", entry.actor),
    ))
}

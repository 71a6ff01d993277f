//! Who sees which change sets of the log: those whose changes are all of kinds that one may view. The log's
//! list with its search, filters, file and saved views, the page of one change set and the start page ask here.

use super::guards::Visitor;
use super::rights::{Act, Need};
use crate::changes;
use crate::db::Conn;
use crate::error::Result;

/// The kinds of changes, as conditions on a change set `s`.
macro_rules! kinds {
    ($($kind:literal $title:literal),*) => {
        /// The kinds of changes that the log holds: name, title, and the condition that a change set `s` holds one.
        pub const KINDS: &[(&str, &str, &str)] = &[$((
            $kind,
            $title,
            concat!("EXISTS (SELECT 1 FROM changes c WHERE c.change_set_id = s.id AND c.kind = '", $kind, "')"),
        )),*];
        /// The same kinds: name, and the condition that a change set `s` holds none.
        const WITHOUT: &[(&str, &str)] = &[$((
            $kind,
            concat!("NOT EXISTS (SELECT 1 FROM changes c WHERE c.change_set_id = s.id AND c.kind = '", $kind, "')"),
        )),*];
    };
}
kinds! {
    "airports" "Airports",
    "flights" "Flights",
    "passengers" "Passengers",
    "bookings" "Bookings",
    "users" "Users",
    "groups" "Groups",
    "memberships" "Memberships",
    "remarks" "Notes"
}

/// What somebody needs to see changes of a kind.
fn need_of(kind: &str) -> Need {
    Need::to(Act::View, kind)
}

/// The conditions that hold for each change set `s` that somebody may see.
#[must_use]
pub fn conditions(by: &Visitor) -> Vec<&'static str> {
    let hidden = WITHOUT.iter().filter(|(kind, _)| !by.has(need_of(kind)));
    hidden.map(|(_, without)| *without).collect()
}

/// Refuses a change set that somebody may not see, with what they lack.
pub async fn need(db: &mut Conn, by: &Visitor, set: i64) -> Result<()> {
    for kind in changes::kinds_of(db, set).await? {
        by.need(need_of(&kind))?;
    }
    Ok(())
}

/// Those of the latest change sets that somebody may not see, by their ids.
pub async fn hidden_among_latest(db: &mut Conn, by: &Visitor, count: i64) -> Result<Vec<i64>> {
    let kinds = changes::recent_kinds(db, count).await?;
    let hidden = kinds.into_iter().filter(|(_, kind)| !by.has(need_of(kind)));
    Ok(hidden.map(|(set, _)| set).collect())
}

#[cfg(test)]
mod tests {
    use super::{KINDS, WITHOUT};
    use crate::changes::REMARKS;
    use crate::db::text::OBJECTS;

    /// A kind that is missing here would be shown to everybody.
    #[test]
    fn everything_that_the_log_holds_can_be_hidden() {
        let mut held: Vec<_> = OBJECTS.into_iter().chain([REMARKS]).collect();
        held.sort_unstable();
        for mut kinds in [
            KINDS.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(),
            WITHOUT.iter().map(|(kind, _)| *kind).collect(),
        ] {
            kinds.sort_unstable();
            assert_eq!(kinds, held);
        }
    }
}

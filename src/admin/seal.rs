//! The seal over a preview: what is confirmed must come to just what was seen.

use std::collections::{BTreeMap, HashMap};

use super::preview::Refused;
use crate::changes::{ChangeSet, Remembered};
use crate::random;

/// How many differences are told one by one.
const TOLD: usize = 20;

/// What comes of an act, so that two previews can be compared.
#[derive(Debug)]
pub(super) struct Seal {
    /// Over the operation and everything that comes of it.
    pub(super) digest: String,
    /// A short digest for each object: `flights.20001.1a2b3c4d`, with blanks between.
    pub(super) seen: String,
}

impl Seal {
    /// Of what a set would do, and of what it refuses.
    pub(super) fn of(operation: &str, set: &ChangeSet, refused: &[Refused]) -> Self {
        Self::over(operation, set.remembered(), set.restores(), refused)
    }

    fn over<'c>(
        operation: &str,
        changes: impl Iterator<Item = Remembered<'c>>,
        restored: bool,
        refused: &[Refused],
    ) -> Self {
        let mut created = Created::default();
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut add = |object: String, what: &str| {
            let entry = seen.entry(object).or_default();
            *entry = random::digest(&format!("{entry}\n{what}")).chars().take(8).collect();
        };
        let mut whole = operation.to_owned();
        for Remembered { kind, object_id, before, after, .. } in changes {
            let is_new = before.is_none() && !restored;
            if is_new {
                created.add(kind, object_id);
            }
            let object = created.object(kind, object_id);
            let after = after.map(|after| created.without_assigned(after, is_new));
            let what = format!("{}\n{}", before.unwrap_or("-"), after.as_deref().unwrap_or("-"));
            whole = random::digest(&format!("{whole}\n{object}\n{what}"));
            add(object, &what);
        }
        for Refused { kind, id, why, .. } in refused {
            add(format!("{kind}.{id}"), why);
            whole = random::digest(&format!("{whole}\n{kind}\n{id}\n{why}"));
        }
        let seen = seen.iter().map(|(object, digest)| format!("{object}.{digest}"));
        Self { digest: whole, seen: seen.collect::<Vec<_>>().join(" ") }
    }

    /// What is otherwise than it was seen, as sentences.
    pub(super) fn differences(&self, seen: &str, names: &BTreeMap<String, String>) -> Vec<String> {
        let read = |text: &str| -> BTreeMap<String, String> {
            text.split(' ')
                .filter_map(|part| part.rsplit_once('.'))
                .map(|(object, digest)| (object.to_owned(), digest.to_owned()))
                .collect()
        };
        let (was, is) = (read(seen), read(&self.seen));
        let name = |object: &String| {
            names.get(object).cloned().unwrap_or_else(|| object.replace('.', " "))
        };
        let new = is.iter().filter(|(object, _)| !was.contains_key(*object));
        let new = new.map(|(object, _)| format!("{} has come into it.", name(object)));
        let other = is
            .iter()
            .filter(|(object, digest)| was.get(*object).is_some_and(|known| known != *digest))
            .map(|(object, _)| format!("{} is otherwise now.", name(object)));
        let gone = was.keys().filter(|object| !is.contains_key(*object));
        let gone = gone.map(|object| format!("{} is no longer in it.", name(object)));
        let mut told: Vec<_> = new.chain(other).chain(gone).collect();
        let more = told.len().saturating_sub(TOLD);
        told.truncate(TOLD);
        if more > 0 {
            told.push(format!("And {more} more."));
        }
        told
    }
}

/// The objects that a set creates. The database gives them other ids each time (PostgreSQL's sequences do not
/// roll back), so they are told apart by their order.
#[derive(Debug, Default)]
struct Created<'c>(HashMap<(&'c str, i64), usize>);

impl<'c> Created<'c> {
    fn add(&mut self, kind: &'c str, id: i64) {
        let number = self.0.len();
        self.0.insert((kind, id), number);
    }

    fn number(&self, kind: &str, id: i64) -> Option<usize> {
        self.0.get(&(kind, id)).copied()
    }

    /// An object, by its kind and what tells it apart.
    fn object(&self, kind: &str, id: i64) -> String {
        match self.number(kind, id) {
            Some(number) => format!("{kind}.new{number}"),
            None => format!("{kind}.{id}"),
        }
    }

    /// A row without what the database and the clock assign: its own id and time if it `is_new`, and the ids
    /// of other new objects that it refers to.
    fn without_assigned(&self, row: &str, is_new: bool) -> String {
        let Ok(serde_json::Value::Object(mut row)) = serde_json::from_str(row) else {
            return row.to_owned();
        };
        if is_new {
            for assigned in ["id", "created_at", "booked_at"] {
                row.remove(assigned);
            }
        }
        for (column, kind) in REFERENCES {
            if let Some(value) = row.get_mut(column)
                && let Some(number) = value.as_i64().and_then(|id| self.number(kind, id))
            {
                *value = format!("new{number}").into();
            }
        }
        serde_json::Value::Object(row).to_string()
    }
}

/// The columns of rows that refer to other objects, and their kinds.
const REFERENCES: [(&str, &str); 6] = [
    ("flight_id", "flights"),
    ("passenger_id", "passengers"),
    ("origin_id", "airports"),
    ("destination_id", "airports"),
    ("user_id", "users"),
    ("group_id", "groups"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(changes: &[(&'static str, i64, Option<&str>, Option<&str>)]) -> String {
        let changes = changes.iter().map(|(kind, object_id, before, after)| Remembered {
            kind,
            object_id: *object_id,
            label: "",
            before: *before,
            after: *after,
        });
        Seal::over("add", changes, false, &[]).digest
    }

    #[test]
    fn ids_that_the_database_assigns_are_no_difference() {
        let add = |flight: i64, booking: i64, passenger: i64, duration: i64| {
            let flight_row = format!("{{\"id\":{flight},\"duration\":{duration}}}");
            let booking_row = format!(
                "{{\"id\":{booking},\"flight_id\":{flight},\"passenger_id\":{passenger},\"created_at\":{booking}}}"
            );
            seal(&[
                ("flights", flight, None, Some(&flight_row)),
                ("bookings", booking, None, Some(&booking_row)),
            ])
        };
        assert_eq!(add(7, 8, 1, 60), add(17, 28, 1, 60));
        assert_ne!(add(7, 8, 1, 60), add(7, 8, 2, 60));
        assert_ne!(add(7, 8, 1, 60), add(7, 8, 1, 61));
        // What is there already is told apart by its id.
        let change = |id| seal(&[("flights", id, Some("{}"), Some("{\"duration\":1}"))]);
        assert_ne!(change(7), change(8));
    }
}

//! A form that makes an object carries a key. Whoever sends the same form again, by a double click, from the
//! browser's history or because an answer got lost, gets the answer to the first one: nothing is made twice.

use sqlx::FromRow;

use super::ChangeSet;
use crate::clock::CLOCK_SKEW;
use crate::db::{Select, Tx, Upkeep};
use crate::error::Result;
use crate::input::Values;
use crate::random;

/// The hidden field of a form that holds its key.
pub const FIELD: &str = "once";

/// A key is kept for this many seconds.
const LIFE: i64 = 24 * 60 * 60;

const CLAIM: Upkeep = Upkeep::new(
    "INSERT INTO form_keys (key, user_id, kind, object_id, created_at) VALUES ($1, $2, $3, 0, $4)
     ON CONFLICT (key) DO NOTHING",
);
const FIRST: Select =
    Select::new("SELECT object_id, change_set_id FROM form_keys WHERE key = $1 AND user_id = $2");
const KEEP: Upkeep =
    Upkeep::new("UPDATE form_keys SET object_id = $2, change_set_id = $3 WHERE key = $1");
/// A hundred at a time: more than come with one new key, and never many.
const SWEEP: Upkeep = Upkeep::new(
    "DELETE FROM form_keys WHERE key IN
     (SELECT key FROM form_keys WHERE created_at <= $1 OR created_at > $2 LIMIT 100)",
);

/// The key of one form of one account, as it was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormKey {
    digest: String,
    user: i64,
    kind: String,
}

/// What the first form of a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct FirstAnswer {
    /// The object that it made.
    pub object_id: i64,
    /// The change set that made it; none for an object without a history.
    pub change_set_id: Option<i64>,
}

impl FormKey {
    /// The key of a form that makes an object of a kind; none, if the form carries none. What was typed is
    /// part of it: whoever goes back and types something else wants another object. The button is not.
    #[must_use]
    pub fn of(user: i64, kind: &str, typed: &Values) -> Option<Self> {
        if typed.first(FIELD).is_empty() {
            return None;
        }
        let fields = typed.iter().filter(|(name, _)| *name != "csrf" && !name.starts_with('_'));
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(fields);
        let digest = random::digest(&format!("form\n{user}\n{kind}\n{}", text.finish()));
        Some(Self { digest, user, kind: kind.to_owned() })
    }
}

/// The key that a form carries when it is shown: the one that it came with, or a new one.
#[must_use]
pub fn carried(values: &Values) -> String {
    match values.first(FIELD) {
        "" => random::secret(),
        key => key.to_owned(),
    }
}

/// Takes a key for this transaction, or answers what its first form led to. Whoever sends the same form at
/// the same moment waits until this transaction ends.
pub async fn claim(tx: &mut Tx, key: &FormKey, now: i64) -> Result<Option<FirstAnswer>> {
    let claimed = tx
        .upkeep(CLAIM)
        .bind(key.digest.clone())
        .bind(key.user)
        .bind(key.kind.clone())
        .bind(now)
        .execute()
        .await?;
    if claimed == 0 {
        return tx.lock(FIRST).bind(key.digest.clone()).bind(key.user).optional().await;
    }
    tx.upkeep(SWEEP).bind(now - LIFE).bind(now + CLOCK_SKEW).execute().await?;
    Ok(None)
}

/// Keeps what the form of a claimed key led to.
pub async fn keep(tx: &mut Tx, key: &FormKey, object: i64, set: Option<i64>) -> Result<()> {
    tx.upkeep(KEEP).bind(key.digest.clone()).bind(object).bind(set).execute().await?;
    Ok(())
}

impl ChangeSet {
    /// [`claim`], for the form that this set carries out. It comes before anything that the set changes.
    pub async fn claim(&mut self, key: &FormKey) -> Result<Option<FirstAnswer>> {
        claim(&mut self.tx, key, self.intent.at).await
    }

    /// Says which object the form of a claimed key made; the commit keeps it.
    pub fn made(&mut self, key: FormKey, object: i64) {
        self.made = Some((key, object));
    }
}

#[cfg(test)]
mod tests {
    use super::FormKey;
    use crate::input::Values;

    #[test]
    fn a_key_is_of_one_account_one_kind_and_what_was_typed() {
        let key = |user, kind, text| FormKey::of(user, kind, &Values::from_urlencoded(text));
        let first = key(1, "airports", "csrf=a&once=x&city=Paris&_save=1");
        assert!(first.is_some());
        assert_eq!(key(1, "airports", "csrf=b&once=x&city=Paris&_addanother=1"), first);
        for other in [
            key(2, "airports", "once=x&city=Paris"),
            key(1, "groups", "once=x&city=Paris"),
            key(1, "airports", "once=y&city=Paris"),
            key(1, "airports", "once=x&city=Rome"),
        ] {
            assert!(other.is_some() && other != first, "{other:?}");
        }
        assert_eq!(key(1, "airports", "city=Paris"), None);
    }
}

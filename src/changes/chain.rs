//! The chain of history: each change set carries a hash over itself and the hash of the one before, so
//! that none can be changed, taken out or put in without every later hash becoming wrong.

use std::collections::{HashMap, VecDeque};

use serde_json::json;
use sqlx::FromRow;

use crate::db::{Conn, Select};
use crate::error::Result;
use crate::random::Hasher;

/// A change set as its hash sees it.
#[derive(Debug, FromRow)]
pub(super) struct Head {
    pub(super) at: i64,
    pub(super) actor_id: Option<i64>,
    pub(super) actor: String,
    pub(super) request_id: String,
    pub(super) action: String,
    pub(super) reason: String,
    pub(super) undoes: Option<i64>,
}

/// A change as the hash of its set sees it.
#[derive(Debug)]
pub(super) struct Link<'a> {
    pub(super) kind: &'a str,
    pub(super) object_id: i64,
    pub(super) label: &'a str,
    pub(super) before: Option<&'a str>,
    pub(super) after: Option<&'a str>,
    /// In the order of kind and id.
    pub(super) subjects: Vec<(&'a str, i64)>,
}

/// The hash of a set that comes after another: SHA-256 over the other's hash and the set as JSON,
/// `[id,…,[change,…]]`. It is made change by change, so that a set of any size takes no memory.
pub(super) struct SetHash {
    hasher: Hasher,
    any: bool,
}

impl SetHash {
    pub(super) fn begin(before: &str, id: i64, head: &Head) -> Self {
        let Head { at, actor_id, actor, request_id, action, reason, undoes } = head;
        let set = json!([id, at, actor_id, actor, request_id, action, reason, undoes]).to_string();
        let mut hasher = Hasher::default();
        // The changes are the last member of the list.
        hasher.add(&format!("{before}\n{},[", set.strip_suffix(']').unwrap_or(&set)));
        Self { hasher, any: false }
    }

    pub(super) fn add(&mut self, link: &Link<'_>) {
        if self.any {
            self.hasher.add(",");
        }
        self.any = true;
        let Link { kind, object_id, label, before, after, subjects } = link;
        self.hasher.add(&json!([kind, object_id, label, before, after, subjects]).to_string());
    }

    pub(super) fn end(mut self) -> String {
        self.hasher.add("]]");
        self.hasher.finish()
    }
}

#[derive(Debug, FromRow)]
struct SetRow {
    id: i64,
    hash: String,
    #[sqlx(flatten)]
    head: Head,
}

#[derive(Debug, FromRow)]
struct ChangeRow {
    id: i64,
    change_set_id: i64,
    kind: String,
    object_id: i64,
    label: String,
    before: Option<String>,
    after: Option<String>,
}

/// What came of checking the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every set fits the one before: how many, and the last hash.
    Whole {
        /// How many sets carry a hash.
        sets: usize,
        /// How many are older than the chain.
        older: usize,
        /// The last hash: kept elsewhere, it proves that nothing was cut off at the end.
        head: String,
    },
    /// A set does not fit the one before, or holds something else than when it was written.
    Broken {
        /// Its id.
        set: i64,
    },
    /// The end of the chain was cut off or put on from elsewhere, hashes were blanked, or there are
    /// changes that belong to no set.
    CutOff,
}

const SETS: Select = Select::new(
    "SELECT id, at, actor_id, actor, request_id, action, reason, undoes, hash
     FROM change_sets WHERE id > $1 ORDER BY id LIMIT 10000",
);
const CHANGES: Select = Select::new(
    "SELECT id, change_set_id, kind, object_id, label, before, after
     FROM changes WHERE id > $1 ORDER BY id LIMIT 40000",
);
/// No index leads here: the batches of changes are large, so that this is not asked often.
const SUBJECTS: Select = Select::new(
    "SELECT change_id, kind, object_id FROM change_subjects
     WHERE change_id BETWEEN $1 AND $2 ORDER BY kind, object_id",
);
const HEAD: Select = Select::new("SELECT head, older FROM data_version");
/// Changes of no set, and subjects of no change.
const ASTRAY: Select = Select::new(
    "SELECT (SELECT COUNT(*) FROM changes c WHERE NOT EXISTS
                 (SELECT 1 FROM change_sets s WHERE s.id = c.change_set_id))
          + (SELECT COUNT(*) FROM change_subjects t WHERE NOT EXISTS
                 (SELECT 1 FROM changes c WHERE c.id = t.change_id))",
);

/// Checks the whole chain, in constant memory. `step` is told how many sets were checked.
pub async fn verify(db: &mut Conn, step: &mut (dyn FnMut(usize) + Send)) -> Result<Verdict> {
    let (mut last, mut before, mut sets, mut older) = (i64::MIN, String::new(), 0, 0);
    // The last set that is older than the chain.
    let mut last_older = i64::MIN;
    let mut changes = Changes::default();
    loop {
        let rows: Vec<SetRow> = db.query(SETS).bind(last).all().await?;
        let Some(end) = rows.last() else {
            break;
        };
        last = end.id;
        step(rows.len());
        for row in &rows {
            if row.hash.is_empty() && before.is_empty() {
                older += 1;
                last_older = row.id;
                continue;
            }
            let mut hash = SetHash::begin(&before, row.id, &row.head);
            let next = changes.peek(db, last_older).await?;
            if let Some(set) = next.filter(|set| *set < row.id) {
                return stray(db, set).await;
            }
            while changes.peek(db, last_older).await? == Some(row.id) {
                let Some((change, subjects)) = changes.take() else {
                    break;
                };
                hash.add(&Link {
                    kind: &change.kind,
                    object_id: change.object_id,
                    label: &change.label,
                    before: change.before.as_deref(),
                    after: change.after.as_deref(),
                    subjects: subjects.iter().map(|(kind, id)| (kind.as_str(), *id)).collect(),
                });
            }
            if hash.end() != row.hash {
                return Ok(Verdict::Broken { set: row.id });
            }
            before.clone_from(&row.hash);
            sets += 1;
        }
    }
    if let Some(set) = changes.peek(db, last_older).await? {
        return stray(db, set).await;
    }
    let (head, known_older): (String, i64) = db.query(HEAD).one().await?;
    let (astray,): (i64,) = db.query(ASTRAY).one().await?;
    let whole = head == before && i64::try_from(older).ok() == Some(known_older) && astray == 0;
    Ok(if whole { Verdict::Whole { sets, older, head } } else { Verdict::CutOff })
}

/// A change that comes after all of its set, or belongs to none.
async fn stray(db: &mut Conn, set: i64) -> Result<Verdict> {
    let (astray,): (i64,) = db.query(ASTRAY).one().await?;
    Ok(if astray > 0 { Verdict::CutOff } else { Verdict::Broken { set } })
}

/// All changes in the order of their ids, read in batches. Sets of the chain are written one after the
/// other, so this is the order of sets, too.
struct Changes {
    read: VecDeque<ChangeRow>,
    subjects: HashMap<i64, Vec<(String, i64)>>,
    last: i64,
}

impl Default for Changes {
    fn default() -> Self {
        Self { read: VecDeque::new(), subjects: HashMap::new(), last: i64::MIN }
    }
}

impl Changes {
    /// The set of the next change; changes of sets that are older than the chain are passed over.
    async fn peek(&mut self, db: &mut Conn, last_older: i64) -> Result<Option<i64>> {
        loop {
            match self.read.front() {
                Some(change) if change.change_set_id > last_older => {
                    return Ok(Some(change.change_set_id));
                }
                Some(_) => {
                    self.take();
                }
                None => {
                    self.read_on(db).await?;
                    if self.read.is_empty() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The next change of those that were read, with its subjects.
    fn take(&mut self) -> Option<(ChangeRow, Vec<(String, i64)>)> {
        let change = self.read.pop_front()?;
        let subjects = self.subjects.remove(&change.id).unwrap_or_default();
        Some((change, subjects))
    }

    async fn read_on(&mut self, db: &mut Conn) -> Result<()> {
        let changes: Vec<ChangeRow> = db.query(CHANGES).bind(self.last).all().await?;
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
            return Ok(());
        };
        self.last = last.id;
        let subjects: Vec<(i64, String, i64)> =
            db.query(SUBJECTS).bind(first.id).bind(last.id).all().await?;
        self.subjects.clear();
        for (change, kind, object) in subjects {
            self.subjects.entry(change).or_default().push((kind, object));
        }
        self.read = changes.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Head, Link, SetHash};
    use crate::random;

    /// However it is made, the hash is that of the whole: chains that were begun before go on.
    #[test]
    fn a_hash_in_pieces_is_that_of_the_whole() {
        let head = Head {
            at: 1,
            actor_id: None,
            actor: "boss]".to_owned(),
            request_id: String::new(),
            action: "load".to_owned(),
            reason: "\"why\"]".to_owned(),
            undoes: None,
        };
        let link = |object_id| Link {
            kind: "passengers",
            object_id,
            label: "Ann",
            before: None,
            after: Some("{}"),
            subjects: vec![("flights", 2), ("passengers", object_id)],
        };
        for count in 0..3 {
            let mut hash = SetHash::begin("abc", 7, &head);
            let mut changes = Vec::new();
            for id in 0..count {
                hash.add(&link(id));
                let subjects = json!([["flights", 2], ["passengers", id]]);
                changes.push(json!(["passengers", id, "Ann", null, "{}", subjects]));
            }
            let set = json!([7, 1, null, "boss]", "", "load", "\"why\"]", null, changes]);
            assert_eq!(hash.end(), random::digest(&format!("abc\n{set}")), "{count} changes");
        }
    }
}

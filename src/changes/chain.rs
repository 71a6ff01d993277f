//! The chain of history: each change set carries a hash over itself and the hash of the one before, so
//! that none can be changed, taken out or put in without every later hash becoming wrong.

use std::collections::HashMap;

use serde_json::json;
use sqlx::FromRow;

use crate::db::{Composed, Conn, Select, fold};
use crate::error::Result;
use crate::random;

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

impl Head {
    /// What the log is searched in.
    pub(super) fn folded(&self) -> String {
        fold(&format!("{} {} {}", self.actor, self.action, self.reason))
    }
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

/// The hash of a set that comes after another: SHA-256 over the other's hash and the set as JSON.
pub(super) fn hash(before: &str, id: i64, head: &Head, links: &[Link<'_>]) -> String {
    let changes: Vec<_> = links
        .iter()
        .map(|link| {
            json!([link.kind, link.object_id, link.label, link.before, link.after, link.subjects])
        })
        .collect();
    let Head { at, actor_id, actor, request_id, action, reason, undoes } = head;
    let set = json!([id, at, actor_id, actor, request_id, action, reason, undoes, changes]);
    random::digest(&format!("{before}\n{set}"))
}

#[derive(Debug, FromRow)]
struct SetRow {
    id: i64,
    hash: String,
    folded: String,
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
    folded: String,
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
    "SELECT id, at, actor_id, actor, request_id, action, reason, undoes, hash, folded
     FROM change_sets WHERE id > $1 ORDER BY id LIMIT 500",
);
const HEAD: Select = Select::new("SELECT head, older FROM data_version");
/// Changes of no set, and subjects of no change.
const ASTRAY: Select = Select::new(
    "SELECT (SELECT COUNT(*) FROM changes c WHERE NOT EXISTS
                 (SELECT 1 FROM change_sets s WHERE s.id = c.change_set_id))
          + (SELECT COUNT(*) FROM change_subjects t WHERE NOT EXISTS
                 (SELECT 1 FROM changes c WHERE c.id = t.change_id))",
);

/// Checks the whole chain. `step` is told how many sets were checked.
pub async fn verify(db: &mut Conn, step: &mut (dyn FnMut(usize) + Send)) -> Result<Verdict> {
    let (mut last, mut before, mut sets, mut older) = (i64::MIN, String::new(), 0, 0);
    loop {
        let rows: Vec<SetRow> = db.query(SETS).bind(last).all().await?;
        let (Some(first), Some(end)) = (rows.first(), rows.last()) else {
            break;
        };
        let changes = changes_between(db, first.id, end.id).await?;
        let subjects = subjects_between(db, first.id, end.id).await?;
        last = end.id;
        step(rows.len());
        for row in &rows {
            if row.hash.is_empty() && before.is_empty() {
                older += 1;
                continue;
            }
            let links: Vec<_> = changes
                .iter()
                .filter(|change| change.change_set_id == row.id)
                .map(|change| Link {
                    kind: &change.kind,
                    object_id: change.object_id,
                    label: &change.label,
                    before: change.before.as_deref(),
                    after: change.after.as_deref(),
                    subjects: subjects
                        .get(&change.id)
                        .into_iter()
                        .flatten()
                        .map(|(kind, id)| (kind.as_str(), *id))
                        .collect(),
                })
                .collect();
            // What is searched in is no part of the hash: it follows from what is.
            let own = changes.iter().filter(|change| change.change_set_id == row.id);
            let told = row.folded == row.head.folded()
                && own.into_iter().all(|change| change.folded == fold(&change.label));
            if !told || hash(&before, row.id, &row.head, &links) != row.hash {
                return Ok(Verdict::Broken { set: row.id });
            }
            before.clone_from(&row.hash);
            sets += 1;
        }
    }
    let (head, known_older): (String, i64) = db.query(HEAD).one().await?;
    let (astray,): (i64,) = db.query(ASTRAY).one().await?;
    let whole = head == before && i64::try_from(older).ok() == Some(known_older) && astray == 0;
    Ok(if whole { Verdict::Whole { sets, older, head } } else { Verdict::CutOff })
}

async fn changes_between(db: &mut Conn, first: i64, last: i64) -> Result<Vec<ChangeRow>> {
    let mut query = Composed::select(
        "id, change_set_id, kind, object_id, label, folded, before, after FROM changes
         WHERE change_set_id BETWEEN ",
    );
    query.bind_number(first).push(" AND ").bind_number(last).push(" ORDER BY id");
    db.compose(query).all().await
}

async fn subjects_between(
    db: &mut Conn,
    first: i64,
    last: i64,
) -> Result<HashMap<i64, Vec<(String, i64)>>> {
    let mut query = Composed::select(
        "t.change_id, t.kind, t.object_id FROM changes c JOIN change_subjects t ON t.change_id = c.id
         WHERE c.change_set_id BETWEEN ",
    );
    query.bind_number(first).push(" AND ").bind_number(last).push(" ORDER BY t.kind, t.object_id");
    let rows: Vec<(i64, String, i64)> = db.compose(query).all().await?;
    let mut subjects: HashMap<i64, Vec<(String, i64)>> = HashMap::new();
    for (change, kind, object) in rows {
        subjects.entry(change).or_default().push((kind, object));
    }
    Ok(subjects)
}

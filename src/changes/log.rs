//! Reading the log: one object's history, and what was done lately.

use sqlx::FromRow;

use crate::db::{Conn, Select};
use crate::error::Result;

/// One change, and the set it belongs to.
#[derive(Debug, Clone, FromRow)]
pub struct Entry {
    /// The change set.
    pub change_set_id: i64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What for.
    pub action: String,
    /// The kind of the object.
    pub kind: String,
    /// Its id.
    pub object_id: i64,
    /// What it was called then.
    pub label: String,
    /// The row before, as JSON; none where it was made.
    pub before: Option<String>,
    /// The row after, as JSON; none where it went.
    pub after: Option<String>,
}

/// A change set in a list of what was done.
#[derive(Debug, Clone, FromRow)]
pub struct RecentSet {
    /// Its id.
    pub id: i64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What for.
    pub action: String,
    /// How many objects it changed.
    pub count: i64,
    /// The kind of the chief of them: what the set was about, rather than the bookings beside it.
    pub kind: String,
    /// The id of the chief of them.
    pub object_id: i64,
    /// What the chief of them is called.
    pub label: String,
    /// Whether the chief of them went.
    pub gone: bool,
}

/// A change set, as one looks at it alone.
#[derive(Debug, Clone, FromRow)]
pub struct Performed {
    /// Its id.
    pub id: i64,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What for.
    pub action: String,
    /// Why, where it was said.
    pub reason: String,
    /// The request that asked for it; empty for commands.
    pub request_id: String,
    /// The set that it undoes.
    pub undoes: Option<i64>,
    /// The last set that undoes it, or a part of it.
    pub undone_by: Option<i64>,
}

/// How many changes a page of history shows.
pub const HISTORY_PAGE: usize = 100;

const HISTORY: Select = Select::new(
    "SELECT c.change_set_id, s.at, s.actor, s.action, c.kind, c.object_id, c.label, c.before, c.after
     FROM change_subjects t
     JOIN changes c ON c.id = t.change_id
     JOIN change_sets s ON s.id = c.change_set_id
     WHERE t.kind = $1 AND t.object_id = $2
     ORDER BY c.id DESC LIMIT $3 OFFSET $4",
);
const RECENT: Select = Select::new(
    "SELECT s.id, s.at, s.actor, s.action, n.count, c.kind, c.object_id, c.label,
            c.after IS NULL AS gone
     FROM (SELECT id, at, actor, action FROM change_sets ORDER BY id DESC LIMIT $1) s
     JOIN (SELECT change_set_id, COUNT(*) AS count,
                  COALESCE(MAX(CASE WHEN kind NOT IN ('bookings', 'memberships') THEN id END), MIN(id)) AS chief_id
           FROM changes
           WHERE change_set_id IN (SELECT id FROM change_sets ORDER BY id DESC LIMIT $1)
           GROUP BY change_set_id) n ON n.change_set_id = s.id
     JOIN changes c ON c.id = n.chief_id
     ORDER BY s.id DESC",
);

/// A page of an object's history, newest first, and one change more if there are earlier ones; pages count
/// from 0.
pub async fn history(db: &mut Conn, kind: &str, id: i64, page: i64) -> Result<Vec<Entry>> {
    let size = i64::try_from(HISTORY_PAGE).unwrap_or(i64::MAX);
    db.query(HISTORY)
        .bind(kind.to_owned())
        .bind(id)
        .bind(size.saturating_add(1))
        .bind(page.saturating_mul(size))
        .all()
        .await
}

const LATEST: Select = Select::new(
    "SELECT c.change_set_id, s.at, s.actor, s.action, c.kind, c.object_id, c.label, c.before, c.after
     FROM change_subjects t
     JOIN changes c ON c.id = t.change_id
     JOIN change_sets s ON s.id = c.change_set_id
     WHERE t.kind = $1 AND t.object_id = $2 AND c.kind = $1 ORDER BY c.id DESC LIMIT 1",
);

/// The last change of an object itself.
pub async fn latest(db: &mut Conn, kind: &str, id: i64) -> Result<Option<Entry>> {
    db.query(LATEST).bind(kind.to_owned()).bind(id).optional().await
}

/// The latest change sets, newest first.
pub async fn recent(db: &mut Conn, count: i64) -> Result<Vec<RecentSet>> {
    db.query(RECENT).bind(count).all().await
}

const PERFORMED: Select = Select::new(
    "SELECT s.id, s.at, s.actor, s.action, s.reason, s.request_id, s.undoes,
            (SELECT MAX(u.id) FROM change_sets u WHERE u.undoes = s.id) AS undone_by
     FROM change_sets s WHERE s.id = $1",
);
const CHANGES_OF: Select = Select::new(
    "SELECT c.change_set_id, s.at, s.actor, s.action, c.kind, c.object_id, c.label, c.before, c.after
     FROM changes c JOIN change_sets s ON s.id = c.change_set_id
     WHERE s.id = $1 ORDER BY c.id LIMIT $2",
);

/// The change set of an id.
pub async fn performed(db: &mut Conn, id: i64) -> Result<Option<Performed>> {
    db.query(PERFORMED).bind(id).optional().await
}

const KINDS_OF: Select =
    Select::new("SELECT DISTINCT kind FROM changes WHERE change_set_id = $1 ORDER BY kind");
const RECENT_KINDS: Select = Select::new(
    "SELECT DISTINCT change_set_id, kind FROM changes
     WHERE change_set_id IN (SELECT id FROM change_sets ORDER BY id DESC LIMIT $1)",
);

/// The kinds of objects that a set changed.
pub async fn kinds_of(db: &mut Conn, set: i64) -> Result<Vec<String>> {
    let kinds: Vec<(String,)> = db.query(KINDS_OF).bind(set).all().await?;
    Ok(kinds.into_iter().map(|(kind,)| kind).collect())
}

/// The kinds of objects that each of the latest sets changed.
pub async fn recent_kinds(db: &mut Conn, count: i64) -> Result<Vec<(i64, String)>> {
    db.query(RECENT_KINDS).bind(count).all().await
}

/// The changes of a set, in their order, up to so many.
pub async fn changes_of(db: &mut Conn, set: i64, most: i64) -> Result<Vec<Entry>> {
    db.query(CHANGES_OF).bind(set).bind(most).all().await
}

const ANY: Select = Select::new("SELECT COUNT(*) FROM change_sets");

/// How many change sets there are.
pub async fn count_sets(db: &mut Conn) -> Result<i64> {
    let (sets,): (i64,) = db.query(ANY).one().await?;
    Ok(sets)
}

/// Whether nothing was ever written here.
pub async fn is_empty(db: &mut Conn) -> Result<bool> {
    Ok(count_sets(db).await? == 0)
}

const BY_HASH: Select = Select::new("SELECT COUNT(*) FROM change_sets WHERE hash = $1");

/// Whether some change set has a hash.
pub async fn has_hash(db: &mut Conn, hash: &str) -> Result<bool> {
    let (sets,): (i64,) = db.query(BY_HASH).bind(hash.to_owned()).one().await?;
    Ok(sets > 0)
}

const DATA_VERSION: Select = Select::new("SELECT version FROM data_version");

/// A number that is another after every change set that was committed.
pub async fn data_version(db: &mut Conn) -> Result<i64> {
    let (version,): (i64,) = db.query(DATA_VERSION).one().await?;
    Ok(version)
}

const LAST_LABEL: Select = Select::new(
    "SELECT c.label FROM change_subjects t JOIN changes c ON c.id = t.change_id
     WHERE t.kind = $1 AND t.object_id = $2 AND c.kind = $1 ORDER BY c.id DESC LIMIT 1",
);

/// What an object was called last, there or not.
pub async fn last_label(db: &mut Conn, kind: &str, id: i64) -> Result<Option<String>> {
    let found: Option<(String,)> =
        db.query(LAST_LABEL).bind(kind.to_owned()).bind(id).optional().await?;
    Ok(found.map(|(label,)| label))
}

//! Saved views: lists under a name, of one account or shared with a group, pinned to the navigation or
//! not. They are no objects: they have no history, and go with their account.

use sqlx::FromRow;

use crate::changes::ChangeSet;
use crate::changes::once::{self, FormKey};
use crate::db::{Composed, Conn, Pool, Select, Upkeep, fold};
use crate::error::{Error, Result};

/// A list under a name.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct View {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// What its owner is called.
    pub owner: String,
    /// The kind that it lists.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The query of the list's address, without where its page begins.
    pub query: String,
    /// The group that sees it, too.
    pub group_id: Option<i64>,
    /// What that is called.
    pub group_name: Option<String>,
    /// Whether it stands in the navigation.
    pub pinned: bool,
}

/// A view as somebody typed it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The kind that it lists.
    pub kind: String,
    /// Its name: unique among its owner's.
    pub name: String,
    /// The query of the list's address.
    pub query: String,
    /// The group that sees it, too.
    pub group_id: Option<i64>,
    /// Whether it stands in the navigation.
    pub pinned: bool,
}

const VIEWS: Select = Select::new(
    "SELECT v.id, v.user_id, u.username AS owner, v.kind, v.name, v.query, v.group_id,
            g.name AS group_name, v.pinned
     FROM saved_views v JOIN users u ON u.id = v.user_id LEFT JOIN groups g ON g.id = v.group_id
     WHERE 1 = 1",
);
const INSERT: Upkeep = Upkeep::new(
    "INSERT INTO saved_views (user_id, kind, name, query, group_id, pinned)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
);
const OWN: Select = Select::new("SELECT id FROM saved_views WHERE id = $1 AND user_id = $2");
const UPDATE: Upkeep = Upkeep::new(
    "UPDATE saved_views SET name = $3, group_id = $4, pinned = $5 WHERE id = $1 AND user_id = $2",
);
const SHARED: Select = Select::new("SELECT id FROM saved_views WHERE group_id = $1 ORDER BY id");
const SHARE: Upkeep =
    Upkeep::new("UPDATE saved_views SET group_id = $2 WHERE id = $1 AND group_id IS NULL");
const LOCK_OWNER: Select = Select::new("SELECT id FROM users WHERE id = $1");
/// How many views an account has beside one, and how many of them are pinned.
const COUNT_OTHERS: Select = Select::new(
    "SELECT COUNT(*), COUNT(CASE WHEN pinned THEN 1 END) FROM saved_views WHERE user_id = $1 AND id <> $2",
);
const DELETE: Upkeep = Upkeep::new("DELETE FROM saved_views WHERE id = $1 AND user_id = $2");

/// The most views of one account.
pub const MOST: i64 = 50;
/// The most views of one account that are pinned: each costs a count on every page.
pub const MOST_PINNED: i64 = 10;

/// What became of a view that was to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveOutcome {
    /// It is saved.
    Saved,
    /// Its owner has another of this name.
    NameTaken,
    /// Its owner has [`MOST`] already.
    TooMany,
    /// Its owner has [`MOST_PINNED`] others pinned.
    TooManyPinned,
}

/// The views that an account sees: its own, and those shared with its groups; by name.
pub async fn visible_to(db: &mut Conn, user: i64) -> Result<Vec<View>> {
    let mut query = Composed::new(VIEWS);
    query.push(" AND (v.user_id = ").bind_number(user);
    query.push(" OR v.group_id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = ");
    query.bind_number(user).push(")) ORDER BY v.id");
    let mut found: Vec<View> = db.compose(query).all().await?;
    found.sort_by_cached_key(|view| (view.kind.clone(), fold(&view.name)));
    Ok(found)
}

/// Every view of everybody, by owner and name.
pub async fn all(db: &mut Conn) -> Result<Vec<View>> {
    let mut query = Composed::new(VIEWS);
    query.push(" ORDER BY v.id");
    let mut found: Vec<View> = db.compose(query).all().await?;
    found.sort_by_cached_key(|view| (fold(&view.owner), view.kind.clone(), fold(&view.name)));
    Ok(found)
}

/// A view that an account sees.
pub async fn find(db: &mut Conn, user: i64, id: i64) -> Result<View> {
    let all = visible_to(db, user).await?;
    all.into_iter().find(|view| view.id == id).ok_or(Error::NotFound)
}

/// The views that a group sees, by id.
pub(super) async fn shared_with(db: &mut Conn, group: i64) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> = db.query(SHARED).bind(group).all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Shares views with a group that returns: those that are there, and that nobody else sees meanwhile.
pub(super) async fn share_again(set: &mut ChangeSet, group: i64, views: &[i64]) -> Result<()> {
    for view in views {
        set.upkeep(SHARE).bind(*view).bind(group).execute().await?;
    }
    Ok(())
}

/// Saves a new view of an account, or changes the name, the group and the pin of one. The same form of a new
/// one, sent again, saves nothing.
pub async fn save(
    pool: &Pool,
    user: i64,
    id: Option<i64>,
    key: Option<&FormKey>,
    now: i64,
    draft: Draft,
) -> Result<SaveOutcome> {
    let Draft { kind, name, query, group_id, pinned } = draft;
    let mut tx = pool.begin().await?;
    // Two browsers of one account take turns, so that both are counted.
    tx.lock(LOCK_OWNER).bind(user).one::<(i64,)>().await?;
    if let Some(key) = key
        && let Some(first) = once::claim(&mut tx, key, now).await?
    {
        let there: Option<(i64,)> =
            tx.query(OWN).bind(first.object_id).bind(user).optional().await?;
        if there.is_some() {
            return Ok(SaveOutcome::Saved);
        }
    }
    let (others, others_pinned): (i64, i64) =
        tx.query(COUNT_OTHERS).bind(user).bind(id.unwrap_or(0)).one().await?;
    if id.is_none() && others >= MOST {
        return Ok(SaveOutcome::TooMany);
    }
    if pinned && others_pinned >= MOST_PINNED {
        return Ok(SaveOutcome::TooManyPinned);
    }
    let done = match id {
        None => {
            let insert = tx.upkeep(INSERT).bind(user).bind(kind).bind(name).bind(query);
            insert.bind(group_id).bind(pinned).one::<(i64,)>().await.map(|(id,)| id)
        }
        Some(id) => {
            let update = tx.upkeep(UPDATE).bind(id).bind(user).bind(name);
            update.bind(group_id).bind(pinned).execute_one().await.map(|()| id)
        }
    };
    match done {
        Err(error) if error.is_taken() => Ok(SaveOutcome::NameTaken),
        done => {
            let saved = done?;
            if let Some(key) = key {
                once::keep(&mut tx, key, saved, None).await?;
            }
            tx.commit().await?;
            Ok(SaveOutcome::Saved)
        }
    }
}

/// Forgets a view of an account.
pub async fn remove(pool: &Pool, user: i64, id: i64) -> Result<()> {
    let mut tx = pool.begin().await?;
    tx.upkeep(DELETE).bind(id).bind(user).execute_one().await?;
    tx.commit().await
}

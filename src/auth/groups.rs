//! Groups of accounts, and who is in them.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::rights::Rights;
use super::users::User;
use super::views;
use crate::changes::{ChangeSet, Undoable, Versioned};
use crate::db::{Composed, Conn, Select, Write, and_all_words, fold, identity};
use crate::error::{Error, Result};
use crate::input::{Errors, Reader, Refusal, Values};

/// Accounts that have the same rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Group {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What everybody in it may do.
    #[sqlx(try_from = "String")]
    pub rights: Rights,
    /// Whether everybody in it must sign in with a second factor.
    pub requires_factor: bool,
    /// Counts its changes.
    pub version: i64,
    /// The saved views that it shared when it was deleted: told by its history alone.
    #[sqlx(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_views: Vec<i64>,
}

impl Versioned for Group {
    const KIND: &'static str = "groups";
    fn id(&self) -> i64 {
        self.id
    }
    fn label(&self) -> String {
        self.name.clone()
    }
}

/// That an account is in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromRow)]
pub struct Membership {
    /// Its id.
    pub id: i64,
    /// The account.
    pub user_id: i64,
    /// The group.
    pub group_id: i64,
    /// The account's name.
    pub username: String,
    /// The group's name.
    pub group_name: String,
}

impl Versioned for Membership {
    const KIND: &'static str = "memberships";
    fn id(&self) -> i64 {
        self.id
    }
    fn label(&self) -> String {
        format!("{} in {}", self.username, self.group_name)
    }
    fn subjects(&self) -> Vec<(&'static str, i64)> {
        vec![(User::KIND, self.user_id), (Group::KIND, self.group_id)]
    }
}

/// A group as somebody typed it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// What everybody in it may do.
    pub rights: Rights,
    /// Whether everybody in it must sign in with a second factor.
    pub requires_factor: bool,
}

impl Draft {
    /// Checks what a form says. As in Django, a name has at most 150 characters.
    pub fn parse(values: &Values) -> Result<Self, Errors> {
        let mut read = Reader::new(values);
        let name = read.required("name", 150);
        let rights = Rights::parse(&values.all("rights").join(" "));
        read.finish(Self { name, rights, requires_factor: values.has("requires_factor") })
    }
}

/// Groups; what follows narrows and orders them.
const GROUPS: Select = Select::new(
    "SELECT g.id, g.name, g.rights, g.requires_factor, g.version FROM groups g WHERE 1 = 1",
);
const MEMBERSHIPS: Select = Select::new(
    "SELECT m.id, m.user_id, m.group_id, u.username, g.name AS group_name
     FROM memberships m JOIN users u ON u.id = m.user_id JOIN groups g ON g.id = m.group_id
     WHERE 1 = 1",
);
const LOCK: Select = Select::new("SELECT id FROM groups WHERE id = $1");
const INSERT: Write = Write::new(
    "INSERT INTO groups (name, folded, rights, requires_factor, version)
     VALUES ($1, $2, $3, $4, 1) RETURNING id",
);
const UPDATE: Write = Write::new(
    "UPDATE groups SET name = $2, folded = $3, rights = $4, requires_factor = $5,
            version = version + 1
     WHERE id = $1",
);
const DELETE: Write = Write::new("DELETE FROM groups WHERE id = $1");
const JOIN: Write =
    Write::new("INSERT INTO memberships (user_id, group_id) VALUES ($1, $2) RETURNING id");
const LEAVE: Write = Write::new("DELETE FROM memberships WHERE id = $1");

/// Every group, by name.
pub async fn all(db: &mut Conn) -> Result<Vec<Group>> {
    let mut query = Composed::new(GROUPS);
    query.push(" ORDER BY g.folded, g.id");
    db.compose(query).all().await
}

/// The group of an id.
pub async fn find(db: &mut Conn, id: i64) -> Result<Option<Group>> {
    let mut query = Composed::new(GROUPS);
    query.push(" AND g.id = ").bind_number(id);
    db.compose(query).optional().await
}

/// Returns the search key of a group.
#[must_use]
pub fn search_key(name: &str) -> String {
    fold(name)
}

/// Groups whose name holds every word of a search; without those that an account is in.
pub async fn matching(
    db: &mut Conn,
    search: &str,
    without: Option<i64>,
    most: usize,
) -> Result<Vec<Group>> {
    let mut query = Composed::new(GROUPS);
    and_all_words(&mut query, "g.folded", search);
    if let Some(user) = without {
        query.push(
            " AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.group_id = g.id AND m.user_id = ",
        );
        query.bind_number(user).push(")");
    }
    query.push(" ORDER BY g.folded, g.id").limit(most);
    db.compose(query).all().await
}

/// The groups that an account is in.
pub async fn of_user(db: &mut Conn, user: i64) -> Result<Vec<Group>> {
    let mut query = Composed::new(GROUPS);
    query.push(" AND g.id IN (SELECT group_id FROM memberships WHERE user_id = ");
    query.bind_number(user).push(") ORDER BY g.folded, g.id");
    db.compose(query).all().await
}

/// Keeps a group from other writers until the set ends.
pub async fn lock(set: &mut ChangeSet, id: i64) -> Result<Option<Group>> {
    let _: Option<(i64,)> = set.lock(LOCK).bind(id).optional().await?;
    find(set, id).await
}

const NAME_TAKEN: &str = "Another group has this name already.";

async fn refuse_taken_name(db: &mut Conn, name: &str, own: i64) -> Result<(), Refusal> {
    let mut query = Composed::new(GROUPS);
    // Names that are the same have the same key.
    query.push(" AND g.folded = ").bind_text(search_key(name));
    query.push(" AND g.id <> ").bind_number(own);
    let near: Vec<Group> = db.compose(query).all().await?;
    if near.iter().any(|group| identity(&group.name) == identity(name)) {
        return Err(Errors::one("name", NAME_TAKEN).into());
    }
    Ok(())
}

/// Two people asked for one name at the same moment: the field says so to the later one.
fn taken_meanwhile(error: Error) -> Refusal {
    if error.is_taken() { Errors::one("name", NAME_TAKEN).into() } else { error.into() }
}

/// Makes a group. A name that is taken is a field's error.
pub async fn insert(set: &mut ChangeSet, draft: Draft) -> Result<Group, Refusal> {
    refuse_taken_name(set, &draft.name, 0).await?;
    let (id,): (i64,) = set
        .write(INSERT)
        .bind(draft.name.clone())
        .bind(search_key(&draft.name))
        .bind(draft.rights.to_string())
        .bind(draft.requires_factor)
        .one()
        .await
        .map_err(taken_meanwhile)?;
    let Draft { name, rights, requires_factor } = draft;
    let group = Group { id, name, rights, requires_factor, version: 1, shared_views: Vec::new() };
    set.created(&group)?;
    Ok(group)
}

/// Changes a group.
pub async fn update(set: &mut ChangeSet, before: &Group, draft: Draft) -> Result<Group, Refusal> {
    let Draft { name, rights, requires_factor } = draft;
    let after = Group { name, rights, requires_factor, ..before.clone() };
    if after == *before {
        return Ok(after);
    }
    refuse_taken_name(set, &after.name, after.id).await?;
    set.write(UPDATE)
        .bind(after.id)
        .bind(after.name.clone())
        .bind(search_key(&after.name))
        .bind(after.rights.to_string())
        .bind(after.requires_factor)
        .execute_one()
        .await
        .map_err(taken_meanwhile)?;
    let after = Group { version: before.version + 1, ..after };
    set.changed(before, &after)?;
    Ok(after)
}

/// Deletes a group; who was in it no longer is, and views that it shared are their owners' alone.
pub async fn delete(set: &mut ChangeSet, id: i64) -> Result<()> {
    let mut group = lock(set, id).await?.ok_or(Error::NotFound)?;
    group.shared_views = views::shared_with(set, id).await?;
    let mut query = Composed::new(MEMBERSHIPS);
    query.push(" AND m.group_id = ").bind_number(id).push(" ORDER BY m.id");
    leave_all(set, query).await?;
    set.write(DELETE).bind(id).execute_one().await?;
    set.deleted(&group)
}

/// Takes an account out of every group.
pub(super) async fn leave_all_of_user(set: &mut ChangeSet, user: i64) -> Result<()> {
    let mut query = Composed::new(MEMBERSHIPS);
    query.push(" AND m.user_id = ").bind_number(user).push(" ORDER BY m.id");
    leave_all(set, query).await
}

async fn leave_all(set: &mut ChangeSet, query: Composed) -> Result<()> {
    let there: Vec<Membership> = set.compose(query).all().await?;
    for membership in there {
        set.write(LEAVE).bind(membership.id).execute_one().await?;
        set.deleted(&membership)?;
    }
    Ok(())
}

/// Takes an account out of a group; who is not in it stays out.
pub async fn leave(set: &mut ChangeSet, user: i64, group: i64) -> Result<()> {
    let mut query = Composed::new(MEMBERSHIPS);
    query.push(" AND m.user_id = ").bind_number(user);
    query.push(" AND m.group_id = ").bind_number(group);
    leave_all(set, query).await
}

/// Puts an account into a group; who is in it stays in it.
pub async fn join(set: &mut ChangeSet, user: &User, group: &Group) -> Result<()> {
    if of_user(set, user.id).await?.iter().any(|known| known.id == group.id) {
        return Ok(());
    }
    let (id,): (i64,) = set.write(JOIN).bind(user.id).bind(group.id).one().await?;
    set.created(&Membership {
        id,
        user_id: user.id,
        group_id: group.id,
        username: user.username.clone(),
        group_name: group.name.clone(),
    })
}

const INSERT_AGAIN: Write = Write::new(
    "INSERT INTO groups (name, folded, rights, requires_factor, version, id)
     VALUES ($1, $2, $3, $4, $5, $6)",
);
const JOIN_AGAIN: Write =
    Write::new("INSERT INTO memberships (user_id, group_id, id) VALUES ($1, $2, $3)");

#[rocket::async_trait]
impl Undoable for Group {
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>> {
        lock(set, id).await
    }

    fn same(&self, other: &Self) -> bool {
        let Self { version, ref shared_views, .. } = *self;
        *self == Self { version, shared_views: shared_views.clone(), ..other.clone() }
    }

    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        refuse_taken_name(set, &self.name, self.id).await?;
        let again = Self { version: self.version + 1, ..self };
        set.write(INSERT_AGAIN)
            .bind(again.name.clone())
            .bind(search_key(&again.name))
            .bind(again.rights.to_string())
            .bind(again.requires_factor)
            .bind(again.version)
            .bind(again.id)
            .execute_one()
            .await?;
        views::share_again(set, again.id, &again.shared_views).await?;
        Ok(set.created(&again)?)
    }

    async fn put_back(self, set: &mut ChangeSet, now: Self) -> Result<(), Refusal> {
        let Self { name, rights, requires_factor, .. } = self;
        update(set, &now, Draft { name, rights, requires_factor }).await.map(drop)
    }

    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        set.write(DELETE).bind(self.id).execute_one().await?;
        Ok(set.deleted(&self)?)
    }
}

#[rocket::async_trait]
impl Undoable for Membership {
    async fn now(set: &mut ChangeSet, id: i64) -> Result<Option<Self>> {
        let mut query = Composed::new(MEMBERSHIPS);
        query.push(" AND m.id = ").bind_number(id);
        set.compose(query).optional().await
    }

    /// A membership never changes.
    fn same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    async fn make_again(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        set.write(JOIN_AGAIN)
            .bind(self.user_id)
            .bind(self.group_id)
            .bind(self.id)
            .execute_one()
            .await?;
        Ok(set.created(&self)?)
    }

    async fn put_back(self, _set: &mut ChangeSet, _now: Self) -> Result<(), Refusal> {
        Ok(())
    }

    async fn take_away(self, set: &mut ChangeSet) -> Result<(), Refusal> {
        set.write(LEAVE).bind(self.id).execute_one().await?;
        Ok(set.deleted(&self)?)
    }
}

//! The one way to write: a change set says who did what, when and why, and holds every object's
//! row before and after, in the transaction of the rows themselves. History, recent actions, stale
//! saves and undo all read from here.

mod chain;
mod log;
pub mod once;
mod pending;
pub mod search_keys;
mod undo;

pub use chain::{Verdict, verify};
pub use log::{
    Entry, HISTORY_PAGE, Performed, RecentSet, changes_of, count_sets, data_version, has_hash,
    history, is_empty, kinds_of, last_label, latest, performed, recent, recent_kinds,
};
pub use undo::{Undoable, undo};

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Serialize;
use tracing::info;

use self::once::FormKey;
use self::pending::{Change, Pending};
use crate::db::insert::Param;
use crate::db::{Composed, Conn, Pool, Query, Select, Tx, Upkeep, Write};
use crate::error::{Error, Result};

/// An object whose changes are kept, with its joins: enough to tell and to restore it.
pub trait Versioned: Serialize + Sync {
    /// The kind, as it stands in addresses: `flights`.
    const KIND: &'static str;

    /// Its id.
    fn id(&self) -> i64;

    /// What a person calls it, now; it is kept with the change.
    fn label(&self) -> String;

    /// Whose histories its changes belong to; most often only its own.
    fn subjects(&self) -> Vec<(&'static str, i64)> {
        vec![(Self::KIND, self.id())]
    }
}

/// The kind of what the log holds beside changes of objects.
pub const REMARKS: &str = "remarks";
const KNOWN_REMARKS: Select = Select::new("SELECT label FROM changes WHERE kind = $1");

/// Who does it: as an id while the account exists, and as a name for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account, if it is one.
    pub id: Option<i64>,
    /// What history calls him.
    pub name: String,
}

impl Actor {
    /// Somebody who has not signed in.
    #[must_use]
    pub fn visitor() -> Self {
        Self { id: None, name: "a visitor".to_owned() }
    }

    /// A command, such as `airline loaddata`.
    #[must_use]
    pub fn command(name: &str) -> Self {
        Self { id: None, name: format!("airline {name}") }
    }
}

/// The most changes that one request makes, undoes, or makes along with what was asked for. A load makes more.
pub const MOST_AT_ONCE: i64 = 20_000;

/// What about a change set is known before its first change.
#[derive(Debug, Clone)]
pub struct Intent {
    /// Who.
    pub actor: Actor,
    /// What for: `add`, `change`, `delete`, `book`, `load`.
    pub action: &'static str,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The request that asked for it; empty for commands.
    pub request_id: String,
}

/// A transaction that remembers what it changes. Dropped, it undoes; committed, it keeps both the
/// objects and the memory of them.
pub struct ChangeSet {
    tx: Tx,
    intent: Intent,
    changes: Pending,
    is_large: bool,
    written: u64,
    reason: String,
    undoes: Option<i64>,
    /// The form that is carried out, and the object that it made.
    made: Option<(FormKey, i64)>,
}

/// Where a part of a change set began.
#[derive(Debug, Clone, Copy)]
#[must_use = "a part is kept or taken back"]
pub struct Part {
    changes: usize,
    written: u64,
}

/// A change as it will be remembered.
#[derive(Debug, Clone, Copy)]
pub struct Remembered<'a> {
    /// The kind of the object.
    pub kind: &'a str,
    /// Its id.
    pub object_id: i64,
    /// What it is called.
    pub label: &'a str,
    /// The row before, as JSON; none where it was made.
    pub before: Option<&'a str>,
    /// The row after, as JSON; none where it went.
    pub after: Option<&'a str>,
}

impl Change {
    /// What the log calls a change of who may do what, in OWASP's vocabulary.
    fn security_event(&self) -> Option<&'static str> {
        match (self.kind.as_ref(), &self.before, &self.after) {
            ("users", None, _) => Some("user_created"),
            ("users", _, None) => Some("user_deleted"),
            ("users", Some(before), Some(after)) => {
                let rights = |json: &str| -> Option<[serde_json::Value; 4]> {
                    let row: serde_json::Value = serde_json::from_str(json).ok()?;
                    let names = ["is_active", "is_staff", "is_superuser", "rights"];
                    Some(names.map(|name| row.get(name).cloned().unwrap_or_default()))
                };
                let same = rights(before) == rights(after);
                Some(if same { "user_updated" } else { "privilege_permissions_changed" })
            }
            ("groups" | "memberships", ..) => Some("privilege_permissions_changed"),
            _ => None,
        }
    }
}

const INSERT_SET: Upkeep = Upkeep::new(
    "INSERT INTO change_sets (id, at, actor_id, actor, request_id, action, reason, undoes, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
const INSERT_CHANGES: Upkeep = Upkeep::new(
    "INSERT INTO changes (change_set_id, kind, object_id, label, before, after) VALUES",
);
const INSERT_SUBJECTS: Upkeep =
    Upkeep::new("INSERT INTO change_subjects (change_id, kind, object_id) VALUES");
const COUNT_UP: Upkeep =
    Upkeep::new("UPDATE data_version SET version = version + 1 RETURNING head");
const NEXT_ID: Select = Select::new("SELECT COALESCE(MAX(id), 0) + 1 FROM change_sets");
const COUNT_OLDER: Upkeep = Upkeep::new(
    "UPDATE data_version SET older = (SELECT COUNT(*) FROM change_sets WHERE hash = '')",
);
const SET_HEAD: Upkeep = Upkeep::new("UPDATE data_version SET head = $1");
const LAST_HASH: Select = Select::new("SELECT hash FROM change_sets ORDER BY id DESC LIMIT 1");

/// Says that the data is another now, and answers the last hash of the chain. Whoever does this last
/// before he commits waits for the others who do: so the count and the chain grow in the order of
/// commits, and no reader sees them grow too early.
async fn count_up(tx: &mut Tx) -> Result<String> {
    let (head,): (String,) = tx.upkeep(COUNT_UP).one().await?;
    Ok(head)
}

/// Says that pages made of the data are out of date, although no object changed.
pub async fn touch(tx: &mut Tx) -> Result<()> {
    count_up(tx).await.map(drop)
}

/// Goes on after a history that came with its own hashes.
pub async fn go_on(tx: &mut Tx) -> Result<()> {
    count_up(tx).await?;
    tx.upkeep(COUNT_OLDER).execute_one().await?;
    let last: Option<(String,)> = tx.query(LAST_HASH).optional().await?;
    let head = last.map(|(hash,)| hash).unwrap_or_default();
    tx.upkeep(SET_HEAD).bind(head).execute_one().await
}

impl ChangeSet {
    /// Begins. Nothing is kept before [`ChangeSet::commit`].
    pub async fn begin(pool: &Pool, intent: Intent) -> Result<Self> {
        Ok(Self {
            tx: pool.begin().await?,
            intent,
            changes: Pending::default(),
            is_large: false,
            written: 0,
            reason: String::new(),
            undoes: None,
            made: None,
        })
    }

    /// [`ChangeSet::begin`], for a command that changes more than fits into memory: changes wait in a
    /// temporary file.
    pub async fn begin_large(pool: &Pool, intent: Intent) -> Result<Self> {
        let mut set = Self::begin(pool, intent).await?;
        set.is_large = true;
        set.changes.spill(true);
        Ok(set)
    }

    /// Says why it is done.
    pub fn because(&mut self, reason: impl Into<String>) {
        self.reason = reason.into();
    }

    /// Says which change set it undoes.
    pub fn undoes(&mut self, set: i64) {
        self.undoes = Some(set);
    }

    /// Begins a part that can be taken back alone.
    pub async fn begin_part(&mut self) -> Result<Part> {
        self.tx.begin_part().await?;
        self.changes.spill(false);
        Ok(Part { changes: self.changes.len(), written: self.written })
    }

    /// Ends a part, and keeps it as long as the whole set.
    pub async fn keep_part(&mut self, _part: Part) -> Result<()> {
        self.changes.spill(self.is_large);
        self.tx.keep_part().await
    }

    /// Takes a part back, also one in which a statement failed.
    pub async fn take_part_back(&mut self, part: Part) -> Result<()> {
        self.tx.take_part_back().await?;
        self.changes.truncate(part.changes);
        self.changes.spill(self.is_large);
        self.written = part.written;
        Ok(())
    }

    /// Who does it.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.intent.actor
    }

    /// Whether the objects that it creates were there before, and get their ids back.
    #[must_use]
    pub fn restores(&self) -> bool {
        self.intent.action == "undo"
    }

    /// When, in seconds since 1970.
    #[must_use]
    pub fn at(&self) -> i64 {
        self.intent.at
    }

    /// A statement that changes objects. Each row it writes must be told by [`ChangeSet::created`],
    /// [`ChangeSet::changed`] or [`ChangeSet::deleted`]: a commit with fewer or more fails.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn write(&mut self, sql: Write) -> Query<'_> {
        self.tx.write_recorded(sql, &mut self.written)
    }

    /// [`Tx::insert_recorded`]: many objects at once; each must be told by [`ChangeSet::created`].
    #[expect(clippy::disallowed_methods, reason = "this is the one place, with write")]
    pub async fn insert(&mut self, start: Write, rows: &[Vec<Param<'_>>]) -> Result<Vec<i64>> {
        self.tx.insert_recorded(start, rows, &mut self.written).await
    }

    /// [`Tx::insert_rows`]: rows without a history, kept or undone together with what has one.
    pub async fn insert_rows(&mut self, start: Upkeep, rows: &[Vec<Param<'_>>]) -> Result<()> {
        self.tx.insert_rows(start, rows).await
    }

    /// [`Tx::upkeep`]: what has no history, kept or undone together with what has.
    pub fn upkeep(&mut self, sql: Upkeep) -> Query<'_> {
        self.tx.upkeep(sql)
    }

    /// [`Tx::lock`].
    pub fn lock(&mut self, sql: impl Into<Composed>) -> Query<'_> {
        self.tx.lock(sql)
    }

    /// Remembers that an object was made.
    pub fn created<T: Versioned>(&mut self, after: &T) -> Result<()> {
        self.remember(after, None, Some(json(after)?))
    }

    /// Remembers that an object was changed.
    pub fn changed<T: Versioned>(&mut self, before: &T, after: &T) -> Result<()> {
        self.remember(after, Some(json(before)?), Some(json(after)?))
    }

    /// Remembers that an object is gone.
    pub fn deleted<T: Versioned>(&mut self, before: &T) -> Result<()> {
        self.remember(before, Some(json(before)?), None)
    }

    /// Keeps a remark in the log, about an object or about none: no row stands behind it. `data` is JSON
    /// for whoever reads the remark again.
    pub fn remark(
        &mut self,
        text: String,
        about: Option<(&'static str, i64)>,
        data: String,
    ) -> Result<()> {
        self.written += 1;
        self.changes.push(Change {
            kind: REMARKS.into(),
            object_id: about.map_or(0, |(_, id)| id),
            label: text,
            subjects: about.into_iter().map(|(kind, id)| (kind.into(), id)).collect(),
            before: None,
            after: Some(data),
        })
    }

    /// The remarks that the log holds.
    pub async fn remarks(&mut self) -> Result<HashSet<String>> {
        let rows: Vec<(String,)> = self.query(KNOWN_REMARKS).bind(REMARKS.to_owned()).all().await?;
        Ok(rows.into_iter().map(|(text,)| text).collect())
    }

    /// [`Tx::alone`].
    pub async fn alone(&mut self, what: &'static str) -> Result<()> {
        self.tx.alone(what).await
    }

    /// [`Tx::restart_ids`].
    pub async fn restart_ids(&mut self, table: &'static str) -> Result<()> {
        self.tx.restart_ids(table).await
    }

    fn remember<T: Versioned>(
        &mut self,
        object: &T,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<()> {
        let subjects = object.subjects().into_iter();
        self.changes.push(Change {
            kind: T::KIND.into(),
            object_id: object.id(),
            label: object.label(),
            subjects: subjects.map(|(kind, id)| (Cow::Borrowed(kind), id)).collect(),
            before,
            after,
        })
    }

    /// What would be remembered if this set were committed. (Of a large set, only what is in memory.)
    pub fn remembered(&self) -> impl Iterator<Item = Remembered<'_>> {
        self.changes.recent().iter().map(|change| Remembered {
            kind: change.kind.as_ref(),
            object_id: change.object_id,
            label: &change.label,
            before: change.before.as_deref(),
            after: change.after.as_deref(),
        })
    }

    /// Keeps the objects and the memory of them, and answers the set's id. A set without changes
    /// leaves no trace, and has none.
    pub async fn commit(self) -> Result<Option<i64>> {
        self.commit_with(&mut |_| {}).await
    }

    /// How many changes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether so many more changes are within [`MOST_AT_ONCE`], where that is a limit.
    #[must_use]
    pub fn has_room_for(&self, more: usize) -> bool {
        let all = i64::try_from(self.len().saturating_add(more)).unwrap_or(i64::MAX);
        self.is_large || all <= MOST_AT_ONCE
    }

    /// Whether it has no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// [`ChangeSet::commit`]; `step` is told how many more changes were written to the log.
    pub async fn commit_with(
        mut self,
        step: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Option<i64>> {
        if usize::try_from(self.written).ok() != Some(self.len()) {
            return Err(Error::internal(format!(
                "{} rows were written and {} remembered",
                self.written,
                self.len()
            )));
        }
        let mut events = Vec::new();
        let id = if self.is_empty() { None } else { Some(self.log(step, &mut events).await?) };
        self.tx.commit().await?;
        for (event, kind, object) in events {
            info!(
                target: "security",
                event,
                by = self.intent.actor.id.unwrap_or(0),
                request = self.intent.request_id,
                kind = kind.as_ref(),
                object,
            );
        }
        Ok(id)
    }

    async fn log(
        &mut self,
        step: &mut (dyn FnMut(usize) + Send),
        events: &mut Vec<(&'static str, Cow<'static, str>, i64)>,
    ) -> Result<i64> {
        let before = count_up(&mut self.tx).await?;
        // Nobody else writes here before this set is kept: the next number is this set's.
        let (set,): (i64,) = self.tx.query(NEXT_ID).one().await?;
        let head = chain::Head {
            at: self.intent.at,
            actor_id: self.intent.actor.id,
            actor: self.intent.actor.name.clone(),
            request_id: self.intent.request_id.clone(),
            action: self.intent.action.to_owned(),
            reason: self.reason.clone(),
            undoes: self.undoes,
        };
        let hash = self.hash(&before, set, &head)?;
        self.tx
            .upkeep(INSERT_SET)
            .bind(set)
            .bind(self.intent.at)
            .bind(self.intent.actor.id)
            .bind(self.intent.actor.name.clone())
            .bind(self.intent.request_id.clone())
            .bind(self.intent.action)
            .bind(self.reason.clone())
            .bind(self.undoes)
            .bind(hash.clone())
            .execute_one()
            .await?;
        search_keys::of_set(&mut self.tx, set, &head.actor, &head.action, &head.reason).await?;
        if let Some((key, object)) = &self.made {
            once::keep(&mut self.tx, key, *object, Some(set)).await?;
        }
        let mut batches = self.changes.batches()?;
        while let Some(changes) = batches.next()? {
            insert(&mut self.tx, set, &changes).await?;
            step(changes.len());
            for change in changes.iter() {
                let event = change.security_event();
                events.extend(event.map(|event| (event, change.kind.clone(), change.object_id)));
            }
        }
        self.tx.upkeep(SET_HEAD).bind(hash).execute_one().await?;
        Ok(set)
    }

    fn hash(&mut self, before: &str, set: i64, head: &chain::Head) -> Result<String> {
        let mut hash = chain::SetHash::begin(before, set, head);
        let mut batches = self.changes.batches()?;
        while let Some(changes) = batches.next()? {
            for change in changes.iter() {
                let subjects = change.subjects.iter();
                let mut subjects: Vec<_> =
                    subjects.map(|(kind, id)| (kind.as_ref(), *id)).collect();
                subjects.sort_unstable();
                hash.add(&chain::Link {
                    kind: &change.kind,
                    object_id: change.object_id,
                    label: &change.label,
                    before: change.before.as_deref(),
                    after: change.after.as_deref(),
                    subjects,
                });
            }
        }
        Ok(hash.end())
    }
}

impl std::ops::Deref for ChangeSet {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.tx
    }
}

impl std::ops::DerefMut for ChangeSet {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.tx
    }
}

/// Writes some of the changes of a set.
async fn insert(tx: &mut Tx, set: i64, changes: &[Change]) -> Result<()> {
    let rows: Vec<_> = changes
        .iter()
        .map(|change| {
            vec![
                Param::Number(set),
                Param::Text(&change.kind),
                Param::Number(change.object_id),
                Param::Text(&change.label),
                Param::from(&change.before),
                Param::from(&change.after),
            ]
        })
        .collect();
    let ids = tx.insert_rows_returning_ids(INSERT_CHANGES, &rows).await?;
    let labels = ids.iter().zip(changes).map(|(id, change)| (*id, set, change.label.as_str()));
    search_keys::of_changes(tx, labels).await?;
    let subjects: Vec<_> = changes
        .iter()
        .zip(ids)
        .flat_map(|(change, id)| change.subjects.iter().map(move |subject| (id, subject)))
        .map(|(id, (kind, object))| vec![Param::Number(id), Param::Text(kind), Param::from(object)])
        .collect();
    tx.insert_rows(INSERT_SUBJECTS, &subjects).await
}

fn json<T: Serialize>(object: &T) -> Result<String> {
    serde_json::to_string(object).map_err(Error::internal)
}

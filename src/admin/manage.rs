//! A kind of object, as code: how it is loaded, saved, deleted and chosen; and all kinds together.

use super::dependents::Dependent;
use super::model::{Input, Model};
use crate::auth::{Act, Need, Visitor};
use crate::changes::ChangeSet;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::input::{Refusal, Values, shortened};

/// An object as its form shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What people call it.
    pub label: String,
    /// Counts its changes.
    pub version: i64,
    /// The value of each field.
    pub values: Values,
}

impl Loaded {
    /// An object whose fields hold one value each.
    #[must_use]
    pub fn of<const N: usize>(
        label: &impl ToString,
        version: i64,
        fields: [(&str, String); N],
    ) -> Self {
        let values = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { label: label.to_string(), version, values }
    }

    /// What its form would send if nobody touched it.
    #[must_use]
    pub fn as_sent(&self, model: &Model) -> Values {
        let mut values = self.values.clone();
        for field in model.fields {
            if let Input::Chooser { .. } = field.input {
                // What is chosen is told by what differs from what was there.
                values.set(&format!("{}-before", field.name), values.all(field.name).join(" "));
            }
        }
        values
    }
}

/// An object that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its id.
    pub id: i64,
    /// What people call it now.
    pub label: String,
    /// What else was done, as a sentence; may be empty.
    pub also: String,
}

impl Saved {
    /// An object that is called what it displays.
    pub fn of(id: i64, label: &impl ToString) -> Self {
        Self { id, label: label.to_string(), also: String::new() }
    }
}

/// An object to choose: its id, what a list shows, and what a field holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Choice {
    /// Its id.
    pub id: i64,
    /// What people read.
    pub label: String,
    /// What a field holds for it.
    pub text: String,
}

impl Choice {
    /// An object that lists and fields call the same.
    pub fn of(id: i64, label: &impl ToString) -> Self {
        Self { id, label: label.to_string(), text: label.to_string() }
    }
}

/// What somebody fills in about an object.
#[derive(Debug, Clone, Copy)]
pub struct Filled<'a> {
    /// Who.
    pub by: &'a Visitor,
    /// The object; none where it is to be made.
    pub id: Option<i64>,
    /// What the fields hold.
    pub values: &'a Values,
    /// Whether a preview shows what comes of it before it is kept.
    pub previewed: bool,
}

impl Filled<'_> {
    /// Whether somebody has seen what a value does, and wants it.
    #[must_use]
    pub fn confirms(&self, name: &str, value: &str) -> bool {
        self.previewed || (self.values.has(name) && self.values.first(name) == value)
    }
}

/// What a field that refers to objects asks for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The words, each of which must be found.
    pub words: &'a str,
    /// An object whose own ones are left out.
    pub owner: Option<i64>,
    /// How many at most.
    pub most: usize,
}

/// A kind of object, as code: what is changed.
#[rocket::async_trait]
pub trait Manage: Send + Sync {
    /// What is shown of it.
    fn model(&self) -> &'static Model;

    /// An object as its form shows it.
    async fn load(&self, db: &mut Conn, id: i64) -> Result<Option<Loaded>>;

    /// Makes an object or changes it.
    async fn save(&self, set: &mut ChangeSet, form: Filled<'_>) -> Result<Saved, Refusal>;

    /// Conditions that hold for all objects that somebody may see in the list.
    fn only(&self, _by: &Visitor) -> Vec<&'static str> {
        Vec::new()
    }

    /// Why somebody may neither change nor delete an object, although he has the kind's rights.
    async fn closed_to(&self, _db: &mut Conn, _by: &Visitor, _id: i64) -> Result<Option<String>> {
        Ok(None)
    }

    /// Deletes an object, and all that cannot be without it.
    async fn delete(&self, set: &mut ChangeSet, id: i64) -> Result<()>;

    /// Objects that a search finds, the best first. (A kind that no other refers to needs none.)
    async fn choices(&self, _db: &mut Conn, _search: Search<'_>) -> Result<Vec<Choice>> {
        Ok(Vec::new())
    }

    /// The id of the one object that a text names; the error says what to write instead. (A kind that no other
    /// refers to needs none.)
    async fn resolve(&self, _db: &mut Conn, text: &str) -> Result<Result<i64, String>> {
        Ok(Err(format!("There is no “{}”.", shortened(text))))
    }

    /// Objects by their ids, as choices.
    async fn chosen(&self, db: &mut Conn, ids: &[i64]) -> Result<Vec<Choice>> {
        let mut chosen = Vec::new();
        for id in ids {
            if let Some(loaded) = self.load(db, *id).await? {
                chosen.push(Choice { id: *id, text: loaded.label.clone(), label: loaded.label });
            }
        }
        Ok(chosen)
    }

    /// The objects that a field of an object holds, for rows and choosers.
    async fn linked(&self, _db: &mut Conn, _field: &str, _id: i64) -> Result<Vec<Choice>> {
        Ok(Vec::new())
    }

    /// Pages about an object that the engine does not know: what they are called, and where.
    fn links(&self, _id: i64) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Undoes one change of an object of any kind, those included that are parts of others.
#[rocket::async_trait]
pub trait Undo: Send + Sync {
    /// Undoes it, as far as the rules allow it now: the row before and after the change, as JSON.
    async fn undo(
        &self,
        set: &mut ChangeSet,
        kind: &str,
        id: i64,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), Refusal>;
}

/// What changes along with what a set changes, and is in no object's row.
#[rocket::async_trait]
pub trait SideEffects: Send + Sync {
    /// One sentence for each, for a preview.
    async fn of(&self, set: &mut ChangeSet) -> Result<Vec<String>>;
}

/// What the engine was handed.
#[derive(Clone, Copy)]
pub struct Registry {
    /// The kinds, in the order of the navigation.
    pub kinds: &'static [&'static dyn Manage],
    /// How their changes are undone.
    pub undo: &'static dyn Undo,
    /// What changes along with them.
    pub side_effects: &'static dyn SideEffects,
    /// What is deleted along with what.
    pub dependents: &'static [Dependent],
}

impl Registry {
    /// The kind of a name, for somebody who may do something to it: a handler gets a kind in no other
    /// way, so none forgets to ask.
    pub fn open(self, slug: &str, act: Act, by: &Visitor) -> Result<&'static dyn Manage> {
        let kind = self.find(slug)?;
        if kind.model().read_only && act != Act::View {
            return Err(Error::NotFound);
        }
        by.need(Need::to(act, slug))?;
        Ok(kind)
    }

    /// The kind of a name, for somebody who may be told of its objects by name.
    pub(super) fn open_names(self, slug: &str, by: &Visitor) -> Result<&'static dyn Manage> {
        let kind = self.find(slug)?;
        by.need(kind.model().named_to)?;
        Ok(kind)
    }

    /// The kind of a name.
    pub(super) fn find(self, slug: &str) -> Result<&'static dyn Manage> {
        self.kinds.iter().find(|kind| kind.model().slug == slug).copied().ok_or(Error::NotFound)
    }

    /// The kinds that somebody may view.
    pub(super) fn visible_to(self, by: &Visitor) -> impl Iterator<Item = &'static Model> {
        let models = self.kinds.iter().map(|kind| kind.model());
        models.filter(|model| by.has(Need::to(Act::View, model.slug)))
    }
}

//! Two saved the same object: what only one of them touched merges by itself, and where both touched the
//! same, somebody chooses.
//!
//! A form carries what its fields held when it was made (`base`). With what somebody typed and what
//! another saved meanwhile, that is enough to tell who touched what. Rows and choosers say only what
//! differs from what was there, so they merge by themselves.

use std::collections::BTreeSet;

use serde::Serialize;

use super::fields::told;
use super::manage::{Loaded, Manage};
use super::model::{Field, Input, Model};
use crate::auth::{Rights, Visitor};
use crate::changes;
use crate::db::Conn;
use crate::domain::times;
use crate::error::Result;
use crate::input::{Errors, Values};

/// What came of merging.
#[derive(Debug)]
struct Merged {
    /// What is to be saved, or chosen from: where both touched a field, it holds what was typed.
    values: Values,
    /// The fields that both touched.
    clashes: Vec<&'static str>,
    /// What only the other touched, by its labels.
    kept: Vec<&'static str>,
}

/// A stale save, put together with what somebody else saved meanwhile.
pub(super) struct Reconciled {
    /// What is to be saved, or shown again as made from what is there now.
    pub(super) values: Values,
    /// Whether somebody must choose first.
    pub(super) asks: bool,
    /// Who saved meanwhile.
    pub(super) meanwhile: Meanwhile,
    /// What of his was kept, as a sentence.
    pub(super) kept: Option<String>,
}

/// A field that both touched.
#[derive(Debug, Serialize)]
pub(super) struct Clash {
    name: &'static str,
    label: &'static str,
    theirs: String,
    yours: String,
    before: String,
    /// Which was chosen: `theirs`, `yours`, or nothing yet.
    chosen: String,
}

/// Who saved meanwhile.
#[derive(Debug, Serialize)]
pub(super) struct Meanwhile {
    who: String,
    when: String,
}

/// The fields that hold values of their own.
fn plain(model: &'static Model) -> impl Iterator<Item = &'static Field> {
    model
        .fields
        .iter()
        .filter(|field| !matches!(field.input, Input::Rows { .. } | Input::Chooser { .. }))
}

/// What the plain fields hold that somebody may see, as a form carries it.
pub(super) fn base_of(model: &'static Model, by: &Visitor, values: &Values) -> String {
    let mut base = form_urlencoded::Serializer::new(String::new());
    for field in plain(model).filter(|field| by.has(field.seen_by)) {
        for value in values.all(field.name) {
            base.append_pair(field.name, value);
        }
    }
    base.finish()
}

/// What a form says that its fields held when it was made.
fn base(typed: &Values) -> Option<Values> {
    typed.has("base").then(|| Values::from_urlencoded(typed.first("base")))
}

/// Whether a field holds the same in both.
fn same(field: &Field, one: &Values, other: &Values) -> bool {
    told(field, one) == told(field, other)
}

/// Merges what was typed with what somebody else saved meanwhile.
fn merge(model: &'static Model, typed: &Values, theirs: &Loaded) -> Merged {
    let base = base(typed);
    let theirs = &theirs.values;
    let mut merged = Merged { values: typed.clone(), clashes: Vec::new(), kept: Vec::new() };
    for field in plain(model) {
        let yours_touched = base.as_ref().is_none_or(|base| !same(field, base, typed));
        let theirs_touched = base.as_ref().is_none_or(|base| !same(field, base, theirs));
        if same(field, typed, theirs) || !theirs_touched {
            continue;
        }
        match (field.input, &base) {
            (Input::Rights, Some(base)) if yours_touched => {
                // Each right is given or taken by itself.
                let rights = merge_rights(field.name, base, typed, theirs);
                merged.values.set(field.name, rights.to_string());
                merged.kept.push(field.label);
            }
            _ if yours_touched => merged.clashes.push(field.name),
            _ => {
                merged.values.replace(field.name, theirs.all(field.name));
                merged.kept.push(field.label);
            }
        }
    }
    merged
}

fn merge_rights(name: &str, base: &Values, typed: &Values, theirs: &Values) -> Rights {
    let rights = |values: &Values| -> BTreeSet<_> {
        Rights::parse(&values.all(name).join(" ")).iter().collect()
    };
    let (base, yours, theirs) = (rights(base), rights(typed), rights(theirs));
    let gone = base.iter().filter(|right| !yours.contains(right) || !theirs.contains(right));
    let gone: BTreeSet<_> = gone.copied().collect();
    yours.union(&theirs).copied().filter(|right| !gone.contains(right)).collect()
}

/// Makes a form ask for each clash: `clash` names the fields, `before-…` holds what each held before
/// both.
fn ask(model: &'static Model, merged: &mut Merged) {
    let before = base(&merged.values).unwrap_or_default();
    let clashes = merged.clashes.iter().map(|name| (*name).to_owned()).collect();
    merged.values.set_all("clash", clashes);
    for field in plain(model).filter(|field| merged.clashes.contains(&field.name)) {
        merged.values.set(&format!("before-{}", field.name), told(field, &before));
    }
}

/// Merges a stale save with what is there now.
pub(super) async fn reconcile(
    db: &mut Conn,
    manage: &'static dyn Manage,
    by: &Visitor,
    id: i64,
    typed: &Values,
    current: &Loaded,
) -> Result<Reconciled> {
    let model = manage.model();
    let mut merged = merge(model, typed, current);
    let meanwhile = Meanwhile::of(db, manage, id).await?;
    let asks = !merged.clashes.is_empty();
    if asks {
        ask(model, &mut merged);
    }
    merged.values.set("base", base_of(model, by, &current.values));
    let kept = (!merged.kept.is_empty()).then(|| {
        format!("What {} changed meanwhile was kept: {}.", meanwhile.who, merged.kept.join(", "))
    });
    Ok(Reconciled { values: merged.values, asks, meanwhile, kept })
}

/// The clashes that a form asks about. Its base is what the other saved.
pub(super) fn clashes(model: &'static Model, by: &Visitor, values: &Values) -> Vec<Clash> {
    let theirs = base(values).unwrap_or_default();
    plain(model)
        .filter(|field| by.has(field.seen_by))
        .filter(|field| values.all("clash").iter().any(|name| name == field.name))
        .map(|field| Clash {
            name: field.name,
            label: field.label,
            theirs: told(field, &theirs),
            yours: told(field, values),
            before: values.first(&format!("before-{}", field.name)).to_owned(),
            chosen: values.first(&format!("keep-{}", field.name)).to_owned(),
        })
        .collect()
}

/// Puts into place what was chosen of each clash; the error names those of which nothing was chosen.
pub(super) fn choose(model: &'static Model, typed: &mut Values) -> Result<(), Errors> {
    let theirs = base(typed).unwrap_or_default();
    let mut errors = Errors::default();
    let asked: Vec<String> = typed.all("clash").to_vec();
    for field in plain(model).filter(|field| asked.iter().any(|name| name == field.name)) {
        match typed.first(&format!("keep-{}", field.name)) {
            "theirs" => typed.replace(field.name, theirs.all(field.name)),
            "yours" => {}
            _ => errors.add(field.name, "Both of you changed this: choose whose is kept."),
        }
    }
    errors.into_result(())
}

impl Meanwhile {
    /// Who saved an object last.
    async fn of(db: &mut Conn, manage: &'static dyn Manage, id: i64) -> Result<Self> {
        let slug = manage.model().slug;
        let latest = changes::latest(db, slug, id).await?;
        Ok(Self {
            who: latest.as_ref().map_or_else(|| "Somebody".to_owned(), |entry| entry.actor.clone()),
            when: latest.map(|entry| times::told(entry.at).0).unwrap_or_default(),
        })
    }
}

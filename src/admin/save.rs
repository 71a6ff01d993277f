//! Saving what a form says: a new object, a changed one, or a list's row.

use rocket::http::Status;
use rocket::{State, post};
use serde::Serialize;

use super::fields::Parts;
use super::form::{Form, decoded, list_address};
use super::manage::{Filled, Loaded, Manage, Registry, Saved};
use super::merge;
use super::model::{Field, Input};
use super::preview;
use super::related;
use crate::auth::{Act, Need, Staff, Visitor};
use crate::changes::ChangeSet;
use crate::changes::once::FormKey;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};
use crate::pages::{Message, Page, Reply, Submission};

/// An object that was saved in a dialog, for the field that asked for it.
#[derive(Debug, Serialize)]
struct Picked {
    into: String,
    text: String,
}

/// Makes an object.
#[post("/admin/<kind>/add", data = "<form>")]
pub(super) async fn insert(
    kind: &str,
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let manage = registry.open(kind, Act::Add, staff.0)?;
    let once = form_key(staff.0, kind, &form.0);
    let save = Save { manage, registry: **registry, by: staff.0, id: None, once, db, page: &page };
    save.run(form.0).await
}

/// The key of a form that makes an object.
fn form_key(by: &Visitor, kind: &str, typed: &Values) -> Option<FormKey> {
    by.user.as_ref().and_then(|user| FormKey::of(user.id, kind, typed))
}

/// Changes an object.
#[post("/admin/<kind>/<id>/change", data = "<form>")]
pub(super) async fn update(
    kind: &str,
    id: i64,
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let mut typed = form.0;
    if typed.has("_saveasnew") {
        let manage = registry.open(kind, Act::Add, staff.0)?;
        // Of what was sent: what follows also depends on what the object holds by now.
        let once = form_key(staff.0, kind, &typed);
        as_new(&mut db.conn().await?, manage, staff.0, id, &mut typed).await?;
        let registry = **registry;
        let save = Save { manage, registry, by: staff.0, id: None, once, db, page: &page };
        return save.run(typed).await;
    }
    let (manage, registry) = (registry.open(kind, Act::Change, staff.0)?, **registry);
    let save = Save { manage, registry, by: staff.0, id: Some(id), once: None, db, page: &page };
    save.run(typed).await
}

/// Makes what a form says of an object into what one would say of a new one like it: what it holds in
/// rows and choosers that he may fill in, the new one holds as well.
async fn as_new(
    db: &mut Conn,
    manage: &'static dyn Manage,
    by: &Visitor,
    id: i64,
    typed: &mut Values,
) -> Result<()> {
    for name in ["version", "base", "clash"] {
        typed.remove(name);
    }
    let open = |field: &&Field| by.has(field.needs) && by.has(field.seen_by);
    for field in manage.model().fields.iter().filter(open) {
        let parts = Parts::of(field.name);
        match field.input {
            Input::Chooser { .. } => typed.remove(&parts.before),
            Input::Rows { .. } => {
                let removed = typed.all(&parts.remove).to_vec();
                let linked = manage.linked(db, field.name, id).await?;
                let stay = linked.into_iter().filter(|row| !removed.contains(&row.id.to_string()));
                let new = typed.all(field.name).iter().cloned();
                let rows = stay.map(|row| row.text).chain(new).collect();
                typed.set_all(field.name, rows);
                typed.remove(&parts.remove);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Changes the fields of a list's row; what the row does not show stays as it is.
#[post("/admin/<kind>/<id>/row", data = "<form>")]
pub(super) async fn update_row(
    kind: &str,
    id: i64,
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let manage = registry.open(kind, Act::Change, staff.0)?;
    let model = manage.model();
    let row = form.0;
    let current = manage.load(&mut db.conn().await?, id).await?.ok_or(Error::NotFound)?;
    let mut typed = current.as_sent(model);
    for field in closed(model.fields, staff.0) {
        typed.remove(field.name);
        typed.remove(&Parts::of(field.name).before);
    }
    let mut base = Values::from_urlencoded(&merge::base_of(model, staff.0, &current.values));
    let was = Values::from_urlencoded(row.first("base"));
    for column in model.list.columns.iter().filter(|column| row.has(column.edits)) {
        typed.replace(column.edits, row.all(column.edits));
        base.replace(column.edits, was.all(column.edits));
    }
    typed.set("base", merge::base_of(model, staff.0, &base));
    typed.set("version", row.first("version"));
    typed.set("back", decoded(row.first("back")));
    typed.set("_row", "1");
    let registry = **registry;
    let save = Save { manage, registry, by: staff.0, id: Some(id), once: None, db, page: &page };
    save.run(typed).await
}

/// The fields that somebody may not fill in: his form did not have them.
fn closed(fields: &'static [Field], by: &Visitor) -> impl Iterator<Item = &'static Field> {
    fields.iter().filter(|field| !by.has(field.needs) || !by.has(field.seen_by))
}

/// Whoever sends fields that he may not fill in is refused.
fn refuse_closed_fields(fields: &'static [Field], by: &Visitor, typed: &Values) -> Result<()> {
    for field in closed(fields, by) {
        let parts = Parts::of(field.name);
        if [field.name, &parts.remove, &parts.before].iter().any(|name| typed.has(name)) {
            return Err(field.needs.denied());
        }
    }
    Ok(())
}

/// Puts what there is into the place of the fields that somebody may not fill in: as it is now, and
/// nobody else can change it before it is saved.
fn keep_closed_fields(
    fields: &'static [Field],
    by: &Visitor,
    current: Option<&Loaded>,
    values: &mut Values,
) {
    for field in closed(fields, by) {
        match (field.input, current) {
            (Input::Flag { at_first: true }, None) => values.set(field.name, "1"),
            (Input::Rows { .. } | Input::Chooser { .. }, _) | (_, None) => {}
            (_, Some(current)) => values.replace(field.name, current.values.all(field.name)),
        }
    }
}

/// A save on its way.
struct Save<'a> {
    manage: &'static dyn Manage,
    registry: Registry,
    by: &'a Visitor,
    /// The object; none for a new one.
    id: Option<i64>,
    /// The key of a form that makes one.
    once: Option<FormKey>,
    db: &'a Db,
    page: &'a Page<'a>,
}

impl Save<'_> {
    /// Saves what a form says, unless it is wrong or stale: then the form comes back with all that
    /// was typed, and why.
    async fn run(&self, mut typed: Values) -> Result<Reply> {
        let (manage, by) = (self.manage, self.by);
        let model = manage.model();
        let chosen = merge::choose(model, &mut typed);
        // After choosing, which fills fields in as well.
        refuse_closed_fields(model.fields, by, &typed)?;
        if ["_addrow", "_search", "_related"].iter().any(|button| typed.has(button)) {
            return self.detour(typed).await;
        }
        let action = if self.id.is_some() { "change" } else { "add" };
        let mut set = ChangeSet::begin(self.db, self.page.intent(action)).await?;
        set.because(preview::reason(&typed)?);
        if let Some(key) = &self.once
            && let Some(first) = set.claim(key).await?
            && let Some(made) = manage.load(&mut set, first.object_id).await?
        {
            drop(set);
            let saved = Saved::of(first.object_id, &made.label);
            return self.saved(saved, first.change_set_id, &typed).await;
        }
        let current = match self.id {
            Some(id) => {
                manage.model().list.lock(&mut set, id).await?;
                let Some(current) = manage.load(&mut set, id).await? else {
                    drop(set);
                    return self.gone(&typed).await;
                };
                Some((id, current))
            }
            None => None,
        };
        let there = current.as_ref().map(|(_, current)| current);
        keep_closed_fields(model.fields, by, there, &mut typed);
        let mut merged = None;
        if let Some((id, current)) = &current {
            if current.version != version(&typed) {
                let reconciled =
                    merge::reconcile(&mut set, manage, by, *id, &typed, current).await?;
                if reconciled.asks {
                    drop(set);
                    let form = Form {
                        meanwhile: Some(reconciled.meanwhile),
                        ..self.form(&reconciled.values, Some(current))
                    };
                    return self.again(form, Status::Conflict).await;
                }
                merged = Some(reconciled);
            }
            if manage.closed_to(&mut set, by, *id).await?.is_some() {
                drop(set);
                // What is there, not what was typed: nothing of it was saved.
                let form =
                    Form { back: typed.first("back"), ..self.form(&current.values, Some(current)) };
                return self.again(form, Status::Forbidden).await;
            }
        }
        let values = merged.as_ref().map_or(&typed, |merged| &merged.values);
        let saved = match chosen {
            Ok(()) => {
                let form = Filled { by, id: self.id, values, previewed: false };
                manage.save(&mut set, form).await
            }
            Err(errors) => Err(errors.into()),
        };
        let (errors, unconfirmed) = match saved {
            Ok(saved) => {
                if let Some(key) = &self.once {
                    set.made(key.clone(), saved.id);
                }
                let done = set.commit().await?;
                if let Some(kept) = merged.as_ref().and_then(|merged| merged.kept.clone()) {
                    self.page.say(Message::note(kept));
                }
                return self.saved(saved, done, values).await;
            }
            Err(Refusal::Invalid(errors)) => (errors, false),
            Err(Refusal::Failed(Error::Unconfirmed)) => (Errors::default(), true),
            Err(Refusal::Failed(error)) => return Err(error),
        };
        drop(set);
        let current = current.as_ref().map(|(_, current)| current);
        let form = Form { errors: &errors, unconfirmed, ..self.form(values, current) };
        self.again(form, Status::UnprocessableEntity).await
    }

    /// The form with what was typed, of the object as it is now.
    fn form<'f>(&'f self, values: &'f Values, current: Option<&Loaded>) -> Form<'f> {
        Form {
            id: self.id,
            label: current.map(|current| current.label.clone()).unwrap_or_default(),
            version: current.map_or(0, |current| current.version),
            ..Form::new(self.manage, self.registry, self.by, values)
        }
    }

    async fn again(&self, form: Form<'_>, status: Status) -> Result<Reply> {
        let html = form.render(&mut self.db.conn().await?, self.page).await?;
        Ok(html.with_status(status).into())
    }

    /// What buttons do that only change the form itself, or leave it for a while, for those without
    /// scripts.
    async fn detour(&self, mut typed: Values) -> Result<Reply> {
        let current = match self.id {
            Some(id) => self.manage.load(&mut self.db.conn().await?, id).await?,
            None => None,
        };
        let fields = self.manage.model().fields;
        keep_closed_fields(fields, self.by, current.as_ref(), &mut typed);
        let typed = &typed;
        let mut errors = Errors::default();
        if typed.has("_related") {
            let (db, model) = (&mut self.db.conn().await?, self.manage.model());
            match related::leave(db, self.registry, self.by, model, self.id, typed).await? {
                Ok(there) => return Ok(self.page.to(there, None)),
                Err(unclear) => errors = unclear,
            }
        }
        if self.id.is_some() && current.is_none() {
            return self.gone(typed).await;
        }
        let form = self.form(typed, current.as_ref());
        let form = Form { version: version(typed), errors: &errors, ..form };
        self.again(form, Status::Ok).await
    }

    /// Somebody deleted the object meanwhile. Nothing typed is lost: it stands in a form that would
    /// make the object anew.
    async fn gone(&self, typed: &Values) -> Result<Reply> {
        let form = Form { id: None, gone: true, ..self.form(typed, None) };
        self.again(form, Status::Conflict).await
    }

    /// Where saving leads, and what is said there.
    async fn saved(&self, saved: Saved, set: Option<i64>, values: &Values) -> Result<Reply> {
        if values.has("_into") {
            let text = related::text_of(&mut self.db.conn().await?, self.manage, &saved).await?;
            if values.has("_dialog") {
                let picked = Picked { into: values.first("_into").to_owned(), text };
                return Ok(self.page.show("admin/picked", &saved.label, &picked)?.into());
            }
            if let Some(there) = related::come_back(self.registry, values, &text) {
                return Ok(self.page.to(there, None));
            }
        }
        let (by, model) = (self.by, self.manage.model());
        let done = if self.id.is_some() { "changed" } else { "added" };
        let back = values.first("back");
        let with_back = if back.is_empty() {
            String::new()
        } else {
            let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
            format!("?back={back}")
        };
        let there = format!("/admin/{}/{}/change/", model.slug, saved.id);
        let sees = by.has(Need::to(Act::View, model.slug));
        let also = if saved.also.is_empty() { String::new() } else { format!("{} ", saved.also) };
        let message = Message::done(format!("{also}The {} was {done}:", model.name))
            .about(saved.label, if sees { there.clone() } else { String::new() })
            .undone_at(set.filter(|_| sees));
        let next = if values.has("_row") {
            format!("{}#row-{}", list_address(by, model.slug, back), saved.id)
        } else if values.has("_continue") && sees {
            format!("{there}{with_back}")
        } else if values.has("_addanother") {
            format!("/admin/{}/add/{with_back}", model.slug)
        } else {
            list_address(by, model.slug, back)
        };
        Ok(self.page.to(next, Some(message)))
    }
}

/// The version of the object that a form was made from.
fn version(typed: &Values) -> i64 {
    typed.first("version").parse().unwrap_or(0)
}

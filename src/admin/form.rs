//! Adding and changing an object.

use rocket::http::Status;
use rocket::{State, get, post};
use serde::Serialize;

use super::fields::{FieldView, Parts, Source};
use super::list::neighbours;
use super::merge::{self, Clash, Meanwhile};
use super::model::{Field, Input, Loaded, Manage, Model, Registry, Saved};
use super::nav::Nav;
use super::preview;
use super::reasons::{Allowed, Reasons};
use super::rows::Asked;
use crate::auth::{Act, Need, Staff, Visitor};
use crate::changes::ChangeSet;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};
use crate::pages::{Html, Message, Page, Query, Reply, Submission};

#[derive(Debug, Serialize)]
struct Context {
    nav: Nav,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    id: Option<i64>,
    label: String,
    version: i64,
    /// What the fields hold in the database, so that a stale save can be merged.
    base: String,
    fields: Vec<FieldView>,
    problems: Vec<Problem>,
    /// Somebody saved meanwhile, and touched what was touched here.
    meanwhile: Option<Meanwhile>,
    clashes: Vec<Clash>,
    gone: bool,
    /// Whether the password must be typed once more before this is saved.
    unconfirmed: bool,
    /// Whether it can be saved, and why not.
    save: Allowed,
    add: Allowed,
    delete: Allowed,
    links: Vec<Link>,
    /// The objects around it in the list that one came from.
    previous: Option<i64>,
    next: Option<i64>,
    back: String,
    back_encoded: String,
    csrf: String,
}

/// A page about the object that the engine does not know.
#[derive(Debug, Serialize)]
struct Link {
    title: &'static str,
    href: String,
}

/// An error in the summary, with a link to its field.
#[derive(Debug, Serialize)]
struct Problem {
    field: &'static str,
    label: &'static str,
    text: String,
}

/// A form on its way to a page.
struct Form<'a> {
    manage: &'static dyn Manage,
    registry: Registry,
    by: &'a Visitor,
    id: Option<i64>,
    label: String,
    version: i64,
    values: &'a Values,
    errors: &'a Errors,
    meanwhile: Option<Meanwhile>,
    /// Somebody deleted the object meanwhile.
    gone: bool,
    unconfirmed: bool,
    back: &'a str,
}

impl Form<'_> {
    async fn render(self, db: &mut Conn, page: &Page<'_>) -> Result<Html> {
        let model = self.manage.model();
        let reasons = Reasons::of(db, self.by).await?;
        let allowed = |act| reasons.allowed(Need::to(act, model.slug));
        let closed = match self.id {
            Some(id) => self.manage.closed_to(db, self.by, id).await?,
            None => None,
        };
        let (save, delete) = match closed {
            Some(why) => (Allowed::closed(why.clone()), Allowed::closed(why)),
            None if self.id.is_some() => (allowed(Act::Change), allowed(Act::Delete)),
            None => (allowed(Act::Add), allowed(Act::Delete)),
        };
        let (links, base) = (self.links(), self.base());
        let source = Source {
            manage: self.manage,
            registry: self.registry,
            by: self.by,
            reasons: &reasons,
            open: save.may,
            id: self.id,
            values: self.values,
            errors: self.errors,
        };
        let (previous, next) = match self.id {
            Some(id) if !self.back.is_empty() => {
                let asked = Asked::by(self.manage, self.by, &Values::from_urlencoded(self.back));
                neighbours(db, &model.list, &asked, id).await?
            }
            _ => (None, None),
        };
        let title = match self.id {
            Some(_) if save.may => format!("Change {}", self.label),
            Some(_) => self.label.clone(),
            None => format!("Add {}", model.name),
        };
        let context = Context {
            nav: Nav::of(db, self.registry, self.by, model.slug).await?,
            slug: model.slug,
            name: model.name,
            plural: model.plural,
            id: self.id,
            label: self.label,
            version: self.version,
            base,
            clashes: merge::clashes(model, self.by, self.values),
            fields: source.fields(db).await?,
            problems: problems(model.fields, self.errors),
            meanwhile: self.meanwhile,
            gone: self.gone,
            unconfirmed: self.unconfirmed,
            save,
            add: allowed(Act::Add),
            delete,
            links,
            previous,
            next,
            back: self.back.to_owned(),
            back_encoded: form_urlencoded::byte_serialize(self.back.as_bytes()).collect(),
            csrf: page.token(),
        };
        page.show("admin/form", &title, &context)
    }

    /// What was there when the form was first made, also when it is shown again.
    fn base(&self) -> String {
        let model = self.manage.model();
        if self.values.has("base") {
            self.values.first("base").to_owned()
        } else {
            merge::base_of(model, self.by, self.values)
        }
    }

    fn links(&self) -> Vec<Link> {
        let links = self.id.map(|id| self.manage.links(id)).unwrap_or_default();
        links.into_iter().map(|(title, href)| Link { title, href }).collect()
    }
}

fn problems(fields: &'static [Field], errors: &Errors) -> Vec<Problem> {
    fields
        .iter()
        .flat_map(|field| {
            errors.of(field.name).iter().map(|text| Problem {
                field: field.name,
                label: field.label,
                text: text.clone(),
            })
        })
        .collect()
}

/// The form for a new object; `?field=value` fills it in.
#[get("/admin/<kind>/add")]
pub(super) async fn add(
    kind: &str,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.open(kind, Act::Add, staff.0)?;
    let mut values = query.0;
    for field in manage.model().fields {
        if field.input == (Input::Flag { at_first: true }) && !values.has(field.name) {
            values.set(field.name, "1");
        }
    }
    let form = Form {
        manage,
        registry: **registry,
        by: staff.0,
        id: None,
        label: String::new(),
        version: 0,
        values: &values,
        errors: &Errors::default(),
        meanwhile: None,
        gone: false,
        unconfirmed: false,
        back: values.first("back"),
    };
    form.render(&mut db.conn().await?, &page).await
}

/// The form of an object; for who may only view, what it holds.
#[get("/admin/<kind>/<id>/change")]
pub(super) async fn change(
    kind: &str,
    id: i64,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.open(kind, Act::View, staff.0)?;
    let mut conn = db.conn().await?;
    let loaded = manage.load(&mut conn, id).await?.ok_or(Error::NotFound)?;
    let form = Form {
        manage,
        registry: **registry,
        by: staff.0,
        id: Some(id),
        label: loaded.label,
        version: loaded.version,
        values: &loaded.values,
        errors: &Errors::default(),
        meanwhile: None,
        gone: false,
        unconfirmed: false,
        back: query.0.first("back"),
    };
    form.render(&mut conn, &page).await
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
    save(manage, **registry, staff.0, None, form.0, db, &page).await
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
        as_new(&mut db.conn().await?, manage, id, &mut typed).await?;
        return save(manage, **registry, staff.0, None, typed, db, &page).await;
    }
    let manage = registry.open(kind, Act::Change, staff.0)?;
    save(manage, **registry, staff.0, Some(id), typed, db, &page).await
}

/// Makes what a form says of an object into what one would say of a new one like it: what it holds in
/// rows and choosers, the new one holds as well.
async fn as_new(
    db: &mut Conn,
    manage: &'static dyn Manage,
    id: i64,
    typed: &mut Values,
) -> Result<()> {
    for name in ["version", "base", "clash"] {
        typed.remove(name);
    }
    for field in manage.model().fields {
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
    save(manage, **registry, staff.0, Some(id), typed, db, &page).await
}

/// Puts what there is in the place of the fields that somebody may not fill in: his form did not have
/// them. Whoever sends them all the same is refused.
fn keep_closed_fields(
    fields: &'static [Field],
    by: &Visitor,
    current: Option<&Loaded>,
    values: &mut Values,
) -> Result<()> {
    for field in fields.iter().filter(|field| !by.has(field.needs) || !by.has(field.seen_by)) {
        let parts = Parts::of(field.name);
        let names = [field.name, &parts.remove, &parts.before];
        if names.iter().any(|name| values.has(name)) {
            return Err(field.needs.denied());
        }
        match (field.input, current) {
            (Input::Flag { at_first: true }, None) => values.set(field.name, "1"),
            (Input::Rows { .. } | Input::Chooser { .. }, _) | (_, None) => {}
            (_, Some(current)) => {
                let there = current.values.all(field.name);
                if !there.is_empty() {
                    values.set_all(field.name, there.to_vec());
                }
            }
        }
    }
    Ok(())
}

/// Saves what a form says, unless it is wrong or stale: then the form comes back with all that was
/// typed, and why.
async fn save(
    manage: &'static dyn Manage,
    registry: Registry,
    by: &Visitor,
    id: Option<i64>,
    mut typed: Values,
    db: &Db,
    page: &Page<'_>,
) -> Result<Reply> {
    let model = manage.model();
    let no_errors = Errors::default();
    let current = match id {
        Some(id) => manage.load(&mut db.conn().await?, id).await?,
        None => None,
    };
    let chosen = merge::choose(model, &mut typed);
    keep_closed_fields(model.fields, by, current.as_ref(), &mut typed)?;
    let mut merged = None;
    let values = &typed;
    let again = |label: String, version: i64| Form {
        manage,
        registry,
        by,
        id,
        label,
        version,
        values,
        errors: &no_errors,
        meanwhile: None,
        gone: false,
        unconfirmed: false,
        back: values.first("back"),
    };
    let typed_version = values.first("version").parse().unwrap_or(0);

    // Buttons that only change the form itself, for those without scripts.
    if values.has("_addrow") || values.has("_search") {
        let mut conn = db.conn().await?;
        if id.is_some() && current.is_none() {
            return gone(again(String::new(), 0), &mut conn, page).await;
        }
        let label = current.map(|current| current.label).unwrap_or_default();
        return Ok(again(label, typed_version).render(&mut conn, page).await?.into());
    }

    let mut set =
        ChangeSet::begin(db, page.intent(if id.is_some() { "change" } else { "add" })).await?;
    set.because(preview::reason(values)?);
    let current = match id {
        Some(id) => {
            manage.lock(&mut set, id).await?;
            let Some(current) = manage.load(&mut set, id).await? else {
                drop(set);
                return gone(again(String::new(), 0), &mut db.conn().await?, page).await;
            };
            Some(current)
        }
        None => None,
    };
    if let (Some(id), Some(current)) = (id, &current)
        && current.version != typed_version
    {
        let reconciled = merge::reconcile(&mut set, manage, by, id, &typed, current).await?;
        if reconciled.asks {
            drop(set);
            let form = Form {
                meanwhile: Some(reconciled.meanwhile),
                values: &reconciled.values,
                ..again(current.label.clone(), current.version)
            };
            let html = form.render(&mut db.conn().await?, page).await?;
            return Ok(html.with_status(Status::Conflict).into());
        }
        merged = Some(reconciled);
    }
    let values = merged.as_ref().map_or(&typed, |merged| &merged.values);
    if let (Some(id), Some(current)) = (id, &current)
        && manage.closed_to(&mut set, by, id).await?.is_some()
    {
        drop(set);
        // What is there, not what was typed: nothing of it was saved.
        let form =
            Form { values: &current.values, ..again(current.label.clone(), current.version) };
        let html = form.render(&mut db.conn().await?, page).await?;
        return Ok(html.with_status(Status::Forbidden).into());
    }
    let saved = match chosen {
        Ok(()) => manage.save(&mut set, by, id, values).await,
        Err(errors) => Err(errors.into()),
    };
    let (errors, unconfirmed) = match saved {
        Ok(saved) => {
            let done = set.commit().await?;
            if let Some(kept) = merged.as_ref().and_then(|merged| merged.kept.clone()) {
                page.say(Message::note(kept));
            }
            return Ok(after_saving(page, by, model, id.is_some(), saved, done, values));
        }
        Err(Refusal::Invalid(errors)) => (errors, false),
        Err(Refusal::Failed(Error::Unconfirmed)) => (Errors::default(), true),
        Err(Refusal::Failed(error)) => return Err(error),
    };
    drop(set);
    let (label, version) =
        current.map_or((String::new(), 0), |current| (current.label, current.version));
    let form = Form { values, errors: &errors, unconfirmed, ..again(label, version) };
    let html = form.render(&mut db.conn().await?, page).await?;
    Ok(html.with_status(Status::UnprocessableEntity).into())
}

/// Where saving leads, and what is said there.
fn after_saving(
    page: &Page<'_>,
    by: &Visitor,
    model: &Model,
    was_there: bool,
    saved: Saved,
    set: Option<i64>,
    values: &Values,
) -> Reply {
    let done = if was_there { "changed" } else { "added" };
    let back = values.first("back");
    let with_back = if back.is_empty() {
        String::new()
    } else {
        format!("?back={}", form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>())
    };
    let there = format!("/admin/{}/{}/change/", model.slug, saved.id);
    let sees = by.has(Need::to(Act::View, model.slug));
    let message = Message::done(format!("The {} was {done}:", model.name))
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
    page.to(next, Some(message))
}

/// Somebody deleted the object meanwhile. Nothing typed is lost: it stands in a form that would make
/// the object anew.
async fn gone(mut form: Form<'_>, db: &mut Conn, page: &Page<'_>) -> Result<Reply> {
    (form.id, form.gone) = (None, true);
    Ok(form.render(db, page).await?.with_status(Status::Conflict).into())
}

/// What a list's page put into a form as it stands in addresses, as the other forms carry it.
pub(super) fn decoded(back: &str) -> String {
    let (back, _) = form_urlencoded::parse(back.as_bytes()).next().unwrap_or_default();
    back.into_owned()
}

/// The list that somebody came from; the start page, if he may not view it.
pub(super) fn list_address(by: &Visitor, slug: &str, back: &str) -> String {
    if !by.has(Need::to(Act::View, slug)) {
        return "/admin/".to_owned();
    }
    // Encoded anew: whatever was in the field, it stays a query.
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(form_urlencoded::parse(back.as_bytes()));
    let query = query.finish();
    if query.is_empty() { format!("/admin/{slug}/") } else { format!("/admin/{slug}/?{query}") }
}

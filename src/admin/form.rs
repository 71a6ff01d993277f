//! Adding and changing an object.

use rocket::http::Status;
use rocket::{State, get, post};
use serde::Serialize;

use super::fields::{FieldView, Source};
use super::list::{KindLink, navigation};
use super::model::{Field, Input, Loaded, Manage, Registry};
use crate::auth::Staff;
use crate::changes::{self, ChangeSet};
use crate::db::{Conn, Db};
use crate::domain::times;
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, Values};
use crate::pages::{Html, Message, Page, Query, Reply, Submission};

#[derive(Debug, Serialize)]
struct Context {
    kinds: Vec<KindLink>,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    id: Option<i64>,
    label: String,
    version: i64,
    fields: Vec<FieldView>,
    problems: Vec<Problem>,
    conflict: Option<Conflict>,
    gone: bool,
    on_site: Option<String>,
    back: String,
    back_encoded: String,
    csrf: String,
}

/// An error in the summary, with a link to its field.
#[derive(Debug, Serialize)]
struct Problem {
    field: &'static str,
    label: &'static str,
    text: String,
}

/// Somebody saved meanwhile: what stands there now, beside what was typed.
#[derive(Debug, Serialize)]
struct Conflict {
    who: String,
    when: String,
    differences: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Difference {
    label: &'static str,
    theirs: String,
    yours: String,
}

/// A form on its way to a page.
struct Form<'a> {
    manage: &'static dyn Manage,
    registry: Registry,
    id: Option<i64>,
    label: String,
    version: i64,
    values: &'a Values,
    errors: &'a Errors,
    conflict: Option<Conflict>,
    /// Somebody deleted the object meanwhile.
    gone: bool,
    back: &'a str,
}

impl Form<'_> {
    async fn render(self, db: &mut Conn, page: &Page<'_>) -> Result<Html> {
        let model = self.manage.model();
        let source = Source {
            manage: self.manage,
            registry: self.registry,
            id: self.id,
            values: self.values,
            errors: self.errors,
        };
        let title = match self.id {
            Some(_) => format!("Change {}", self.label),
            None => format!("Add {}", model.name),
        };
        let context = Context {
            kinds: navigation(self.registry, model.slug),
            slug: model.slug,
            name: model.name,
            plural: model.plural,
            id: self.id,
            label: self.label,
            version: self.version,
            fields: source.fields(db).await?,
            problems: problems(model.fields, self.errors),
            conflict: self.conflict,
            gone: self.gone,
            on_site: self.id.and_then(|id| self.manage.on_site(id)),
            back: self.back.to_owned(),
            back_encoded: form_urlencoded::byte_serialize(self.back.as_bytes()).collect(),
            csrf: page.token(),
        };
        page.show("admin/form", &title, &context)
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
    _staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.find(kind)?;
    let form = Form {
        manage,
        registry: **registry,
        id: None,
        label: String::new(),
        version: 0,
        values: &query.0,
        errors: &Errors::default(),
        conflict: None,
        gone: false,
        back: query.0.first("back"),
    };
    form.render(&mut db.conn().await?, &page).await
}

/// The form of an object.
#[get("/admin/<kind>/<id>/change")]
pub(super) async fn change(
    kind: &str,
    id: i64,
    query: Query,
    _staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.find(kind)?;
    let mut conn = db.conn().await?;
    let loaded = manage.load(&mut conn, id).await?.ok_or(Error::NotFound)?;
    let form = Form {
        manage,
        registry: **registry,
        id: Some(id),
        label: loaded.label,
        version: loaded.version,
        values: &loaded.values,
        errors: &Errors::default(),
        conflict: None,
        gone: false,
        back: query.0.first("back"),
    };
    form.render(&mut conn, &page).await
}

/// Makes an object.
#[post("/admin/<kind>/add", data = "<form>")]
pub(super) async fn insert(
    kind: &str,
    form: Submission,
    _staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    save(registry.find(kind)?, **registry, None, &form.0, db, &page).await
}

/// Changes an object.
#[post("/admin/<kind>/<id>/change", data = "<form>")]
pub(super) async fn update(
    kind: &str,
    id: i64,
    form: Submission,
    _staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    save(registry.find(kind)?, **registry, Some(id), &form.0, db, &page).await
}

/// Saves what a form says, unless it is wrong or stale: then the form comes back with all that was
/// typed, and why.
async fn save(
    manage: &'static dyn Manage,
    registry: Registry,
    id: Option<i64>,
    values: &Values,
    db: &Db,
    page: &Page<'_>,
) -> Result<Reply> {
    let model = manage.model();
    let no_errors = Errors::default();
    let again = |label: String, version: i64| Form {
        manage,
        registry,
        id,
        label,
        version,
        values,
        errors: &no_errors,
        conflict: None,
        gone: false,
        back: values.first("back"),
    };
    let typed_version = values.first("version").parse().unwrap_or(0);

    // Buttons that only change the form itself, for those without scripts.
    if values.has("_addrow") || values.has("_search") {
        let mut conn = db.conn().await?;
        let Some(id) = id else {
            return Ok(again(String::new(), typed_version).render(&mut conn, page).await?.into());
        };
        let Some(loaded) = manage.load(&mut conn, id).await? else {
            return gone(again(String::new(), 0), &mut conn, page).await;
        };
        return Ok(again(loaded.label, typed_version).render(&mut conn, page).await?.into());
    }

    let mut set =
        ChangeSet::begin(db, page.intent(if id.is_some() { "change" } else { "add" })).await?;
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
        drop(set);
        let mut conn = db.conn().await?;
        let conflict = conflict(&mut conn, manage, id, current, values).await?;
        let mut form = again(current.label.clone(), current.version);
        form.conflict = Some(conflict);
        return Ok(form.render(&mut conn, page).await?.with_status(Status::Conflict).into());
    }
    match manage.save(&mut set, id, values).await {
        Ok(saved) => {
            set.commit().await?;
            let done = if id.is_some() { "changed" } else { "added" };
            let back = values.first("back");
            let with_back = if back.is_empty() {
                String::new()
            } else {
                format!(
                    "?back={}",
                    form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>()
                )
            };
            let there = format!("/admin/{}/{}/change/", model.slug, saved.id);
            let message = Message::done(format!("The {} was {done}:", model.name))
                .about(saved.label, there.clone());
            let next = if values.has("_continue") {
                format!("{there}{with_back}")
            } else if values.has("_addanother") {
                format!("/admin/{}/add/{with_back}", model.slug)
            } else {
                list_address(model.slug, back)
            };
            Ok(page.to(next, Some(message)))
        }
        Err(Refusal::Invalid(errors)) => {
            drop(set);
            let (label, version) =
                current.map_or((String::new(), 0), |current| (current.label, current.version));
            let mut form = again(label, version);
            form.errors = &errors;
            let html = form.render(&mut db.conn().await?, page).await?;
            Ok(html.with_status(Status::UnprocessableEntity).into())
        }
        Err(Refusal::Failed(error)) => Err(error),
    }
}

/// Somebody deleted the object meanwhile. Nothing typed is lost: it stands in a form that would make
/// the object anew.
async fn gone(mut form: Form<'_>, db: &mut Conn, page: &Page<'_>) -> Result<Reply> {
    (form.id, form.gone) = (None, true);
    Ok(form.render(db, page).await?.with_status(Status::Conflict).into())
}

/// The list that somebody came from.
pub(super) fn list_address(slug: &str, back: &str) -> String {
    // Encoded anew: whatever was in the field, it stays a query.
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(form_urlencoded::parse(back.as_bytes()));
    let query = query.finish();
    if query.is_empty() { format!("/admin/{slug}/") } else { format!("/admin/{slug}/?{query}") }
}

async fn conflict(
    db: &mut Conn,
    manage: &'static dyn Manage,
    id: i64,
    current: &Loaded,
    typed: &Values,
) -> Result<Conflict> {
    let model = manage.model();
    let latest = changes::history(db, model.slug, id, 0).await?;
    let latest = latest.iter().find(|entry| entry.kind == model.slug);
    let differences = model
        .fields
        .iter()
        .filter(|field| !matches!(field.input, Input::Rows { .. } | Input::Chooser { .. }))
        .map(|field| Difference {
            label: field.label,
            theirs: current.values.first(field.name).to_owned(),
            yours: typed.first(field.name).trim().to_owned(),
        })
        .filter(|difference| difference.theirs != difference.yours)
        .collect();
    Ok(Conflict {
        who: latest.map_or_else(|| "Somebody".to_owned(), |entry| entry.actor.clone()),
        when: latest
            .and_then(|entry| times::local(entry.at, ""))
            .map(|at| format!("{} {} {}", at.date, at.time, at.zone))
            .unwrap_or_default(),
        differences,
    })
}

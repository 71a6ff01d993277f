//! Deleting an object: first what would fall with it, then, when somebody says so, for real.

use rocket::{State, get, post};
use serde::Serialize;

use super::dependents::Obstacles;
use super::form::list_address;
use super::manage::{Manage, Registry};
use super::model::Model;
use super::nav::Nav;
use super::preview::{Preview, is_sealed, reason};
use super::reasons::Reasons;
use crate::auth::{Act, Need, Staff, Visitor};
use crate::changes::ChangeSet;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::input::Values;
use crate::pages::{Html, Message, Page, Query, Reply, Submission};

#[derive(Debug, Serialize)]
struct Context {
    nav: Nav,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    id: i64,
    label: String,
    preview: Preview,
    /// Why it cannot be deleted, if so.
    whys: Vec<String>,
    back: String,
    back_encoded: String,
    csrf: String,
}

/// What somebody lacks to delete all that a set deletes: a right for each kind that falls.
pub(super) fn missing(set: &ChangeSet, by: &Visitor) -> Vec<Need> {
    let mut missing = Vec::new();
    for remembered in set.remembered().filter(|remembered| remembered.after.is_none()) {
        let need = Need::to(Act::Delete, remembered.kind);
        if !by.has(need) && !missing.contains(&need) {
            missing.push(need);
        }
    }
    missing
}

/// What an object is called to somebody who deletes it: by its name only where they may view it.
fn name_for(by: &Visitor, model: &Model, id: i64, label: String) -> String {
    if by.has(Need::to(Act::View, model.slug)) { label } else { format!("{} {id}", model.name) }
}

/// Why somebody cannot delete an object, as sentences.
async fn whys(
    db: &mut Conn,
    manage: &'static dyn Manage,
    by: &Visitor,
    id: i64,
    missing: &[Need],
) -> Result<Vec<String>> {
    let reasons = Reasons::of(db, by).await?;
    let lacking = missing.iter().map(|need| reasons.allowed(*need).why);
    Ok(manage.closed_to(db, by, id).await?.into_iter().chain(lacking).collect())
}

fn operation(model: &Model, id: i64) -> String {
    format!("delete {} {id}", model.slug)
}

/// What would fall.
#[get("/admin/<kind>/<id>/delete")]
pub(super) async fn confirm(
    kind: &str,
    id: i64,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.open(kind, Act::Delete, staff.0)?;
    let mut typed = query.0;
    // An address confirms nothing.
    typed.remove("seal");
    show(manage, **registry, id, &typed, staff.0, db, &page).await
}

async fn show(
    manage: &'static dyn Manage,
    registry: Registry,
    id: i64,
    typed: &Values,
    by: &Visitor,
    db: &Db,
    page: &Page<'_>,
) -> Result<Html> {
    let model = manage.model();
    let obstacles = Obstacles::of(&mut db.conn().await?, registry, by, model.slug, &[id]).await?;
    let mut set = ChangeSet::begin(db, page.intent("delete")).await?;
    let loaded = manage.load(&mut set, id).await?.ok_or(Error::NotFound)?;
    let mut refused = obstacles.too_many.clone();
    if obstacles.is_empty() {
        refused = match manage.delete(&mut set, id).await {
            Ok(()) => None,
            Err(Error::Refused(why)) => Some(why),
            Err(error) => return Err(error),
        };
    }
    let mut missing = missing(&set, by);
    missing.extend(obstacles.missing);
    let preview =
        Preview::of(registry, by, &operation(model, id), &set, Vec::new(), typed, &["back"]);
    drop(set);
    let mut conn = db.conn().await?;
    let whys = whys(&mut conn, manage, by, id, &missing).await?;
    let back = typed.first("back");
    let context = Context {
        nav: Nav::of(&mut conn, registry, by, model.slug).await?,
        whys: whys.into_iter().chain(refused).collect(),
        slug: model.slug,
        name: model.name,
        plural: model.plural,
        id,
        label: name_for(by, model, id, loaded.label),
        preview,
        back: back.to_owned(),
        back_encoded: form_urlencoded::byte_serialize(back.as_bytes()).collect(),
        csrf: page.token(),
    };
    page.show("admin/delete", &format!("Delete {}", model.name), &context)
}

/// Deletes it, if just that would fall which somebody has seen.
#[post("/admin/<kind>/<id>/delete", data = "<form>")]
pub(super) async fn remove(
    kind: &str,
    id: i64,
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let manage = registry.open(kind, Act::Delete, staff.0)?;
    let model = manage.model();
    let obstacles =
        Obstacles::of(&mut db.conn().await?, **registry, staff.0, model.slug, &[id]).await?;
    if let Some(need) = obstacles.missing.first() {
        return Err(need.denied());
    }
    if let Some(why) = obstacles.too_many {
        return Err(Error::Refused(why));
    }
    let mut set = ChangeSet::begin(db, page.intent("delete")).await?;
    set.because(reason(&form.0)?);
    let loaded = manage.load(&mut set, id).await?.ok_or(Error::NotFound)?;
    if let Some(why) = manage.closed_to(&mut set, staff.0, id).await? {
        return Err(Error::Refused(why));
    }
    manage.delete(&mut set, id).await?;
    if let Some(need) = missing(&set, staff.0).first() {
        return Err(need.denied());
    }
    if !is_sealed(&form.0, &operation(model, id), &set, &[]) {
        drop(set);
        let html = show(manage, **registry, id, &form.0, staff.0, db, &page).await?;
        return Ok(html.with_status(rocket::http::Status::Conflict).into());
    }
    let done = set.commit().await?;
    let sees = staff.0.has(Need::to(Act::View, model.slug));
    let history = if sees { format!("/admin/{}/{id}/history/", model.slug) } else { String::new() };
    let said = Message::done(format!("The {} was deleted:", model.name))
        .about(name_for(staff.0, model, id, loaded.label), history)
        .undone_at(done.filter(|_| sees));
    Ok(page.to(list_address(staff.0, model.slug, form.0.first("back")), Some(said)))
}

//! Deleting an object: first what would fall with it, then, when somebody says so, for real.

use rocket::{State, get, post};
use serde::Serialize;

use super::form::list_address;
use super::model::{Manage, Registry};
use super::nav::Nav;
use super::reasons::Reasons;
use crate::auth::{Act, Need, Staff, Visitor};
use crate::changes::ChangeSet;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::pages::{Html, Message, Page, Query, Reply, Submission};

/// How many objects of a kind the page names; it counts them all.
const NAMED: usize = 100;

#[derive(Debug, Serialize)]
struct Context {
    nav: Nav,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    id: i64,
    label: String,
    falls: Vec<Falls>,
    /// Why it cannot be deleted, if so.
    whys: Vec<String>,
    back: String,
    back_encoded: String,
    csrf: String,
}

/// Objects of one kind that fall with another.
#[derive(Debug, Serialize)]
struct Falls {
    kind: &'static str,
    count: usize,
    named: Vec<Fallen>,
    more: usize,
}

#[derive(Debug, Serialize)]
struct Fallen {
    label: String,
    href: Option<String>,
}

/// What somebody lacks to delete all that a set deletes: a right for each kind that falls.
fn missing(set: &ChangeSet, by: &Visitor) -> Vec<Need> {
    let mut missing = Vec::new();
    for (slug, ..) in set.removed() {
        let need = Need::to(Act::Delete, slug);
        if !by.has(need) && !missing.contains(&need) {
            missing.push(need);
        }
    }
    missing
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

/// What would fall: the deletion is carried out, looked at, and undone, so the page cannot promise
/// less than would happen.
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
    let model = manage.model();
    let mut set = ChangeSet::begin(db, page.intent("delete")).await?;
    let loaded = manage.load(&mut set, id).await?.ok_or(Error::NotFound)?;
    let refused = match manage.delete(&mut set, id).await {
        Ok(()) => None,
        Err(Error::Refused(why)) => Some(why),
        Err(error) => return Err(error),
    };
    let missing = missing(&set, staff.0);
    let mut falls: Vec<Falls> = Vec::new();
    for (slug, object, label) in
        set.removed().filter(|(slug, object, _)| (*slug, *object) != (model.slug, id))
    {
        if !staff.0.has(Need::to(Act::View, slug)) {
            continue;
        }
        let href = registry.find(slug).is_ok().then(|| format!("/admin/{slug}/{object}/change/"));
        let place = falls.iter().position(|group| group.kind == slug).unwrap_or_else(|| {
            falls.push(Falls { kind: slug, count: 0, named: Vec::new(), more: 0 });
            falls.len() - 1
        });
        if let Some(group) = falls.get_mut(place) {
            group.count += 1;
            if group.named.len() < NAMED {
                group.named.push(Fallen { label: label.to_owned(), href });
            } else {
                group.more += 1;
            }
        }
    }
    drop(set);
    let mut conn = db.conn().await?;
    let context = Context {
        nav: Nav::of(&mut conn, **registry, staff.0, kind).await?,
        whys: {
            let whys = whys(&mut conn, manage, staff.0, id, &missing).await?;
            whys.into_iter().chain(refused).collect()
        },
        slug: model.slug,
        name: model.name,
        plural: model.plural,
        id,
        label: loaded.label,
        falls,
        back: query.0.first("back").to_owned(),
        back_encoded: form_urlencoded::byte_serialize(query.0.first("back").as_bytes()).collect(),
        csrf: page.token(),
    };
    page.show("admin/delete", &format!("Delete {}", model.name), &context)
}

/// Deletes it.
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
    let mut set = ChangeSet::begin(db, page.intent("delete")).await?;
    let loaded = manage.load(&mut set, id).await?.ok_or(Error::NotFound)?;
    if let Some(why) = manage.closed_to(&mut set, staff.0, id).await? {
        return Err(Error::Refused(why));
    }
    manage.delete(&mut set, id).await?;
    if let Some(need) = missing(&set, staff.0).first() {
        return Err(need.denied());
    }
    set.commit().await?;
    let history = if staff.0.has(Need::to(Act::View, model.slug)) {
        format!("/admin/{}/{id}/history/", model.slug)
    } else {
        String::new()
    };
    let said =
        Message::done(format!("The {} was deleted:", model.name)).about(loaded.label, history);
    Ok(page.to(list_address(staff.0, model.slug, form.0.first("back")), Some(said)))
}

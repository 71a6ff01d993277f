//! Deleting an object: first what would fall with it, then, when somebody says so, for real.

use rocket::{State, get, post};
use serde::Serialize;

use super::form::list_address;
use super::list::{KindLink, navigation};
use super::model::Registry;
use crate::auth::Staff;
use crate::changes::ChangeSet;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::pages::{Html, Message, Page, Query, Reply, Submission};

/// How many objects of a kind the page names; it counts them all.
const NAMED: usize = 100;

#[derive(Debug, Serialize)]
struct Context {
    kinds: Vec<KindLink>,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    id: i64,
    label: String,
    falls: Vec<Falls>,
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

/// What would fall: the deletion is carried out, looked at, and undone, so the page cannot promise
/// less than would happen.
#[get("/admin/<kind>/<id>/delete")]
pub(super) async fn confirm(
    kind: &str,
    id: i64,
    query: Query,
    _staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.find(kind)?;
    let model = manage.model();
    let mut set = ChangeSet::begin(db, page.intent("delete")).await?;
    let loaded = manage.load(&mut set, id).await?.ok_or(Error::NotFound)?;
    manage.delete(&mut set, id).await?;
    let mut falls: Vec<Falls> = Vec::new();
    for (slug, object, label) in
        set.removed().filter(|(slug, object, _)| (*slug, *object) != (model.slug, id))
    {
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
    let context = Context {
        kinds: navigation(**registry, kind),
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
    _staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let manage = registry.find(kind)?;
    let model = manage.model();
    let mut set = ChangeSet::begin(db, page.intent("delete")).await?;
    let loaded = manage.load(&mut set, id).await?.ok_or(Error::NotFound)?;
    manage.delete(&mut set, id).await?;
    set.commit().await?;
    let said = Message::done(format!("The {} was deleted:", model.name))
        .about(loaded.label, format!("/admin/{}/{id}/history/", model.slug));
    Ok(page.to(list_address(model.slug, form.0.first("back")), Some(said)))
}

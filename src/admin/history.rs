//! The history of an object: who changed what, from which value to which. It is there for objects
//! that are gone, too.

use rocket::{State, get};
use serde::Serialize;
use serde_json::{Map, Value};

use super::manage::{Manage, Registry};
use super::model::Model;
use super::nav::Nav;
use crate::auth::{Act, Need, Rights, Staff};
use crate::changes::{self, Entry, HISTORY_PAGE, REMARKS};
use crate::db::RequestConn;
use crate::domain::times;
use crate::error::{Error, Result};
use crate::pages::{Html, Page, Query, first_of};

/// No history is longer than so many pages.
const LAST_PAGE: i64 = 1_000_000;

#[derive(Debug, Serialize)]
struct Context {
    nav: Nav,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    id: i64,
    label: String,
    exists: bool,
    events: Vec<Event>,
    page: i64,
    paged: bool,
    earlier: Option<i64>,
    later: Option<i64>,
}

/// One change, for people.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    /// The change set it belongs to.
    set: i64,
    label: String,
    href: Option<String>,
    when: String,
    iso: String,
    who: String,
    what: String,
    values: Vec<Changed>,
}

/// A value that changed.
#[derive(Debug, Serialize)]
pub(super) struct Changed {
    label: String,
    old: String,
    new: String,
}

/// The history of an object.
#[get("/admin/<kind>/<id>/history")]
pub(super) async fn show(
    kind: &str,
    id: i64,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.open(kind, Act::View, staff.0)?;
    let model = manage.model();
    let at = query.0.first("page").parse().unwrap_or(0).clamp(0, LAST_PAGE);
    let found = changes::history(&mut db, model.slug, id, at).await?;
    let (entries, has_earlier) = first_of(found, HISTORY_PAGE);
    let loaded = manage.load(&mut db, id).await?;
    let label = match &loaded {
        Some(loaded) => loaded.label.clone(),
        None => changes::last_label(&mut db, model.slug, id).await?.ok_or(Error::NotFound)?,
    };
    let context = Context {
        nav: Nav::of(&mut db, **registry, staff.0, kind).await?,
        slug: model.slug,
        name: model.name,
        plural: model.plural,
        id,
        exists: loaded.is_some(),
        earlier: has_earlier.then_some(at + 1),
        later: (at > 0).then(|| at - 1),
        page: at,
        paged: at > 0 || has_earlier,
        events: entries
            .iter()
            .map(|entry| {
                let named = staff.0.has(Need::to(Act::View, &entry.kind));
                if named {
                    event(entry, model.slug, **registry)
                } else {
                    masked(entry, model.slug, **registry)
                }
            })
            .collect(),
        label,
    };
    let title = format!("History of {}", context.label);
    page.show("admin/history", &title, &context)
}

/// A change of a part that somebody may not be told of by name.
fn masked(entry: &Entry, slug: &str, registry: Registry) -> Event {
    let what = part(&entry.kind, done(entry), "somebody");
    Event {
        what,
        label: String::new(),
        href: None,
        values: Vec::new(),
        ..event(entry, slug, registry)
    }
}

fn done(entry: &Entry) -> &'static str {
    match (&entry.before, &entry.after) {
        (None, _) => "added",
        (_, None) => "deleted",
        (Some(_), Some(_)) => "changed",
    }
}

/// A change as people read it, in the history of an object of a kind; or, with no kind, in a set.
pub(super) fn event(entry: &Entry, slug: &str, registry: Registry) -> Event {
    let (when, iso) = times::told(entry.at);
    let done = done(entry);
    let own = entry.kind == slug;
    let has_page = registry.find(&entry.kind).is_ok();
    let what = match (own, has_page) {
        (true, _) => done.to_owned(),
        (false, true) if slug.is_empty() => done.to_owned(),
        (false, _) => part(&entry.kind, done, &entry.label),
    };
    let alone = slug.is_empty() && has_page;
    let page = if entry.after.is_none() { "history" } else { "change" };
    Event {
        set: entry.change_set_id,
        label: if alone { entry.label.clone() } else { String::new() },
        href: alone.then(|| format!("/admin/{}/{}/{page}/", entry.kind, entry.object_id)),
        when,
        iso,
        who: entry.actor.clone(),
        what,
        values: if own || alone { differences(registry, entry) } else { Vec::new() },
    }
}

/// What happened to a part of an object: a booking, a membership.
fn part(kind: &str, done: &str, label: &str) -> String {
    match (kind, done) {
        ("bookings", "added") => format!("booked {label}"),
        ("bookings", _) => format!("took back the booking of {label}"),
        (REMARKS, _) => format!("keeps from before: {label}"),
        ("memberships", "added") => format!("put {label}"),
        ("memberships", _) => format!("took out {label}"),
        _ => format!("{done} {label}"),
    }
}

/// What changed, value by value. Ids and zones stand beside codes and names, and the version only
/// counts, so these are left out.
pub(super) fn differences(registry: Registry, entry: &Entry) -> Vec<Changed> {
    let model = registry.find(&entry.kind).ok().map(Manage::model);
    let parse = |json: &Option<String>| -> Map<String, Value> {
        json.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    };
    let (before, after) = (parse(&entry.before), parse(&entry.after));
    let names = after.keys().chain(before.keys().filter(|name| !after.contains_key(*name)));
    names
        .filter(|name| !matches!(name.as_str(), "id" | "version"))
        .filter(|name| !name.ends_with("_id") && !name.ends_with("_timezone"))
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Changed {
            label: label(model, name),
            old: told(name, before.get(name)),
            new: told(name, after.get(name)),
        })
        .filter(|changed| changed.old != changed.new)
        .collect()
}

/// `departs_at` as people read it: as the form calls it, where it has a field of that name.
fn label(model: Option<&Model>, name: &str) -> String {
    let name = name.trim_end_matches("_at").trim_end_matches("_code");
    let fields = model.map_or(&[][..], |model| model.fields);
    if let Some(field) = fields.iter().find(|field| field.name == name) {
        return field.label.to_owned();
    }
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn told(name: &str, value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(codes)) if name == "rights" => {
            let labels: Vec<_> =
                Rights::parse(codes).iter().map(|right| right.to_string()).collect();
            labels.join(", ")
        }
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(Value::Number(number)) if name.ends_with("_at") => {
            number.as_i64().map(|at| times::told(at).0).unwrap_or_default()
        }
        Some(other) => other.to_string(),
    }
}

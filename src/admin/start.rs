//! The start page of the staff site: the kinds, and what was done lately.

use rocket::{State, get};
use serde::Serialize;

use super::manage::Registry;
use super::nav::Nav;
use super::reasons::{Allowed, Reasons};
use crate::auth::{Act, Need, Staff, log_access};
use crate::changes::{self, RecentSet};
use crate::db::RequestConn;
use crate::domain::times;
use crate::error::Result;
use crate::pages::{Html, Page};

/// How many actions the page shows.
const RECENT: usize = 15;
/// Among how many it looks for those that somebody may see.
const LOOKED_AT: i64 = 60;

#[derive(Debug, Serialize)]
struct Context {
    nav: Nav,
    addable: Vec<Addable>,
    recent: Vec<Action>,
}

/// A kind, and whether one may be added.
#[derive(Debug, Serialize)]
struct Addable {
    may_view: bool,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    add: Allowed,
}

/// Something that was done, for people.
#[derive(Debug, Serialize)]
struct Action {
    when: String,
    iso: String,
    who: String,
    what: String,
    label: String,
    href: Option<String>,
    others: i64,
}

/// The start page.
#[get("/admin")]
pub(super) async fn start(
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let reasons = Reasons::of(&mut db, staff.0).await?;
    let recent = changes::recent(&mut db, LOOKED_AT).await?;
    let hidden = log_access::hidden_among_latest(&mut db, staff.0, LOOKED_AT).await?;
    let context = Context {
        nav: Nav::of(&mut db, **registry, staff.0, "").await?,
        addable: registry
            .kinds
            .iter()
            .map(|kind| kind.model())
            .filter(|model| {
                !model.read_only
                    && [Act::View, Act::Add]
                        .iter()
                        .any(|act| staff.0.has(Need::to(*act, model.slug)))
            })
            .map(|model| Addable {
                may_view: staff.0.has(Need::to(Act::View, model.slug)),
                slug: model.slug,
                name: model.name,
                plural: model.plural,
                add: reasons.allowed(Need::to(Act::Add, model.slug)),
            })
            .collect(),
        recent: recent
            .into_iter()
            .filter(|set| !hidden.contains(&set.id))
            .take(RECENT)
            .map(|set| action(**registry, set))
            .collect(),
    };
    page.show("admin/start", "Staff site", &context)
}

fn action(registry: Registry, set: RecentSet) -> Action {
    let at = times::local(set.at, "");
    // What is gone has no form, but it has a history.
    let page = if set.gone { "history" } else { "change" };
    let href = registry
        .find(&set.kind)
        .is_ok()
        .then(|| format!("/admin/{}/{}/{page}/", set.kind, set.object_id));
    Action {
        when: at.as_ref().map(|at| format!("{} {}", at.date, at.time)).unwrap_or_default(),
        iso: at.map(|at| at.iso).unwrap_or_default(),
        who: set.actor,
        what: match set.action.as_str() {
            "add" => "added",
            "change" => "changed",
            "delete" => "deleted",
            "book" => "booked",
            "load" => "loaded",
            "undo" => "undid",
            "change password" => "changed the password of",
            other => other,
        }
        .to_owned(),
        label: set.label,
        href,
        others: set.count - 1,
    }
}

//! One change set: everything that was done together, and the way to undo it.

use rocket::http::Status;
use rocket::{State, get, post};
use serde::Serialize;

use super::history::{Event, event};
use super::manage::Registry;
use super::nav::Nav;
use super::preview::{Preview, Refused, is_sealed, numbered, reason, with_effects};
use super::reasons::Reasons;
use crate::auth::{Act, Need, Staff, Visitor, log_access};
use crate::changes::{self, ChangeSet, Entry, MOST_AT_ONCE, Performed};
use crate::db::{Conn, Db, RequestConn};
use crate::domain::times;
use crate::error::{Error, Result};
use crate::input::Values;
use crate::pages::{Html, Message, Page, Reply, Submission};

/// How many changes the page tells.
const TOLD: i64 = 500;

#[derive(Debug, Serialize)]
struct Context {
    nav: Nav,
    id: i64,
    when: String,
    iso: String,
    who: String,
    action: String,
    reason: String,
    request_id: String,
    undoes: Option<i64>,
    undone_by: Option<i64>,
    events: Vec<Event>,
    more: bool,
}

#[derive(Debug, Serialize)]
struct UndoContext {
    nav: Nav,
    id: i64,
    who: String,
    action: String,
    when: String,
    undone_by: Option<i64>,
    preview: Preview,
    csrf: String,
}

/// The set of an id, for somebody who may view every kind in it, and its changes.
async fn find(db: &mut Conn, by: &Visitor, id: i64, most: i64) -> Result<(Performed, Vec<Entry>)> {
    let set = changes::performed(db, id).await?.ok_or(Error::NotFound)?;
    log_access::need(db, by, id).await?;
    let entries = changes::changes_of(db, id, most).await?;
    Ok((set, entries))
}

/// The page of a set.
#[get("/admin/log/<id>", rank = 1)]
pub(super) async fn show(
    id: i64,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let (set, entries) = find(&mut db, staff.0, id, TOLD + 1).await?;
    let more = i64::try_from(entries.len()).unwrap_or(i64::MAX) > TOLD;
    let (when, iso) = times::told(set.at);
    let told = usize::try_from(TOLD).unwrap_or(usize::MAX);
    let context = Context {
        nav: Nav::of(&mut db, **registry, staff.0, "log").await?,
        id,
        when,
        iso,
        who: set.actor,
        action: set.action,
        reason: set.reason,
        request_id: set.request_id,
        undoes: set.undoes,
        undone_by: set.undone_by,
        events: entries.iter().take(told).map(|entry| event(entry, "", **registry)).collect(),
        more,
    };
    page.show("admin/performed", &format!("Log {id}"), &context)
}

/// What somebody needs to undo a change: what he would need to do the opposite. Who may do what is
/// given and taken by rules of its own, so it is undone by those only who stand above them.
fn need(entry: &Entry) -> Need {
    match (entry.kind.as_str(), &entry.before, &entry.after) {
        ("users" | "groups" | "memberships", ..) => Need::Superuser,
        (kind, None, _) => Need::to(Act::Delete, kind),
        (kind, _, None) => Need::to(Act::Add, kind),
        (kind, ..) => Need::to(Act::Change, kind),
    }
}

/// Undoes each change, the last one first; what cannot be undone is left, and why is told.
async fn perform(
    set: &mut ChangeSet,
    registry: Registry,
    by: &Visitor,
    entries: &[Entry],
) -> Result<Vec<Refused>> {
    let reasons = Reasons::of(set, by).await?;
    let mut refused = Vec::new();
    for entry in entries.iter().rev() {
        let part = set.begin_part().await?;
        let allowed = reasons.allowed(need(entry));
        let sensitive = need(entry) == Need::Superuser;
        let done = if !allowed.may {
            Err(Error::Refused(allowed.why).into())
        } else if sensitive && !by.is_confirmed(set.at()) {
            Err(Error::Unconfirmed.into())
        } else {
            let (before, after) = (entry.before.as_deref(), entry.after.as_deref());
            registry.undo.undo(set, &entry.kind, entry.object_id, before, after).await
        };
        match done {
            Ok(()) => set.keep_part(part).await?,
            Err(refusal) => {
                set.take_part_back(part).await?;
                let (id, label) = (entry.object_id, entry.label.clone());
                refused.push(Refused::of(registry, &entry.kind, id, label, refusal)?);
            }
        }
    }
    Ok(refused)
}

/// What undoing a set would do.
#[get("/admin/log/<id>/undo")]
pub(super) async fn confirm(
    id: i64,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Html> {
    match undo(id, None, staff.0, **registry, db, &page).await? {
        Reply::Html(html) => Ok(html),
        Reply::Redirect(_) => Err(Error::internal("an address undid something")),
    }
}

/// Undoes a set, if that is just what somebody has seen.
#[post("/admin/log/<id>/undo", data = "<form>")]
pub(super) async fn perform_undo(
    id: i64,
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    undo(id, Some(&form.0), staff.0, **registry, db, &page).await
}

async fn undo(
    id: i64,
    typed: Option<&Values>,
    by: &Visitor,
    registry: Registry,
    db: &Db,
    page: &Page<'_>,
) -> Result<Reply> {
    let (performed, entries) = find(&mut db.conn().await?, by, id, MOST_AT_ONCE + 1).await?;
    if i64::try_from(entries.len()).unwrap_or(i64::MAX) > MOST_AT_ONCE {
        let why = format!("More than {MOST_AT_ONCE} changes are not undone at once.");
        return Err(Error::Refused(why));
    }
    let none = Values::default();
    let form = typed.unwrap_or(&none);
    let mut set = ChangeSet::begin(db, page.intent("undo")).await?;
    set.because(reason(form)?);
    set.undoes(id);
    let refused = perform(&mut set, registry, by, &entries).await?;
    let effects = registry.side_effects.of(&mut set).await?;
    let operation = with_effects(format!("undo {id}"), &effects);
    if form.has("seal") && is_sealed(form, &operation, &set, &refused) {
        let count = set.remembered().count();
        let done = set.commit().await?;
        let said = Message::done(format!("Undone: {}.", numbered(count, "changes")));
        return Ok(page.to("/admin/log/".to_owned(), Some(said.undone_at(done))));
    }
    let mut preview = Preview::of(registry, by, &operation, &set, refused, form, &[]);
    preview.effects(effects);
    drop(set);
    let (when, _) = times::told(performed.at);
    let context = UndoContext {
        nav: Nav::of(&mut db.conn().await?, registry, by, "log").await?,
        id,
        who: performed.actor,
        action: performed.action,
        when,
        undone_by: performed.undone_by,
        preview,
        csrf: page.token(),
    };
    let html = page.show("admin/undo", &format!("Undo {id}"), &context)?;
    let status = if form.has("seal") { Status::Conflict } else { Status::Ok };
    Ok(html.with_status(status).into())
}

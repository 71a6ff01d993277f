//! Saved views: a list's search, columns, order and size under a name.

use rocket::http::Status;
use rocket::{State, get, post};
use serde::Serialize;

use super::asked::Asked;
use super::manage::Registry;
use super::nav::{Nav, ViewLink};
use super::rows::counted;
use crate::auth::groups::{self, Group};
use crate::auth::views::{self, Draft, SaveOutcome, View};
use crate::auth::{Act, Staff, User, Visitor};
use crate::changes::once::{self, FormKey};
use crate::db::{Conn, Db, RequestConn};
use crate::error::{Error, Result};
use crate::input::{Errors, Reader, SEARCH_TOO_LONG, Values, is_too_long};
use crate::pages::{Html, Message, Page, Query, Reply, Submission};
use crate::random;

/// The longest name of a view.
const LONGEST: usize = 60;
/// A live count goes up to here.
const MOST_COUNTED: i64 = 1_000;

#[derive(Debug, Serialize)]
struct Listed {
    nav: Nav,
    views: Vec<ListedView>,
    csrf: String,
}

#[derive(Debug, Serialize)]
struct ListedView {
    #[serde(flatten)]
    link: ViewLink,
    plural: &'static str,
    search: String,
    count: String,
    pinned: bool,
    own: bool,
    /// Whether it is another's, and may be removed all the same.
    removable: bool,
    owner: String,
    group: Option<String>,
}

#[derive(Debug, Serialize)]
struct FormContext {
    nav: Nav,
    id: Option<i64>,
    kind: String,
    plural: &'static str,
    /// What the view will show, as the query of an address.
    query: String,
    search: String,
    name: String,
    errors: Vec<String>,
    groups: Vec<GroupChoice>,
    pinned: bool,
    /// The key by which the same form, sent twice, saves one view.
    once: String,
    csrf: String,
}

#[derive(Debug, Serialize)]
struct GroupChoice {
    id: i64,
    name: String,
    chosen: bool,
}

#[derive(Debug, Serialize)]
struct Count {
    count: String,
}

fn owner(by: &Visitor) -> Result<&User> {
    by.user.as_ref().ok_or(Error::NotFound)
}

/// How many objects a view shows, for somebody.
async fn count(db: &mut Conn, registry: Registry, by: &Visitor, view: &View) -> Result<String> {
    let manage = registry.open(&view.kind, Act::View, by)?;
    let list = &manage.model().list;
    let asked = Asked::by(manage, by, &Values::from_urlencoded(&view.query));
    Ok(match asked.narrowing(db, list).await? {
        Ok(narrowing) => counted(list.count_to(db, &narrowing, MOST_COUNTED).await?, MOST_COUNTED),
        // A field that the search named is no longer there.
        Err(_) => "?".to_owned(),
    })
}

/// Every view that somebody sees.
#[get("/admin/views")]
pub(super) async fn list(
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let nav = Nav::of(&mut db, **registry, staff.0, "").await?;
    let own = owner(staff.0)?.id;
    let mut listed = Vec::new();
    // Superusers also see the views of others, without counts: they may remove them.
    let others = if staff.0.is_superuser() {
        let mut all = views::all(&mut db).await?;
        all.retain(|view| !nav.views.contains(view) && registry.find(&view.kind).is_ok());
        all
    } else {
        Vec::new()
    };
    for (view, visible) in
        nav.views.iter().map(|view| (view, true)).chain(others.iter().map(|view| (view, false)))
    {
        listed.push(ListedView {
            link: ViewLink::of(view),
            plural: registry.find(&view.kind)?.model().plural,
            search: Values::from_urlencoded(&view.query).first("q").to_owned(),
            count: if visible {
                count(&mut db, **registry, staff.0, view).await?
            } else {
                String::new()
            },
            removable: view.user_id != own && staff.0.is_superuser(),
            pinned: view.pinned,
            own: view.user_id == own,
            owner: view.owner.clone(),
            group: view.group_name.clone(),
        });
    }
    page.show("admin/views", "Saved views", &Listed { nav, views: listed, csrf: page.token() })
}

/// How many objects a view shows now, for the navigation.
#[get("/admin/views/<id>/count")]
pub(super) async fn live_count(
    id: i64,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let view = views::find(&mut db, owner(staff.0)?.id, id).await?;
    let count = count(&mut db, **registry, staff.0, &view).await?;
    page.fragment("admin/count", &Count { count: count.replace("more than 1,000", "1,000+") })
}

/// The groups that somebody may share a view with: his own, and the one that sees it already; all, for
/// a superuser.
async fn groups_of(db: &mut Conn, by: &Visitor, held: Option<i64>) -> Result<Vec<Group>> {
    if by.is_superuser() {
        return groups::all(db).await;
    }
    let mut found = groups::of_user(db, owner(by)?.id).await?;
    if let Some(held) = held
        && !found.iter().any(|known| known.id == held)
    {
        found.extend(groups::find(db, held).await?);
    }
    Ok(found)
}

struct Form<'a> {
    registry: Registry,
    by: &'a Visitor,
    id: Option<i64>,
    draft: Draft,
    /// The group that sees it already.
    held: Option<i64>,
    /// The key of this form.
    once: String,
    errors: Errors,
}

impl Form<'_> {
    async fn render(self, db: &mut Conn, page: &Page<'_>) -> Result<Html> {
        let model = self.registry.open(&self.draft.kind, Act::View, self.by)?.model();
        let Draft { kind, name, query, group_id, pinned } = self.draft;
        let choice = |group: Group| GroupChoice {
            chosen: Some(group.id) == group_id,
            id: group.id,
            name: group.name,
        };
        let status = if self.errors.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
        let context = FormContext {
            nav: Nav::of(db, self.registry, self.by, model.slug).await?,
            id: self.id,
            plural: model.plural,
            search: Values::from_urlencoded(&query).first("q").to_owned(),
            kind,
            query,
            name,
            errors: self.errors.of("name").to_vec(),
            groups: groups_of(db, self.by, self.held).await?.into_iter().map(choice).collect(),
            pinned,
            once: self.once,
            csrf: page.token(),
        };
        Ok(page.show("admin/view", "Save a view", &context)?.with_status(status))
    }
}

/// The form that saves a list as it stands in the query.
#[get("/admin/views/add")]
pub(super) async fn add(
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let kind = query.0.first("list").to_owned();
    let query = canonical(**registry, staff.0, &kind, &query.0)?;
    let draft = Draft { kind, name: String::new(), query, group_id: None, pinned: true };
    let form = Form {
        registry: **registry,
        by: staff.0,
        id: None,
        draft,
        held: None,
        once: random::secret(),
        errors: Errors::default(),
    };
    form.render(&mut db, &page).await
}

/// The query of a list, without where its page begins.
fn canonical(registry: Registry, by: &Visitor, kind: &str, query: &Values) -> Result<String> {
    let manage = registry.open(kind, Act::View, by)?;
    let list = &manage.model().list;
    let asked = Asked::by(manage, by, query);
    if asked.too_long.is_some() {
        return Err(Error::BadRequest(SEARCH_TOO_LONG));
    }
    let address = asked.address(list, &[]);
    Ok(address.trim_start_matches('?').to_owned())
}

/// The form of a view of one's own.
#[get("/admin/views/<id>/edit")]
pub(super) async fn edit(
    id: i64,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let view = own(&mut db, staff.0, id).await?;
    let View { kind, name, query, group_id, pinned, .. } = view;
    let draft = Draft { kind, name, query, group_id, pinned };
    let form = Form {
        registry: **registry,
        by: staff.0,
        id: Some(id),
        draft,
        held: group_id,
        once: random::secret(),
        errors: Errors::default(),
    };
    form.render(&mut db, &page).await
}

async fn own(db: &mut Conn, by: &Visitor, id: i64) -> Result<View> {
    let user = owner(by)?.id;
    let view = views::find(db, user, id).await?;
    if view.user_id == user {
        Ok(view)
    } else {
        Err(Error::Refused(format!("This view is {}’s, who alone changes it.", view.owner)))
    }
}

/// Saves a new view.
#[post("/admin/views/add", data = "<form>")]
pub(super) async fn insert(
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let kind = form.0.first("kind").to_owned();
    let asked = Values::from_urlencoded(form.0.first("query"));
    let query = canonical(**registry, staff.0, &kind, &asked)?;
    save(None, None, kind, query, &form.0, staff.0, **registry, db, &page).await
}

/// Changes a view of one's own.
#[post("/admin/views/<id>/edit", data = "<form>")]
pub(super) async fn update(
    id: i64,
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let view = own(&mut db.conn().await?, staff.0, id).await?;
    save(Some(id), view.group_id, view.kind, view.query, &form.0, staff.0, **registry, db, &page)
        .await
}

#[expect(clippy::too_many_arguments, reason = "what a form says, and what it is about")]
async fn save(
    id: Option<i64>,
    held: Option<i64>,
    kind: String,
    query: String,
    typed: &Values,
    by: &Visitor,
    registry: Registry,
    db: &Db,
    page: &Page<'_>,
) -> Result<Reply> {
    let mut read = Reader::new(typed);
    let name = read.required("name", LONGEST);
    let mut errors = read.errors;
    let group_id = typed.first("group").parse().ok();
    if let Some(group) = group_id
        && !groups_of(&mut db.conn().await?, by, held).await?.iter().any(|known| known.id == group)
    {
        return Err(Error::Refused("You share views with groups that you are in.".to_owned()));
    }
    let draft = Draft { kind, name, query, group_id, pinned: typed.has("pinned") };
    let there = format!("/admin/{}/?{}", draft.kind, draft.query);
    let said = Message::done("The view was saved:").about(draft.name.clone(), there.clone());
    if is_too_long([Values::from_urlencoded(&draft.query).first("q")].into_iter()) {
        errors.add("name", SEARCH_TOO_LONG);
    }
    if errors.is_empty() {
        let user = owner(by)?.id;
        let key = if id.is_none() { FormKey::of(user, "views", typed) } else { None };
        match views::save(db, user, id, key.as_ref(), page.now(), draft.clone()).await? {
            SaveOutcome::Saved => {}
            SaveOutcome::NameTaken => errors.add("name", "You already have a view with this name."),
            SaveOutcome::TooMany => errors.add(
                "name",
                format!(
                    "You have {} saved views, the most there can be. Remove one first.",
                    views::MOST
                ),
            ),
            SaveOutcome::TooManyPinned => errors.add(
                "name",
                format!(
                    "You have {} pinned views, the most there can be. Unpin one first.",
                    views::MOST_PINNED
                ),
            ),
        }
    }
    if errors.is_empty() {
        return Ok(page.to(there, Some(said)));
    }
    let form = Form { registry, by, id, draft, held, once: once::carried(typed), errors };
    Ok(form.render(&mut db.conn().await?, page).await?.into())
}

/// Removes a view of one's own; a superuser, anybody's.
#[post("/admin/views/<id>/remove", data = "<_form>")]
pub(super) async fn remove(
    id: i64,
    _form: Submission,
    staff: Staff<'_>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let view = if staff.0.is_superuser() {
        let all = views::all(&mut db.conn().await?).await?;
        all.into_iter().find(|view| view.id == id).ok_or(Error::NotFound)?
    } else {
        own(&mut db.conn().await?, staff.0, id).await?
    };
    views::remove(db, view.user_id, id).await?;
    let said = Message::done(format!("The view “{}” was removed.", view.name));
    Ok(page.to("/admin/views/".to_owned(), Some(said)))
}

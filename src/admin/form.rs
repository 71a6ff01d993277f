//! The form of an object, and of a new one.

use std::sync::LazyLock;

use rocket::{State, get};
use serde::Serialize;

use super::asked::Asked;
use super::fields::{FieldView, Source};
use super::manage::{Manage, Registry};
use super::merge::{self, Clash, Meanwhile};
use super::model::{Field, Input};
use super::nav::Nav;
use super::reasons::{Allowed, Reasons};
use super::related;
use crate::auth::{Act, Need, Staff, Visitor};
use crate::changes::once;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::input::{Confirmation, Errors, Values};
use crate::pages::{Html, Page, Query};

#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that the page says or not")]
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
    /// Where it was refused only so that somebody reads what it would do: sending it again confirms that.
    confirmation: Option<Confirmation>,
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
    /// Whether it is filled in from its address: nothing of it is saved yet.
    restored: bool,
    reason: String,
    /// The way back to a form that refers to this one.
    carried: Vec<Part>,
    way_back: Option<String>,
    dialog: bool,
    back: String,
    back_encoded: String,
    /// The key by which the same form, sent twice, makes one object.
    once: String,
    csrf: String,
}

/// A field that a form carries along.
#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    value: String,
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
pub(super) struct Form<'a> {
    pub(super) manage: &'static dyn Manage,
    pub(super) registry: Registry,
    pub(super) by: &'a Visitor,
    /// The object; none for a new one.
    pub(super) id: Option<i64>,
    pub(super) label: String,
    pub(super) version: i64,
    pub(super) values: &'a Values,
    pub(super) errors: &'a Errors,
    /// Somebody saved meanwhile, and touched the same.
    pub(super) meanwhile: Option<Meanwhile>,
    /// Somebody deleted the object meanwhile.
    pub(super) gone: bool,
    pub(super) unconfirmed: bool,
    /// It holds what its address says.
    pub(super) restored: bool,
    pub(super) back: &'a str,
}

impl<'a> Form<'a> {
    /// The form of a new object that holds some values.
    pub(super) fn new(
        manage: &'static dyn Manage,
        registry: Registry,
        by: &'a Visitor,
        values: &'a Values,
    ) -> Self {
        static NONE: LazyLock<Errors> = LazyLock::new(Errors::default);
        Self {
            manage,
            registry,
            by,
            id: None,
            label: String::new(),
            version: 0,
            values,
            errors: &NONE,
            meanwhile: None,
            gone: false,
            unconfirmed: false,
            restored: false,
            back: values.first("back"),
        }
    }
}

impl Form<'_> {
    pub(super) async fn render(self, db: &mut Conn, page: &Page<'_>) -> Result<Html> {
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
                model.list.neighbours(db, &asked, id).await?
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
            confirmation: self.errors.confirmation().cloned(),
            meanwhile: self.meanwhile,
            gone: self.gone,
            unconfirmed: self.unconfirmed,
            save,
            add: allowed(Act::Add),
            delete,
            links,
            previous,
            next,
            carried: related::CARRIED
                .into_iter()
                .filter(|name| self.values.has(name))
                .map(|name| Part { name, value: self.values.first(name).to_owned() })
                .collect(),
            way_back: related::way_back(self.registry, self.values),
            restored: self.restored,
            reason: self.values.first("reason").to_owned(),
            dialog: self.values.has("_dialog"),
            back: self.back.to_owned(),
            back_encoded: form_urlencoded::byte_serialize(self.back.as_bytes()).collect(),
            once: once::carried(self.values),
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
        // (A form that comes back with what was typed says itself what is not ticked.)
        let first = !values.has("base");
        if field.input == (Input::Flag { at_first: true }) && first && !values.has(field.name) {
            values.set(field.name, "1");
        }
    }
    let restored = values.has("base");
    let form = Form { restored, ..Form::new(manage, **registry, staff.0, &values) };
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
    let mut loaded = manage.load(&mut conn, id).await?.ok_or(Error::NotFound)?;
    if query.0.has("base") && staff.0.has(Need::to(Act::Change, kind)) {
        // One comes back from a related object, with what one had typed.
        loaded.version = query.0.first("version").parse().unwrap_or(loaded.version);
        loaded.values = query.0.clone();
    } else {
        for name in related::CARRIED.into_iter().filter(|name| query.0.has(name)) {
            loaded.values.set(name, query.0.first(name));
        }
    }
    let form = Form {
        id: Some(id),
        label: loaded.label,
        version: loaded.version,
        restored: query.0.has("base") && staff.0.has(Need::to(Act::Change, kind)),
        back: query.0.first("back"),
        ..Form::new(manage, **registry, staff.0, &loaded.values)
    };
    form.render(&mut conn, &page).await
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

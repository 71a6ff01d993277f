//! Acts on many objects at once: those that are ticked, or all that a search finds. First a preview,
//! then, sealed, the act itself: one change set, with one undo.

use rocket::http::Status;
use rocket::{State, post};
use serde::Serialize;

use super::dependents::Obstacles;
use super::fields::{FieldView, Source};
use super::form::list_address;
use super::language;
use super::manage::{Filled, Loaded, Manage, Registry};
use super::model::{Field, Input};
use super::narrow::Narrowing;
use super::nav::Nav;
use super::preview::{Preview, Refused, is_sealed, numbered, reason, with_effects};
use super::reasons::Reasons;
use super::removal::missing;
use crate::auth::Staff;
use crate::auth::{Act, Need, Visitor};
use crate::changes::{self, ChangeSet};
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::input::{Errors, Refusal, SEARCH_TOO_LONG, Values};
use crate::pages::{Html, Message, Page, Reply, Submission};

/// More objects than these are not changed at once.
const MOST: usize = 2_000;

/// What is done to each object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Delete,
    Edit,
}

impl Doing {
    fn act(self) -> Act {
        match self {
            Self::Delete => Act::Delete,
            Self::Edit => Act::Change,
        }
    }

    /// As a form, the log and a heading say it.
    fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Edit => "edit",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Edit => "change",
        }
    }
}

#[derive(Debug, Serialize)]
struct Context {
    nav: Nav,
    slug: &'static str,
    plural: &'static str,
    title: String,
    doing: &'static str,
    /// How many objects it is about.
    count: String,
    /// The fields to set, before there is a preview.
    fields: Vec<FieldView>,
    /// Those that were chosen.
    chosen: Vec<Setting>,
    problem: String,
    preview: Option<Preview>,
    ids: String,
    back: String,
    /// The list that one came from.
    list_address: String,
    csrf: String,
}

/// A field that is set on every object.
#[derive(Debug, Serialize)]
struct Setting {
    label: &'static str,
    value: String,
}

/// A field that can be set on many objects: one that holds one plain value, and that he may fill in.
fn can_be_set(field: &Field, by: &Visitor) -> bool {
    let plain = match field.input {
        Input::Text { .. }
        | Input::Number { .. }
        | Input::Decimal
        | Input::Flag { .. }
        | Input::LocalTime
        | Input::Pick { .. } => true,
        Input::Rights | Input::Rows { .. } | Input::Chooser { .. } => false,
    };
    plain && by.has(field.needs) && by.has(field.seen_by)
}

/// The objects that a form means: those of an earlier page, those that are ticked, or all that match.
/// The error is a sentence.
async fn meant(
    db: &mut Conn,
    manage: &'static dyn Manage,
    by: &Visitor,
    form: &Values,
) -> Result<Result<Vec<i64>, String>> {
    let list = &manage.model().list;
    let mut ids: Vec<i64> = if form.has("ids") {
        form.first("ids").split(' ').filter_map(|id| id.parse().ok()).collect()
    } else if form.has("all") {
        let Some(terms) = language::read([(None, form.first("q"))].into_iter()) else {
            return Ok(Err(SEARCH_TOO_LONG.to_owned()));
        };
        match Narrowing::of(db, list, &manage.only(by), &terms).await? {
            Ok(narrowing) => list.ids(db, &narrowing, MOST + 1).await?,
            Err(mistakes) => return Ok(Err(mistakes.join(" "))),
        }
    } else {
        form.all("id").iter().filter_map(|id| id.parse().ok()).collect()
    };
    // In one order, so that two who act on the same objects wait, but never for each other.
    ids.sort_unstable();
    ids.dedup();
    Ok(match ids.len() {
        0 => Err("Tick at least one row.".to_owned()),
        count if count > MOST => {
            Err(format!("At most {MOST} objects are changed at once: narrow the list first."))
        }
        _ => Ok(ids),
    })
}

/// Does it to each object; what cannot be done to one is taken back, and why is told.
async fn perform(
    set: &mut ChangeSet,
    registry: Registry,
    manage: &'static dyn Manage,
    by: &Visitor,
    doing: Doing,
    ids: &[i64],
    settings: &Values,
) -> Result<Vec<Refused>> {
    let model = manage.model();
    let reasons = Reasons::of(set, by).await?;
    let mut refused = Vec::new();
    for id in ids {
        let part = set.begin_part().await?;
        manage.model().list.lock(set, *id).await?;
        let loaded = manage.load(set, *id).await?;
        let label = if let Some(loaded) = &loaded {
            loaded.label.clone()
        } else {
            let last = changes::last_label(set, model.slug, *id).await?;
            last.unwrap_or_else(|| format!("{} {id}", model.name))
        };
        let mut lacks = Vec::new();
        if doing == Doing::Delete && asks_for_more(registry, by, model.slug) {
            lacks = Obstacles::of(set, registry, by, model.slug, &[*id]).await?.missing;
        }
        let done = match loaded {
            None => Err(Error::NotFound.into()),
            // (Why is said below.)
            Some(_) if !lacks.is_empty() => Ok(()),
            Some(loaded) => match manage.closed_to(set, by, *id).await? {
                Some(why) => Err(Error::Refused(why).into()),
                None => one(set, manage, by, doing, *id, loaded, settings).await,
            },
        };
        lacks.extend(missing(set, by));
        let done = match (done, lacks.first()) {
            (Ok(()), Some(need)) if doing == Doing::Delete => {
                Err(Error::Refused(reasons.allowed(*need).why).into())
            }
            (done, _) => done,
        };
        match done {
            Ok(()) => set.keep_part(part).await?,
            Err(refusal) => {
                set.take_part_back(part).await?;
                refused.push(Refused::of(registry, model.slug, *id, label, refusal)?);
            }
        }
    }
    Ok(refused)
}

/// Whether somebody could lack a right for what depends on objects of a kind.
fn asks_for_more(registry: Registry, by: &Visitor, kind: &str) -> bool {
    let mut dependents = registry.dependents.iter().filter(|dependent| dependent.of == kind);
    dependents.any(|dependent| !by.has(Need::to(Act::Delete, dependent.kind)))
}

async fn one(
    set: &mut ChangeSet,
    manage: &'static dyn Manage,
    by: &Visitor,
    doing: Doing,
    id: i64,
    loaded: Loaded,
    settings: &Values,
) -> Result<(), Refusal> {
    match doing {
        Doing::Delete => Ok(manage.delete(set, id).await?),
        Doing::Edit => {
            let mut values = loaded.as_sent(manage.model());
            for name in settings.all("set") {
                values.replace(name, settings.all(name));
            }
            let form = Filled { by, id: Some(id), values: &values, previewed: true };
            manage.save(set, form).await.map(drop)
        }
    }
}

/// Shows what would be done, asks what is to be set, or does it: which of them, the form says.
#[post("/admin/<kind>/bulk", data = "<form>")]
pub(super) async fn bulk(
    kind: &str,
    form: Submission,
    staff: Staff<'_>,
    registry: &State<Registry>,
    db: &Db,
    page: Page<'_>,
) -> Result<Reply> {
    let form = form.0;
    let doing = match form.first("action") {
        "delete" => Doing::Delete,
        "edit" => Doing::Edit,
        _ => return Err(Error::BadRequest("This can't be done to several objects at once.")),
    };
    // What is refused is told by name: who acts on many must see them.
    registry.open(kind, Act::View, staff.0)?;
    let manage = registry.open(kind, doing.act(), staff.0)?;
    let model = manage.model();
    let (by, back) = (staff.0, form.first("back"));
    let ids = match meant(&mut db.conn().await?, manage, by, &form).await? {
        Ok(ids) => ids,
        Err(why) => {
            let there = list_address(by, model.slug, &super::form::decoded(back));
            return Ok(page.to(there, Some(Message::note(why))));
        }
    };
    if doing == Doing::Delete {
        let mut conn = db.conn().await?;
        let obstacles = Obstacles::of(&mut conn, **registry, by, model.slug, &ids).await?;
        if let Some(why) = obstacles.too_many {
            let there = list_address(by, model.slug, &super::form::decoded(back));
            return Ok(page.to(there, Some(Message::note(why))));
        }
    }
    let settable = model.fields.iter().filter(|field| can_be_set(field, by));
    let settable: Vec<&'static Field> = settable.collect();
    let chosen: Vec<&'static Field> = settable
        .iter()
        .copied()
        .filter(|field| form.all("set").iter().any(|name| name == field.name))
        .collect();
    if form.all("set").len() != chosen.len() {
        return Err(Error::BadRequest("One of these fields cannot be set on many at once."));
    }
    let bulk = Bulk { manage, registry: **registry, by, doing, ids: &ids, form: &form };
    if doing == Doing::Edit && (chosen.is_empty() || form.has("again")) {
        // Nothing was chosen yet, or nothing on the page that asks, or other values are wanted.
        let problem = if form.has("preview") { "Tick at least one field to set." } else { "" };
        return bulk.ask(&settable, problem, db, &page).await.map(Reply::from);
    }
    let mut set = ChangeSet::begin(db, page.intent(doing.action())).await?;
    set.because(reason(&form)?);
    let refused = perform(&mut set, **registry, manage, by, doing, &ids, &form).await?;
    let effects = registry.side_effects.of(&mut set).await?;
    let operation = with_effects(bulk.operation(), &effects);
    if form.has("seal") && is_sealed(&form, &operation, &set, &refused) {
        let count = set.remembered().filter(|change| change.kind == model.slug).count();
        let done = set.commit().await?;
        let verb = if doing == Doing::Delete { "deleted" } else { "changed" };
        let were = if count == 1 { "was" } else { "were" };
        let text = format!("{} {were} {verb}.", numbered(count, model.slug));
        let said = Message::done(text).undone_at(done);
        let there = list_address(by, model.slug, &super::form::decoded(back));
        return Ok(page.to(there, Some(said)));
    }
    let carry: Vec<&str> = ["action", "set", "back"]
        .into_iter()
        .chain(chosen.iter().map(|field| field.name))
        .collect();
    let mut preview = Preview::of(**registry, by, &operation, &set, refused, &form, &carry);
    preview.effects(effects);
    preview.carry("ids", joined(&ids));
    drop(set);
    let chosen = chosen
        .iter()
        .map(|field| Setting { label: field.label, value: super::fields::told(field, &form) })
        .collect();
    let mut conn = db.conn().await?;
    let html = bulk.show(&mut conn, &page, Vec::new(), chosen, "", Some(preview)).await?;
    // What was confirmed came to something else.
    let status = if form.has("seal") { Status::Conflict } else { Status::Ok };
    Ok(html.with_status(status).into())
}

fn joined(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

/// An act on many, on its way to a page.
struct Bulk<'a> {
    manage: &'static dyn Manage,
    registry: Registry,
    by: &'a Visitor,
    doing: Doing,
    ids: &'a [i64],
    form: &'a Values,
}

impl Bulk<'_> {
    /// What the seal is about: which act, on which objects, with which values.
    fn operation(&self) -> String {
        let mut text =
            format!("{} {} {}", self.doing.name(), self.manage.model().slug, joined(self.ids));
        for name in self.form.all("set") {
            let values = self.form.all(name).join("\n");
            text.extend(["\n", name, "=", &values]);
        }
        text
    }

    /// The page that asks which fields are to be set, and to what.
    async fn ask(
        &self,
        settable: &[&'static Field],
        problem: &str,
        db: &Db,
        page: &Page<'_>,
    ) -> Result<Html> {
        let mut conn = db.conn().await?;
        let reasons = Reasons::of(&mut conn, self.by).await?;
        let source = Source {
            manage: self.manage,
            registry: self.registry,
            by: self.by,
            reasons: &reasons,
            open: true,
            id: None,
            values: self.form,
            errors: &Errors::default(),
        };
        let mut fields = Vec::new();
        for field in settable {
            let set = self.form.all("set").iter().any(|name| name == field.name);
            fields.push(source.field(&mut conn, field).await?.of_many(set));
        }
        let html = self.show(&mut conn, page, fields, Vec::new(), problem, None).await?;
        let status = if problem.is_empty() { Status::Ok } else { Status::UnprocessableEntity };
        Ok(html.with_status(status))
    }

    async fn show(
        &self,
        conn: &mut Conn,
        page: &Page<'_>,
        fields: Vec<FieldView>,
        chosen: Vec<Setting>,
        problem: &str,
        preview: Option<Preview>,
    ) -> Result<Html> {
        let model = self.manage.model();
        let count = numbered(self.ids.len(), model.slug);
        let title = match self.doing {
            Doing::Delete => format!("Delete {count}?"),
            Doing::Edit => format!("Edit {count}"),
        };
        let context = Context {
            nav: Nav::of(conn, self.registry, self.by, model.slug).await?,
            slug: model.slug,
            plural: model.plural,
            doing: self.doing.name(),
            count,
            fields,
            chosen,
            problem: problem.to_owned(),
            preview,
            ids: joined(self.ids),
            back: self.form.first("back").to_owned(),
            list_address: list_address(
                self.by,
                model.slug,
                &super::form::decoded(self.form.first("back")),
            ),
            csrf: page.token(),
            title: title.clone(),
        };
        page.show("admin/bulk", &title, &context)
    }
}

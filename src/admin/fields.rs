//! The fields of a form, as its template shows them.

use serde::Serialize;

use super::manage::{Choice, Manage, Registry, Search};
use super::model::{Field, Input};
use super::reasons::Reasons;
use crate::auth::rights::KINDS;
use crate::auth::{Act, Need, Right, Rights, Visitor};
use crate::db::Conn;
use crate::domain::times;
use crate::error::Result;
use crate::input::{Errors, Values, search_problem};
use crate::pages::first_of;

/// How many objects a search in a chooser shows.
pub(super) const CANDIDATES: usize = 50;

/// A field, ready to be shown.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that the template shows or not"
)]
pub(super) struct FieldView {
    name: &'static str,
    label: &'static str,
    help: &'static str,
    required: bool,
    /// Whether it is one of those that are set, in a form about many objects.
    set: bool,
    errors: Vec<String>,
    value: String,
    /// Which partial shows it.
    input: &'static str,
    longest: usize,
    least: Option<i64>,
    most: Option<i64>,
    /// Where suggestions come from.
    suggestions: String,
    /// Whether a related object can be added, or opened, from here.
    can_add: bool,
    can_open: bool,
    /// Objects that are there (rows, chooser).
    there: Vec<There>,
    /// Rows for new ones.
    new: Vec<NewRow>,
    /// What a search found (chooser).
    candidates: Vec<There>,
    /// Whether it found more than is shown.
    more: bool,
    search: String,
    /// Why it was not searched (chooser).
    problem: Option<&'static str>,
    kind: &'static str,
    owner: i64,
    owner_kind: &'static str,
    /// What a search in a chooser looks into.
    search_help: &'static str,
    /// Whether it can be filled in; otherwise it only shows what there is.
    open: bool,
    /// Why not, where that is about this field alone.
    why: String,
    /// What it holds, in words, where it cannot be filled in.
    shown: Vec<String>,
    rights: Vec<RightsRow>,
}

impl FieldView {
    /// The field in a form about many objects: whether it is set is said beside it, and it leads
    /// nowhere.
    pub(super) fn of_many(self, set: bool) -> Self {
        // A time that is typed again may be one that needs an offset at some of the objects.
        let is_typed_time = self.input == "local" && !self.value.is_empty();
        let input = if is_typed_time { "text" } else { self.input };
        Self { set, input, required: true, can_add: false, can_open: false, ..self }
    }
}

/// A row of the table of rights: a kind, or those that are about none.
#[derive(Debug, Serialize)]
struct RightsRow {
    title: &'static str,
    boxes: Vec<RightBox>,
}

#[derive(Debug, Serialize)]
struct RightBox {
    code: String,
    label: String,
    /// As it stands in its row.
    short: String,
    ticked: bool,
    /// Whether he who looks may give it.
    may: bool,
}

/// What a field holds, in words; rows and choosers are told by their objects.
pub(super) fn told(field: &Field, values: &Values) -> String {
    let text = values.first(field.name).trim();
    match field.input {
        Input::Flag { .. } => if text.is_empty() { "No" } else { "Yes" }.to_owned(),
        Input::Rights => {
            let rights = Rights::parse(&values.all(field.name).join(" "));
            rights.iter().map(|right| right.to_string()).collect::<Vec<_>>().join(", ")
        }
        Input::LocalTime => text.replace('T', " "),
        _ => text.to_owned(),
    }
}

/// The table of rights, with those of a field ticked.
fn rights_rows(held: &Rights, by: &Visitor) -> Vec<RightsRow> {
    let ticked: Vec<Right> = held.iter().collect();
    let boxed = |right: Right, short: String| RightBox {
        code: right.code(),
        label: right.to_string(),
        short,
        ticked: ticked.contains(&right),
        may: by.may(right),
    };
    let kinds = KINDS.iter().map(|kind| RightsRow {
        title: kind,
        boxes: Act::ALL
            .map(|act| boxed(Right::On(act, kind), act.name().to_owned()))
            .into_iter()
            .collect(),
    });
    let named = RightsRow {
        title: "besides",
        boxes: Right::NAMED.map(|right| boxed(right, right.to_string())).into_iter().collect(),
    };
    kinds.chain([named]).collect()
}

/// An object that is there, or could be, and whether its box is ticked.
#[derive(Debug, Serialize)]
pub(super) struct There {
    pub(super) id: i64,
    pub(super) label: String,
    pub(super) ticked: bool,
}

/// A row for a new object.
#[derive(Debug, Serialize)]
pub(super) struct NewRow {
    /// Its id on the page: the field's name and a number.
    pub(super) key: String,
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) suggestions: String,
}

/// The names of the parts of a field that holds several objects.
pub(super) struct Parts {
    /// The objects to take out (rows).
    pub(super) remove: String,
    /// The objects that were there when the form was made (chooser).
    pub(super) before: String,
    /// What is searched for (chooser).
    pub(super) search: String,
}

impl Parts {
    pub(super) fn of(field: &str) -> Self {
        Self {
            remove: format!("{field}-remove"),
            before: format!("{field}-before"),
            search: format!("{field}-search"),
        }
    }
}

/// Reads ids; what is none is left out.
fn ids_of<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<i64> {
    texts.filter_map(|text| text.parse().ok()).collect()
}

fn ids(texts: &[String]) -> Vec<i64> {
    ids_of(texts.iter().map(String::as_str))
}

/// What the fields of one form are made from.
pub(super) struct Source<'a> {
    pub(super) manage: &'static dyn Manage,
    pub(super) registry: Registry,
    pub(super) by: &'a Visitor,
    pub(super) reasons: &'a Reasons<'a>,
    /// Whether the form can be saved at all.
    pub(super) open: bool,
    pub(super) id: Option<i64>,
    pub(super) values: &'a Values,
    pub(super) errors: &'a Errors,
}

impl Source<'_> {
    /// Every field of the kind.
    pub(super) async fn fields(&self, db: &mut Conn) -> Result<Vec<FieldView>> {
        let mut fields = Vec::new();
        for field in self.manage.model().fields.iter().filter(|field| self.by.has(field.seen_by)) {
            fields.push(self.field(db, field).await?);
        }
        Ok(fields)
    }

    /// One field of the kind.
    pub(super) async fn field(&self, db: &mut Conn, field: &'static Field) -> Result<FieldView> {
        let allowed = self.reasons.allowed(field.needs);
        let mut view = FieldView {
            name: field.name,
            label: field.label,
            help: field.help,
            required: field.required,
            set: false,
            errors: self.errors.of(field.name).to_vec(),
            value: self.values.first(field.name).to_owned(),
            input: "text",
            longest: 100,
            least: None,
            most: None,
            suggestions: String::new(),
            can_add: false,
            can_open: false,
            there: Vec::new(),
            new: Vec::new(),
            candidates: Vec::new(),
            more: false,
            search: String::new(),
            problem: None,
            kind: "",
            owner: self.id.unwrap_or(0),
            owner_kind: self.manage.model().slug,
            search_help: "",
            open: self.open && allowed.may,
            why: if self.open { allowed.why } else { String::new() },
            shown: Vec::new(),
            rights: Vec::new(),
        };
        match field.input {
            Input::Text { longest } => view.longest = longest,
            Input::Number { least, most } => {
                view.input = "number";
                (view.least, view.most) = (Some(least), Some(most));
            }
            Input::Decimal => view.input = "decimal",
            // A browser's own field takes no offset: what has one, or may need one, is text.
            Input::LocalTime if times::is_local(&view.value) && view.errors.is_empty() => {
                view.input = "local";
            }
            Input::LocalTime => {}
            Input::Flag { .. } => view.input = "flag",
            Input::Rights => {
                view.input = "rights";
                let held = Rights::parse(&self.values.all(field.name).join(" "));
                view.rights = rights_rows(&held, self.by);
            }
            Input::Pick { kind } => {
                view.input = "pick";
                view.suggestions = self.suggestions(kind, field.name)?;
                view.kind = kind;
                view.can_add = self.by.has(Need::to(Act::Add, kind));
                view.can_open = self.by.has(Need::to(Act::View, kind));
            }
            Input::Rows { kind } => {
                view.input = "rows";
                view.kind = kind;
                view.can_add = self.by.has(Need::to(Act::Add, kind));
                self.rows(db, field, &mut view).await?;
            }
            Input::Chooser { kind } => {
                view.input = "chooser";
                view.kind = kind;
                self.chooser(db, field, &mut view).await?;
            }
        }
        if !view.open {
            view.shown = match field.input {
                Input::Rows { .. } | Input::Chooser { .. } => {
                    self.linked(db, field).await?.into_iter().map(|choice| choice.label).collect()
                }
                _ => vec![told(field, self.values)],
            };
            view.shown.retain(|text| !text.is_empty());
        }
        Ok(view)
    }

    /// Where suggestions of a kind come from; nowhere for who may not be told of its objects.
    fn suggestions(&self, kind: &str, name: &str) -> Result<String> {
        let named_to = self.registry.find(kind)?.model().named_to;
        Ok(if self.by.has(named_to) { suggestions(kind, name) } else { String::new() })
    }

    async fn rows(&self, db: &mut Conn, field: &'static Field, view: &mut FieldView) -> Result<()> {
        if !view.open {
            return Ok(());
        }
        let removed = ids(self.values.all(&Parts::of(field.name).remove));
        view.there = self
            .linked(db, field)
            .await?
            .into_iter()
            .map(|choice| There {
                ticked: removed.contains(&choice.id),
                id: choice.id,
                label: choice.label,
            })
            .collect();
        let typed = self.values.all(field.name).iter().filter(|text| !text.trim().is_empty());
        let more = if self.values.has("_addrow") { 2 } else { 1 };
        let empty = std::iter::repeat_n(String::new(), more);
        view.new = typed
            .cloned()
            .chain(empty)
            .enumerate()
            .map(|(number, value)| new_row(field.name, view.kind, number, value))
            .collect();
        Ok(())
    }

    async fn chooser(
        &self,
        db: &mut Conn,
        field: &'static Field,
        view: &mut FieldView,
    ) -> Result<()> {
        if !view.open {
            return Ok(());
        }
        let target = self.registry.find(view.kind)?;
        view.search_help = target.model().list.search_help;
        let parts = Parts::of(field.name);
        let linked = self.linked(db, field).await?;
        let ticked = ids(self.values.all(field.name));
        // The form remembers what was there when it was made, also when it is shown again.
        let mut before = if self.values.has(&parts.before) {
            ids_of(self.values.first(&parts.before).split_whitespace())
        } else {
            linked.iter().map(|choice| choice.id).collect()
        };
        let new: Vec<i64> = ticked
            .iter()
            .copied()
            .filter(|id| !linked.iter().any(|choice| choice.id == *id))
            .collect();
        let new = if new.is_empty() { Vec::new() } else { target.chosen(db, &new).await? };
        // What was booked meanwhile, by somebody else, is chosen as well: it is seen, and can be taken out.
        let meanwhile: Vec<i64> =
            linked.iter().map(|choice| choice.id).filter(|id| !before.contains(id)).collect();
        before.extend(&meanwhile);
        view.value = before.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
        view.there = linked
            .into_iter()
            .chain(new)
            .map(|choice| There {
                ticked: ticked.contains(&choice.id) || meanwhile.contains(&choice.id),
                id: choice.id,
                label: choice.label,
            })
            .collect();
        self.values.first(&parts.search).clone_into(&mut view.search);
        let found = target
            .choices(db, Search { words: &view.search, owner: self.id, most: CANDIDATES + 1 })
            .await?;
        let (found, more) = first_of(found, CANDIDATES);
        view.more = more;
        view.problem = search_problem(&view.search);
        view.candidates = found
            .into_iter()
            .filter(|choice| !ticked.contains(&choice.id))
            .map(|choice| There { id: choice.id, label: choice.label, ticked: false })
            .collect();
        Ok(())
    }

    async fn linked(&self, db: &mut Conn, field: &Field) -> Result<Vec<Choice>> {
        match self.id {
            Some(id) => self.manage.linked(db, field.name, id).await,
            None => Ok(Vec::new()),
        }
    }
}

fn suggestions(kind: &str, name: &str) -> String {
    format!("/admin/{kind}/suggestions/?name={name}")
}

pub(super) fn new_row(name: &'static str, kind: &str, number: usize, value: String) -> NewRow {
    NewRow { key: format!("{name}-{number}"), name, value, suggestions: suggestions(kind, name) }
}

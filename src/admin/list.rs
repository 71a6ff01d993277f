//! The list of a kind: searched, narrowed, sorted, paged; all of it in the address.

use rocket::{State, get};
use rocket_db_pools::Connection;
use serde::Serialize;

use super::asked::{Asked, Place, SIZES};
use super::fields::{FieldView, Source};
use super::filters::{self, example, filters};
use super::language::{self, Term};
use super::merge;
use super::model::{Column, List, Manage, Registry, Show};
use super::nav::{Nav, ViewLink};
use super::reasons::{Allowed, Reasons};
use super::rows::{Cell, Line, MOST_COUNTED, Sheet, counted};
use crate::auth::{Act, Need, Right, Staff};
use crate::db::{Conn, Db};
use crate::error::Result;
use crate::input::Errors;
use crate::pages::{Html, Page, Query, Reply};

#[derive(Debug, Serialize)]
struct RowView {
    id: i64,
    /// Filled where the row is being edited.
    edit: Option<EditView>,
    cells: Vec<CellView>,
}

/// What a row that is edited sends along.
#[derive(Debug, Serialize)]
struct EditView {
    version: i64,
    base: String,
}

#[derive(Debug, Serialize)]
struct CellView {
    text: String,
    kind: &'static str,
    title: &'static str,
    /// Where it is filled in, in a row that is being edited.
    field: Option<FieldView>,
}

impl RowView {
    fn of(line: &Line, columns: &[&'static Column]) -> Self {
        let cells = line.cells.iter().zip(columns).map(|(cell, column)| CellView {
            text: cell.told(),
            kind: match cell {
                Cell::Number(_) | Cell::Minutes(_) => "number",
                Cell::Flag(true) => "yes",
                Cell::Flag(false) => "no",
                Cell::Text(_) | Cell::Moment(_) => "text",
            },
            title: column.title,
            field: None,
        });
        Self { id: line.id, edit: None, cells: cells.collect() }
    }

    /// Puts fields into the cells that can be changed here.
    async fn edit(
        &mut self,
        db: &mut Conn,
        manage: &'static dyn Manage,
        registry: Registry,
        reasons: &Reasons<'_>,
        columns: &[&'static Column],
    ) -> Result<()> {
        let Some(loaded) = manage.load(db, self.id).await? else {
            return Ok(());
        };
        let (model, by) = (manage.model(), reasons.by());
        let source = Source {
            manage,
            registry,
            by,
            reasons,
            open: true,
            id: Some(self.id),
            values: &loaded.values,
            errors: &Errors::default(),
        };
        for (cell, column) in self.cells.iter_mut().zip(columns) {
            let field = model.fields.iter().find(|field| field.name == column.edits);
            if let Some(field) = field.filter(|field| by.has(field.needs)) {
                cell.field = Some(source.field(db, field).await?);
            }
        }
        let base = merge::base_of(model, by, &loaded.values);
        self.edit = Some(EditView { version: loaded.version, base });
        Ok(())
    }
}

#[derive(Debug, Serialize)]
struct Heading {
    title: &'static str,
    address: String,
    /// For the first column of the order; the others say their place.
    sorted: &'static str,
    /// `2 ↓`, for a further column of the order.
    place: String,
    /// The same list without this column in its order.
    unsorted: Option<String>,
    number: bool,
}

/// A term of the search, with the list without it.
#[derive(Debug, Serialize)]
struct Chip {
    text: String,
    without: String,
}

#[derive(Debug, Serialize)]
struct ColumnView {
    name: &'static str,
    title: &'static str,
    shown: bool,
    place: usize,
}

#[derive(Debug, Serialize)]
struct SizeView {
    size: usize,
    address: String,
    here: bool,
}

#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that the page shows or not")]
struct Context {
    nav: Nav,
    /// The saved views of this list.
    views: Vec<ViewLink>,
    /// The one that is shown.
    view: String,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    empty: &'static str,
    search: String,
    search_help: &'static str,
    examples: Vec<String>,
    /// What the address says besides the search, for forms that only change the search.
    parts: Vec<Part>,
    chips: Vec<Chip>,
    mistakes: Vec<String>,
    filters: Vec<filters::FilterView>,
    filters_open: bool,
    filters_address: String,
    columns: Vec<ColumnView>,
    sizes: Vec<SizeView>,
    narrowed: bool,
    all_address: String,
    add: Allowed,
    /// Whether each has a page instead of a form.
    read_only: bool,
    /// Where a row is edited: its id goes at the end.
    edit_address: String,
    here: String,
    /// Whether rows can be edited where they stand.
    edits: bool,
    change: Allowed,
    delete: Allowed,
    /// Whether rows can be ticked.
    ticks: bool,
    export: Allowed,
    export_address: String,
    view_address: String,
    headings: Vec<Heading>,
    rows: Vec<RowView>,
    /// `12,345`, or `more than 10,000`.
    total: String,
    any: bool,
    one: bool,
    /// Whether these are the last of more than are counted.
    at_the_end: bool,
    first: usize,
    last: usize,
    first_page: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    last_page: Option<String>,
    back: String,
    csrf: String,
}

/// The list of a kind.
#[get("/admin/<kind>")]
pub(super) async fn list(
    kind: &str,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    mut db: Connection<Db>,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.open(kind, Act::View, staff.0)?;
    let model = manage.model();
    let list = &model.list;
    let asked = Asked::by(manage, staff.0, &query.0);
    let filters_open = query.0.has("filters");
    let found = asked.narrowing(&mut db, list).await?;
    let (count, sheet, mistakes) = match &found {
        Ok(narrowing) => {
            let count = list.count(&mut db, narrowing).await?;
            (count, list.sheet(&mut db, narrowing, &asked).await?, Vec::new())
        }
        Err(mistakes) => {
            let nothing = Sheet { lines: Vec::new(), more_before: false, more_after: false };
            (0, nothing, mistakes.clone())
        }
    };
    let filters = if filters_open { filters(&mut db, list, &asked).await? } else { Vec::new() };
    let reasons = Reasons::of(&mut db, staff.0).await?;
    let open = if filters_open { "1" } else { "" };
    let around = Around::of(list, &asked, &sheet, count, open);
    let nav = Nav::of(&mut db, **registry, staff.0, kind).await?;
    let own_address = asked.address(list, &[]);
    let shown_view = nav
        .views
        .iter()
        .find(|view| view.kind == kind && view.query == own_address.trim_start_matches('?'));
    let (change, delete) = (
        reasons.allowed(Need::to(Act::Change, model.slug)),
        reasons.allowed(Need::to(Act::Delete, model.slug)),
    );
    let mut rows: Vec<_> =
        sheet.lines.iter().map(|line| RowView::of(line, &asked.columns)).collect();
    let edited = query.0.first("edit").parse().ok().filter(|_| change.may);
    if let Some(row) = rows.iter_mut().find(|row| Some(row.id) == edited) {
        row.edit(&mut db, manage, **registry, &reasons, &asked.columns).await?;
    }
    let context = Context {
        edit_address: format!("{}{}edit=", around.here, if around.here == "?" { "" } else { "&" }),
        here: around.here.clone(),
        views: nav.views.iter().filter(|view| view.kind == kind).map(ViewLink::of).collect(),
        view: shown_view.map(|view| view.name.clone()).unwrap_or_default(),
        nav,
        slug: model.slug,
        name: model.name,
        plural: model.plural,
        empty: model.empty,
        search: language::spelled(&asked.terms),
        search_help: list.search_help,
        examples: list.filters.iter().map(example).collect(),
        parts: parts(list, &asked, filters_open),
        chips: chips(list, &asked, open),
        mistakes,
        filters,
        filters_open,
        filters_address: asked.address(list, &[("filters", if filters_open { "" } else { "1" })]),
        columns: columns(list, &asked),
        sizes: sizes(list, &asked, open),
        narrowed: !asked.terms.is_empty(),
        all_address: asked.address(list, &[("q", ""), ("filters", open)]),
        add: reasons.allowed(Need::to(Act::Add, model.slug)),
        read_only: model.read_only,
        edits: change.may && asked.columns.iter().any(|column| !column.edits.is_empty()),
        ticks: !model.read_only && (change.may || delete.may),
        change,
        delete,
        export: reasons.allowed(Need::Right(Right::Export)),
        export_address: format!("/admin/{}/export/{}", model.slug, asked.address(list, &[])),
        view_address: format!("/admin/views/add/{}", asked.address(list, &[("list", model.slug)])),
        headings: asked.columns.iter().map(|column| heading(list, column, &asked, open)).collect(),
        rows,
        total: counted(count, MOST_COUNTED),
        any: count > 0,
        one: count == 1,
        at_the_end: asked.place == Place::Last && count > MOST_COUNTED,
        first: around.first,
        last: around.last,
        first_page: around.first_page,
        previous: around.previous,
        next: around.next,
        last_page: around.last_page,
        back: back(&around.here),
        csrf: page.token(),
    };
    let html = page.show("admin/list", model.plural, &context)?;
    Ok(if page.hx.partial && !page.hx.boosted {
        // As one types, the address says what is shown, without the fields that are empty.
        let here = format!("/admin/{}/{}", model.slug, around.here.trim_end_matches('?'));
        html.with_header("HX-Replace-Url", here)
    } else {
        html
    })
}

/// What the address says besides the search.
fn parts(list: &'static List, asked: &Asked, filters_open: bool) -> Vec<Part> {
    let parts = asked.parts(list).into_iter().filter(|(name, _)| *name != "q");
    parts
        .chain(filters_open.then(|| ("filters", "1".to_owned())))
        .map(|(name, value)| Part { name, value })
        .collect()
}

/// The list with the columns that were ticked, in the order of their places.
#[get("/admin/<kind>/columns")]
pub(super) fn show_columns(
    kind: &str,
    query: Query,
    staff: Staff<'_>,
    registry: &State<Registry>,
    page: Page<'_>,
) -> Result<Reply> {
    let list = &registry.open(kind, Act::View, staff.0)?.model().list;
    let ticked = query.0.all("column");
    let place = |name: &str| query.0.first(&format!("place-{name}")).parse().unwrap_or(99_u32);
    let mut columns: Vec<_> = list
        .columns
        .iter()
        .filter(|column| ticked.iter().any(|name| name == column.name))
        .collect();
    columns.sort_by_key(|column| place(column.name));
    let asked = Asked::of(list, &query.0);
    let asked = Asked { columns, ..asked };
    let shown = if ticked.is_empty() { String::new() } else { asked.shown(list) };
    let address = asked.address(list, &[("show", &shown), ("filters", query.0.first("filters"))]);
    Ok(page.to(format!("/admin/{kind}/{address}"), None))
}

/// The addresses around a page of rows, and where it is among all.
struct Around {
    here: String,
    first: usize,
    last: usize,
    first_page: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    last_page: Option<String>,
}

impl Around {
    fn of(list: &'static List, asked: &Asked, sheet: &Sheet, count: i64, open: &str) -> Self {
        let lines = sheet.lines.len();
        let total = usize::try_from(count).unwrap_or(0);
        let before = match asked.place {
            // (Where not all are counted, nobody knows: the page says that these are the last.)
            Place::Last => total.saturating_sub(lines),
            // Counted along the way: with rows that came or went meanwhile it may be off by these.
            Place::After(_) | Place::Before(_) if sheet.more_before => asked.before,
            Place::First | Place::After(_) | Place::Before(_) => 0,
        };
        let turn = |place: &str, cursor: String, at: usize| {
            asked.address(list, &[("filters", open), (place, &cursor), ("at", &at.to_string())])
        };
        let end = |line: Option<&Line>| line.map(|line| line.cursor.to_string());
        let (top, bottom) = (end(sheet.lines.first()), end(sheet.lines.last()));
        let here = match &asked.place {
            Place::First => asked.address(list, &[("filters", open)]),
            Place::Last => asked.address(list, &[("filters", open), ("last", "1")]),
            Place::After(cursor) => turn("after", cursor.to_string(), before),
            Place::Before(cursor) => turn("before", cursor.to_string(), before),
        };
        let previous = top.filter(|_| sheet.more_before);
        let next = bottom.filter(|_| sheet.more_after);
        Self {
            here,
            first: if lines == 0 { 0 } else { before + 1 },
            last: before + lines,
            first_page: sheet.more_before.then(|| asked.address(list, &[("filters", open)])),
            previous: previous
                .map(|cursor| turn("before", cursor, before.saturating_sub(asked.size))),
            next: next.map(|cursor| turn("after", cursor, before + lines)),
            last_page: sheet
                .more_after
                .then(|| asked.address(list, &[("filters", open), ("last", "1")])),
        }
    }
}

/// A list's address as a form carries it along, so that saving leads back to the same list.
fn back(address: &str) -> String {
    form_urlencoded::byte_serialize(address.trim_start_matches('?').as_bytes()).collect()
}

fn chips(list: &'static List, asked: &Asked, open: &str) -> Vec<Chip> {
    let chip = |(place, term): (usize, &Term)| {
        let others = asked.terms.iter().enumerate().filter(|(other, _)| *other != place);
        let others: Vec<_> = others.map(|(_, term)| term.clone()).collect();
        let q = language::spelled(&others);
        Chip {
            text: term.to_string(),
            without: asked.address(list, &[("q", &q), ("filters", open)]),
        }
    };
    asked.terms.iter().enumerate().map(chip).collect()
}

/// A heading sorts by its column first and then as it was; a second time, the other way round.
fn heading(list: &'static List, column: &'static Column, asked: &Asked, open: &str) -> Heading {
    let place = asked.order.iter().position(|(known, _)| known.name == column.name);
    let downward = place.and_then(|place| asked.order.get(place)).is_some_and(|(_, down)| *down);
    let others: Vec<_> =
        asked.order.iter().copied().filter(|(known, _)| known.name != column.name).collect();
    let turned = (column, place == Some(0) && !downward);
    let address = |order: Vec<(&'static Column, bool)>| {
        let sort = Asked { order, ..asked.clone() }.sort();
        let sort = if sort == list.order { String::new() } else { sort };
        asked.address(list, &[("sort", &sort), ("filters", open)])
    };
    let arrow = if downward { "↓" } else { "↑" };
    Heading {
        title: column.title,
        address: address([turned].into_iter().chain(others.clone()).collect()),
        sorted: match (place, downward) {
            (Some(0), false) => "ascending",
            (Some(0), true) => "descending",
            _ => "none",
        },
        place: place
            .filter(|place| *place > 0)
            .map(|place| format!("{} {arrow}", place + 1))
            .unwrap_or_default(),
        unsorted: (place.is_some() && !others.is_empty()).then(|| address(others)),
        number: matches!(column.show, Show::Number(_) | Show::Minutes(_)),
    }
}

fn columns(list: &'static List, asked: &Asked) -> Vec<ColumnView> {
    let hidden = list
        .columns
        .iter()
        .filter(|column| !asked.columns.iter().any(|shown| shown.name == column.name));
    let all = asked.columns.iter().copied().map(|column| (column, true));
    all.chain(hidden.map(|column| (column, false)))
        .enumerate()
        .map(|(place, (column, shown))| ColumnView {
            name: column.name,
            title: column.title,
            shown,
            place: place + 1,
        })
        .collect()
}

fn sizes(list: &'static List, asked: &Asked, open: &str) -> Vec<SizeView> {
    let mut sizes = SIZES;
    sizes.sort_unstable();
    let view = |size: usize| SizeView {
        size,
        address: {
            let number = if size == SIZES[0] { String::new() } else { size.to_string() };
            asked.address(list, &[("size", &number), ("filters", open)])
        },
        here: size == asked.size,
    };
    sizes.into_iter().map(view).collect()
}

/// The rows around one of a filtered list: the ids of the one before it and the one after it.
pub(super) async fn neighbours(
    db: &mut Conn,
    list: &'static List,
    asked: &Asked,
    id: i64,
) -> Result<(Option<i64>, Option<i64>)> {
    let Ok(narrowing) = asked.narrowing(db, list).await? else {
        return Ok((None, None));
    };
    let Some(cursor) = list.cursor(db, asked, id).await? else {
        return Ok((None, None));
    };
    let before = list.fetch(db, &narrowing, asked, &Place::Before(cursor.clone()), 1).await?;
    let after = list.fetch(db, &narrowing, asked, &Place::After(cursor), 1).await?;
    Ok((before.first().map(|line| line.id), after.first().map(|line| line.id)))
}

//! The list of a kind: searched, narrowed, sorted, paged; all of it in the address.

use rocket::{State, get};
use serde::Serialize;

use super::asked::{Asked, Place};
use super::cells::RowView;
use super::controls::{
    Around, Chip, ColumnView, Heading, Part, SizeView, back, chips, columns, heading, parts, sizes,
};
use super::filters::{self, example, filters};
use super::manage::Registry;
use super::nav::{Nav, ViewLink};
use super::reasons::{Allowed, Reasons};
use super::rows::{MOST_COUNTED, Sheet, counted};
use crate::auth::{Act, Need, Right, Staff};
use crate::db::RequestConn;
use crate::error::Result;
use crate::pages::{Html, Page, Query, Reply};

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
    too_long: bool,
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
    mut db: RequestConn,
    page: Page<'_>,
) -> Result<Html> {
    let manage = registry.open(kind, Act::View, staff.0)?;
    let model = manage.model();
    let list = &model.list;
    let mut asked = Asked::by(manage, staff.0, &query.0);
    // Nothing that leads elsewhere is offered beside a search that is too long: it would be lost.
    let too_long = asked.too_long.is_some();
    let filters_open = query.0.has("filters") && !too_long;
    let found = asked.narrowing(&mut db, list).await?;
    let (count, sheet, mistakes) = match &found {
        Ok(narrowing) => {
            let count = list.count(&mut db, narrowing).await?;
            (count, list.nearest_sheet(&mut db, narrowing, &mut asked).await?, Vec::new())
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
        search: asked.search(),
        too_long,
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

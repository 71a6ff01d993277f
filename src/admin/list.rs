//! The list of a kind: searched, narrowed, sorted, paged; all of it in the address.

use rocket::{State, get};
use rocket_db_pools::Connection;
use serde::Serialize;

use super::model::{Column, Filter, List, Model, Narrow, Registry, Show};
use super::reasons::{Allowed, Reasons};
use crate::auth::{Act, Need, Right, Staff, Visitor};
use crate::db::{Composed, Conn, Db, Row, and_all_words};
use crate::domain::times;
use crate::error::Result;
use crate::input::Values;
use crate::pages::{Html, Page, Query};

/// How many objects a page of a list shows.
const PAGE: i64 = 100;

/// What somebody asks of a list.
#[derive(Debug, Clone)]
struct Asked<'v> {
    query: &'v Values,
    search: &'v str,
    column: &'static Column,
    downward: bool,
    page: i64,
}

impl<'v> Asked<'v> {
    fn of(list: &'static List, query: &'v Values) -> Self {
        let sort = Some(query.first("sort")).filter(|sort| !sort.is_empty()).unwrap_or(list.order);
        let (name, downward) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
        let by_name = |name: &str| list.columns.iter().find(|column| column.name == name);
        let fallback = list.order.trim_start_matches('-');
        let column = by_name(name).or_else(|| by_name(fallback)).unwrap_or(&list.columns[0]);
        Self {
            query,
            search: query.first("q").trim(),
            column,
            downward: downward && by_name(name).is_some(),
            page: query.first("page").parse().unwrap_or(1).max(1),
        }
    }

    fn sort(&self) -> String {
        format!("{}{}", if self.downward { "-" } else { "" }, self.column.name)
    }

    /// The address of the same list with some parts set otherwise; an empty one is left out.
    fn address(&self, list: &List, parts: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let sort = self.sort();
        let filters =
            list.filters.iter().map(|filter| (filter.name, self.query.first(filter.name)));
        let own = [("q", self.search), ("sort", if sort == list.order { "" } else { &sort })];
        for (name, value) in own.into_iter().chain(filters) {
            if !parts.iter().any(|(part, _)| *part == name) && !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        for (name, value) in parts.iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        format!("?{}", query.finish())
    }
}

impl List {
    /// Adds the conditions of a search and of the filters. Answers whether there were any.
    fn narrow(&self, query: &mut Composed, asked: &Asked<'_>) -> bool {
        query.push(" WHERE 1 = 1");
        and_all_words(query, self.search, asked.search);
        let mut narrowed = !asked.search.is_empty();
        for filter in self.filters {
            let value = asked.query.first(filter.name).trim();
            if value.is_empty() {
                continue;
            }
            match &filter.narrow {
                Narrow::Choice(choices) => {
                    if let Some((.., condition)) = choices.iter().find(|(name, ..)| *name == value)
                    {
                        query.push(" AND ").push(condition);
                        narrowed = true;
                    }
                }
                Narrow::Words { column, .. } => {
                    and_all_words(query, column, &value.replace(['(', ')'], " "));
                    narrowed = true;
                }
            }
        }
        narrowed
    }

    async fn count(&self, db: &mut Conn, asked: &Asked<'_>) -> Result<(i64, bool)> {
        let mut query = Composed::select("COUNT(*) FROM ");
        query.push(self.from);
        let narrowed = self.narrow(&mut query, asked);
        if !narrowed {
            query = Composed::select("COUNT(*) FROM ");
            query.push(self.table);
        }
        let (count,): (i64,) = db.compose(query).one().await?;
        Ok((count, narrowed))
    }

    async fn rows(&self, db: &mut Conn, asked: &Asked<'_>) -> Result<Vec<Line>> {
        let rows = self.fetch(db, asked, PAGE, (asked.page - 1) * PAGE).await?;
        rows.iter().map(|row| self.line(row)).collect()
    }

    /// So many of the rows that are asked for, in their order, as the database gives them: the id, then
    /// each column (a moment takes two).
    async fn fetch(
        &self,
        db: &mut Conn,
        asked: &Asked<'_>,
        most: i64,
        offset: i64,
    ) -> Result<Vec<Row>> {
        let mut query = Composed::select(self.id);
        for column in self.columns {
            match column.show {
                Show::Text(sql) | Show::Number(sql) | Show::Minutes(sql) | Show::Flag(sql) => {
                    query.push(", ").push(sql);
                }
                Show::Moment { at, zone } => {
                    query.push(", ").push(at).push(", ").push(zone);
                }
            }
        }
        query.push(" FROM ").push(self.from);
        self.narrow(&mut query, asked);
        query.push(" ORDER BY ").push(asked.column.sort);
        query.push(if asked.downward { " DESC NULLS LAST, " } else { " NULLS LAST, " });
        // The id makes the order total: no row is on two pages.
        query.push(self.id).push(if asked.downward { " DESC LIMIT " } else { " LIMIT " });
        query.bind_number(most).push(" OFFSET ").bind_number(offset);
        db.compose(query).rows().await
    }

    /// Every row that is asked for, up to so many.
    pub(super) async fn all(
        &'static self,
        db: &mut Conn,
        query: &Values,
        most: i64,
    ) -> Result<Vec<Row>> {
        self.fetch(db, &Asked::of(self, query), most, 0).await
    }

    fn line(&self, row: &Row) -> Result<Line> {
        let mut at = 1;
        let mut cells = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let (text, kind) = match column.show {
                Show::Text(_) => (row.get::<Option<String>>(at)?.unwrap_or_default(), "text"),
                Show::Number(_) => (or_blank(row.get::<Option<i64>>(at)?), "number"),
                Show::Minutes(_) => (times::spoken(row.get(at)?), "number"),
                Show::Flag(_) => {
                    let (text, kind) = if row.get(at)? { ("Yes", "yes") } else { ("No", "no") };
                    (text.to_owned(), kind)
                }
                Show::Moment { .. } => {
                    let (moment, zone) = (row.get::<Option<i64>>(at)?, row.get::<String>(at + 1)?);
                    at += 1;
                    let local = moment.and_then(|moment| times::local(moment, &zone));
                    let text =
                        local.map(|local| format!("{} {} {}", local.date, local.time, local.zone));
                    (text.unwrap_or_default(), "text")
                }
            };
            at += 1;
            cells.push(Cell { text, kind, title: column.title });
        }
        Ok(Line { id: row.get(0)?, cells })
    }
}

fn or_blank(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

#[derive(Debug, Serialize)]
struct Line {
    id: i64,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    kind: &'static str,
    title: &'static str,
}

#[derive(Debug, Serialize)]
struct Heading {
    title: &'static str,
    address: String,
    sorted: &'static str,
    number: bool,
}

#[derive(Debug, Serialize)]
struct FilterView {
    name: &'static str,
    title: &'static str,
    value: String,
    suggestions: Option<String>,
    choices: Vec<FilterChoice>,
}

#[derive(Debug, Serialize)]
struct FilterChoice {
    value: &'static str,
    title: &'static str,
    chosen: bool,
}

#[derive(Debug, Serialize)]
struct Context<'a> {
    kinds: Vec<KindLink>,
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    empty: &'static str,
    search: &'a str,
    search_help: &'static str,
    sort: String,
    filters: Vec<FilterView>,
    narrowed: bool,
    add: Allowed,
    export: Allowed,
    export_address: String,
    headings: Vec<Heading>,
    rows: Vec<Line>,
    total: i64,
    first: i64,
    last: i64,
    page: i64,
    pages: i64,
    previous: Option<String>,
    next: Option<String>,
    back: String,
}

/// A kind in the navigation.
#[derive(Debug, Serialize)]
pub(super) struct KindLink {
    slug: &'static str,
    name: &'static str,
    plural: &'static str,
    here: bool,
}

/// The navigation, with the kind that is being looked at: what somebody may view.
pub(super) fn navigation(registry: Registry, by: &Visitor, here: &str) -> Vec<KindLink> {
    let link = |model: &'static Model| KindLink {
        slug: model.slug,
        name: model.name,
        plural: model.plural,
        here: model.slug == here,
    };
    registry.visible_to(by).map(link).collect()
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
    let model = registry.open(kind, Act::View, staff.0)?.model();
    let reasons = Reasons::of(&mut db, staff.0).await?;
    let list = &model.list;
    let mut asked = Asked::of(list, &query.0);
    let (total, narrowed) = list.count(&mut db, &asked).await?;
    let pages = (total.max(1) + PAGE - 1) / PAGE;
    asked.page = asked.page.min(pages);
    let rows = list.rows(&mut db, &asked).await?;
    let at = asked.page;
    let turn = |wanted: i64| {
        let number = if wanted > 1 { wanted.to_string() } else { String::new() };
        (1..=pages).contains(&wanted).then(|| asked.address(list, &[("page", &number)]))
    };
    let own_page = if at > 1 { at.to_string() } else { String::new() };
    let context = Context {
        kinds: navigation(**registry, staff.0, kind),
        slug: model.slug,
        name: model.name,
        plural: model.plural,
        empty: model.empty,
        search: asked.search,
        search_help: list.search_help,
        sort: asked.sort(),
        filters: list.filters.iter().map(|filter| view(filter, &query.0)).collect(),
        narrowed,
        add: reasons.allowed(Need::to(Act::Add, model.slug)),
        export: reasons.allowed(Need::Right(Right::Export)),
        export_address: format!("/admin/{}/export/{}", model.slug, asked.address(list, &[])),
        headings: list.columns.iter().map(|column| heading(list, column, &asked)).collect(),
        rows,
        total,
        first: if total == 0 { 0 } else { (at - 1) * PAGE + 1 },
        last: (at * PAGE).min(total),
        page: at,
        pages,
        previous: turn(at - 1),
        next: turn(at + 1),
        back: back(&asked.address(list, &[("page", &own_page)])),
    };
    let html = page.show("admin/list", model.plural, &context)?;
    Ok(if page.hx.partial && !page.hx.boosted {
        // As one types, the address says what is shown, without the fields that are empty.
        let address = asked.address(list, &[("page", &own_page)]);
        html.with_header(
            "HX-Replace-Url",
            format!("/admin/{}/{}", model.slug, address.trim_end_matches('?')),
        )
    } else {
        html
    })
}

/// A list's address as a form carries it along, so that saving leads back to the same list.
fn back(address: &str) -> String {
    form_urlencoded::byte_serialize(address.trim_start_matches('?').as_bytes()).collect()
}

fn heading(list: &List, column: &'static Column, asked: &Asked<'_>) -> Heading {
    let here = column.name == asked.column.name;
    let turned = format!("{}{}", if here && !asked.downward { "-" } else { "" }, column.name);
    let sort = if turned == list.order { "" } else { &turned };
    Heading {
        title: column.title,
        address: asked.address(list, &[("sort", sort)]),
        sorted: match (here, asked.downward) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        },
        number: matches!(column.show, Show::Number(_) | Show::Minutes(_)),
    }
}

fn view(filter: &'static Filter, query: &Values) -> FilterView {
    let value = query.first(filter.name).trim().to_owned();
    let (choices, suggestions) = match &filter.narrow {
        Narrow::Choice(choices) => (*choices, None),
        Narrow::Words { kind, .. } => {
            (&[][..], Some(format!("/admin/{kind}/suggestions/?name={}", filter.name)))
        }
    };
    let choices = choices
        .iter()
        .map(|(name, title, _)| FilterChoice { value: name, title, chosen: *name == value })
        .collect();
    FilterView { name: filter.name, title: filter.title, value, suggestions, choices }
}

//! What stands around the rows of a list: headings that sort, chips, columns, sizes, pages.

use serde::Serialize;

use super::asked::{Asked, Place, SIZES};
use super::language::{self, Term};
use super::model::{Column, List, Show};
use super::rows::{Line, Sheet};

/// The heading of a column, which sorts by it.
#[derive(Debug, Serialize)]
pub(super) struct Heading {
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
pub(super) struct Chip {
    text: String,
    without: String,
}

/// A column, to be shown or not.
#[derive(Debug, Serialize)]
pub(super) struct ColumnView {
    name: &'static str,
    title: &'static str,
    shown: bool,
    place: usize,
}

/// How many rows a page may have.
#[derive(Debug, Serialize)]
pub(super) struct SizeView {
    size: usize,
    address: String,
    here: bool,
}

/// One of the things that the address says.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    name: &'static str,
    value: String,
}

/// What the address says besides the search.
pub(super) fn parts(list: &'static List, asked: &Asked, filters_open: bool) -> Vec<Part> {
    let parts = asked.parts(list).into_iter().filter(|(name, _)| *name != "q");
    parts
        .chain(filters_open.then(|| ("filters", "1".to_owned())))
        .map(|(name, value)| Part { name, value })
        .collect()
}

/// The addresses around a page of rows, and where it is among all.
pub(super) struct Around {
    pub here: String,
    pub first: usize,
    pub last: usize,
    pub first_page: Option<String>,
    pub previous: Option<String>,
    pub next: Option<String>,
    pub last_page: Option<String>,
}

impl Around {
    pub(super) fn of(
        list: &'static List,
        asked: &Asked,
        sheet: &Sheet,
        count: i64,
        open: &str,
    ) -> Self {
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
pub(super) fn back(address: &str) -> String {
    form_urlencoded::byte_serialize(address.trim_start_matches('?').as_bytes()).collect()
}

/// The terms of the search.
pub(super) fn chips(list: &'static List, asked: &Asked, open: &str) -> Vec<Chip> {
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
pub(super) fn heading(
    list: &'static List,
    column: &'static Column,
    asked: &Asked,
    open: &str,
) -> Heading {
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
        number: matches!(column.show, Show::Number(_) | Show::Decimal(_) | Show::Minutes(_)),
    }
}

/// All columns: those that are shown in their order, then the others.
pub(super) fn columns(list: &'static List, asked: &Asked) -> Vec<ColumnView> {
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

/// The sizes of page to choose from.
pub(super) fn sizes(list: &'static List, asked: &Asked, open: &str) -> Vec<SizeView> {
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

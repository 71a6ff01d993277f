//! What somebody asks of a list: everything that stands in its address.

use serde::Serialize;
use serde_json::Value;

use super::language::{self, Term};
use super::manage::Manage;
use super::model::{Column, Key, List};
use super::narrow::Narrowing;
use crate::auth::Visitor;
use crate::db::Conn;
use crate::error::Result;
use crate::input::{SEARCH_TOO_LONG, Values};

/// How many rows a page may show; the first is the fallback.
pub(super) const SIZES: [usize; 5] = [100, 25, 50, 250, 500];

/// What somebody asks of a list: everything that stands in its address.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// What holds for all that may be seen.
    pub only: Vec<&'static str>,
    /// What is looked for; nothing, if that is too long.
    pub terms: Vec<Term>,
    /// What was typed, where it is too long to be searched for.
    pub too_long: Option<String>,
    /// What comes first: columns, and whether downward.
    pub order: Vec<(&'static Column, bool)>,
    /// What is shown.
    pub columns: Vec<&'static Column>,
    /// How many rows a page shows.
    pub size: usize,
    /// Where the page begins.
    pub place: Place,
    /// How many rows come before it.
    pub before: usize,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// With the first row.
    First,
    /// After a row.
    After(Cursor),
    /// So that it ends before a row.
    Before(Cursor),
    /// So that it ends with the last row.
    Last,
}

/// A row's place in an order: what each column of the order holds, and the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Cursor(pub(super) Vec<Value>);

impl Cursor {
    /// Reads one for an order; nothing, if it is none.
    fn parse(text: &str, order: &[(&'static Column, bool)]) -> Option<Self> {
        let values: Vec<Value> = serde_json::from_str(text).ok()?;
        let (id, keys) = values.split_last()?;
        let fits = |(value, (column, _)): (&Value, &(&Column, bool))| match column.sort {
            Key::Text(_) => value.is_string(),
            Key::Number(_) => value.is_i64(),
            Key::Sparse(_) => value.is_i64() || value.is_null(),
        };
        let fits = keys.len() == order.len() && keys.iter().zip(order).all(fits) && id.is_i64();
        fits.then_some(Self(values))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", Value::Array(self.0.clone()))
    }
}

impl Asked {
    /// Reads an address's query. What makes no sense in it is as good as left out; what is looked for
    /// is judged by [`Narrowing::of`], so that a mistake in it never shows more than was meant.
    #[must_use]
    pub(super) fn of(list: &'static List, query: &Values) -> Self {
        let column = |name: &str| list.columns.iter().find(|column| column.name == name);
        // A filter may also come as a field of its own: `?from=Paris`.
        let fields =
            list.filters.iter().map(|filter| (Some(filter.name), query.first(filter.name).trim()));
        let fields = fields.filter(|(_, value)| !value.is_empty());
        let parts = [(None, query.first("q"))].into_iter().chain(fields);
        let terms = language::read(parts.clone());
        let too_long = terms.is_none().then(|| language::typed(parts));
        let terms = terms.unwrap_or_default();
        let mut order: Vec<(&'static Column, bool)> = Vec::new();
        let sort = Some(query.first("sort")).filter(|sort| !sort.is_empty());
        for part in [sort.unwrap_or(list.order), list.order] {
            for name in part.split(',') {
                let (name, downward) =
                    name.strip_prefix('-').map_or((name, false), |name| (name, true));
                let new = column(name)
                    .filter(|column| !order.iter().any(|(known, _)| known.name == column.name));
                order.extend(new.map(|column| (column, downward)));
            }
            if !order.is_empty() {
                break;
            }
        }
        let mut columns: Vec<&'static Column> = Vec::new();
        for name in query.first("show").split(',') {
            let new =
                column(name).filter(|new| !columns.iter().any(|known| known.name == new.name));
            columns.extend(new);
        }
        if columns.is_empty() {
            columns = list.columns.iter().collect();
        }
        let size = query.first("size").parse().ok().filter(|size| SIZES.contains(size));
        let cursor = |name| Cursor::parse(query.first(name), &order);
        let place = match (cursor("after"), cursor("before"), query.has("last")) {
            (Some(after), ..) => Place::After(after),
            (None, Some(before), _) => Place::Before(before),
            (None, None, true) => Place::Last,
            (None, None, false) => Place::First,
        };
        let before = match place {
            Place::After(_) | Place::Before(_) => query.first("at").parse().unwrap_or(0),
            Place::First | Place::Last => 0,
        };
        Self {
            only: Vec::new(),
            terms,
            too_long,
            order,
            columns,
            size: size.unwrap_or(SIZES[0]),
            place,
            before,
        }
    }

    /// [`Asked::of`], of what somebody may see.
    #[must_use]
    pub(super) fn by(manage: &dyn Manage, by: &Visitor, query: &Values) -> Self {
        Self { only: manage.only(by), ..Self::of(&manage.model().list, query) }
    }

    /// What is to be found.
    pub(super) async fn narrowing(
        &self,
        db: &mut Conn,
        list: &'static List,
    ) -> Result<Result<Narrowing, Vec<String>>> {
        if self.too_long.is_some() {
            return Ok(Err(vec![SEARCH_TOO_LONG.to_owned()]));
        }
        Narrowing::of(db, list, &self.only, &self.terms).await
    }

    /// What stands in the search box.
    #[must_use]
    pub(super) fn search(&self) -> String {
        self.too_long.clone().unwrap_or_else(|| language::spelled(&self.terms))
    }

    /// The order as an address says it.
    #[must_use]
    pub(super) fn sort(&self) -> String {
        let name = |(column, downward): &(&Column, bool)| {
            format!("{}{}", if *downward { "-" } else { "" }, column.name)
        };
        self.order.iter().map(name).collect::<Vec<_>>().join(",")
    }

    /// The columns as an address says them; nothing where they are all there in their order.
    #[must_use]
    pub(super) fn shown(&self, list: &List) -> String {
        let all = list.columns.iter().map(|column| column.name);
        if self.columns.iter().map(|column| column.name).eq(all) {
            return String::new();
        }
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",")
    }

    /// The parts of the address of this list, without where its page begins.
    #[must_use]
    pub(super) fn parts(&self, list: &List) -> Vec<(&'static str, String)> {
        let sort = self.sort();
        let size = if self.size == SIZES[0] { String::new() } else { self.size.to_string() };
        let parts = [
            ("q", language::spelled(&self.terms)),
            ("sort", if sort == list.order { String::new() } else { sort }),
            ("show", self.shown(list)),
            ("size", size),
        ];
        parts.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The address of the same list with some parts set otherwise; an empty one is left out.
    #[must_use]
    pub(super) fn address(&self, list: &List, changes: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.parts(list) {
            if !changes.iter().any(|(changed, _)| *changed == name) {
                query.append_pair(name, &value);
            }
        }
        for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        format!("?{}", query.finish())
    }
}

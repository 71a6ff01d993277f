//! A page of the flights that a search finds: it costs about the same among a thousand flights and
//! among a million.
//!
//! Flights with a departure and those without are found apart, each by an index: what comes last in an
//! order is no reason to read all that comes before. Each of these parts is found in one of two ways:
//!
//! - Few flights are found by what narrows the search, by index, and then sorted.
//! - Many flights are read in order, by index, and each is tested, until the page is full.
//!
//! Neither database can be told which way to take, and both guess wrong at times. So the columns that
//! must not lead are written as `column + 0`, which no index has.

use super::search::{Listed, Search, Sort};
use crate::db::{Composed, Conn, Found, Needle};
use crate::domain::airports::SEARCHED;
use crate::error::{Error, Result};

/// How many flights a page of the public list holds.
pub const PAGE: i64 = 50;
/// How many flights can be paged through: a page costs what the pages before it cost, too.
pub const MOST_PAGED: i64 = 10_000;

/// Up to so many flights are sorted; more are read in order.
const MOST_SORTED: i64 = 100_000;
/// An airport is named by its id where no more than so many fit, so that the database knows how many
/// there are.
pub(super) const MOST_NAMED: usize = 300;

/// The rows of a page, of the ids that are found.
const ROWS: &str = "f.id, f.origin_id, o.code AS origin_code, o.city AS origin_city,
            o.timezone AS origin_timezone, f.destination_id, d.code AS destination_code,
            d.city AS destination_city, d.timezone AS destination_timezone, f.duration,
            f.departs_at, f.capacity, f.version, k.booked
     FROM (SELECT * FROM (";
const JOINED: &str = ") AS found JOIN flights f ON f.id = found.id
     JOIN airports o ON o.id = f.origin_id JOIN airports d ON d.id = f.destination_id
     JOIN flight_bookings k ON k.flight_id = f.id";

/// Flights that are found by one index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Those of a day.
    Day,
    /// Those that depart after a moment.
    Dated,
    /// Those without a departure.
    Undated,
}

/// The airports at one end of the flights.
#[derive(Debug)]
struct End {
    needle: Option<Needle>,
    found: Found,
}

/// A search whose airports were looked up.
#[derive(Debug)]
pub(super) struct Finder {
    sort: Sort,
    origins: Option<End>,
    destinations: Option<End>,
    day: Option<String>,
    departs_after: i64,
}

impl Finder {
    /// Looks the airports of a search up.
    pub(super) async fn of(search: &Search, db: &mut Conn, now: i64) -> Result<Self> {
        let end = |words: &String| {
            (!words.is_empty())
                .then(|| End { needle: Needle::words(words), found: Found::of(Vec::new()) })
        };
        let mut finder = Self {
            sort: search.sort,
            origins: end(&search.from),
            destinations: end(&search.to),
            day: search.day(),
            departs_after: if search.past { i64::MIN } else { now },
        };
        finder.look_airports_up(db).await?;
        Ok(finder)
    }

    async fn look_airports_up(&mut self, db: &mut Conn) -> Result<()> {
        if self.origins.is_none() && self.destinations.is_none() {
            return Ok(());
        }
        let mut query =
            Composed::select("is_origin, id, fit FROM (SELECT 1 AS is_origin, id, fit FROM ");
        push_found(&mut query, self.origins.as_ref());
        query.push(" AS origins UNION ALL SELECT 0, id, fit FROM ");
        push_found(&mut query, self.destinations.as_ref());
        query.push(" AS destinations) AS ends");
        let rows: Vec<(i32, i64, i64)> = db.compose(query).all().await?;
        let (origins, destinations): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|(is_origin, ..)| *is_origin == 1);
        for (end, rows) in [(&mut self.origins, origins), (&mut self.destinations, destinations)] {
            if let Some(end) = end {
                end.found = Found::of(rows.into_iter().map(|(_, id, fit)| (id, fit)).collect());
            }
        }
        Ok(())
    }

    /// How many flights each part holds, up to [`MOST_SORTED`] and one.
    pub(super) async fn count(&self, db: &mut Conn) -> Result<Vec<(Part, i64)>> {
        const ONE: &str = "(SELECT COUNT(*) FROM (SELECT 1 AS one FROM flights f WHERE 1 = 1";
        let parts: &[Part] =
            if self.day.is_some() { &[Part::Day] } else { &[Part::Dated, Part::Undated] };
        let mut query = Composed::select("");
        for (number, part) in parts.iter().enumerate() {
            query.push(if number == 0 { "" } else { ", " }).push(ONE);
            self.push_conditions(&mut query, *part, false);
            query.push(" LIMIT ").bind_number(MOST_SORTED + 1).push(") AS found)");
        }
        let rows = db.compose(query).rows().await?;
        let row = rows.first().ok_or(Error::NotFound)?;
        parts.iter().enumerate().map(|(number, part)| Ok((*part, row.get(number)?))).collect()
    }

    /// The flights of a page, from 1, of parts that hold so many.
    pub(super) async fn page(
        &self,
        db: &mut Conn,
        parts: &[(Part, i64)],
        page: i64,
    ) -> Result<Vec<Listed>> {
        let offset = (page - 1) * PAGE;
        let mut query = Composed::select(ROWS);
        let mut any = false;
        for (part, count) in parts.iter().filter(|(_, count)| *count > 0) {
            query.push(if any { " UNION ALL " } else { "" });
            any = true;
            self.push_part(&mut query, *part, *count, offset + PAGE);
        }
        if !any {
            return Ok(Vec::new());
        }
        let order = self.order_of_page();
        query.push(") AS found").push(order).push(" LIMIT ").bind_number(PAGE);
        query.push(" OFFSET ").bind_number(offset).push(JOINED).push(order);
        db.compose(query).all().await
    }

    /// Whether the flights of a part are read in order and tested.
    fn reads_in_order(&self, count: i64) -> bool {
        let narrowed = self.origins.is_some() || self.destinations.is_some() || self.day.is_some();
        // Where nothing narrows, an index holds a part in the order of its departures.
        let ordered = !narrowed && !matches!(self.sort, Sort::Duration | Sort::Number);
        ordered || count > MOST_SORTED
    }

    /// Adds the ids of a part's first flights, with what they are put in order by.
    fn push_part(&self, query: &mut Composed, part: Part, count: i64, most: i64) {
        let in_order = self.reads_in_order(count);
        query.push("SELECT * FROM (SELECT f.id, ").push(match (self.sort, in_order) {
            (Sort::Departure | Sort::Latest, _) => {
                "f.departs_at AS sort_key FROM flights f WHERE 1 = 1"
            }
            (Sort::Duration, _) => "f.duration AS sort_key FROM flights f WHERE 1 = 1",
            (Sort::Number, _) => "f.id AS sort_key FROM flights f WHERE 1 = 1",
            // On SQLite, CROSS JOIN begins with the table that stands first.
            (Sort::From, true) => {
                "o.folded AS sort_key, f.departs_at
                 FROM airports o CROSS JOIN flights f WHERE f.origin_id = o.id"
            }
            (Sort::From, false) => {
                "o.folded AS sort_key, f.departs_at
                 FROM flights f CROSS JOIN airports o WHERE o.id = f.origin_id"
            }
            (Sort::To, true) => {
                "o.folded AS sort_key, f.departs_at
                 FROM airports o CROSS JOIN flights f WHERE f.destination_id = o.id"
            }
            (Sort::To, false) => {
                "o.folded AS sort_key, f.departs_at
                 FROM flights f CROSS JOIN airports o WHERE o.id = f.destination_id"
            }
        });
        self.push_conditions(query, part, in_order);
        query.push(match (self.sort, in_order) {
            (Sort::Departure, true) => " ORDER BY f.departs_at, f.id",
            (Sort::Departure, false) => " ORDER BY f.departs_at + 0, f.id",
            (Sort::Latest, true) => " ORDER BY f.departs_at DESC, f.id DESC",
            (Sort::Latest, false) => " ORDER BY f.departs_at + 0 DESC, f.id DESC",
            (Sort::Duration, true) => " ORDER BY f.duration, f.id",
            (Sort::Duration, false) => " ORDER BY f.duration + 0, f.id",
            (Sort::Number, true) => " ORDER BY f.id",
            (Sort::Number, false) => " ORDER BY f.id + 0",
            (Sort::From | Sort::To, true) => " ORDER BY o.folded, f.departs_at, f.id",
            (Sort::From | Sort::To, false) => " ORDER BY o.folded || '', f.departs_at, f.id",
        });
        query.push(" LIMIT ").bind_number(most).push(match part {
            Part::Day => ") AS of_day",
            Part::Dated => ") AS dated",
            Part::Undated => ") AS undated",
        });
    }

    /// The order of the flights that are found, whose parts are put together.
    fn order_of_page(&self) -> &'static str {
        match self.sort {
            Sort::Departure => " ORDER BY found.sort_key NULLS LAST, found.id",
            Sort::Latest => " ORDER BY found.sort_key DESC NULLS LAST, found.id DESC",
            Sort::Duration | Sort::Number => " ORDER BY found.sort_key, found.id",
            Sort::From | Sort::To => {
                " ORDER BY found.sort_key, found.departs_at NULLS LAST, found.id"
            }
        }
    }

    fn push_conditions(&self, query: &mut Composed, part: Part, in_order: bool) {
        let fewer_origins = match (&self.origins, &self.destinations) {
            (Some(origins), Some(destinations)) => {
                origins.found.ids.len() <= destinations.found.ids.len()
            }
            (origins, _) => origins.is_some(),
        };
        // The day finds fewer than an airport; the end with fewer airports fewer than the other.
        let leads = !in_order && part != Part::Day;
        if let Some(origins) = &self.origins {
            let column = match self.sort {
                Sort::From if in_order => "o.id + 0",
                _ if leads && fewer_origins => "f.origin_id",
                _ => "f.origin_id + 0",
            };
            origins.push(query, column);
        }
        if let Some(destinations) = &self.destinations {
            let column = match self.sort {
                Sort::To if in_order => "o.id + 0",
                _ if leads && !fewer_origins => "f.destination_id",
                _ => "f.destination_id + 0",
            };
            destinations.push(query, column);
        }
        match (part, &self.day) {
            (Part::Day, day) => {
                query.push(" AND f.departs_on = ");
                query.bind_text(day.clone().unwrap_or_default());
            }
            (Part::Dated, _) => {
                query.push(" AND f.departs_at > ").bind_number(self.departs_after);
            }
            (Part::Undated, _) => {
                query.push(" AND f.departs_at IS NULL");
            }
        }
    }
}

/// Adds which airports an end means; none where there is nothing to look for.
fn push_found(query: &mut Composed, end: Option<&End>) {
    match end.and_then(|end| end.needle.as_ref()) {
        Some(needle) => SEARCHED.push_found(query, needle, MOST_NAMED),
        None => {
            query.push("(SELECT id, CAST(0 AS BIGINT) AS fit FROM airports WHERE 1 = 0)");
        }
    }
}

impl End {
    /// Adds that a column holds one of the airports.
    fn push(&self, query: &mut Composed, column: &'static str) {
        query.push(" AND ").push(column).push(" IN (");
        match &self.needle {
            Some(needle) if self.found.ids.len() > MOST_NAMED => {
                query.push("SELECT id FROM airports WHERE ");
                SEARCHED.push_fit(query, needle, self.found.fit);
            }
            _ => {
                query.push("-1");
                for id in &self.found.ids {
                    query.push(", ").bind_number(*id);
                }
            }
        }
        query.push(")");
    }
}

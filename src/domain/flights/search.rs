//! Looking flights up: what visitors search by, and the choice of flights for a passenger.

use serde::Serialize;
use sqlx::FromRow;

use super::paging::{Finder, MOST_NAMED, MOST_PAGED, PAGE};
use super::{FLIGHTS, Flight};
use crate::db::{Composed, Conn, Fit, Found, Needle, and_all_words};
use crate::domain::airports::SEARCHED;
use crate::domain::times;
use crate::error::Result;
use crate::input::{Values, is_too_long};

/// What a visitor asks of the list of flights; all of it stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Search {
    /// Words of the origin: a city or a code.
    pub from: String,
    /// Words of the destination: a city or a code.
    pub to: String,
    /// The local day of departure, `2026-11-23`, as typed.
    pub on: String,
    /// Whether flights that have left are listed too.
    pub past: bool,
    /// In which order.
    pub sort: Sort,
    /// Which page, from 1.
    pub page: i64,
}

/// The orders of the list of flights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// The next to leave first; those without a time last.
    #[default]
    Departure,
    /// The last to leave first.
    Latest,
    /// By city of origin, and there by departure.
    From,
    /// By city of destination, and there by departure.
    To,
    /// The shortest first.
    Duration,
    /// By number.
    Number,
}

impl Sort {
    /// Every order, with its name in an address and for people.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Departure, "departure", "Departure"),
        (Self::Latest, "latest", "Latest departure"),
        (Self::From, "from", "Origin"),
        (Self::To, "to", "Destination"),
        (Self::Duration, "duration", "Duration"),
        (Self::Number, "number", "Flight number"),
    ];

    fn named(name: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, known, _)| *known == name)
            .map_or_else(Self::default, |(sort, ..)| *sort)
    }
}

/// A flight in the list, with how many seats are taken.
#[derive(Debug, Clone, FromRow)]
pub struct Listed {
    /// The flight.
    #[sqlx(flatten)]
    pub flight: Flight,
    /// How many passengers are booked.
    pub booked: i64,
}

impl Search {
    /// Reads the parts of an address; what cannot be read is as if it were not there.
    #[must_use]
    pub fn from_query(query: &Values) -> Self {
        let text = |name| query.first(name).trim().to_owned();
        Self {
            from: text("from"),
            to: text("to"),
            on: text("on"),
            past: query.first("past") == "1",
            sort: Sort::named(query.first("sort")),
            page: query.first("page").parse().unwrap_or(1).max(1),
        }
    }

    /// The address of another page or order of the same search.
    #[must_use]
    pub fn address(&self, sort: Sort, page: i64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("from", &self.from), ("to", &self.to), ("on", &self.on)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if self.past {
            query.append_pair("past", "1");
        }
        if sort != Sort::default() {
            let name =
                Sort::ALL.iter().find(|(known, ..)| *known == sort).map_or("", |(_, name, _)| name);
            query.append_pair("sort", name);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
    }

    /// Whether nothing narrows the list.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.from.is_empty() && self.to.is_empty() && self.on.is_empty()
    }

    /// Whether it is too long to be searched for.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        is_too_long([&*self.from, &*self.to, &*self.on].into_iter())
    }

    /// What is wrong with the day that was typed, if anything.
    #[must_use]
    pub fn day_error(&self) -> Option<String> {
        (!self.on.is_empty() && times::parse_day(&self.on).is_none())
            .then(|| "Give a day like 2026-11-23.".to_owned())
    }

    /// The day that was typed, if it is one.
    pub(super) fn day(&self) -> Option<String> {
        times::parse_day(&self.on).map(|day| day.to_string())
    }

    /// How many flights are found, up to [`MOST_PAGED`] and one, and those of one page. A page too
    /// high becomes the last, and the search says which it was.
    pub async fn run(&mut self, db: &mut Conn, now: i64) -> Result<(i64, Vec<Listed>)> {
        let finder = Finder::of(self, db, now).await?;
        let parts = finder.count(db).await?;
        let total: i64 = parts.iter().map(|(_, count)| count).sum();
        self.page = self.page.min(pages(total));
        let flights = finder.page(db, &parts, self.page).await?;
        Ok((total.min(MOST_PAGED + 1), flights))
    }
}

/// How many pages there are of so many flights: at least one, which may be empty.
#[must_use]
pub fn pages(total: i64) -> i64 {
    (total.clamp(1, MOST_PAGED) + PAGE - 1) / PAGE
}

/// Flights that a passenger could be put on: from or to the airports that the search means, or with all its words in
/// origin and destination, or of the number; the last to leave first. Booking refuses those that have left, and says so.
pub async fn choices(
    db: &mut Conn,
    search: &str,
    not_of_passenger: Option<i64>,
    most: usize,
) -> Result<Vec<Flight>> {
    let mut query = Composed::new(FLIGHTS);
    let needle = Needle::words(search).filter(|needle| !needle.is_empty());
    match (search.trim().trim_start_matches('#').parse::<i64>(), needle) {
        (Ok(number), _) => {
            query.push(" AND f.id = ").bind_number(number);
        }
        (Err(_), Some(needle)) => {
            let Found { fit, ids } = SEARCHED.find(db, &needle, MOST_NAMED).await?;
            if fit == Fit::Parts || ids.len() > MOST_NAMED {
                and_all_words(&mut query, "(o.folded || ' ' || d.folded)", search);
            } else {
                for (number, column) in ["f.origin_id", "f.destination_id"].into_iter().enumerate()
                {
                    query.push(if number == 0 { " AND (" } else { " OR " }).push(column);
                    query.push(" IN (-1");
                    for id in &ids {
                        query.push(", ").bind_number(*id);
                    }
                    query.push(")");
                }
                query.push(")");
            }
        }
        (Err(_), None) => and_all_words(&mut query, "(o.folded || ' ' || d.folded)", search),
    }
    if let Some(passenger) = not_of_passenger {
        query.push(
            " AND NOT EXISTS (SELECT 1 FROM bookings b WHERE b.flight_id = f.id AND b.passenger_id = ",
        );
        query.bind_number(passenger).push(")");
    }
    query.push(" ORDER BY f.departs_at DESC NULLS LAST, f.id").limit(most);
    db.compose(query).all().await
}

/// Flights by their ids, in the order of these.
pub async fn of_ids(db: &mut Conn, ids: &[i64]) -> Result<Vec<Flight>> {
    const AT_ONCE: usize = 500;
    let mut found: Vec<Flight> = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let mut query = Composed::new(FLIGHTS);
        query.push(" AND f.id IN (").bind_number(-1);
        for id in ids {
            query.push(", ").bind_number(*id);
        }
        query.push(")");
        let part: Vec<Flight> = db.compose(query).all().await?;
        found.extend(part);
    }
    found.sort_unstable_by_key(|flight| flight.id);
    found.dedup_by_key(|flight| flight.id);
    Ok(found)
}

/// The flights from or to an airport.
pub async fn touching(db: &mut Conn, airport: i64) -> Result<Vec<Flight>> {
    let mut query = Composed::new(FLIGHTS);
    query.push(" AND (f.origin_id = ").bind_number(airport);
    query.push(" OR f.destination_id = ").bind_number(airport).push(") ORDER BY f.id");
    db.compose(query).all().await
}

/// The flights that a passenger is booked on.
pub async fn of_passenger(db: &mut Conn, passenger: i64) -> Result<Vec<Flight>> {
    let mut query = Composed::new(FLIGHTS);
    query.push(" AND f.id IN (SELECT flight_id FROM bookings WHERE passenger_id = ");
    query.bind_number(passenger).push(") ORDER BY f.id");
    db.compose(query).all().await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Search;
    use crate::input::Values;

    proptest! {
        #![proptest_config(crate::random::many())]

        /// Whatever an address asks, the address that is made of it asks the same.
        #[test]
        fn an_address_says_what_was_asked(
            query in prop_oneof![
                "((from|to|on|past|sort|page)=[a-z0-9%+-]{0,9}&?){0,6}",
                "(from|to)=[\\PC ]{90,110}",
                any::<String>(),
            ]
        ) {
            let asked = Search::from_query(&Values::from_urlencoded(&query));
            prop_assert!(asked.page >= 1);
            let address = asked.address(asked.sort, asked.page);
            let again = address.split_once('?').map_or("", |(_, query)| query);
            prop_assert_eq!(Search::from_query(&Values::from_urlencoded(again)), asked);
        }
    }
}

//! The list of flights: searched, sorted, paged, and all of it in the address.

use rocket::get;
use serde::Serialize;

use crate::db::{Conn, RequestConn};
use crate::domain::flights::{self, Listed, MOST_PAGED, PAGE, Search, Sort};
use crate::domain::times::{self, LocalTime};
use crate::error::Result;
use crate::input::SEARCH_TOO_LONG;
use crate::pages::{Html, Page, Query, counted};

#[derive(Debug, Serialize)]
struct Index {
    search: Search,
    open: bool,
    any_day: String,
    other_way: String,
    mistake: Option<String>,
    sorts: Vec<SortChoice>,
    total: i64,
    /// `1,234`, or `more than 10,000`.
    counted: String,
    /// How many can be paged through, where there are more.
    paging_limit: Option<String>,
    first: i64,
    last: i64,
    flights: Vec<Line>,
    previous: Option<String>,
    next: Option<String>,
    page: i64,
    pages: i64,
}

#[derive(Debug, Serialize)]
struct SortChoice {
    name: &'static str,
    title: &'static str,
    chosen: bool,
}

/// A flight in the list.
#[derive(Debug, Serialize)]
struct Line {
    id: i64,
    origin: String,
    destination: String,
    departs: Option<LocalTime>,
    arrives: Option<LocalTime>,
    duration: String,
    seats: Seats,
    valid: bool,
    departed: bool,
}

/// How many seats are left, as a mark and as words.
#[derive(Debug, Serialize)]
pub(super) struct Seats {
    mark: &'static str,
    words: String,
}

impl Seats {
    /// Of a flight with a capacity, or without, and so many bookings.
    pub(super) fn of(capacity: Option<i64>, booked: i64) -> Self {
        match capacity.map(|capacity| capacity - booked) {
            None => Self { mark: "open", words: String::new() },
            Some(left) if left <= 0 => Self { mark: "full", words: "Full".to_owned() },
            Some(1) => Self { mark: "few", words: "1 seat left".to_owned() },
            Some(left @ 2..=3) => Self { mark: "few", words: format!("{left} seats left") },
            Some(left) => Self { mark: "some", words: format!("{left} seats left") },
        }
    }
}

impl Line {
    fn of(listed: Listed, now: i64) -> Self {
        let flight = listed.flight;
        let departs = flight.departs_at.and_then(|at| times::local(at, &flight.origin_timezone));
        let arrives = flight.departs_at.and_then(|at| {
            times::arrival(
                at,
                &flight.origin_timezone,
                flight.duration,
                &flight.destination_timezone,
            )
        });
        Self {
            id: flight.id,
            origin: flight.origin(),
            destination: flight.destination(),
            departs,
            arrives,
            duration: times::spoken(flight.duration),
            seats: Seats::of(flight.capacity, listed.booked),
            valid: flight.is_valid(),
            departed: flight.has_departed(now),
        }
    }
}

/// Every flight that is looked for. (`Page` stands first: it gives back the connection that it borrows
/// to see who asks before the handler takes its own.)
#[get("/")]
pub(super) async fn index(page: Page<'_>, query: Query, mut db: RequestConn) -> Result<Html> {
    let search = Search::from_query(&query.0);
    page.shared(&mut db, async |db| render(search, db, &page).await).await
}

async fn render(mut search: Search, db: &mut Conn, page: &Page<'_>) -> Result<Html> {
    let (total, listed) =
        if search.is_too_long() { (0, Vec::new()) } else { search.run(db, page.now()).await? };
    // Links elsewhere carry no search that cannot be read.
    let typed = search.clone();
    if search.is_too_long() {
        search = Search { sort: search.sort, past: search.past, ..Search::default() };
    }
    let pages = flights::pages(total);
    let (sort, at) = (search.sort, search.page);
    let address = |wanted: i64| (1..=pages).contains(&wanted).then(|| search.address(sort, wanted));
    let sorts = Sort::ALL.iter().map(|(known, name, title)| SortChoice {
        name,
        title,
        chosen: *known == sort,
    });
    let context = Index {
        open: typed.is_open(),
        any_day: Search { on: String::new(), ..search.clone() }.address(sort, 1),
        other_way: Search { from: search.to.clone(), to: search.from.clone(), ..search.clone() }
            .address(sort, 1),
        mistake: if typed.is_too_long() {
            Some(SEARCH_TOO_LONG.to_owned())
        } else {
            typed.day_error()
        },
        sorts: sorts.collect(),
        total,
        counted: counted(total, MOST_PAGED),
        paging_limit: (total > MOST_PAGED).then(|| counted(MOST_PAGED, MOST_PAGED)),
        first: if total == 0 { 0 } else { (at - 1) * PAGE + 1 },
        last: (at * PAGE).min(total),
        previous: address(at - 1),
        next: address(at + 1),
        page: at,
        pages,
        flights: listed.into_iter().map(|listed| Line::of(listed, page.now())).collect(),
        search: typed,
    };
    let html = page.show("public/index", "Flights", &context)?;
    Ok(if page.hx.partial && !page.hx.boosted {
        // As one types, the address says what is shown, without the fields that are empty.
        html.with_header("HX-Replace-Url", search.address(sort, at))
    } else {
        html
    })
}

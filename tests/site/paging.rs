//! The public list among many flights.

use std::cmp::{Ordering, Reverse};

use airline::domain::airports::Airport;
use airline::domain::flights::{self, Flight, MOST_PAGED, PAGE, Search, Sort};

use crate::support::Site;

/// A site with so many flights among three airports; one in 97 has no departure.
async fn world(flights: i64) -> (Site, Airport) {
    let site = Site::fresh().await;
    let first = site.airport("AAA,Aa").await;
    for airport in ["BBB,Bb", "CCC,Cc"] {
        site.airport(airport).await;
    }
    let (airport, soon) = (first.id, site.clock.now() + 60);
    site.database
        .run(&format!(
            "INSERT INTO flights (origin_id, destination_id, duration, departs_at, departs_on, version)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {flights})
             SELECT {airport} + i % 3, {airport} + (i / 3) % 3, i % 500,
                    CASE WHEN i % 97 = 0 THEN NULL ELSE {soon} + (i % 10007) * 7 END, '', 1
             FROM n"
        ))
        .await;
    (site, first)
}

#[rocket::async_test]
async fn pages_end_at_ten_thousand_flights_and_say_so() {
    let (site, first) = world(MOST_PAGED + 1).await;
    let mut visitor = site.browser();
    let last = MOST_PAGED / PAGE;
    for sort in ["departure", "latest", "from", "to", "duration", "number"] {
        let page = visitor.get(&format!("/?sort={sort}&page={last}")).await;
        assert_eq!(page.status.code, 200, "{sort}");
        assert_eq!((page.count("tbody tr"), page.count("a[rel=next]")), (50, 0), "{sort}");
        assert_eq!(page.count("#paging-limit"), 1, "{sort}");
        // What lies beyond is the last page, as where there are fewer.
        for beyond in [last + 1, 1_000_000, i64::MAX] {
            let other = visitor.get(&format!("/?sort={sort}&page={beyond}")).await;
            assert_eq!(other.all("tbody a.row"), page.all("tbody a.row"), "{sort} {beyond}");
        }
    }
    // A search that finds fewer has no such end.
    let narrow = visitor.get("/?from=aaa").await;
    assert_eq!(narrow.count("#paging-limit"), 0);
    site.database.run(&format!("DELETE FROM flights WHERE origin_id = {}", first.id)).await;
    assert_eq!(visitor.get("/?sort=number&page=2").await.count("#paging-limit"), 0);
}

/// The order of a search, as [`Sort`] describes it.
fn order(sort: Sort, one: &Flight, other: &Flight) -> Ordering {
    let when = |flight: &Flight| (flight.departs_at.is_none(), flight.departs_at, flight.id);
    let latest = |flight: &Flight| {
        (flight.departs_at.is_none(), Reverse(flight.departs_at), Reverse(flight.id))
    };
    match sort {
        Sort::Departure => when(one).cmp(&when(other)),
        Sort::Latest => latest(one).cmp(&latest(other)),
        Sort::From => (&one.origin_city, when(one)).cmp(&(&other.origin_city, when(other))),
        Sort::To => (&one.destination_city, when(one)).cmp(&(&other.destination_city, when(other))),
        Sort::Duration => (one.duration, one.id).cmp(&(other.duration, other.id)),
        Sort::Number => one.id.cmp(&other.id),
    }
}

/// Few flights are found and then sorted, many are read in order: nobody sees which it was.
#[rocket::async_test]
async fn every_page_is_in_order_among_few_flights_and_among_many() {
    let (site, _) = world(102_500).await;
    let mut db = site.pool.conn().await.unwrap();
    let all = flights::all(&mut db).await.unwrap();
    let many = all.iter().filter(|flight| flight.departs_at.is_some()).count();
    assert!(many > 100_000 && many < all.len(), "{many}: both ways are to be gone");
    let now = site.clock.now();
    let later = now + 60 + 7_000;
    for (from, to, now, past) in [
        ("", "", later, true),
        ("", "", later, false),
        ("aa", "", now, false),
        ("a", "c", later, false),
        ("nowhere", "aa", now, false),
    ] {
        let mut found: Vec<&Flight> = all
            .iter()
            .filter(|flight| flight.origin_code.to_lowercase().contains(from))
            .filter(|flight| flight.destination_code.to_lowercase().contains(to))
            .filter(|flight| past || flight.departs_at.is_none_or(|at| at > now))
            .collect();
        for (sort, name, _) in Sort::ALL {
            found.sort_by(|one, other| order(sort, one, other));
            for number in [1, 77, 200] {
                let (from, to) = (from.to_owned(), to.to_owned());
                let mut search = Search { from, to, past, sort, page: number, ..Search::default() };
                let (total, page) = search.run(&mut db, now).await.unwrap();
                let told = format!("{search:?}, sorted by {name}");
                let most = usize::try_from(MOST_PAGED).unwrap();
                assert_eq!(usize::try_from(total).unwrap(), found.len().min(most + 1), "{told}");
                let start = usize::try_from((search.page - 1) * PAGE).unwrap();
                let expected = found.iter().take(most).skip(start).take(50);
                let expected: Vec<_> = expected.map(|flight| flight.id).collect();
                let ids: Vec<_> = page.iter().map(|listed| listed.flight.id).collect();
                assert_eq!(ids, expected, "{told}");
            }
        }
    }
}

//! The demo's ten tests, by their names there: airports AAA and BBB, flights A→B, A→A, B→A.

use airline::domain::airports::Airport;
use airline::domain::flights::{self, Flight};

use crate::support::Site;

struct Demo {
    site: Site,
    a: Airport,
    flights: [Flight; 3],
}

async fn set_up() -> Demo {
    let site = Site::fresh().await;
    let a = site.airport("AAA,City A").await;
    let b = site.airport("BBB,City B").await;
    let flights = [
        site.flight_with(&a, &b, |flight| flight.duration = 100).await,
        site.flight_with(&a, &a, |flight| flight.duration = 200).await,
        site.flight_with(&b, &a, |flight| flight.duration = 300).await,
    ];
    Demo { site, a, flights }
}

/// What the staff list counts for an airport.
async fn counted(demo: &Demo, column: &str) -> String {
    let mut staff = demo.site.staff().await;
    let list = staff.get("/admin/airports/?q=AAA").await;
    list.one(&format!("#row-{} td[data-title={column}]", demo.a.id))
}

#[rocket::async_test]
async fn test_departures_count() {
    let demo = set_up().await;
    assert_eq!(counted(&demo, "Departures").await, "2");
}

#[rocket::async_test]
async fn test_arrivals_count() {
    let demo = set_up().await;
    assert_eq!(counted(&demo, "Arrivals").await, "2");
}

#[rocket::async_test]
async fn test_valid_flight() {
    assert!(set_up().await.flights[0].is_valid());
}

#[rocket::async_test]
async fn test_invalid_flight_destination() {
    assert!(!set_up().await.flights[1].is_valid());
}

#[rocket::async_test]
async fn test_invalid_flight_duration() {
    let demo = set_up().await;
    let negative = Flight { duration: -100, ..demo.flights[0].clone() };
    assert!(!negative.is_valid());
}

#[rocket::async_test]
async fn test_index() {
    let demo = set_up().await;
    let page = demo.site.browser().get("/").await;
    assert_eq!(page.status.code, 200);
    assert_eq!(page.count("#results tbody tr"), 3);
}

#[rocket::async_test]
async fn test_valid_flight_page() {
    // As in the demo: the flight from A to A is not valid, and its page opens all the same.
    let demo = set_up().await;
    let page = demo.site.browser().get(&format!("/{}", demo.flights[1].id)).await;
    assert_eq!(page.status.code, 200);
    assert_eq!(page.all(".facts dd")[1], "No");
}

#[rocket::async_test]
async fn test_invalid_flight_page() {
    let demo = set_up().await;
    let greatest = demo.flights.iter().map(|flight| flight.id).max().unwrap();
    let page = demo.site.browser().get(&format!("/{}", greatest + 1)).await;
    assert_eq!(page.status.code, 404);
}

#[rocket::async_test]
async fn test_flight_page_passengers() {
    let demo = set_up().await;
    let alice = demo.site.passenger("Alice", "Adams").await;
    demo.site.book(&demo.flights[2], &alice).await;
    let page = demo.site.browser().get(&format!("/{}", demo.flights[2].id)).await;
    assert_eq!(page.status.code, 200);
    assert_eq!(page.all("#passengers li"), ["Alice Adams"]);
}

#[rocket::async_test]
async fn test_flight_page_non_passengers() {
    let demo = set_up().await;
    demo.site.passenger("Alice", "Adams").await;
    let page = demo.site.browser().get(&format!("/{}", demo.flights[0].id)).await;
    assert_eq!(page.status.code, 200);
    assert_eq!(page.count("input[name=passenger]"), 1);
    assert_eq!(page.count("#passengers li"), 0);
}

/// The SQL of the staff list's filter and [`Flight::is_valid`] are one rule.
#[rocket::async_test]
async fn the_rule_in_sql_is_the_rule_in_rust() {
    let demo = set_up().await;
    let other = demo.site.airport("CCC,City C").await;
    demo.site.flight_with(&demo.a, &other, |flight| flight.duration = -1).await;
    let mut staff = demo.site.staff().await;
    let listed = async |staff: &mut crate::support::Browser<'_>, valid: &str| {
        let page = staff.get(&format!("/admin/flights/?is={valid}")).await;
        page.all("tbody td[data-title=Number]")
            .iter()
            .map(|id| id.parse::<i64>().unwrap())
            .collect::<Vec<_>>()
    };
    let all = flights::all(&mut demo.site.pool.conn().await.unwrap()).await.unwrap();
    let valid = |wanted| {
        all.iter()
            .filter(|flight| flight.is_valid() == wanted)
            .map(|flight| flight.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&mut staff, "valid").await, valid(true));
    assert_eq!(listed(&mut staff, "invalid").await, valid(false));
    assert_eq!(valid(false).len(), 2);
}

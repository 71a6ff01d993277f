//! The staff engine: lists, deletion, history, start page.

use airline::changes::HISTORY_PAGE;
use airline::domain::airports::{self, Airport};

use crate::support::Site;

async fn world() -> Site {
    let site = Site::fresh().await;
    let jfk = site.airport("JFK,New York,United States,America/New_York").await;
    let cdg = site.airport("CDG,Paris,France,Europe/Paris").await;
    let gru = site.airport("GRU,São Paulo,Brazil,America/Sao_Paulo").await;
    site.flight_with(&jfk, &cdg, |flight| flight.duration = 430).await;
    site.flight_with(&gru, &cdg, |flight| flight.duration = 690).await;
    site.flight_with(&cdg, &cdg, |flight| flight.duration = 10).await;
    site
}

#[rocket::async_test]
async fn saving_leads_back_to_the_same_list() {
    let site = world().await;
    let mut staff = site.staff().await;
    let list = staff.get("/admin/flights/?q=paris+is%3Avalid&sort=-duration").await;
    let form = staff.get(&list.attribute("td a", "href")).await;
    let back = staff.submit(&form, "form.edit", &[("_save", "1")]).await;
    assert_eq!(back.path, "/admin/flights/?q=paris+is%3Avalid&sort=-duration");
    let delete = form.attribute("a.danger", "href");
    let confirm = staff.get(&delete).await;
    let back = staff.submit(&confirm, "main form", &[]).await;
    assert_eq!(back.path, "/admin/flights/?q=paris+is%3Avalid&sort=-duration");
}

#[rocket::async_test]
async fn an_empty_list_says_what_to_do() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for kind in ["airports", "flights", "passengers"] {
        let page = staff.get(&format!("/admin/{kind}/")).await;
        assert_eq!(page.attribute(".empty a", "href"), format!("/admin/{kind}/add/"));
        let page = staff.get(&format!("/admin/{kind}/?q=nothing")).await;
        assert_eq!(page.one(".empty a"), "Show all");
    }
}

#[rocket::async_test]
async fn deleting_an_airport_lists_and_takes_all_that_falls_with_it() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let other = site.airport("GRU,São Paulo").await;
    let there = site.flight(&jfk, &cdg).await;
    let back = site.flight(&cdg, &jfk).await;
    let stays = site.flight(&cdg, &other).await;
    let alice = site.passenger("Alice", "Adams").await;
    for flight in [&there, &back, &stays] {
        site.book(flight, &alice).await;
    }
    let mut staff = site.staff().await;
    let before = site.dump().await;
    let confirm = staff.get(&format!("/admin/airports/{}/delete/", jfk.id)).await;
    let falls = ["1 airport", "2 bookings", "2 flights"];
    assert_eq!(confirm.all(".falls h2"), falls.map(|what| format!("{what} will be deleted")));
    assert_eq!(
        confirm.all(".falls li"),
        [
            jfk.to_string(),
            format!("Alice Adams on {there}"),
            format!("Alice Adams on {back}"),
            there.to_string(),
            back.to_string(),
        ]
    );
    assert_eq!(site.dump().await, before, "looking changes nothing");
    let done = staff.submit(&confirm, "main form", &[]).await;
    assert_eq!(done.messages(), ["The airport was deleted: New York (JFK)"]);
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/").await.all("tbody td:first-child"), [format!("#{}", stays.id)]);
    assert_eq!(staff.get(&format!("/admin/airports/{}/change/", jfk.id)).await.status.code, 404);
    // Its history is still told, and so is that of each flight that fell.
    let history = staff.get(&format!("/admin/flights/{}/history/", there.id)).await;
    assert_eq!(history.one("h1"), format!("History of {there}"));
    assert_eq!(history.all(".history p b"), ["boss", "boss", "the test", "the test"]);
    assert_eq!(history.one(".badge"), "Deleted");
    // Asked twice, the second finds nothing.
    assert_eq!(staff.submit(&confirm, "main form", &[]).await.status.code, 404);
}

#[rocket::async_test]
async fn history_tells_old_and_new_values() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    let fields = [("duration", "555"), ("departs", "2030-01-01T19:30"), ("_save", "1")];
    staff.submit(&form, "form.edit", &fields).await;
    let history = staff.get(&format!("/admin/flights/{}/history/", flight.id)).await;
    let latest = ".history li:first-child";
    assert!(history.one(&format!("{latest} p")).starts_with("boss changed"));
    assert_eq!(history.all(&format!("{latest} tbody th")), ["Duration", "Departure"]);
    assert_eq!(history.all(&format!("{latest} .old")), ["100", ""]);
    assert_eq!(history.all(&format!("{latest} .new")), ["555", "Wed 2 Jan 2030 00:30 UTC"]);
    assert_eq!(staff.get("/admin/flights/99/history/").await.status.code, 404);
}

#[rocket::async_test]
async fn saving_without_a_change_leaves_no_trace() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    let before = site.dump().await;
    for path in [
        format!("/admin/flights/{}/change/", flight.id),
        format!("/admin/airports/{}/change/", flight.origin_id),
        format!("/admin/passengers/{}/change/", alice.id),
    ] {
        let form = staff.get(&path).await;
        let saved = staff.submit(&form, "form.edit", &[("_save", "1")]).await;
        assert_eq!(saved.status.code, 200, "{path}");
    }
    assert_eq!(site.dump().await, before);
}

#[rocket::async_test]
async fn the_start_page_tells_what_was_done_lately() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut staff = site.staff().await;
    let confirm = staff.get(&format!("/admin/airports/{}/delete/", flight.origin_id)).await;
    staff.submit(&confirm, "main form", &[]).await;
    let start = staff.get("/admin/").await;
    let latest = start.one(".recent li:first-child span:first-child");
    assert_eq!(latest, "boss deleted New York (JFK) and 1 more");
    let history = format!("/admin/airports/{}/history/", flight.origin_id);
    assert_eq!(start.attribute(".recent li:first-child a", "href"), history);
    assert_eq!(start.all(".plain th"), ["Airports", "Flights", "Passengers", "Users", "Groups"]);
}

#[rocket::async_test]
async fn kinds_and_ids_that_do_not_exist_are_not_found() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for path in [
        "/admin/nothing/",
        "/admin/nothing/add/",
        "/admin/robots/",
        "/admin/flights/1/change/",
        "/admin/flights/99999999999999999999/change/",
        "/admin/flights/x/delete/",
        "/admin/flights/-1/history/",
        "/admin/flights/row/nothing/1",
        "/admin/flights/row/origin/1",
    ] {
        assert_eq!(staff.get(path).await.status.code, 404, "{path}");
    }
}

#[rocket::async_test]
async fn fields_are_suggested_as_one_types() {
    let site = world().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut staff = site.staff().await;
    let airports = staff.get("/admin/airports/suggestions/?name=origin&origin=sao").await;
    assert_eq!(airports.all("li"), ["São Paulo (GRU)"]);
    assert_eq!(airports.attribute("li", "data-text"), "São Paulo (GRU)");
    let exact = staff.get("/admin/airports/suggestions/?name=origin&origin=CDG").await;
    assert_eq!(exact.all("li")[0], "Paris (CDG)");
    let people = staff.get("/admin/passengers/suggestions/?name=passengers&passengers=ali").await;
    assert_eq!(people.attribute("li", "data-text"), format!("Alice Adams (#{})", alice.id));
}

/// A history of several pages is whole, also where a page tells of bookings only.
#[rocket::async_test]
async fn the_long_history_of_what_is_gone_can_be_read_to_its_end() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut set = site.set().await;
    for number in 0..120 {
        let draft =
            airline::domain::passengers::Draft { first: "P".to_owned(), last: number.to_string() };
        let passenger = airline::domain::passengers::insert(&mut set, draft).await.unwrap();
        airline::domain::bookings::book(&mut set, flight.id, passenger.id).await.unwrap().unwrap();
    }
    airline::domain::flights::delete(&mut set, flight.id).await.unwrap();
    set.commit().await.unwrap();
    let mut staff = site.staff().await;
    let mut events = 0;
    for page in 0..3 {
        let page = staff.get(&format!("/admin/flights/{}/history/?page={page}", flight.id)).await;
        assert_eq!(page.one("h1"), format!("History of {flight}"));
        events += page.count(".history > li");
    }
    assert_eq!(events, 242);
}

#[rocket::async_test]
async fn a_list_is_exported_as_it_is_narrowed_and_starts_no_formula() {
    let site = world().await;
    let names =
        ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "\"=1\"", "a,b", "plain", "'quoted", "ünï 🛫"];
    for name in names {
        site.passenger(name, "Name").await;
    }
    let mut staff = site.staff().await;
    let list = staff.get("/admin/passengers/?sort=number").await;
    let page = staff.get(&list.attribute("a[download]", "href")).await;
    assert_eq!(page.header("Content-Type"), Some("text/csv; charset=utf-8"));
    assert_eq!(page.header("Cache-Control"), Some("no-store"));
    assert!(
        page.header("Content-Disposition")
            .unwrap()
            .starts_with("attachment; filename=\"passengers.csv\"")
    );
    let mut reader = csv::Reader::from_reader(page.bytes.as_slice());
    assert_eq!(reader.headers().unwrap(), vec!["last", "first", "number", "flights"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let firsts: Vec<_> = rows.iter().map(|row| row[1].to_owned()).collect();
    assert_eq!(
        firsts,
        ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'＝1", "\"=1\"", "a,b", "plain", "'quoted", "ünï 🛫",]
    );
    // Without the quotes it is what was there.
    for (first, name) in firsts.iter().zip(names) {
        assert!(first == name || first.strip_prefix('\'') == Some(name), "{first}");
    }
    // Numbers are numbers, and the filters of the list are the file's.
    let page = staff.get("/admin/flights/export/?q=is:valid&sort=-duration").await;
    let mut reader = csv::Reader::from_reader(page.bytes.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let told: Vec<_> = rows.iter().map(|row| (&row[1], &row[4])).collect();
    assert_eq!(told, [("São Paulo (GRU)", "690"), ("New York (JFK)", "430")]);
    // Who may view and not export has no link, and no file.
    let mut viewer = site.staff_with("viewer", "view_flights").await;
    assert_eq!(viewer.get("/admin/flights/").await.count("a[download]"), 0);
    assert_eq!(viewer.get("/admin/flights/export/").await.status.code, 403);
}

async fn rename(site: &Site, airport: Airport, number: usize) -> Airport {
    let mut set = site.set().await;
    let draft = airports::Draft {
        city: format!("City {number}"),
        ..airports::Draft::from(airport.clone())
    };
    let after = airports::update(&mut set, &airport, draft).await.unwrap();
    set.commit().await.unwrap();
    after
}

/// Exactly as many changes as a page holds are one page.
#[rocket::async_test]
async fn a_full_page_of_history_offers_no_empty_one() {
    let site = Site::fresh().await;
    let mut airport = site.airport("JFK,New York").await;
    let mut staff = site.staff().await;
    let path = format!("/admin/airports/{}/history/", airport.id);
    for number in 1..HISTORY_PAGE {
        airport = rename(&site, airport, number).await;
    }
    let full = staff.get(&path).await;
    assert_eq!((full.count(".history > li"), full.count(".pager a")), (HISTORY_PAGE, 0));
    rename(&site, airport, HISTORY_PAGE).await;
    let latest = staff.get(&path).await;
    assert_eq!((latest.count(".history > li"), latest.count(".pager a")), (HISTORY_PAGE, 1));
    let earlier = staff.get(&format!("{path}{}", latest.attribute(".pager a", "href"))).await;
    assert_eq!((earlier.count(".history > li"), earlier.count(".pager a")), (1, 1));
}

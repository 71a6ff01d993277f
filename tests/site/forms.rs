//! The staff's forms: adding, changing, rows, panes, errors, stale saves. Without scripts.

use airline::domain::flights;

use crate::support::{Fields, Site};

#[rocket::async_test]
async fn an_airport_is_added_normalised() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/airports/add/").await;
    let fields =
        [("code", " muc "), ("city", " München "), ("timezone", "Europe/Berlin"), ("_save", "1")];
    let list = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(list.messages(), ["The airport was added: München (MUC)"]);
    assert_eq!(list.all("tbody a.row"), ["MUC"]);
}

/// Without scripts, the way to a related object leads back also for who does not want it after all.
#[rocket::async_test]
async fn one_goes_to_a_related_object_and_comes_back_without_it() {
    let site = Site::fresh().await;
    site.two_airports().await;
    site.airport("LGA,New York").await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/flights/add/").await;
    let typed = [("duration", "95"), ("destination", "CDG"), ("origin", "new york")];
    let mut asked = typed.to_vec();
    asked.push(("_related", "origin:add"));
    let airport = staff.submit(&form, "form.edit", &asked).await;
    assert_eq!(airport.one("h1"), "Add airport");
    let back = staff.get(&airport.attribute(".actions a.button", "href")).await;
    for (name, value) in typed {
        assert_eq!(back.attribute(&format!("#{name}"), "value"), value);
    }
    // A text that means several opens none of them.
    let unclear = staff.submit(&back, "form.edit", &[("_related", "origin:open")]).await;
    assert_eq!(unclear.one("h1"), "Add flight");
    assert!(unclear.one("#origin-errors").contains("New York (JFK)"), "{}", unclear.text);
    let clear = [("origin", "New York (LGA)"), ("_related", "origin:open")];
    assert_eq!(staff.submit(&unclear, "form.edit", &clear).await.one("h1"), "New York (LGA)");
    // The way back leads to forms of this site alone.
    let forged =
        "/admin/airports/add/?_into=origin&_return=//evil.example/admin/flights/add/%3Fbase%3D";
    assert_eq!(staff.get(forged).await.count(".actions a.button"), 0);
}

#[rocket::async_test]
async fn what_is_wrong_stands_at_its_field_and_nothing_is_lost() {
    let site = Site::fresh().await;
    site.airport("JFK,New York").await;
    let mut staff = site.staff().await;
    let long = "é".repeat(65);
    let cases: [(Fields<'_>, &str, &str); 9] = [
        (&[("code", "JF1"), ("city", "X")], "code", "three letters"),
        (&[("code", "ÄÖÜ"), ("city", "X")], "code", "three letters"),
        (&[("code", "jfk"), ("city", "X")], "code", "New York (JFK) has this code already."),
        (&[("code", "ABC"), ("city", "")], "city", "needed"),
        (
            &[("code", "ABC"), ("city", &long)],
            "city",
            "At most 64 characters fit here; this has 65.",
        ),
        (&[("code", "ABC"), ("city", "a\0b")], "city", "NUL"),
        (&[("code", "ABC"), ("city", "X"), ("timezone", "Mars/Phobos")], "timezone", "Mars/Phobos"),
        (
            &[("code", "ABC"), ("city", "X"), ("latitude", "91"), ("longitude", "0")],
            "latitude",
            "from -90 to 90",
        ),
        (
            &[("code", "ABC"), ("city", "X"), ("latitude", "NaN"), ("longitude", "0")],
            "latitude",
            "from -90 to 90",
        ),
    ];
    for (fields, field, why) in cases {
        let form = staff.get("/admin/airports/add/").await;
        let mut all = fields.to_vec();
        all.push(("_save", "1"));
        let again = staff.submit(&form, "form.edit", &all).await;
        assert_eq!(again.status.code, 422, "{fields:?}");
        assert!(again.one(&format!("#{field}-errors")).contains(why), "{fields:?}: {}", again.text);
        assert_eq!(again.attribute("#problems a", "href"), format!("#{field}"));
        for (name, value) in fields.iter().filter(|(_, value)| !value.contains('\0')) {
            assert_eq!(again.attribute(&format!("#{name}"), "value"), *value);
        }
    }
    let emoji = "🛫".repeat(64);
    let form = staff.get("/admin/airports/add/").await;
    let saved = staff
        .submit(&form, "form.edit", &[("code", "EMO"), ("city", &emoji), ("_save", "1")])
        .await;
    assert_eq!(saved.status.code, 200, "64 characters of four bytes each fit");
}

#[rocket::async_test]
async fn save_and_add_another_leads_to_an_empty_form() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/passengers/add/").await;
    let next = staff
        .submit(&form, "form.edit", &[("first", "Ann"), ("last", "Other"), ("_addanother", "1")])
        .await;
    assert_eq!(
        (next.path.as_str(), next.attribute("#first", "value").as_str()),
        ("/admin/passengers/add/", "")
    );
    assert_eq!(next.messages(), ["The passenger was added: Ann Other"]);
}

#[rocket::async_test]
async fn a_flight_that_would_not_be_valid_is_refused() {
    let site = Site::fresh().await;
    let (a, _) = site.two_airports().await;
    site.airport("LHR,London").await;
    site.airport("LGW,London").await;
    let mut staff = site.staff().await;
    let cases: [(Fields<'_>, &str, &str); 9] = [
        (
            &[("origin", "JFK"), ("destination", "JFK"), ("duration", "1")],
            "destination",
            "somewhere else",
        ),
        (&[("origin", "JFK"), ("destination", "CDG"), ("duration", "-5")], "duration", "negative"),
        (
            &[("origin", "JFK"), ("destination", "London"), ("duration", "5")],
            "destination",
            "Which one?",
        ),
        (
            &[("origin", "Atlantis"), ("destination", "CDG"), ("duration", "5")],
            "origin",
            "There is no airport “Atlantis”",
        ),
        (
            &[("origin", ""), ("destination", "CDG"), ("duration", "5")],
            "origin",
            "Enter an airport",
        ),
        (
            &[("origin", "JFK"), ("destination", "CDG"), ("duration", "")],
            "duration",
            "Give the minutes",
        ),
        (
            &[("origin", "JFK"), ("destination", "CDG"), ("duration", "99999999999999999999")],
            "duration",
            "whole number",
        ),
        (
            &[
                ("origin", "JFK"),
                ("destination", "CDG"),
                ("duration", "5"),
                ("departs", "2026-02-30T10:00"),
            ],
            "departs",
            "date and time like",
        ),
        (
            &[
                ("origin", "JFK"),
                ("destination", "CDG"),
                ("duration", "5"),
                ("passengers", "Nobody Here"),
            ],
            "passengers",
            "There is no passenger “Nobody Here”",
        ),
    ];
    for (fields, field, why) in cases {
        let form = staff.get("/admin/flights/add/").await;
        let mut all = fields.to_vec();
        all.push(("_save", "1"));
        let again = staff.submit(&form, "form.edit", &all).await;
        assert_eq!(again.status.code, 422, "{fields:?}");
        assert!(
            again.one(&format!("#{field}-errors")).contains(why),
            "{fields:?}: {}",
            again.one(&format!("#{field}-errors"))
        );
    }
    // One that is stored already opens, and can be mended.
    let invalid = site.flight(&a, &a).await;
    let form = staff.get(&format!("/admin/flights/{}/change/", invalid.id)).await;
    let mended = staff.submit(&form, "form.edit", &[("destination", "CDG"), ("_save", "1")]).await;
    assert_eq!(mended.status.code, 200);
}

/// The first button of a form is what Enter presses: it must be the one that saves.
#[rocket::async_test]
async fn enter_saves() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for kind in ["airports", "flights", "passengers"] {
        let form = staff.get(&format!("/admin/{kind}/add/")).await;
        assert_eq!(form.attribute("form.edit button", "name"), "_save", "{kind}");
    }
}

#[rocket::async_test]
async fn moving_an_airports_zone_tells_its_departure_days_anew() {
    let site = Site::fresh().await;
    let from = site.airport("AAA,Somewhere,,UTC").await;
    let to = site.airport("BBB,Elsewhere").await;
    // 2030-01-01 23:00 UTC.
    site.flight_with(&from, &to, |flight| flight.departs_at = Some(1_893_538_800)).await;
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/airports/{}/change/", from.id)).await;
    let asked =
        staff.submit(&form, "form.edit", &[("timezone", "Asia/Tokyo"), ("_save", "1")]).await;
    assert_eq!(asked.status.code, 422, "it says first which flights show other times");
    staff.submit(&asked, "form.edit", &[("_save", "1")]).await;
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/?on=2030-01-01").await.one("#count"), "No flights");
    assert_eq!(visitor.get("/?on=2030-01-02").await.one("#count"), "1 flight");
}

/// Clocks at the origin show one hour twice: a departure in it stays what it is when something else
/// is saved.
#[rocket::async_test]
async fn a_departure_that_nobody_touched_does_not_move() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    // 2027-11-07 06:30:20 UTC: the second 01:30 of that night in New York.
    let at = 1_825_569_020;
    let flight = site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(at)).await;
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    assert_eq!(form.attribute("#departs", "value"), "2027-11-07T01:30-05:00");
    staff.submit(&form, "form.edit", &[("capacity", "7"), ("_save", "1")]).await;
    let mut conn = site.pool.conn().await.unwrap();
    let after = flights::find(&mut conn, flight.id).await.unwrap().unwrap();
    assert_eq!((after.departs_at, after.capacity), (Some(at), Some(7)));
}

/// An airport's form wants its flights, a flight's form its airports: neither may wait for ever.
#[rocket::async_test(flavor = "multi_thread")]
async fn airports_and_flights_are_saved_at_once() {
    let site = Site::fresh().await;
    let (a, b) = site.two_airports().await;
    let mut paths = Vec::new();
    for _ in 0..4 {
        let flight =
            site.flight_with(&a, &b, |flight| flight.departs_at = Some(1_893_544_200)).await;
        paths.push(format!("/admin/flights/{}/change/", flight.id));
    }
    let id = site.superuser("rival", "unusable").await;
    for round in 0..6 {
        let save_airport = async {
            let mut staff = site.session_of(id).await;
            let form = staff.get(&format!("/admin/airports/{}/change/", a.id)).await;
            let code = format!("AA{}", char::from(b'A' + round));
            let zone = if round % 2 == 0 { "Asia/Tokyo" } else { "America/New_York" };
            let fields = [("code", &*code), ("timezone", zone), ("_save", "1")];
            let mut page = staff.submit(&form, "form.edit", &fields).await;
            // It asks again while the flights that would show other times change.
            while page.status.code == 422 {
                page = staff.submit(&page, "form.edit", &[("_save", "1")]).await;
            }
            page.status.code
        };
        let save_flights = futures::future::join_all(paths.iter().map(async |path| {
            let mut staff = site.session_of(id).await;
            let form = staff.get(path).await;
            let back = form.attribute("#origin", "value");
            let there = form.attribute("#destination", "value");
            // By what stays: the code may change meanwhile.
            let city = |text: &str| text.split(" (").next().unwrap().to_owned();
            let fields =
                [("origin", &*city(&there)), ("destination", &*city(&back)), ("_save", "1")];
            staff.submit(&form, "form.edit", &fields).await
        }));
        let (airport, flights) = futures::join!(save_airport, save_flights);
        assert_eq!(airport, 200, "{round}");
        for page in flights {
            // A flight whose day was told anew meanwhile is stale, and says so; nothing else is wrong.
            let stale = page.status.code == 409
                && page.one("#problems h2").contains("changed the same meanwhile");
            assert!(page.status.code == 200 || stale, "{round}: {} {}", page.status, page.text);
        }
    }
}

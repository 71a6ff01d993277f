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
    assert_eq!(list.all("tbody td:first-child"), ["MUC"]);
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
async fn a_flight_is_added_with_passengers_in_rows() {
    let site = Site::fresh().await;
    site.two_airports().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.passenger("Bob", "Baker").await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/flights/add/").await;
    assert_eq!(form.count("input[name=passengers]"), 1);
    let fields = [
        ("origin", "jfk"),
        ("destination", "Paris"),
        ("duration", "430"),
        ("departs", "2030-01-01T19:30"),
        ("capacity", "3"),
        ("passengers", "Alice Adams"),
        ("_addrow", "1"),
    ];
    let more = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(more.status.code, 200);
    assert_eq!(more.count("input[name=passengers]"), 3, "the typed one, and two to fill in");
    assert_eq!(more.attribute("#departs", "value"), "2030-01-01T19:30");
    let fields = [
        ("-passengers", ""),
        ("passengers", "Alice Adams"),
        ("passengers", "bob baker"),
        ("_continue", "1"),
    ];
    let saved = staff.submit(&more, "form.edit", &fields).await;
    assert!(saved.path.ends_with("/change/"), "{}", saved.path);
    assert_eq!(
        saved.all("#passengers tbody td:first-child")[0],
        format!("Alice Adams (#{})", alice.id)
    );
    assert_eq!(saved.count("#passengers tbody tr"), 2);
    assert_eq!(saved.attribute("#origin", "value"), "New York (JFK)");

    let out = staff
        .submit(
            &saved,
            "form.edit",
            &[("passengers-remove", &alice.id.to_string()), ("_continue", "1")],
        )
        .await;
    assert_eq!(out.count("#passengers tbody tr"), 1);
    let history = staff.get(&out.attribute(".links a", "href")).await;
    assert!(history.all(".history p")[0].contains("took back the booking of Alice Adams"));
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
        (
            &[("origin", "JFK"), ("destination", "CDG"), ("duration", "-5")],
            "duration",
            "less than no time",
        ),
        (
            &[("origin", "JFK"), ("destination", "London"), ("duration", "5")],
            "destination",
            "London has several airports: write one of LGW, LHR.",
        ),
        (
            &[("origin", "Atlantis"), ("destination", "CDG"), ("duration", "5")],
            "origin",
            "There is no airport “Atlantis”",
        ),
        (&[("origin", ""), ("destination", "CDG"), ("duration", "5")], "origin", "Give an airport"),
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

#[rocket::async_test]
async fn several_of_one_name_are_told_apart() {
    let site = Site::fresh().await;
    site.two_airports().await;
    let one = site.passenger("Kim", "Lee").await;
    let two = site.passenger("Kim", "Lee").await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/flights/add/").await;
    let fields = [
        ("origin", "JFK"),
        ("destination", "CDG"),
        ("duration", "5"),
        ("passengers", "kim lee"),
        ("_save", "1"),
    ];
    let again = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(
        again.one("#passengers-errors"),
        format!("Which one? Write Kim Lee (#{}) or Kim Lee (#{}).", one.id, two.id)
    );
    let fields = [("passengers", &*format!("Kim Lee (#{})", two.id)), ("_continue", "1")];
    let saved = staff.submit(&again, "form.edit", &fields).await;
    assert_eq!(saved.all("#passengers tbody td:first-child"), [format!("Kim Lee (#{})", two.id)]);
}

#[rocket::async_test]
async fn seats_hold_for_staff_too() {
    let site = Site::fresh().await;
    let (a, b) = site.two_airports().await;
    let flight = site.flight_with(&a, &b, |flight| flight.capacity = Some(1)).await;
    let alice = site.passenger("Alice", "Adams").await;
    let bob = site.passenger("Bob", "Baker").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    let form = staff.get(&path).await;
    let full =
        staff.submit(&form, "form.edit", &[("passengers", "Bob Baker"), ("_save", "1")]).await;
    assert_eq!(full.status.code, 422);
    assert!(full.one("#passengers-errors").contains("This flight is full."));
    let fewer = staff.submit(&form, "form.edit", &[("capacity", "0"), ("_save", "1")]).await;
    assert!(
        fewer.one("#capacity-errors").starts_with("1 passengers are booked"),
        "{}",
        fewer.one("#capacity-errors")
    );
    assert_eq!(site.booked(&flight).await, 1);
    // Who leaves makes room for who comes, in one save.
    let fields = [
        ("passengers-remove", &*alice.id.to_string()),
        ("passengers", "Bob Baker"),
        ("_continue", "1"),
    ];
    let swapped = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(
        swapped.all("#passengers tbody td:first-child"),
        [format!("Bob Baker (#{})", bob.id)]
    );
}

#[rocket::async_test]
async fn flights_are_chosen_in_two_panes_without_scripts() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let gru = site.airport("GRU,São Paulo").await;
    let first = site.flight(&jfk, &cdg).await;
    let second = site.flight(&cdg, &gru).await;
    for _ in 0..60 {
        site.flight(&jfk, &cdg).await;
    }
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&first, &alice).await;
    let mut staff = site.staff().await;
    let path = format!("/admin/passengers/{}/change/", alice.id);
    let form = staff.get(&path).await;
    assert_eq!(form.all("#flights-chosen li"), [first.to_string()]);
    assert_eq!(form.count("#flights-candidates li"), 50, "not all 61");
    // Searching is a round trip that saves nothing and loses nothing.
    let fields = [("first", "Alicia"), ("flights-search", "sao paulo"), ("_search", "1")];
    let found = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(found.all("#flights-candidates li"), [second.to_string()]);
    assert_eq!(found.attribute("#first", "value"), "Alicia");
    assert_eq!(found.all("#flights-chosen li"), [first.to_string()]);
    // Another search keeps what was ticked.
    let fields = [
        ("flights", &*second.id.to_string()),
        ("flights", &*first.id.to_string()),
        ("flights-search", "paris"),
        ("_search", "1"),
    ];
    let ticked = staff.submit(&found, "form.edit", &fields).await;
    assert_eq!(ticked.all("#flights-chosen li"), [first.to_string(), second.to_string()]);
    // A booking that somebody else makes meanwhile is not undone by this form.
    let third = site.flight(&gru, &jfk).await;
    site.book(&third, &alice).await;
    let fields = [("-flights", ""), ("flights", &*second.id.to_string()), ("_continue", "1")];
    let saved = staff.submit(&ticked, "form.edit", &fields).await;
    assert_eq!(saved.all("#flights-chosen li"), [second.to_string(), third.to_string()]);
    assert_eq!(saved.attribute("#first", "value"), "Alicia");
}

#[rocket::async_test]
async fn a_stale_save_is_refused_with_both_versions_and_nothing_is_lost() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut one = site.staff().await;
    let id = site.superuser("rival", "unusable").await;
    let mut two = site.session_of(id).await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    let form_one = one.get(&path).await;
    let form_two = two.get(&path).await;
    two.submit(&form_two, "form.edit", &[("duration", "222"), ("_save", "1")]).await;
    let stale = one
        .submit(&form_one, "form.edit", &[("duration", "333"), ("capacity", "9"), ("_save", "1")])
        .await;
    assert_eq!(stale.status.code, 409);
    assert_eq!(stale.one("#problems h2"), "Not saved: rival changed this meanwhile");
    assert_eq!(stale.all("#problems tbody th"), ["Duration", "Seats"]);
    assert_eq!(stale.all("#problems tbody td"), ["222", "333", "", "9"]);
    assert_eq!(stale.attribute("#duration", "value"), "333");
    assert_eq!(stale.attribute("#capacity", "value"), "9");
    let mut conn = site.pool.conn().await.unwrap();
    assert_eq!(flights::find(&mut conn, flight.id).await.unwrap().unwrap().duration, 222);
    drop(conn);
    // Having looked, he may put his in its place.
    let saved = one.submit(&stale, "form.edit", &[("_continue", "1")]).await;
    assert_eq!((saved.status.code, saved.attribute("#duration", "value").as_str()), (200, "333"));
    // What was deleted meanwhile cannot be saved.
    let confirm = two.get(&format!("/admin/flights/{}/delete/", flight.id)).await;
    two.submit(&confirm, "main form", &[]).await;
    assert_eq!(one.submit(&saved, "form.edit", &[("_save", "1")]).await.status.code, 404);
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
    staff.submit(&form, "form.edit", &[("timezone", "Asia/Tokyo"), ("_save", "1")]).await;
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/?on=2030-01-01").await.one("#count"), "No flights");
    assert_eq!(visitor.get("/?on=2030-01-02").await.one("#count"), "1 flight");
}

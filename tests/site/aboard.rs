//! Who is aboard, in the staff's forms: passengers as rows of a flight, flights in two panes of a
//! passenger. Without scripts.

use crate::support::Site;

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

/// What was there when the form was made is remembered through a round trip, however many there were.
#[rocket::async_test]
async fn a_flight_is_taken_out_after_a_search_too() {
    let site = Site::fresh().await;
    let (a, b) = site.two_airports().await;
    let alice = site.passenger("Alice", "Adams").await;
    let [one, two] = [site.flight(&a, &b).await, site.flight(&b, &a).await];
    site.book(&one, &alice).await;
    site.book(&two, &alice).await;
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/passengers/{}/change/", alice.id)).await;
    let found =
        staff.submit(&form, "form.edit", &[("flights-search", "paris"), ("_search", "1")]).await;
    let id = one.id.to_string();
    let saved = staff
        .submit(&found, "form.edit", &[("-flights", ""), ("flights", &*id), ("_continue", "1")])
        .await;
    assert_eq!(saved.all("#flights-chosen li"), [one.to_string()]);
    assert_eq!((site.booked(&one).await, site.booked(&two).await), (1, 0));
}

#[rocket::async_test]
async fn sixty_rows_come_back_as_sixty_rows() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/flights/add/").await;
    let names: Vec<String> = (0..60).map(|number| format!("Nobody {number}")).collect();
    let mut fields: Vec<(&'static str, &str)> =
        names.iter().map(|name| ("passengers", name.as_str())).collect();
    fields.push(("_save", "1"));
    let again = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(again.count("input[name=passengers]"), 61);
}

#[rocket::async_test]
async fn a_name_that_is_none_means_nobody() {
    let site = Site::fresh().await;
    site.two_airports().await;
    site.passenger("Alice", "Adams").await;
    let mut staff = site.staff().await;
    for name in ["Al\0ice Adams", "\0", "\u{301}", "%", "_"] {
        let form = staff.get("/admin/flights/add/").await;
        let fields = [
            ("origin", "JFK"),
            ("destination", "CDG"),
            ("duration", "5"),
            ("passengers", name),
            ("_save", "1"),
        ];
        let again = staff.submit(&form, "form.edit", &fields).await;
        assert_eq!(again.status.code, 422, "{name:?}");
        assert!(again.one("#passengers-errors").starts_with("There is no passenger"), "{name:?}");
    }
}

#[rocket::async_test]
async fn a_whole_name_is_found_among_many_that_hold_its_words() {
    let site = Site::fresh().await;
    site.two_airports().await;
    for number in 0..60 {
        site.passenger("Zed", &format!("Aaz{number:02}")).await;
    }
    let zed = site.passenger("Zed A", "Z").await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/flights/add/").await;
    let fields = [
        ("origin", "JFK"),
        ("destination", "CDG"),
        ("duration", "5"),
        ("passengers", "Zed A Z"),
        ("_continue", "1"),
    ];
    let saved = staff.submit(&form, "form.edit", &fields).await;
    assert_eq!(saved.all("#passengers tbody td:first-child"), [format!("Zed A Z (#{})", zed.id)]);
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
        format!("Which one? Enter Kim Lee (#{}) or Kim Lee (#{}).", one.id, two.id)
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

//! Booking.

use airline::domain::flights::Flight;
use futures::future::join_all;

use crate::support::{Browser, Page, Site};

async fn wish(visitor: &mut Browser<'_>, flight: &Flight, passenger: &str) -> Page {
    let token = visitor.token().await;
    let pairs = [("csrf".to_owned(), token), ("passenger".to_owned(), passenger.to_owned())];
    visitor.post(&format!("/{}/book", flight.id), &pairs).await
}

#[rocket::async_test]
async fn a_passenger_is_booked_once_however_often_one_asks() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut visitor = site.browser();
    let page = visitor.get(&format!("/{}", flight.id)).await;
    let booked = visitor.submit(&page, "#book", &[("passenger", &alice.id.to_string())]).await;
    assert_eq!(booked.messages(), ["Alice Adams is booked on this flight."]);
    assert_eq!(booked.all("#passengers li"), ["Alice Adams"]);

    let again = wish(&mut visitor, &flight, &alice.id.to_string()).await;
    assert_eq!(
        again.messages(),
        ["Alice Adams was booked on this flight already; nothing was changed."]
    );
    assert_eq!(site.booked(&flight).await, 1);
    // Said once.
    assert!(visitor.get("/").await.messages().is_empty());
}

#[rocket::async_test]
async fn the_three_errors_of_the_demo_are_proper_answers() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut visitor = site.browser();
    let nothing = wish(&mut visitor, &flight, "").await;
    assert_eq!(
        (nothing.status.code, nothing.one("#booking-error").as_str()),
        (422, "No selection.")
    );
    for unknown in
        ["abc", "-1", "0", "99999999999999999999", "1 OR 1=1", &(alice.id + 1).to_string()]
    {
        let page = wish(&mut visitor, &flight, unknown).await;
        assert_eq!(
            (page.status.code, page.one("#booking-error").as_str()),
            (404, "No passenger."),
            "{unknown}"
        );
    }
    let gone = Flight { id: flight.id + 1, ..flight.clone() };
    for passenger in [alice.id.to_string(), String::new()] {
        let page = wish(&mut visitor, &gone, &passenger).await;
        assert_eq!((page.status.code, page.one("h1").as_str()), (404, "No flight."));
        assert_eq!(page.one("main a"), "Return to flights.");
    }
    assert_eq!(site.booked(&flight).await, 0);
}

#[rocket::async_test]
async fn invalid_full_and_departed_flights_are_refused_with_a_reason() {
    let site = Site::fresh().await;
    let (a, b) = site.two_airports().await;
    let alice = site.passenger("Alice", "Adams").await;
    let now = site.clock.now();
    let invalid = site.flight(&a, &a).await;
    let full = site.flight_with(&a, &b, |flight| flight.capacity = Some(0)).await;
    let departed = site.flight_with(&a, &b, |flight| flight.departs_at = Some(now)).await;
    let mut visitor = site.browser();
    for (flight, why) in [(invalid, "not valid"), (full, "full"), (departed, "departed")] {
        let page = wish(&mut visitor, &flight, &alice.id.to_string()).await;
        assert_eq!(page.status.code, 409, "{why}");
        assert!(page.one("#booking-error").contains(why), "{}", page.one("#booking-error"));
        assert_eq!(page.count("#book"), 0, "{why}: no form where nobody can be booked");
        assert_eq!(site.booked(&flight).await, 0);
    }
}

/// Twelve at once want two seats.
#[rocket::async_test(flavor = "multi_thread")]
async fn there_is_never_one_seat_too_many() {
    let site = Site::fresh().await;
    let (a, b) = site.two_airports().await;
    let flight = site.flight_with(&a, &b, |flight| flight.capacity = Some(2)).await;
    let mut passengers = Vec::new();
    for number in 0..12 {
        passengers.push(site.passenger("Wants", &format!("Seat {number}")).await);
    }
    let answers = join_all(passengers.iter().map(async |passenger| {
        let mut visitor = site.browser();
        wish(&mut visitor, &flight, &passenger.id.to_string()).await.status.code
    }))
    .await;
    assert_eq!(site.booked(&flight).await, 2);
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 2, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 10, "{answers:?}");
}

/// The same wish from ten browsers at once makes one booking.
#[rocket::async_test(flavor = "multi_thread")]
async fn one_wish_from_many_browsers_is_one_booking() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let answers = join_all((0..10).map(async |_| {
        let mut visitor = site.browser();
        wish(&mut visitor, &flight, &alice.id.to_string()).await.status.code
    }))
    .await;
    assert_eq!(answers, [200; 10]);
    assert_eq!(site.booked(&flight).await, 1);
}

#[rocket::async_test]
async fn the_choice_stays_small_and_is_searched_without_scripts() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    for number in 0..30 {
        site.passenger(&format!("Number{number}"), "Many").await;
    }
    let zoe = site.passenger("Zoë", "Zimmer").await;
    let mut visitor = site.browser();
    let page = visitor.get(&format!("/{}", flight.id)).await;
    assert_eq!(page.count("input[name=passenger]"), 10);
    let found = visitor.get(&format!("/{}?q=zoe", flight.id)).await;
    assert_eq!(found.all("#candidates label"), [format!("Zoë Zimmer #{}", zoe.id)]);
    let fragment = visitor.get(&format!("/{}/passengers?q=zoe", flight.id)).await;
    assert_eq!(fragment.all("#candidates label"), found.all("#candidates label"));
    assert_eq!(fragment.header("Cache-Control"), Some("no-store"));
    // A refused wish keeps the search.
    let refused = visitor.submit(&found, "#book", &[]).await;
    assert_eq!(refused.status.code, 422);
    assert_eq!(refused.attribute("#book input[name=q]", "value"), "zoe");
    assert_eq!(refused.count("input[name=passenger]"), 1);
}

#[rocket::async_test]
async fn without_public_booking_visitors_see_counts_and_staff_book() {
    let site = Site::with(|settings| settings.public_booking = false).await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let bob = site.passenger("Bob", "Baker").await;
    site.book(&flight, &alice).await;
    let mut visitor = site.browser();
    let page = visitor.get(&format!("/{}", flight.id)).await;
    assert!(!page.text.contains("Alice") && !page.text.contains("Bob"), "{}", page.text);
    assert!(page.text.contains("1 passenger is booked."));
    assert_eq!(visitor.get(&format!("/{}/passengers?q=bob", flight.id)).await.status.code, 403);
    assert_eq!(wish(&mut visitor, &flight, &bob.id.to_string()).await.status.code, 403);
    assert_eq!(site.booked(&flight).await, 1);

    let mut staff = site.staff().await;
    let page = staff.get(&format!("/{}", flight.id)).await;
    assert_eq!(page.all("#passengers li"), ["Alice Adams"]);
    staff.submit(&page, "#book", &[("passenger", &bob.id.to_string())]).await;
    assert_eq!(site.booked(&flight).await, 2);
}

#[rocket::async_test]
async fn a_booking_remembers_when_and_by_whom() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut staff = site.staff().await;
    wish(&mut staff, &flight, &alice.id.to_string()).await;
    let mut conn = site.pool.conn().await.unwrap();
    let booking = &airline::domain::bookings::of_flight(&mut conn, flight.id).await.unwrap()[0];
    assert_eq!(booking.booked_by, "boss");
    assert_eq!(booking.booked_at, site.clock.now());
}

/// A passenger's form holds the passenger and then wants the flight; a visitor's booking holds the
/// flight and then refers to the passenger. Neither may wait for the other for ever.
#[rocket::async_test(flavor = "multi_thread")]
async fn forms_and_bookings_at_once_do_not_block_each_other() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut staff = site.staff().await;
    for round in 0..8 {
        let form = staff.get(&format!("/admin/passengers/{}/change/", alice.id)).await;
        let first = format!("Alice{round}");
        let (id, alice_id) = (flight.id.to_string(), alice.id.to_string());
        let fields = [("-flights", ""), ("first", &*first), ("flights", &*id), ("_continue", "1")];
        let mut visitor = site.browser();
        let (saved, booked) = futures::join!(
            staff.submit(&form, "form.edit", &fields),
            wish(&mut visitor, &flight, &alice_id)
        );
        assert_eq!((saved.status.code, booked.status.code), (200, 200), "{round}");
        assert_eq!(site.booked(&flight).await, 1);
        let out = staff.submit(&saved, "form.edit", &[("-flights", ""), ("_continue", "1")]).await;
        assert_eq!(out.count("#flights-chosen li"), 0);
    }
}

/// Somebody holds on to what others wait for: they are told, and nothing hangs.
#[rocket::async_test(flavor = "multi_thread")]
async fn who_waits_for_a_lock_is_told_so_in_time() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut visitor = site.browser();
    let page = visitor.get(&format!("/{}", flight.id)).await;
    let mut held = site.set().await;
    airline::domain::flights::lock(&mut held, flight.id).await.unwrap();
    let begin = std::time::Instant::now();
    let id = alice.id.to_string();
    let refused = visitor.submit(&page, "#book", &[("passenger", &id)]).await;
    assert_eq!((refused.status.code, refused.count("#why")), (503, 1));
    assert!(begin.elapsed().as_secs() < 9, "after {:?}", begin.elapsed());
    drop(held);
    let booked = visitor.submit(&page, "#book", &[("passenger", &id)]).await;
    assert_eq!(booked.status.code, 200);
    assert_eq!(site.booked(&flight).await, 1);
}

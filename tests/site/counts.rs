//! The counts of bookings and free seats beside each flight: whatever changes bookings, flights or
//! passengers, they say what a count of the rows would say. (Every story that ends with a dump looks, too.)

use airline::changes::ChangeSet;
use airline::data::{Silent, dump};
use airline::domain::flights::Flight;
use airline::domain::{bookings, passengers};
use std::io::Cursor;

use crate::support::{Site, assert_counts_are_right};

async fn kept(site: &Site, flight: &Flight) -> i64 {
    assert_counts_are_right(&site.pool).await;
    let mut db = site.pool.conn().await.unwrap();
    bookings::kept_count(&mut db, flight.id).await.unwrap()
}

async fn cancel_first(set: &mut ChangeSet, flight: &Flight) {
    let there = bookings::of_flight(set, flight.id).await.unwrap();
    bookings::cancel(set, &there[0]).await.unwrap();
}

#[rocket::async_test]
async fn counts_follow_every_change() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let small = site.flight_with(&jfk, &cdg, |flight| flight.capacity = Some(3)).await;
    let open = site.flight(&cdg, &jfk).await;
    assert_eq!((kept(&site, &small).await, kept(&site, &open).await), (0, 0));
    let alice = site.passenger("Alice", "Adams").await;
    let bob = site.passenger("Bob", "Brown").await;
    for flight in [&small, &open] {
        site.book(flight, &alice).await;
    }
    site.book(&small, &bob).await;
    assert_eq!((kept(&site, &small).await, kept(&site, &open).await), (2, 1));

    // What is not committed is not counted.
    let mut set = site.set().await;
    cancel_first(&mut set, &small).await;
    drop(set);
    assert_eq!(kept(&site, &small).await, 2);
    let mut set = site.set().await;
    let part = set.begin_part().await.unwrap();
    cancel_first(&mut set, &small).await;
    set.take_part_back(part).await.unwrap();
    cancel_first(&mut set, &open).await;
    set.commit().await.unwrap();
    assert_eq!((kept(&site, &small).await, kept(&site, &open).await), (2, 0));
    site.book(&open, &alice).await;

    // Seats come, go and end.
    let mut staff = site.staff().await;
    for seats in ["2", "", "7"] {
        let form = staff.get(&format!("/admin/flights/{}/change/", small.id)).await;
        let saved = staff.submit(&form, "form.edit", &[("capacity", seats), ("_save", "1")]).await;
        assert_eq!(saved.status.code, 200);
        assert_eq!(kept(&site, &small).await, 2, "{seats} seats");
    }

    // A passenger goes, and the bookings too; so does an airport with all its flights. Both come back.
    let mut set = site.set().await;
    passengers::delete(&mut set, bob.id).await.unwrap();
    set.commit().await.unwrap();
    assert_eq!(kept(&site, &small).await, 1);
    let confirm = staff.get(&format!("/admin/airports/{}/delete/", jfk.id)).await;
    assert_eq!(kept(&site, &small).await, 1, "a preview changes nothing");
    let done = staff.submit(&confirm, "main form", &[]).await;
    assert_eq!((kept(&site, &small).await, kept(&site, &open).await), (0, 0));
    let undo = staff.get(&done.attribute("#messages a.undo", "href")).await;
    staff.submit(&undo, "main form", &[]).await;
    assert_eq!((kept(&site, &small).await, kept(&site, &open).await), (1, 1));

    // A dump does not hold them, and whoever loads it has them.
    let copy = Site::fresh().await;
    let text = site.dump().await;
    assert!(!text.contains("flight_bookings"));
    let mut tx = copy.pool.begin().await.unwrap();
    dump::load(&mut tx, "dump", Cursor::new(&text), &mut Silent).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!((kept(&copy, &small).await, kept(&copy, &open).await), (1, 1));
}

/// An earlier release, or somebody with the database's password, knows nothing of the counts.
#[rocket::async_test]
async fn counts_are_kept_whoever_writes() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let first = site.flight_with(&jfk, &cdg, |flight| flight.capacity = Some(3)).await;
    let second = site.flight(&cdg, &jfk).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&first, &alice).await;
    let (one, two) = (first.id, second.id);
    for (text, counts) in [
        (format!("UPDATE bookings SET flight_id = {two} WHERE flight_id = {one}"), (0, 1)),
        (format!("UPDATE flights SET capacity = 1 WHERE id = {two}"), (0, 1)),
        (format!("DELETE FROM bookings WHERE flight_id = {two}"), (0, 0)),
        (format!("DELETE FROM flights WHERE id = {one}"), (0, 0)),
    ] {
        site.database.run(&text).await;
        assert_eq!((kept(&site, &first).await, kept(&site, &second).await), counts, "{text}");
    }
}

#[rocket::async_test]
async fn staff_filter_and_sort_by_what_is_kept() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let full = site.flight_with(&jfk, &cdg, |flight| flight.capacity = Some(1)).await;
    let roomy = site.flight_with(&jfk, &cdg, |flight| flight.capacity = Some(9)).await;
    let open = site.flight(&cdg, &jfk).await;
    let people = [site.passenger("Alice", "Adams").await, site.passenger("Bob", "Brown").await];
    site.book(&full, &people[0]).await;
    for passenger in &people {
        site.book(&roomy, passenger).await;
    }
    let mut staff = site.staff().await;
    for (query, found) in [
        ("sort=booked", vec![&open, &full, &roomy]),
        ("sort=-booked", vec![&roomy, &full, &open]),
        ("q=booked%3E0", vec![&full, &roomy]),
        ("q=is:full", vec![&full]),
        ("q=-is:full", vec![&roomy, &open]),
        ("q=is:empty", vec![&open]),
        ("q=free:7", vec![&roomy]),
        ("q=free%3C1", vec![&full]),
        ("q=free:none", vec![&open]),
    ] {
        let page = staff.get(&format!("/admin/flights/?{query}")).await;
        let ids: Vec<_> = found.iter().map(|flight| flight.id.to_string()).collect();
        assert_eq!(page.all("td[data-title=Number]"), ids, "{query}");
    }
}

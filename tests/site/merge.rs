//! Two save the same object: what only one touched merges, and where both did, somebody chooses.

use airline::auth::{Rights, users};
use airline::domain::flights::{self, Flight};

use crate::support::{Browser, Page, Site};

struct Two<'s> {
    one: Browser<'s>,
    two: Browser<'s>,
}

async fn two(site: &Site) -> Two<'_> {
    let one = site.staff().await;
    let id = site.superuser("rival", "unusable").await;
    Two { one, two: site.session_of(id).await }
}

async fn stored(site: &Site, flight: &Flight) -> Flight {
    flights::find(&mut site.pool.conn().await.unwrap(), flight.id).await.unwrap().unwrap()
}

/// Both open a form; the second saves first, then the first saves: what that leads to.
async fn race(
    two: &mut Two<'_>,
    path: &str,
    first: &[(&str, &str)],
    second: &[(&str, &str)],
) -> Page {
    let (form_one, form_two) = (two.one.get(path).await, two.two.get(path).await);
    let saved = two.two.submit(&form_two, "form.edit", &[second, &[("_save", "1")]].concat()).await;
    assert_eq!(saved.status.code, 200);
    two.one.submit(&form_one, "form.edit", &[first, &[("_save", "1")]].concat()).await
}

#[rocket::async_test]
async fn what_only_one_side_touched_merges_by_itself() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut two = two(&site).await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    let saved = race(&mut two, &path, &[("duration", "222")], &[("capacity", "9")]).await;
    assert_eq!(saved.status.code, 200);
    assert_eq!(saved.messages()[0], "What rival changed meanwhile was kept: Seats.");
    let now = stored(&site, &flight).await;
    assert_eq!((now.duration, now.capacity), (222, Some(9)));
    // The same on both sides is no clash.
    let same = race(&mut two, &path, &[("duration", "333")], &[("duration", "333")]).await;
    assert_eq!(same.status.code, 200);
    assert_eq!(stored(&site, &flight).await.duration, 333);
}

#[rocket::async_test]
async fn where_both_touched_the_same_somebody_chooses_and_nothing_typed_is_lost() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut two = two(&site).await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    let mine =
        [("duration", "333"), ("capacity", "7"), ("destination", "JFK"), ("reason", "the wind")];
    let theirs = [("duration", "222"), ("departs", "2031-01-01T10:00")];
    let stale = race(&mut two, &path, &mine, &theirs).await;
    assert_eq!(stale.status.code, 409);
    assert_eq!(stale.one("#problems h2"), "Not saved: rival changed the same meanwhile");
    assert_eq!(stale.all(".clash legend"), ["Duration: whose is kept?"]);
    assert_eq!(stale.all(".clash b"), ["222", "333"]);
    assert_eq!(stale.one(".clash .old"), "100");
    assert_eq!(stale.count(".clash [checked]"), 0, "nothing is chosen for him");
    let typed = |page: &Page| {
        ["#duration", "#capacity", "#destination", "#departs"]
            .map(|field| page.attribute(field, "value"))
    };
    assert_eq!(typed(&stale), ["333", "7", "JFK", "2031-01-01T10:00"]);
    assert_eq!(stale.attribute("[name=reason]", "value"), "the wind");
    assert_eq!(stored(&site, &flight).await.duration, 222);
    // Without a choice it is asked again, and nothing is lost.
    let asked = two.one.submit(&stale, "form.edit", &[("_save", "1")]).await;
    assert_eq!(asked.status.code, 422);
    assert_eq!(asked.one("#duration-errors"), "Both of you changed this: choose whose is kept.");
    assert_eq!(asked.all(".clash b"), ["222", "333"]);
    assert_eq!(typed(&asked), ["333", "7", "JFK", "2031-01-01T10:00"]);
    // The merged save is checked again: it goes from New York to New York.
    let wrong =
        two.one.submit(&asked, "form.edit", &[("keep-duration", "theirs"), ("_save", "1")]).await;
    assert_eq!(wrong.status.code, 422);
    assert!(wrong.one("#destination-errors").contains("somewhere else"));
    let fields = [("destination", "CDG"), ("_save", "1")];
    let saved = two.one.submit(&wrong, "form.edit", &fields).await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    let now = stored(&site, &flight).await;
    assert_eq!((now.duration, now.capacity, now.departs_at.is_some()), (222, Some(7), true));
    // Or mine; and while I chose, a third save came: it merges with that one, too.
    let stale = race(&mut two, &path, &[("duration", "11")], &[("duration", "12")]).await;
    let form = two.two.get(&path).await;
    two.two.submit(&form, "form.edit", &[("capacity", "70"), ("_save", "1")]).await;
    let saved =
        two.one.submit(&stale, "form.edit", &[("keep-duration", "yours"), ("_save", "1")]).await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    let now = stored(&site, &flight).await;
    assert_eq!((now.duration, now.capacity), (11, Some(70)));
}

#[rocket::async_test]
async fn rows_and_choosers_merge_too() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let bob = site.passenger("Bob", "Brown").await;
    let cleo = site.passenger("Cleo", "Clark").await;
    site.book(&flight, &alice).await;
    let mut two = two(&site).await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    // One takes Alice out and adds Bob; the other adds Cleo and changes the duration.
    let saved = race(
        &mut two,
        &path,
        &[("passengers-remove", &alice.id.to_string()), ("passengers", &format!("#{}", bob.id))],
        &[("passengers", &format!("#{}", cleo.id)), ("duration", "77")],
    )
    .await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    assert_eq!(stored(&site, &flight).await.duration, 77);
    let form = two.one.get(&path).await;
    let aboard = [format!("Bob Brown (#{})", bob.id), format!("Cleo Clark (#{})", cleo.id)];
    assert_eq!(form.all("#passengers tbody td:first-child"), aboard);
    // The same from the passenger's side, where both also change his name.
    let path = format!("/admin/passengers/{}/change/", bob.id);
    let saved =
        race(&mut two, &path, &[("first", "Rob")], &[("-flights", ""), ("last", "Braun")]).await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    let form = two.one.get(&path).await;
    assert_eq!(form.attribute("#first", "value"), "Rob");
    assert_eq!(form.attribute("#last", "value"), "Braun");
    assert_eq!(form.count("#flights-chosen input"), 0);
}

#[rocket::async_test]
async fn rights_merge_one_by_one_and_switches_are_told_in_words() {
    let site = Site::fresh().await;
    let id = site.user("clerk", "", |draft| draft.rights = Rights::parse("book export")).await;
    let mut two = two(&site).await;
    let path = format!("/admin/users/{id}/change/");
    // One gives import and takes export; the other gives see_names.
    let saved = race(
        &mut two,
        &path,
        &[("rights", "book"), ("rights", "import")],
        &[("rights", "book"), ("rights", "export"), ("rights", "see_names")],
    )
    .await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    let user = users::find(&mut site.pool.conn().await.unwrap(), id).await.unwrap().unwrap();
    assert_eq!(user.rights, Rights::parse("book import see_names"));
    let _ = race(&mut two, &path, &[("-is_active", "")], &[("email", "a@b.example")]).await;
    let user = users::find(&mut site.pool.conn().await.unwrap(), id).await.unwrap().unwrap();
    assert_eq!((user.is_active, user.email.as_str()), (false, "a@b.example"));
}

/// What was deleted meanwhile is not saved, and what was typed is not lost.
#[rocket::async_test]
async fn what_is_gone_can_be_made_anew() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut two = two(&site).await;
    let form = two.one.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    let confirm = two.two.get(&format!("/admin/flights/{}/delete/", flight.id)).await;
    two.two.submit(&confirm, "main form", &[]).await;
    let gone = two.one.submit(&form, "form.edit", &[("duration", "444"), ("_save", "1")]).await;
    assert_eq!(gone.status.code, 409);
    assert_eq!(gone.one("#problems h2"), "Not saved: somebody deleted this flight meanwhile");
    assert_eq!(gone.attribute("#duration", "value"), "444");
    let anew = two.one.submit(&gone, "form.edit", &[("_continue", "1")]).await;
    assert_eq!((anew.status.code, anew.attribute("#duration", "value").as_str()), (200, "444"));
}

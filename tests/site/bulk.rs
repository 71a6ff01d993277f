//! Acts on many: what is ticked or matches, first as a preview under a seal, then for real, and back.

use airline::domain::flights;
use airline::domain::flights::Flight;

use crate::support::{Browser, Page, Site};

async fn flights(site: &Site, count: usize) -> Vec<Flight> {
    let (jfk, cdg) = site.two_airports().await;
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(site.flight(&jfk, &cdg).await);
    }
    made
}

/// Ticks rows of a list and asks for an act.
async fn ask(staff: &mut Browser<'_>, list: &str, ids: &[i64], action: &str) -> Page {
    let page = staff.get(list).await;
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let mut fields: Vec<(&str, &str)> = ids.iter().map(|id| ("id", id.as_str())).collect();
    fields.push(("action", action));
    staff.submit(&page, "#bulk", &fields).await
}

async fn durations(site: &Site) -> Vec<i64> {
    let all = flights::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    all.iter().map(|flight| flight.duration).collect()
}

#[rocket::async_test]
async fn ticked_rows_are_deleted_after_a_preview() {
    let site = Site::fresh().await;
    let made = flights(&site, 4).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&made[1], &alice).await;
    let mut staff = site.staff().await;
    let preview = ask(
        &mut staff,
        "/admin/flights/?q=paris&sort=-number",
        &[made[0].id, made[1].id],
        "delete",
    )
    .await;
    assert_eq!(preview.one("h1"), "Delete 2 flights?");
    assert_eq!(
        preview.all(".falls h2"),
        ["1 booking will be deleted", "2 flights will be deleted"]
    );
    assert_eq!(durations(&site).await.len(), 4, "looking changes nothing");
    let done = staff.submit(&preview, "main form", &[("reason", "winter")]).await;
    assert_eq!(done.messages(), ["2 flights were deleted."]);
    assert_eq!(done.path, "/admin/flights/?q=paris&sort=-number", "filters stay");
    assert_eq!(done.all("td[data-title=Number]"), [made[3].id.to_string(), made[2].id.to_string()]);
    // It is one change set, with one undo.
    let undo = staff.get(&done.attribute("#messages a.undo", "href")).await;
    staff.submit(&undo, "main form", &[]).await;
    assert_eq!(durations(&site).await.len(), 4);
    assert_eq!(site.booked(&made[1]).await, 1);
    let nothing = ask(&mut staff, "/admin/flights/", &[], "delete").await;
    assert_eq!(nothing.messages(), ["Tick at least one row."]);
}

#[rocket::async_test]
async fn fields_are_set_on_many_and_what_cannot_be_is_told() {
    let site = Site::fresh().await;
    let made = flights(&site, 3).await;
    let people = [site.passenger("Alice", "Adams").await, site.passenger("Bob", "Brown").await];
    for passenger in &people {
        site.book(&made[1], passenger).await;
    }
    let mut staff = site.staff().await;
    let ids: Vec<i64> = made.iter().map(|flight| flight.id).collect();
    let asked = ask(&mut staff, "/admin/flights/", &ids, "edit").await;
    assert_eq!(asked.one("h1"), "Edit 3 flights");
    assert_eq!(asked.count(".setting"), 5, "passengers are not set on many");
    let again = staff.submit(&asked, "main form", &[("duration", "120")]).await;
    assert_eq!(again.status.code, 422);
    assert_eq!(again.one("[role=alert] h2"), "Tick at least one field to set.");
    assert_eq!(again.attribute("#duration", "value"), "120", "nothing typed is lost");
    let fields = [("set", "duration"), ("duration", "120"), ("set", "capacity"), ("capacity", "1")];
    let preview = staff.submit(&again, "main form", &fields).await;
    assert_eq!(preview.all(".falls h2"), ["2 flights will change"]);
    assert_eq!(preview.all(".falls li:first-child .change"), ["Duration 100 → 120", "Seats → 1"]);
    let refused = preview.one(".refusals li");
    assert!(refused.starts_with(&made[1].to_string()), "{refused}");
    assert!(
        refused.ends_with(
            "Seats: 2 passengers are booked: give at least 2 seats, or none for no limit."
        ),
        "{refused}"
    );
    let done = staff.submit(&preview, "main form", &[]).await;
    assert_eq!(done.messages(), ["2 flights were changed."]);
    assert_eq!(durations(&site).await, [120, 100, 120]);
    // Airports are checked as in their own form; a flight to where it comes from is left out.
    let asked = ask(&mut staff, "/admin/flights/", &ids, "edit").await;
    let preview = staff.submit(&asked, "main form", &[("set", "origin"), ("origin", "CDG")]).await;
    assert_eq!(preview.count(".refusals li"), 3);
    assert_eq!(preview.all("main form button"), ["Other values"], "nothing would be done");
    let asked = staff.submit(&preview, "main form", &[("again", "1")]).await;
    assert_eq!(asked.count(".setting input[value=origin][checked]"), 1);
    assert_eq!(asked.attribute("#origin", "value"), "CDG");
    // What cannot be set on many is no field of the form.
    let forged =
        staff.submit(&asked, "main form", &[("set", "passengers"), ("passengers", "x")]).await;
    assert_eq!(forged.status.code, 400);
}

/// All that match are exactly those that matched when one looked.
#[rocket::async_test]
async fn all_that_match_are_exactly_those() {
    let site = Site::fresh().await;
    let made = flights(&site, 130).await;
    let other = site.airport("OSL,Oslo,Norway,Europe/Oslo").await;
    let jfk = site.airport("LHR,London,UK,Europe/London").await;
    let apart = site.flight(&jfk, &other).await;
    let mut staff = site.staff().await;
    let list = staff.get("/admin/flights/?q=to:paris&size=25").await;
    let asked = staff.submit(&list, "#bulk", &[("all", "1"), ("action", "edit")]).await;
    assert_eq!(asked.one("h1"), "Edit 130 flights");
    let preview =
        staff.submit(&asked, "main form", &[("set", "duration"), ("duration", "77")]).await;
    assert_eq!(preview.all(".falls h2"), ["130 flights will change"]);
    assert_eq!(preview.one(".falls li:last-child"), "and 30 more");
    // One that matches by now was not seen, and is not touched; those that were seen are.
    let mut set = site.set().await;
    let late = flights::insert(
        &mut set,
        flights::Draft {
            origin: jfk.clone(),
            destination: airline::domain::airports::find(
                &mut site.pool.conn().await.unwrap(),
                made[0].destination_id,
            )
            .await
            .unwrap()
            .unwrap(),
            duration: 5,
            departs_at: None,
            capacity: None,
        },
    )
    .await
    .unwrap();
    set.commit().await.unwrap();
    let done = staff.submit(&preview, "main form", &[]).await;
    assert_eq!(done.messages(), ["130 flights were changed."]);
    let all = flights::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    assert_eq!(all.iter().filter(|flight| flight.duration == 77).count(), 130);
    assert!(all.iter().any(|flight| flight.id == late.id && flight.duration == 5));
    assert!(all.iter().any(|flight| flight.id == apart.id && flight.duration == 100));
    // A search that is not understood matches nothing.
    let forged = staff
        .submit(&list, "#bulk", &[("all", "1"), ("-q", ""), ("q", "form:x"), ("action", "delete")])
        .await;
    assert!(forged.messages()[0].contains("Did you mean “from:”?"));
}

/// Two browsers: what one saw is not what the other left.
#[rocket::async_test]
async fn a_set_that_changed_meanwhile_is_shown_again_with_the_difference() {
    let site = Site::fresh().await;
    let made = flights(&site, 3).await;
    let mut one = site.staff().await;
    let id = site.superuser("other", "").await;
    let mut two = site.session_of(id).await;
    let ids: Vec<i64> = made.iter().map(|flight| flight.id).collect();
    let preview = ask(&mut one, "/admin/flights/", &ids, "delete").await;
    // The other changes one, and deletes one; somebody books the third.
    let form = two.get(&format!("/admin/flights/{}/change/", ids[0])).await;
    two.submit(&form, "form.edit", &[("duration", "55"), ("_save", "1")]).await;
    let confirm = two.get(&format!("/admin/flights/{}/delete/", ids[1])).await;
    two.submit(&confirm, "main form", &[]).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&made[2], &alice).await;
    let answer = one.submit(&preview, "main form", &[]).await;
    assert_eq!(answer.status.code, 409);
    let told = answer.all("[role=alert] li");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("Alice Adams on") && told[0].ends_with("has come into it."));
    assert_eq!(told[1], format!("{} is otherwise now.", made[0]));
    assert_eq!(told[2], format!("{} is otherwise now.", made[1]));
    assert_eq!(answer.one(".refusals li"), format!("{}: It is gone.", made[1]));
    assert_eq!(durations(&site).await.len(), 2, "nothing was done");
    // Confirmed once more, it is done.
    let done = one.submit(&answer, "main form", &[]).await;
    assert_eq!(done.messages(), ["2 flights were deleted."]);
    assert_eq!(durations(&site).await, [0_i64; 0]);
}

/// The page that deletes one object is sealed as well.
#[rocket::async_test]
async fn a_deletion_takes_nothing_that_was_not_seen() {
    let site = Site::fresh().await;
    let made = flights(&site, 1).await;
    let mut staff = site.staff().await;
    let confirm = staff.get(&format!("/admin/airports/{}/delete/", made[0].origin_id)).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&made[0], &alice).await;
    let answer = staff.submit(&confirm, "main form", &[]).await;
    assert_eq!(answer.status.code, 409);
    assert_eq!(
        answer.all("[role=alert] li"),
        [format!("Alice Adams on {} has come into it.", made[0])]
    );
    assert_eq!(site.booked(&made[0]).await, 1);
    let done = staff.submit(&answer, "main form", &[]).await;
    assert_eq!(done.messages(), ["The airport was deleted: New York (JFK)"]);
    assert_eq!(durations(&site).await.len(), 0);
}

#[rocket::async_test]
async fn acts_on_many_need_their_rights() {
    let site = Site::fresh().await;
    let made = flights(&site, 2).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&made[1], &alice).await;
    let mut viewer = site.staff_with("viewer", "view_flights").await;
    assert_eq!(viewer.get("/admin/flights/").await.count("#bulk, .tick-cell"), 0);
    let mut changer = site.staff_with("changer", "change_flights").await;
    let page = changer.get("/admin/flights/").await;
    assert_eq!(page.all("#bulk button"), ["Edit…"]);
    let forged = changer
        .submit(&page, "#bulk", &[("id", &made[0].id.to_string()), ("action", "delete")])
        .await;
    assert_eq!(forged.status.code, 403);
    // Who may not see them is told none by acting on them.
    let mut blind = site.staff_with("blind", "delete_users view_flights").await;
    let token = blind.token().await;
    let pairs = [("csrf", &*token), ("action", "delete"), ("all", "1"), ("q", "name:boss")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(blind.post("/admin/users/bulk/", &pairs).await.status.code, 403);
    // What falls with it needs its right, too: such a flight is left out, with the reason.
    let mut deleter = site.staff_with("deleter", "delete_flights view_flights").await;
    let preview = ask(&mut deleter, "/admin/flights/", &[made[0].id, made[1].id], "delete").await;
    assert_eq!(preview.all(".falls h2"), ["1 flight will be deleted"]);
    assert!(preview.one(".refusals li").contains("Book passengers"));
    let done = deleter.submit(&preview, "main form", &[]).await;
    assert_eq!(done.messages(), ["1 flight was deleted."]);
    // Nobody gives on many accounts what he could not give on one.
    let id = site.superuser("chief", "").await;
    let plain = site.user("plain", "", |_| {}).await;
    let mut manager =
        site.staff_with("manager", "view_users change_users manage_users view_groups").await;
    let asked = ask(&mut manager, "/admin/users/", &[id, plain], "edit").await;
    let preview = manager.submit(&asked, "main form", &[("set", "is_active")]).await;
    assert_eq!(preview.all(".falls h2"), ["1 user will change"]);
    assert_eq!(preview.all(".refusals li"), ["chief: Only a superuser changes a superuser."]);
    let forged = manager
        .submit(&asked, "main form", &[("set", "is_superuser"), ("is_superuser", "1")])
        .await;
    assert_eq!(forged.status.code, 400);
}

/// Missing rights and sets that are too large are found before anything is deleted.
#[rocket::async_test]
async fn what_cannot_be_deleted_costs_no_deletion() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let many = format!(
        "INSERT INTO flights (origin_id, destination_id, duration, departs_on, version)
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000)
         SELECT {}, {}, 60, '', 1 FROM n",
        flight.origin_id, flight.destination_id
    );
    site.database.run(&many).await;
    let path = format!("/admin/airports/{}/delete/", flight.origin_id);
    let bulk = |token: String| {
        [("csrf", token), ("action", "delete".to_owned()), ("id", flight.origin_id.to_string())]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec()
    };
    for rights in
        ["view_airports delete_airports", "view_airports delete_airports delete_flights book"]
    {
        let name = format!("clerk{}", rights.len());
        let mut clerk = site.staff_with(&name, rights).await;
        let token = clerk.token().await;
        let before = site.pool_statements();
        let page = clerk.get(&path).await;
        assert_eq!((page.status.code, page.count("button.danger")), (200, 0));
        assert!(page.count("main .refused li") > 0);
        let refused = clerk.post(&path, &bulk(token.clone())).await;
        assert_eq!(refused.status.code, 403);
        let refused = clerk.post("/admin/airports/bulk/", &bulk(token)).await;
        assert_eq!((refused.status.code, refused.count("button.danger")), (200, 0));
        let statements = site.pool_statements() - before;
        assert!(statements < 100, "{statements} statements");
    }
    assert_eq!(site.booked(&flight).await, 1);
}

/// A time zone that would change more flights than one request may is refused where it was typed, before any
/// flight is touched.
#[rocket::async_test]
async fn what_would_change_too_much_along_with_it_is_refused() {
    let site = Site::fresh().await;
    let (from, to) = site.two_airports().await;
    let many = format!(
        "INSERT INTO flights (origin_id, destination_id, duration, departs_at, departs_on, version)
         WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20001)
         SELECT {}, {}, 60, 1900000000, '', 1 FROM n",
        from.id, to.id
    );
    site.database.run(&many).await;
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/airports/{}/change/", from.id)).await;
    let before = site.pool_statements();
    let refused = staff.submit(&form, "main form", &[("timezone", "Asia/Tokyo")]).await;
    assert_eq!((refused.status.code, refused.count("#timezone-errors li")), (422, 1));
    assert_eq!(refused.attribute("#timezone", "value"), "Asia/Tokyo");
    let asked = ask(&mut staff, "/admin/airports/", &[from.id, to.id], "edit").await;
    let preview =
        staff.submit(&asked, "main form", &[("set", "timezone"), ("timezone", "Asia/Tokyo")]).await;
    assert_eq!(preview.all(".refusals li").len(), 1);
    let statements = site.pool_statements() - before;
    assert!(statements < 200, "{statements} statements");
    // What does not move its flights is saved.
    let saved = staff.submit(&form, "main form", &[("city", "Gotham")]).await;
    assert_eq!(saved.status.code, 200);
    assert_eq!(saved.count(".errors li"), 0);
}

/// Everything that a kind's deletion takes along is declared, and nothing else.
#[rocket::async_test]
async fn what_depends_on_a_kind_is_what_its_deletion_takes() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    site.superuser("boss", "unusable").await;
    let user = site.user("member", "", |_| {}).await;
    let group = site.group("Desk", "", &[user]).await;
    let objects = [
        ("airports", flight.origin_id),
        ("flights", flight.id),
        ("passengers", alice.id),
        ("users", user),
        ("groups", group),
    ];
    let registry = airline::staff::KINDS;
    for kind in registry.kinds.iter().filter(|kind| !kind.model().read_only) {
        let slug = kind.model().slug;
        let (_, id) = objects.iter().find(|(known, _)| *known == slug).unwrap();
        let mut set = site.set().await;
        kind.delete(&mut set, *id).await.unwrap();
        let mut taken: Vec<&str> = set.remembered().map(|change| change.kind).collect();
        taken.retain(|taken| *taken != slug);
        let declared = registry.dependents.iter().filter(|dependent| dependent.of == slug);
        let mut declared: Vec<&str> = declared.map(|dependent| dependent.kind).collect();
        taken.sort_unstable();
        declared.sort_unstable();
        assert_eq!(taken, declared, "{slug}");
    }
}

//! Saved views; editing in the list's row; the way from one object to the next; saving as new.

use airline::auth::Rights;
use airline::domain::flights::{self, Flight};

use crate::support::Site;

async fn stored(site: &Site, id: i64) -> Flight {
    flights::find(&mut site.pool.conn().await.unwrap(), id).await.unwrap().unwrap()
}

#[rocket::async_test]
async fn a_list_is_kept_under_a_name_pinned_and_shared_with_a_group() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    site.flight(&jfk, &cdg).await;
    site.flight(&cdg, &jfk).await;
    let member = site.user("member", "", |_| {}).await;
    let agents = site.group("Agents", "view_flights", &[member]).await;
    let stranger = site.staff_with("stranger", "view_flights").await;
    let mut boss = site.staff().await;
    let list = boss.get("/admin/flights/?q=from:jfk&sort=-duration&show=number,origin&size=25&after=%5B1,2%5D&at=3").await;
    let there = list.attribute(".bar a.end", "href");
    assert!(
        !there.contains("after") && !there.contains("at="),
        "a view is not about a page: {there}"
    );
    let form = boss.get(&there).await;
    assert_eq!(form.one("main p code"), "from:jfk");
    let again = boss.submit(&form, "form.edit", &[("name", " ")]).await;
    assert_eq!((again.status.code, again.one("#name-errors")), (422, "This is needed.".to_owned()));
    let fields = [("name", "From New York"), ("group", &*agents.to_string())];
    let list = boss.submit(&again, "form.edit", &fields).await;
    assert_eq!(list.messages(), ["The view was saved: From New York"]);
    let here = "/admin/flights/?q=from%3Ajfk&sort=-duration&show=number%2Corigin&size=25";
    assert_eq!(list.path, here);
    assert_eq!(list.one(".views [aria-current]"), "From New York");
    // It is pinned, with a live count.
    assert_eq!(list.attribute(".pinned a", "href"), here);
    let count = list.attribute(".pinned .badge", "hx-get");
    assert_eq!(boss.get(&count).await.text.trim(), "1");
    site.flight(&jfk, &cdg).await;
    assert_eq!(boss.get(&count).await.text.trim(), "2");
    // The group's people see it, as far as they may see the list; nobody else does, by its number either.
    let mut member = site.session_of(member).await;
    let page = member.get("/admin/views/").await;
    assert_eq!(page.all("tbody td[data-title=Name]"), ["From New York"]);
    assert_eq!(page.all("tbody td[data-title=Now]"), ["2"]);
    assert_eq!(page.all("tbody td[data-title=Whose]"), ["boss"]);
    assert_eq!(page.count(".row-edit a"), 0);
    assert_eq!(member.get(&count).await.status.code, 200);
    let edit = count.replace("count", "edit");
    assert_eq!(member.get(&edit).await.status.code, 403);
    let mut stranger = stranger;
    assert_eq!(stranger.get("/admin/views/").await.count("tbody tr"), 0);
    assert_eq!(stranger.get(&count).await.status.code, 404);
    assert_eq!(stranger.get(&edit).await.status.code, 404);
    // One shares with one's own groups only, and keeps views of lists that one may view.
    let form = stranger.get("/admin/views/add/?list=flights").await;
    assert_eq!(form.count("option"), 1);
    let forged =
        stranger.submit(&form, "form.edit", &[("name", "x"), ("group", &agents.to_string())]).await;
    assert_eq!(forged.status.code, 403);
    assert_eq!(stranger.get("/admin/views/add/?list=users").await.status.code, 403);
    // A name is taken once by each; the view can be renamed, unpinned, made private, removed.
    let form = boss.get("/admin/views/add/?list=airports").await;
    let again = boss.submit(&form, "form.edit", &[("name", "From New York")]).await;
    assert_eq!(again.one("#name-errors"), "You already have a view with this name.");
    let form = boss.get(&edit).await;
    let fields = [("name", "Home"), ("group", ""), ("-pinned", "")];
    let list = boss.submit(&form, "form.edit", &fields).await;
    assert_eq!((list.path.as_str(), list.count(".pinned")), (here, 0));
    assert_eq!(member.get("/admin/views/").await.count("tbody tr"), 0);
    let form = boss.get(&edit).await;
    let gone = boss.submit(&form, "main form:last-child", &[]).await;
    assert_eq!(gone.messages(), ["The view “Home” was removed."]);
    assert_eq!(boss.get(&edit).await.status.code, 404);
    // The log has views, too.
    let log = boss.get("/admin/log/?q=who:boss").await;
    let form = boss.get(&log.attribute(".bar a.end", "href")).await;
    let log = boss.submit(&form, "form.edit", &[("name", "What I did")]).await;
    assert_eq!(log.path, "/admin/log/?q=who%3Aboss");
    // A dump carries them along; and they go with their account.
    let form = member.get("/admin/views/add/?list=flights&q=is:valid").await;
    member.submit(&form, "form.edit", &[("name", "Mine")]).await;
    assert!(site.dump().await.contains("\"saved_views\""));
}

/// A view that a deleted group shared is its owner's alone, until the group returns.
#[rocket::async_test]
async fn a_group_that_returns_shares_its_views_again() {
    let site = Site::fresh().await;
    let member = site.user("member", "", |_| {}).await;
    let agents = site.group("Agents", "view_flights", &[member]).await;
    let mut boss = site.staff().await;
    let form = boss.get("/admin/views/add/?list=flights&q=minutes%3E5").await;
    let fields = [("name", "Longer ones"), ("group", &*agents.to_string())];
    boss.submit(&form, "form.edit", &fields).await;
    let mut member = site.session_of(member).await;
    assert_eq!(member.get("/admin/views/").await.all("td[data-title=Name]"), ["Longer ones"]);
    let confirm = boss.get(&format!("/admin/groups/{agents}/delete/")).await;
    let list = boss.submit(&confirm, "main form", &[]).await;
    let views = boss.get("/admin/views/").await;
    assert_eq!(views.all("td[data-title=Name]"), ["Longer ones"]);
    let undo = boss.get(&list.attribute("#messages a.undo", "href")).await;
    let done = boss.submit(&undo, "main form", &[]).await;
    assert_eq!(done.messages(), ["Undone: 2 changes."]);
    assert_eq!(member.get("/admin/views/").await.all("td[data-title=Name]"), ["Longer ones"]);
    // An undo is undone, too.
    let again = boss.get(&done.attribute("#messages a.undo", "href")).await;
    assert_eq!(boss.submit(&again, "main form", &[]).await.messages(), ["Undone: 2 changes."]);
    assert_eq!(member.get("/admin/views/").await.count("td[data-title=Name]"), 0);
}

/// Whoever left the group that sees a view changes the view's name without taking it from the group.
#[rocket::async_test]
async fn a_view_stays_shared_when_its_owner_leaves_the_group() {
    let site = Site::fresh().await;
    let owner = site.user("owner", "", |draft| draft.rights = Rights::parse("view_flights")).await;
    let agents = site.group("Agents", "view_flights", &[owner]).await;
    let mut browser = site.session_of(owner).await;
    let form = browser.get("/admin/views/add/?list=flights").await;
    let fields = [("name", "All"), ("group", &*agents.to_string())];
    browser.submit(&form, "form.edit", &fields).await;
    site.database.run("DELETE FROM memberships").await;
    let views = browser.get("/admin/views/").await;
    let form = browser.get(&views.attribute(".row-edit a", "href")).await;
    browser.submit(&form, "form.edit", &[("name", "Every one")]).await;
    let views = browser.get("/admin/views/").await;
    assert_eq!(views.all("td[data-title=Name]"), ["Every one"]);
    let form = browser.get(&views.attribute(".row-edit a", "href")).await;
    assert_eq!(form.all("#group option[selected]"), ["Agents"]);
}

#[rocket::async_test]
async fn a_row_is_edited_where_it_stands() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let flight = site.flight(&jfk, &cdg).await;
    site.flight(&cdg, &jfk).await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    let list = staff.get("/admin/flights/?q=from:jfk").await;
    let edit = list.attribute(".row-edit a", "href");
    let list = staff.get(&format!("/admin/flights/{}", edit.split('#').next().unwrap())).await;
    assert_eq!(list.count("tbody tr"), 1);
    assert_eq!(list.attribute("tbody #origin", "value"), "New York (JFK)");
    let form = format!("edit-{}", flight.id);
    assert_eq!(list.attribute("tbody #duration", "form"), form);
    let fields = [("duration", "77"), ("capacity", "5")];
    let saved = staff.submit(&list, &format!("#{form}"), &fields).await;
    assert_eq!(saved.path, format!("/admin/flights/?q=from%3Ajfk#row-{}", flight.id));
    let now = stored(&site, flight.id).await;
    assert_eq!((now.duration, now.capacity, now.origin_id), (77, Some(5), flight.origin_id));
    assert_eq!(site.booked(&flight).await, 1);
    // What is wrong leads to the form, and nothing typed is lost.
    let wrong =
        staff.submit(&list, &format!("#{form}"), &[("duration", "-1"), ("capacity", "5")]).await;
    assert_eq!(wrong.status.code, 409, "the row is stale by now, too: {}", wrong.text);
    let fresh = staff.get(&format!("/admin/flights/{}", edit.split('#').next().unwrap())).await;
    let wrong =
        staff.submit(&fresh, &format!("#{form}"), &[("duration", "-1"), ("capacity", "5")]).await;
    assert_eq!(wrong.status.code, 422);
    assert_eq!(wrong.attribute("#duration", "value"), "-1");
    assert_eq!(wrong.attribute("#origin", "value"), "New York (JFK)");
    // Somebody else's change of what the row does not touch stays.
    let form_page = staff.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    staff.submit(&form_page, "form.edit", &[("departs", "2031-01-01T10:00"), ("_save", "1")]).await;
    let fields = [("duration", "88"), ("capacity", "5")];
    let saved = staff.submit(&fresh, &format!("#{form}"), &fields).await;
    assert_eq!(saved.status.code, 200, "{}", saved.text);
    let now = stored(&site, flight.id).await;
    assert_eq!((now.duration, now.departs_at.is_some()), (88, true));
    // Parts that he may not change are no hindrance; and what a link says is no fact.
    let mut namer = site.staff_with("namer", "change_passengers").await;
    let page = namer.get(&format!("/admin/passengers/?edit={}", alice.id)).await;
    let saved = namer.submit(&page, &format!("#edit-{}", alice.id), &[("first", "Ali")]).await;
    assert_eq!(saved.messages()[0], "The passenger was changed: Ali Adams");
    assert_eq!(site.booked(&flight).await, 1);
    let mut looker = site.staff_with("looker", "view_airports").await;
    let page = looker.get(&format!("/admin/airports/{}/change/?base=x&city=Gotham", jfk.id)).await;
    assert!(page.all(".told p").contains(&"New York".to_owned()), "{}", page.text);
    // Who may only look has no such link, and no such route.
    let mut viewer = site.staff_with("viewer", "view_flights").await;
    let page = viewer.get(&format!("/admin/flights/?edit={}", flight.id)).await;
    assert_eq!(page.count(".row-edit, tbody input"), 0);
}

#[rocket::async_test]
async fn one_goes_from_object_to_object_within_the_list() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let mut out = Vec::new();
    for duration in [30, 10, 20, 40] {
        out.push(site.flight_with(&jfk, &cdg, |flight| flight.duration = duration).await.id);
        site.flight(&cdg, &jfk).await;
    }
    let mut staff = site.staff().await;
    let list = staff.get("/admin/flights/?q=from:jfk+minutes%3C40&sort=-duration").await;
    let mut page = staff.get(&list.attribute("tbody a.row", "href")).await;
    let mut walked = Vec::new();
    loop {
        walked.push(page.attribute("#duration", "value"));
        if page.count(".links a[rel=next]") == 0 {
            break;
        }
        page = staff.get(&page.attribute(".links a[rel=next]", "href")).await;
    }
    assert_eq!(walked, ["30", "20", "10"]);
    page = staff.get(&page.attribute(".links a[rel=prev]", "href")).await;
    assert_eq!(page.attribute("#duration", "value"), "20");
    // And back to the list as it was.
    let back = staff.submit(&page, "form.edit", &[("_save", "1")]).await;
    assert!(back.path.contains("sort=-duration") && back.path.contains("from"), "{}", back.path);
}

#[rocket::async_test]
async fn saving_as_new_makes_another_one_like_it() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    let bob = site.passenger("Bob", "Brown").await;
    for passenger in [&alice, &bob] {
        site.book(&flight, passenger).await;
    }
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    let fields =
        [("duration", "55"), ("passengers-remove", &*alice.id.to_string()), ("_saveasnew", "1")];
    let done = staff.submit(&form, "form.edit", &fields).await;
    assert!(done.messages()[0].contains("The flight was added:"), "{}", done.text);
    let all = flights::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    assert_eq!(all.iter().map(|flight| flight.duration).collect::<Vec<_>>(), [100, 55]);
    assert_eq!(site.booked(&flight).await, 2);
    assert_eq!(site.booked(&all[1]).await, 1);
    // From the passenger's side: on the same flights.
    let form = staff.get(&format!("/admin/passengers/{}/change/", bob.id)).await;
    staff.submit(&form, "form.edit", &[("first", "Bert"), ("_saveasnew", "1")]).await;
    assert_eq!(site.booked(&flight).await, 3);
    // It needs the right to add.
    let mut changer = site.staff_with("changer", "change_flights").await;
    let form = changer.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    assert_eq!(form.count("[name=_saveasnew]"), 0);
    let forged = changer.submit(&form, "form.edit", &[("_saveasnew", "1")]).await;
    assert_eq!(forged.status.code, 403);
    // Who may not book makes one like it, with nobody aboard.
    let mut planner = site.staff_with("planner", "change_flights add_flights").await;
    let form = planner.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    let done = planner.submit(&form, "form.edit", &[("_saveasnew", "1")]).await;
    assert!(done.messages()[0].contains("The flight was added:"), "{}", done.text);
}

#[rocket::async_test]
async fn views_are_few_and_their_searches_short() {
    let site = Site::fresh().await;
    let mut clerk_at = site.staff_with("clerk", "view_airports").await;
    let form = clerk_at.get("/admin/views/add/?list=airports&q=paris").await;
    for number in 0..50 {
        let name = format!("View {number}");
        let pinned = if number < 10 { ("pinned", "1") } else { ("-pinned", "") };
        let saved = clerk_at.submit(&form, "form.edit", &[("name", &name), pinned]).await;
        assert_eq!(saved.path, "/admin/airports/?q=paris", "{number}");
    }
    let refused = clerk_at.submit(&form, "form.edit", &[("name", "One more")]).await;
    assert_eq!((refused.status.code, refused.count("#name-errors")), (422, 1));
    assert_eq!(refused.attribute("#name", "value"), "One more");
    // An eleventh is not pinned, also where it is changed.
    let views = clerk_at.get("/admin/views/").await;
    assert_eq!(views.count("tbody tr"), 50);
    let other = views.attribute("a[aria-label='Change View 49']", "href");
    let edit = clerk_at.get(&other).await;
    let refused = clerk_at.submit(&edit, "form.edit", &[("pinned", "1")]).await;
    assert_eq!((refused.status.code, refused.count("#name-errors")), (422, 1));
    // A superuser removes anybody's; others do not.
    let remove = format!("{}remove/", other.trim_end_matches("edit/"));
    let mut colleague = site.staff_with("colleague", "view_airports").await;
    let token = [("csrf".to_owned(), colleague.token().await)];
    assert_eq!(colleague.post(&remove, &token).await.status.code, 404);
    let mut boss = site.staff().await;
    let all = boss.get("/admin/views/").await;
    let removed = boss.submit(&all, &format!("form[action='{remove}']"), &[]).await;
    assert_eq!((removed.status.code, removed.count("tbody tr")), (200, 49));
    // A search that is too long is not kept; one that was kept before says so.
    let long = "a+".repeat(31);
    let refused = clerk_at.get(&format!("/admin/views/add/?list=airports&q={long}")).await;
    assert_eq!(refused.status.code, 400);
    site.database.run(&format!("UPDATE saved_views SET query = 'q={long}'")).await;
    let views = clerk_at.get("/admin/views/").await;
    assert_eq!((views.status.code, &*views.all("tbody td[data-title=Now]")[0]), (200, "?"));
    let list = clerk_at.get(&format!("/admin/airports/?q={long}")).await;
    assert_eq!((list.status.code, list.count("#mistakes"), list.count("tbody tr")), (200, 1, 0));
}

/// What is typed costs no more than its length, everywhere a search arrives.
#[rocket::async_test]
async fn a_search_that_is_too_long_is_refused_before_it_costs_anything() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let mut boss = site.staff().await;
    let thirty = format!("q={}", "-zzz+".repeat(30));
    assert!(boss.get(&format!("/admin/airports/?{thirty}")).await.count("tbody tr") > 0);
    for words in ["a+".repeat(31), "a".repeat(501), "a+".repeat(8_000)] {
        let letters = words.len();
        for path in ["/admin/log/?q=", "/admin/flights/?filters=1&q=", "/admin/flights/?from="] {
            let page = boss.get(&format!("{path}{words}")).await;
            assert_eq!((page.status.code, page.count("#mistakes")), (200, 1), "{path}");
            assert_eq!(page.count("tbody tr"), 0);
            // What was typed is still there, and no link leads away from it to another list.
            assert!(page.attribute("#q", "value").contains(words.replace('+', " ").trim()));
            assert_eq!((page.count(".bar"), page.count(".filters")), (0, 0));
            assert!(page.text.len() < letters * 4 + 100_000, "{path}: {} bytes", page.text.len());
        }
        let list = boss.get("/admin/flights/").await;
        let token = boss.token().await;
        let typed = words.replace('+', " ");
        let fields: Vec<(String, String)> =
            [("csrf", &*token), ("all", "1"), ("q", &*typed), ("action", "delete")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec();
        assert_eq!(list.count("tbody tr"), 1);
        boss.post("/admin/flights/bulk/", &fields).await;
        assert_eq!(boss.get("/admin/flights/").await.count("tbody tr"), 1);
        assert_eq!(boss.get(&format!("/admin/flights/export/?q={words}")).await.status.code, 400);
        let page = site.browser().get(&format!("/?from={words}")).await;
        assert_eq!((page.status.code, page.count("#search-mistake")), (200, 1));
        assert!(page.text.len() < letters * 14 + 30_000, "{} bytes", page.text.len());
        let path = format!("/{}?q={words}", flight.id);
        let page = site.browser().get(&path).await;
        assert_eq!((page.status.code, page.count("#candidates .search-problem")), (200, 1));
        let path = format!("/admin/flights/candidates/?name=flights&flights-search={words}");
        let page = boss.get(&path).await;
        assert_eq!((page.status.code, page.count(".search-problem")), (200, 1));
        let suggested = boss.get(&format!("/admin/airports/suggestions/?name=x&x={words}")).await;
        assert_eq!((suggested.status.code, suggested.count("option")), (200, 0));
    }
}

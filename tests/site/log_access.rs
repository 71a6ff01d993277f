//! Who sees which change sets: every page of the log keeps to one rule.

use airline::auth::{Act, Need, Rights, groups, log_access, users};
use airline::changes;

use crate::support::Site;

/// The change sets that every page of the log shows are the same: those whose changes are all of kinds that one
/// may view. One set of each kind, and somebody for each right that shows some.
#[rocket::async_test]
async fn every_page_of_the_log_shows_the_same_change_sets() {
    const RIGHTS: [&str; 8] = [
        "",
        "view_airports",
        "view_flights",
        "view_passengers",
        "see_names",
        "view_users",
        "view_groups",
        "manage_users",
    ];
    /// How many actions the start page shows.
    const RECENT: usize = 15;
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let member = site.user("member", "", |_| {}).await;
    let desk = site.group("Desk", "", &[]).await;
    let mut set = site.set().await;
    let member = users::find(&mut set, member).await.unwrap().unwrap();
    let desk = groups::find(&mut set, desk).await.unwrap().unwrap();
    groups::join(&mut set, &member, &desk).await.unwrap();
    set.commit().await.unwrap();
    let mut set = site.set().await;
    set.remark("Bob was on board".to_owned(), None, "{}".to_owned()).unwrap();
    set.commit().await.unwrap();
    let mut askers = Vec::new();
    for rights in RIGHTS {
        let browser = site.staff_with(&format!("with-{rights}"), &format!("export {rights}")).await;
        askers.push((rights, browser));
    }
    let last = changes::recent(&mut site.pool.conn().await.unwrap(), 1).await.unwrap()[0].id;
    // Newest first, as the log shows them.
    let mut sets = Vec::new();
    for id in (1..=last).rev() {
        let mut conn = site.pool.conn().await.unwrap();
        sets.push((id.to_string(), changes::kinds_of(&mut conn, id).await.unwrap()));
    }
    let mut kinds: Vec<_> = sets.iter().flat_map(|(_, kinds)| kinds.clone()).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), log_access::KINDS.len(), "{kinds:?}");

    let mut ever_seen = Vec::new();
    for (rights, browser) in &mut askers {
        let held = Rights::parse(rights);
        let may_see = |kind: &String| match Need::to(Act::View, kind) {
            Need::Right(right) => held.has(right),
            Need::Staff | Need::Superuser => false,
        };
        let seen: Vec<String> = sets
            .iter()
            .filter(|(_, kinds)| kinds.iter().all(may_see))
            .map(|(id, _)| id.clone())
            .collect();
        assert_eq!(seen.is_empty(), rights.is_empty(), "{rights}: {seen:?}");
        // The list, a search that finds each set, and the file.
        for path in ["/admin/log/", "/admin/log/?q=test"] {
            assert_eq!(browser.get(path).await.all("tbody a.row"), seen, "{rights}: {path}");
        }
        let file = browser.get("/admin/log/export/").await.text;
        let exported: Vec<_> =
            file.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(exported, seen, "{rights}");
        // The filter of each kind, and a saved view with its count.
        for (kind, ..) in log_access::KINDS {
            let page = browser.get(&format!("/admin/log/?kind={kind}")).await;
            let of_kind: Vec<_> = sets
                .iter()
                .filter(|(id, kinds)| seen.contains(id) && kinds.iter().any(|known| known == kind))
                .map(|(id, _)| id.clone())
                .collect();
            assert_eq!(page.all("tbody a.row"), of_kind, "{rights}: {kind}");
        }
        let form = browser.get("/admin/views/add/?list=log&q=test").await;
        browser.submit(&form, "form.edit", &[("name", "All of it")]).await;
        let views = browser.get("/admin/views/").await;
        assert_eq!(views.all("td[data-title=Now]"), [seen.len().to_string()], "{rights}");
        // The start page, and the page of each set.
        let start = browser.get("/admin/").await;
        assert_eq!(start.count(".recent li"), seen.len().min(RECENT), "{rights}");
        for (id, _) in &sets {
            let expected = if seen.contains(id) { 200 } else { 403 };
            for path in [format!("/admin/log/{id}/"), format!("/admin/log/{id}/undo/")] {
                let status = browser.get(&path).await.status.code;
                assert_eq!(status, expected, "{rights}: {path}");
            }
        }
        ever_seen.extend(seen);
    }
    assert!(sets.iter().all(|(id, _)| ever_seen.contains(id)), "each set is seen by somebody");
}

//! Who may do what: every route for every kind of asker, reasons for refusals, and nobody who gives
//! himself more than he has.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use airline::auth::{Right, Rights, groups, users};
use airline::changes::ChangeSet;
use airline::db::{Kind, Select};
use rocket::http::Method;

use crate::guards::{filled, mounted};
use crate::support::{Browser, Site, source};

/// What one asker gets from one route, told shortly: a status, or where he is sent.
async fn told(browser: &mut Browser<'_>, token: &str, method: Method, path: &str) -> String {
    let page = if method == Method::Get {
        browser.get_only(path).await
    } else {
        let form = [("csrf".to_owned(), token.to_owned())];
        browser.post_only(path, &form, &[]).await
    };
    match page.header("Location") {
        Some(there) if there.starts_with("/admin/login/") && page.status.code == 303 => {
            "login".to_owned()
        }
        _ => page.status.code.to_string(),
    }
}

/// The matrix of every mounted route and every kind of asker, as a snapshot: a new route, or one that
/// answers otherwise, shows here and is looked at before it is kept. With `AIRLINE_SNAPSHOT=write` the
/// file is written anew.
#[rocket::async_test]
async fn every_route_for_every_asker() {
    let site = Site::with(|settings| settings.public_booking = false).await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let boss = site.superuser("boss", "unusable").await;
    let target = site.user("target", "", |_| {}).await;
    let group = site.group("Nobody’s", "", &[]).await;
    let inactive = site.user("inactive", "", |draft| draft.is_superuser = true).await;
    let mut askers = vec![("anonymous".to_owned(), site.browser())];
    askers.push(("inactive".to_owned(), site.session_of(inactive).await));
    let guest = site.user("guest", "", |draft| draft.is_staff = false).await;
    askers.push(("no staff".to_owned(), site.session_of(guest).await));
    askers.push(("no right".to_owned(), site.staff_with("none", "").await));
    for right in Right::all() {
        let code = right.code();
        askers.push((code.clone(), site.staff_with(&code, &code).await));
    }
    askers.push(("superuser".to_owned(), site.session_of(boss).await));
    site.database.run(&format!("UPDATE users SET is_active = FALSE WHERE id = {inactive}")).await;

    let mut tokens = Vec::new();
    for (_, browser) in &mut askers {
        tokens.push(browser.token().await);
    }
    let objects = [
        ("airports", flight.origin_id),
        ("flights", flight.id),
        ("passengers", alice.id),
        ("users", target),
        ("groups", group),
    ];
    let mut cells: Vec<(String, Method, String)> = Vec::new();
    for (method, route) in mounted(&site) {
        if route.contains("<kind>") {
            for (kind, id) in objects {
                let path = route.replace("<kind>", kind).replace("<id>", &id.to_string());
                cells.push((route.replace("<kind>", kind), method, path));
            }
        } else {
            let id = if route.contains("/users/") { target } else { flight.id };
            cells.push((route.clone(), method, route.replace("<id>", &id.to_string())));
        }
    }
    // What takes something away comes last, and the airport with all that falls with it at the end:
    // it would change what others get.
    cells.sort_by_key(|(name, method, _)| match name.as_str() {
        "/admin/logout" => 4,
        name if name.contains("/end-") => 3,
        "/admin/airports/<id>/delete" if *method == Method::Post => 2,
        name if name.ends_with("/delete") && *method == Method::Post => 1,
        _ => 0,
    });
    let mut matrix = String::new();
    for (name, method, path) in &cells {
        let path = filled(path);
        let mut answers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for ((asker, browser), token) in askers.iter_mut().zip(&tokens) {
            let answer = told(browser, token, *method, &path).await;
            assert!(!answer.starts_with('5'), "{method} {path} for {asker}: {answer}");
            answers.entry(answer).or_default().push(asker);
        }
        writeln!(matrix, "{method} {name}").unwrap();
        // What most get is told shortly.
        let most = answers.values().map(Vec::len).max().unwrap();
        for (answer, askers) in &answers {
            let who =
                if askers.len() == most { "everybody else".to_owned() } else { askers.join(", ") };
            writeln!(matrix, "  {answer}: {who}").unwrap();
        }
    }
    let file = source().join("tests/site/rights.txt");
    if airline::config::variable("AIRLINE_SNAPSHOT").as_deref() == Some("write") {
        std::fs::write(&file, &matrix).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    for (line, (kept, now)) in kept.lines().zip(matrix.lines()).enumerate() {
        assert_eq!(now, kept, "rights.txt, line {}", line + 1);
    }
    assert_eq!(matrix.lines().count(), kept.lines().count(), "rights.txt");
}

#[rocket::async_test]
async fn a_refusal_says_what_is_missing_and_who_has_it() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    site.group("Dispatch", "change_flights delete_flights", &[]).await;
    site.group("Desk", "delete_flights book", &[]).await;
    let mut viewer = site.staff_with("viewer", "view_flights").await;
    let refused = viewer.get(&format!("/admin/flights/{}/delete/", flight.id)).await;
    assert_eq!(refused.status.code, 403);
    let why = "This needs the right “Delete flights”. The groups “Desk” and “Dispatch” have it.";
    assert_eq!(refused.one("#why"), why);
    assert_eq!(
        viewer.get("/admin/airports/").await.one("#why"),
        "This needs the right “View airports”. No group has it; somebody who manages users can \
         give it to you."
    );
    // On a page it is said beside what cannot be used.
    let page = viewer.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    assert_eq!((page.status.code, page.count("form.edit input:not([type=hidden])")), (200, 0));
    assert_eq!(page.count("button[name=_save]"), 0);
    assert_eq!(
        page.one(".message.note"),
        "This needs the right “Change flights”. The group “Dispatch” has it."
    );
    assert_eq!(page.one(".refused-act p"), why);
    assert!(page.all(".told p").contains(&"New York (JFK)".to_owned()), "{}", page.text);
    let list = viewer.get("/admin/flights/").await;
    assert_eq!(list.one(".heading .refused-act summary"), "Add flight");
    assert!(list.one(".heading .refused-act p").contains("“Add flights”"));
    // The navigation shows what he may see, and nothing else.
    assert_eq!(list.all("nav.side a"), ["Start", "Flights", "Log", "Views"]);
    let guest = site.user("guest", "", |draft| draft.is_staff = false).await;
    let page = site.session_of(guest).await.get("/admin/").await;
    assert!(page.one("#why").starts_with("This needs an account of staff"), "{}", page.text);
}

#[rocket::async_test]
async fn a_right_that_is_taken_away_is_gone_on_the_next_request() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let id = site.user("clerk", "", |_| {}).await;
    let group = site.group("Dispatch", "change_flights", &[id]).await;
    let mut clerk = site.session_of(id).await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    let page = clerk.get(&path).await;
    assert_eq!(page.count("button[name=_save].main"), 1);
    let mut set = site.set().await;
    groups::leave(&mut set, id, group).await.unwrap();
    set.commit().await.unwrap();
    let before = site.dump().await;
    let refused = clerk.submit(&page, "form.edit", &[("duration", "5"), ("_save", "1")]).await;
    assert_eq!(refused.status.code, 403);
    assert_eq!(site.dump().await, before);
    assert_eq!(clerk.get(&path).await.status.code, 403);
}

#[rocket::async_test]
async fn fields_have_rights_of_their_own() {
    let site = Site::with(|settings| settings.public_booking = false).await;
    let flight = site.any_flight().await;
    let (alice, bob) =
        (site.passenger("Alice", "Adams").await, site.passenger("Bob", "Brown").await);
    site.book(&flight, &alice).await;
    let path = format!("/admin/flights/{}/change/", flight.id);
    let mut clerk = site.staff_with("clerk", "change_flights").await;
    let page = clerk.get(&path).await;
    assert!(!page.text.contains("Alice"), "who is aboard is not for everybody");
    // What he may change is saved, and who is aboard stays aboard.
    let saved = clerk.submit(&page, "form.edit", &[("duration", "222"), ("_save", "1")]).await;
    assert_eq!(saved.status.code, 200);
    assert_eq!(site.booked(&flight).await, 1);
    // What his form did not have is refused, whole.
    let page = clerk.get(&path).await;
    let before = site.dump().await;
    for (field, value) in
        [("passengers", format!("#{}", bob.id)), ("passengers-remove", alice.id.to_string())]
    {
        let refused = clerk
            .submit(&page, "form.edit", &[("duration", "5"), ("_save", "1"), (field, &value)])
            .await;
        assert_eq!(refused.status.code, 403, "{field}");
        assert!(refused.one("#why").contains("“Book passengers”"));
    }
    assert_eq!(site.dump().await, before);
    let history = clerk.get(&format!("/admin/flights/{}/history/", flight.id)).await;
    assert!(history.text.contains("booked somebody") && !history.text.contains("Alice"));
    let mut seer = site.staff_with("seer", "view_flights see_names").await;
    let page = seer.get(&path).await;
    assert!(page.text.contains("Alice") && page.count("[name=passengers]") == 0);
    let mut booker = site.staff_with("booker", "change_flights book").await;
    let page = booker.get(&path).await;
    let number = format!("#{}", bob.id);
    let fields = [("passengers", &*number), ("_save", "1")];
    assert_eq!(booker.submit(&page, "form.edit", &fields).await.status.code, 200);
    assert_eq!(site.booked(&flight).await, 2);
    // The public page keeps to the same.
    let public = format!("/{}", flight.id);
    let page = clerk.get(&public).await;
    assert!(!page.text.contains("Alice") && page.text.contains("“Book passengers”"));
    assert_eq!(seer.get(&public).await.count("#passengers li"), 2);
    assert_eq!(seer.get(&public).await.count("#book"), 0);
    assert_eq!(booker.get(&public).await.count("#book"), 1);
}

#[rocket::async_test]
async fn deleting_needs_a_right_for_all_that_falls() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let path = format!("/admin/airports/{}/delete/", flight.origin_id);
    let mut clerk = site.staff_with("clerk", "view_airports delete_airports").await;
    let page = clerk.get(&path).await;
    assert_eq!((page.status.code, page.count("button.danger")), (200, 0));
    let whys = page.all("main .refused li");
    assert!(whys.iter().any(|why| why.contains("“Delete flights”")), "{whys:?}");
    assert!(whys.iter().any(|why| why.contains("“Book passengers”")), "{whys:?}");
    assert!(!page.text.contains("Alice"));
    let before = site.dump().await;
    assert_eq!(clerk.submit(&page, "main form", &[]).await.status.code, 403);
    assert_eq!(site.dump().await, before);
    let mut chief = site.staff_with("chief", "delete_airports delete_flights book").await;
    let page = chief.get(&path).await;
    chief.submit(&page, "main form", &[]).await;
    assert_eq!(site.booked(&flight).await, 0);
}

/// Everything that somebody who manages users could try to become more.
#[rocket::async_test]
async fn nobody_gives_what_he_lacks() {
    let site = Site::fresh().await;
    let boss = site.superuser("boss", "unusable").await;
    let id = site
        .user("manager", "", |draft| {
            draft.rights = Rights::parse(
                "add_users change_users delete_users add_groups change_groups delete_groups \
                 manage_users view_flights",
            );
        })
        .await;
    let strong = site.group("Strong", "delete_flights", &[]).await;
    let other = site.user("other", "", |draft| draft.rights = Rights::parse("import")).await;
    let weak = site.user("weak", "", |_| {}).await;
    let mut manager = site.session_of(id).await;
    let before = site.dump().await;
    let own = format!("/admin/users/{id}/change/");
    let weak_path = format!("/admin/users/{weak}/change/");
    for (path, field, value) in [
        (&own, "rights", "delete_flights"),
        (&weak_path, "rights", "delete_flights"),
        (&own, "groups", &*strong.to_string()),
        (&weak_path, "groups", &*strong.to_string()),
        (&"/admin/groups/add/".to_owned(), "rights", "export"),
        (&"/admin/users/add/".to_owned(), "rights", "export"),
    ] {
        let page = manager.get(path).await;
        let fields = [("_save", "1"), ("name", "New"), ("username", "new"), (field, value)];
        let refused = manager.submit(&page, "form.edit", &fields).await;
        assert_eq!(refused.status.code, 422, "{path} {field}");
        assert_eq!(site.dump().await, before, "{path} {field}");
    }
    // Being a superuser is not even a field of his form, and sending it all the same is refused.
    let page = manager.get(&own).await;
    assert_eq!(page.count("[name=is_superuser]"), 0);
    let fields = [("_save", "1"), ("is_superuser", "1")];
    assert_eq!(manager.submit(&page, "form.edit", &fields).await.status.code, 403);
    // Who may do more than he is not his to change, nor a group that may, nor to delete or to invite.
    let token = manager.token().await;
    for (kind, target) in [("users", boss), ("users", other), ("groups", strong)] {
        let path = format!("/admin/{kind}/{target}/change/");
        let page = manager.get(&path).await;
        assert_eq!(page.count("button[name=_save]"), 0, "{path}");
        let form: Vec<_> = [("csrf", &*token), ("version", "1"), ("username", "x"), ("name", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(manager.post(&path, &form).await.status.code, 403, "{path}");
        let path = format!("/admin/{kind}/{target}/delete/");
        assert_eq!(manager.post(&path, &form).await.status.code, 403, "{path}");
        if kind == "users" {
            let path = format!("/admin/users/{target}/invite");
            assert_eq!(manager.post(&path, &form).await.status.code, 403, "{path}");
        }
    }
    assert_eq!(site.dump().await, before);
    // What he has he gives.
    let page = manager.get(&weak_path).await;
    let fields = [("_save", "1"), ("rights", "view_flights")];
    assert_eq!(manager.submit(&page, "form.edit", &fields).await.status.code, 200);
    let weak = users::find(&mut site.pool.conn().await.unwrap(), weak).await.unwrap().unwrap();
    assert_eq!(weak.rights.to_string(), "view_flights");
    // Without the right to manage users their rights are closed, and stay.
    let mut clerk = site.staff_with("clerk", "change_users view_flights").await;
    let page = clerk.get(&weak_path).await;
    assert_eq!(page.count("[name=rights]") + page.count("[name=is_staff]"), 0);
    let fields = [("_save", "1"), ("email", "weak@example.org")];
    assert_eq!(clerk.submit(&page, "form.edit", &fields).await.status.code, 200);
    let after = users::find(&mut site.pool.conn().await.unwrap(), weak.id).await.unwrap().unwrap();
    assert_eq!(
        after,
        users::User { email: "weak@example.org".to_owned(), version: weak.version + 1, ..weak }
    );
}

#[rocket::async_test]
async fn the_last_superuser_stays() {
    let site = Site::fresh().await;
    let boss = site.superuser("boss", "unusable").await;
    let second = site.superuser("second", "unusable").await;
    let mut here = site.session_of(boss).await;
    let mut there = site.session_of(second).await;
    // Both have the other's form open; the first takes the second away, and only then is the last.
    let path = |id: i64| format!("/admin/users/{id}/change/");
    let (of_second, of_boss) = (here.get(&path(second)).await, there.get(&path(boss)).await);
    let done = here.submit(&of_second, "form.edit", &[("-is_superuser", ""), ("_save", "1")]).await;
    assert_eq!(done.status.code, 200);
    let late = there.submit(&of_boss, "form.edit", &[("-is_superuser", ""), ("_save", "1")]).await;
    assert_eq!(late.status.code, 403, "he is no superuser any more");
    for field in ["-is_superuser", "-is_active"] {
        let own = here.get(&path(boss)).await;
        let refused = here.submit(&own, "form.edit", &[(field, ""), ("_save", "1")]).await;
        assert_eq!(refused.status.code, 422, "{field}");
        assert!(refused.one(".errors li").contains("the last superuser"), "{field}");
    }
    let delete = here.get(&format!("/admin/users/{boss}/delete/")).await;
    assert!(delete.one(".refused li").contains("the last superuser"));
    assert_eq!(here.submit(&delete, "main form", &[]).await.status.code, 403);
    // One who never chose a password cannot sign in, and does not count; nor does one who is closed.
    site.superuser("ghost", "").await;
    let own = here.get(&path(boss)).await;
    let refused = here.submit(&own, "form.edit", &[("-is_superuser", ""), ("_save", "1")]).await;
    assert_eq!(refused.status.code, 422, "a ghost is no superuser");
    let third = site.superuser("third", "unusable").await;
    site.database.run(&format!("UPDATE users SET is_active = FALSE WHERE id = {third}")).await;
    let own = here.get(&path(boss)).await;
    let refused = here.submit(&own, "form.edit", &[("-is_superuser", ""), ("_save", "1")]).await;
    assert_eq!(refused.status.code, 422);
}

/// Two superusers who take each other away at the same moment: one of them stays.
#[rocket::async_test(flavor = "multi_thread")]
async fn two_superusers_cannot_take_each_other_away_at_once() {
    let site = Site::fresh().await;
    for round in 0..5 {
        site.database.run("UPDATE users SET is_active = FALSE").await;
        let one = site.superuser(&format!("one{round}"), "unusable").await;
        let two = site.superuser(&format!("two{round}"), "unusable").await;
        let mut browsers = [(site.session_of(one).await, two), (site.session_of(two).await, one)];
        let mut forms = Vec::new();
        for (browser, target) in &mut browsers {
            forms.push(browser.get(&format!("/admin/users/{target}/change/")).await);
        }
        let saves = browsers.iter_mut().zip(&forms).map(async |((browser, _), form)| {
            browser.submit(form, "form.edit", &[("-is_superuser", ""), ("_save", "1")]).await
        });
        let statuses: Vec<_> = futures::future::join_all(saves).await;
        let mut left = 0;
        for id in [one, two] {
            let user =
                users::find(&mut site.pool.conn().await.unwrap(), id).await.unwrap().unwrap();
            left += usize::from(user.is_superuser);
        }
        assert_eq!(left, 1, "{:?}", statuses.iter().map(|page| page.status).collect::<Vec<_>>());
    }
}

#[rocket::async_test]
async fn an_account_is_made_grouped_changed_and_deleted() {
    let site = Site::fresh().await;
    let mut boss = site.staff().await;
    let form = boss.get("/admin/groups/add/").await;
    let fields =
        [("name", "Dispatch"), ("rights", "change_flights"), ("rights", "book"), ("_save", "1")];
    let groups = boss.submit(&form, "form.edit", &fields).await;
    assert_eq!(groups.all("td[data-title=Name]"), ["Dispatch"]);
    let id = groups.attribute("td a", "href").replace("/admin/groups/", "").replace("/change/", "");
    let form = boss.get("/admin/users/add/").await;
    assert_eq!(form.count("[name=is_active][checked]"), 1, "active at first");
    let fields = [
        ("username", "Ána"),
        ("email", "ana@example.org"),
        ("is_staff", "1"),
        ("groups", &*id),
        ("rights", "see_names"),
        ("_save", "1"),
    ];
    let users = boss.submit(&form, "form.edit", &fields).await;
    assert_eq!(boss.get("/admin/users/?q=ana").await.all("td[data-title=Groups]"), ["Dispatch"]);
    let change = users.attribute("tr:first-child td a", "href");
    let page = boss.get(&change).await;
    assert_eq!(page.count("[name=rights][checked]"), 1);
    let twice = boss.get("/admin/users/add/").await;
    let twice = boss.submit(&twice, "form.edit", &[("username", "Ána"), ("_save", "1")]).await;
    assert!(twice.one(".errors li").contains("this name already"));
    let saved =
        boss.submit(&page, "form.edit", &[("-groups", ""), ("-rights", ""), ("_save", "1")]).await;
    assert_eq!(saved.status.code, 200);
    let history = boss.get(&change.replace("change", "history")).await.text;
    for told in ["took out Ána in Dispatch", "put Ána in Dispatch", "See passengers’ names"] {
        assert!(history.contains(told), "{told}");
    }
    let delete = boss.get(&change.replace("change", "delete")).await;
    assert_eq!(boss.submit(&delete, "main form", &[]).await.status.code, 200);
    let delete = boss.get(&format!("/admin/groups/{id}/delete/")).await;
    assert_eq!(boss.submit(&delete, "main form", &[]).await.status.code, 200);
    assert_eq!(boss.get("/admin/groups/").await.count("tbody tr"), 0);
}

/// What a form says that two had chosen between is no way around a closed field.
#[rocket::async_test]
async fn a_choice_of_a_clash_fills_in_no_closed_field() {
    let site = Site::fresh().await;
    let mut adder = site.staff_with("adder", "add_users view_users change_users book").await;
    let form = adder.get("/admin/users/add/").await;
    let forged = [
        ("username", "mole"),
        ("clash", "is_staff"),
        ("keep-is_staff", "theirs"),
        ("clash", "rights"),
        ("keep-rights", "theirs"),
        ("-base", ""),
        ("base", "is_staff=1&rights=book"),
        ("_save", "1"),
    ];
    assert_eq!(adder.submit(&form, "form.edit", &forged).await.status.code, 403);
    assert!(!site.dump().await.contains("mole"));
    let id = site.user("plain", "", |draft| draft.is_staff = false).await;
    let form = adder.get(&format!("/admin/users/{id}/change/")).await;
    assert_eq!(adder.submit(&form, "form.edit", &forged).await.status.code, 403);
}

const OWN: Select = Select::new("SELECT CAST(pg_backend_pid() AS BIGINT)");
const WAITING: Select = Select::new(
    "SELECT COUNT(*) FROM pg_stat_activity WHERE CAST($1 AS INT) = ANY(pg_blocking_pids(pid))",
);

/// Returns when somebody waits for a change set. (SQLite has one writer: who comes second waits in any case.)
async fn until_one_waits(site: &Site, set: &mut ChangeSet) {
    if site.pool.kind() == Kind::Sqlite {
        return;
    }
    let (own,): (i64,) = set.query(OWN).one().await.unwrap();
    let mut conn = site.pool.conn().await.unwrap();
    let mut waiting = 0_i64;
    let begin = std::time::Instant::now();
    while waiting == 0 {
        assert!(begin.elapsed().as_secs() < 10, "the save does not wait");
        (waiting,) = conn.query(WAITING).bind(own).one().await.unwrap();
    }
}

/// Two people give the same name at the same moment: the second gets an error at its field, and the form.
#[rocket::async_test(flavor = "multi_thread")]
async fn of_two_who_give_one_name_the_second_is_told_at_the_field() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let other = site.user("other", "", |_| {}).await;
    let agents = site.group("Agents", "", &[]).await;
    for (number, (path, field)) in [
        ("/admin/users/add/".to_owned(), "username"),
        (format!("/admin/users/{other}/change/"), "username"),
        ("/admin/groups/add/".to_owned(), "name"),
        (format!("/admin/groups/{agents}/change/"), "name"),
    ]
    .into_iter()
    .enumerate()
    {
        let form = staff.get(&path).await;
        let name = format!("twin{number}");
        let mut set = site.set().await;
        if field == "name" {
            let draft = groups::Draft {
                name: name.clone(),
                rights: Rights::default(),
                requires_factor: false,
            };
            groups::insert(&mut set, draft).await.unwrap();
        } else {
            let draft = users::Draft {
                username: name.clone(),
                email: String::new(),
                is_active: true,
                is_staff: false,
                is_superuser: false,
                rights: Rights::default(),
            };
            users::insert(&mut set, draft).await.unwrap();
        }
        let fields = [(field, &*name), ("reason", "because"), ("_save", "1")];
        let second = staff.submit(&form, "form.edit", &fields);
        let first = async {
            until_one_waits(&site, &mut set).await;
            set.commit().await.unwrap();
        };
        let (page, ()) = futures::future::join(second, first).await;
        assert_eq!((page.status.code, page.count(&format!("#{field}-errors"))), (422, 1), "{path}");
        assert_eq!(page.attribute(&format!("#{field}"), "value"), name);
        assert_eq!(page.attribute("[name=reason]", "value"), "because");
    }
}

/// A form that tells the version that another's save is about to make: what is closed to its sender is
/// read when the other has finished, and not before.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_foreseen_version_brings_back_no_closed_field() {
    let site = Site::fresh().await;
    let mut changer = site.staff_with("changer", "view_users change_users").await;
    let id = site.user("plain", "", |_| {}).await;
    let form = changer.get(&format!("/admin/users/{id}/change/")).await;
    let mut set = site.set().await;
    let before = users::lock(&mut set, id).await.unwrap().unwrap();
    assert!(before.is_staff);
    let foreseen = (before.version + 1).to_string();
    let forged = [("username", "plainer"), ("version", &*foreseen), ("_save", "1")];
    let save = changer.submit(&form, "form.edit", &forged);
    let other = async {
        until_one_waits(&site, &mut set).await;
        let users::User { username, email, is_active, is_superuser, rights, .. } = before.clone();
        let draft =
            users::Draft { username, email, is_active, is_superuser, rights, is_staff: false };
        users::update(&mut set, &before, draft).await.unwrap();
        set.commit().await.unwrap();
    };
    let (page, ()) = futures::future::join(save, other).await;
    let now = users::find(&mut site.pool.conn().await.unwrap(), id).await.unwrap().unwrap();
    assert_eq!((&*now.username, now.is_staff), ("plainer", false), "{}", page.text);
}

#[rocket::async_test]
async fn what_is_left_out_tells_nothing_either() {
    let site = Site::with(|settings| settings.public_booking = false).await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let path = format!("/admin/flights/candidates/?name=flights&of=passengers&for={}", alice.id);
    let mut none = site.staff_with("none", "view_passengers").await;
    assert_eq!(none.get(&path).await.status.code, 403);
    assert_eq!(none.get(&path.replace("&of=passengers", "")).await.status.code, 404);
    let mut booker = site.staff_with("booker", "view_passengers book").await;
    assert_eq!(booker.get(&path).await.count("li"), 0);
    // Groups have names that are not for strangers.
    site.group("Secret Falcon", "book", &[]).await;
    let page = site.browser().get(&format!("/{}/passengers", flight.id)).await;
    assert_eq!(
        (page.status.code, page.one("#why").as_str()),
        (403, "Staff do this here. Sign in, if you are.")
    );
}

#[rocket::async_test]
async fn a_group_is_closed_to_who_may_not_change_its_members() {
    let site = Site::fresh().await;
    let strong = site.user("strong", "", |draft| draft.rights = Rights::parse("export")).await;
    let group = site.group("Careful", "", &[strong]).await;
    let mut manager = site.staff_with("manager", "change_groups delete_groups manage_users").await;
    let path = format!("/admin/groups/{group}/change/");
    let page = manager.get(&path).await;
    assert_eq!(page.count("button[name=_save]"), 0);
    assert!(page.one(".message.note").contains("strong is in it"));
    let mut clerk = site.staff_with("clerk", "change_groups delete_groups").await;
    for path in [&path, &path.replace("change", "delete")] {
        let page = clerk.get(path).await;
        assert_eq!((page.status.code, page.count("button[name=_save], button.danger")), (200, 0));
        assert!(!page.text.contains("strong"), "{path}: {}", page.text);
    }
    let form = [("csrf".to_owned(), manager.token().await), ("name".to_owned(), "x".to_owned())];
    let delete = path.replace("change", "delete");
    assert_eq!(manager.post(&delete, &form).await.status.code, 403);
}

#[rocket::async_test]
async fn who_may_only_add_is_led_to_what_he_may_see() {
    let site = Site::fresh().await;
    let mut adder = site.staff_with("adder", "add_airports").await;
    assert_eq!(adder.get("/admin/").await.all(".plain a"), ["Add airport"]);
    let form = adder.get("/admin/airports/add/").await;
    let fields = [("code", "JFK"), ("city", "New York"), ("_save", "1")];
    let page = adder.submit(&form, "form.edit", &fields).await;
    assert_eq!((page.one("h1").as_str(), page.count("#messages a")), ("Staff site", 0));
    assert!(page.messages()[0].contains("The airport was added"));
}

#[rocket::async_test]
async fn an_address_that_no_mail_reaches_is_refused() {
    let site = Site::fresh().await;
    let mut boss = site.staff().await;
    for email in ["a@b@c", "a@[", "x@y..z", "a,b@c.de", "a@b>", "@b.example", "a b@c.example"] {
        let form = boss.get("/admin/users/add/").await;
        let fields = [("username", "clerk"), ("email", email), ("_save", "1")];
        let page = boss.submit(&form, "form.edit", &fields).await;
        assert_eq!(page.status.code, 422, "{email}");
    }
}

#[rocket::async_test]
async fn candidates_are_told_of_fields_that_hold_them_only() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let mut clerk = site.staff_with("clerk", "view_flights view_passengers book").await;
    let ask = |kind: &str, of: &str, id: i64, name: &str| {
        format!("/admin/{kind}/candidates/?of={of}&for={id}&name={name}")
    };
    assert_eq!(
        clerk.get(&ask("flights", "passengers", alice.id, "flights")).await.status.code,
        200
    );
    for name in ["first_name", "last_name", "nothing"] {
        let page = clerk.get(&ask("flights", "passengers", alice.id, name)).await;
        assert_eq!(page.status.code, 404, "{name}");
    }
    let page = clerk.get(&ask("passengers", "flights", flight.id, "origin")).await;
    assert_eq!(page.status.code, 404);
}

/// Staff who may delete but not view see no names.
#[rocket::async_test]
async fn a_page_that_deletes_names_nothing_that_one_may_not_view() {
    let site = Site::fresh().await;
    let alice = site.passenger("Alice", "Adams").await;
    let mut clerk = site.staff_with("clerk", "delete_passengers").await;
    let page = clerk.get(&format!("/admin/passengers/{}/delete/", alice.id)).await;
    assert_eq!(page.status.code, 200);
    assert!(!page.text.contains("Alice") && !page.text.contains("Adams"));
}

#[rocket::async_test]
async fn suggestions_of_accounts_do_not_tell_addresses() {
    let site = Site::fresh().await;
    let mut boss = site.staff().await;
    site.user("zoe", "", |draft| draft.email = "secret@example.org".to_owned()).await;
    let suggested = |words: &str| format!("/admin/users/suggestions/?name=q&q={words}");
    assert!(boss.get(&suggested("zoe")).await.text.contains("zoe"));
    assert!(!boss.get(&suggested("secret")).await.text.contains("zoe"));
}

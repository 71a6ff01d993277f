//! A form that is sent twice, by a double click or from the browser's history, makes one object.

use airline::db::Select;
use airline::domain::{flights, passengers};
use futures::future::join_all;

use crate::support::{Browser, Page, Site};

const KEYS: Select =
    Select::new("SELECT object_id, change_set_id FROM form_keys ORDER BY created_at");

async fn count(browser: &mut Browser<'_>, kind: &str) -> usize {
    browser.get(&format!("/admin/{kind}/")).await.count("tbody tr")
}

/// Sends a form twice, as it stands, and answers both pages.
async fn twice(
    browser: &mut Browser<'_>,
    form: &Page,
    fields: &[(&str, &str)],
    again: &[(&str, &str)],
) -> [Page; 2] {
    [
        browser.submit(form, "form.edit", fields).await,
        browser.submit(form, "form.edit", again).await,
    ]
}

#[track_caller]
fn assert_same_answer([first, second]: &[Page; 2]) {
    assert_eq!((first.status.code, first.messages().len()), (200, 1), "{}", first.text);
    // Who else was booked is told once.
    let about =
        |page: &Page| page.messages()[0].rsplit_once("The ").map(|(_, what)| what.to_owned());
    assert!(about(first).is_some());
    assert_eq!(about(first), about(second));
    assert_eq!((&first.path, second.status.code), (&second.path, 200));
    let links = |page: &Page| {
        let links = ["#messages a:first-of-type", "#messages .undo"];
        links.map(|link| (page.count(link) > 0).then(|| page.attribute(link, "href")))
    };
    assert_eq!(links(first), links(second));
}

#[rocket::async_test]
async fn the_same_add_form_sent_twice_makes_one_object() {
    let site = Site::fresh().await;
    site.two_airports().await;
    let mut staff = site.staff().await;
    // What is empty is unique, and gets a value below.
    let kinds: [(&str, &[(&str, &str)]); 5] = [
        ("airports", &[("code", ""), ("city", "Somewhere")]),
        ("flights", &[("origin", "JFK"), ("destination", "CDG"), ("duration", "95")]),
        ("passengers", &[("first", "Ann"), ("last", "Other")]),
        ("groups", &[("name", "")]),
        ("users", &[("username", "")]),
    ];
    for (kind, fields) in kinds {
        for (button, unique) in [("_save", "MUC"), ("_addanother", "FRA"), ("_continue", "BER")] {
            let before = count(&mut staff, kind).await;
            let form = staff.get(&format!("/admin/{kind}/add/")).await;
            let mut fields = [fields, &[(button, "1")]].concat();
            if fields[0].1.is_empty() {
                fields[0].1 = unique;
            }
            assert_same_answer(&twice(&mut staff, &form, &fields, &fields).await);
            assert_eq!(count(&mut staff, kind).await, before + 1, "{kind} {button}");
        }
    }
}

/// What differs is another object; the button that was pressed is no difference.
#[rocket::async_test]
async fn who_goes_back_and_types_something_else_makes_another_object() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/passengers/add/").await;
    let ann = [("first", "Ann"), ("last", "Other")];
    let [_, other_button] = twice(
        &mut staff,
        &form,
        &[&ann[..], &[("_save", "1")]].concat(),
        &[&ann[..], &[("_addanother", "1")]].concat(),
    )
    .await;
    assert_eq!(other_button.path, "/admin/passengers/add/");
    assert_eq!(count(&mut staff, "passengers").await, 1);
    let bob = [("first", "Bob"), ("last", "Other"), ("_save", "1")];
    assert_eq!(staff.submit(&form, "form.edit", &bob).await.status.code, 200);
    assert_eq!(count(&mut staff, "passengers").await, 2);
    // A form that was opened anew is another one.
    let form = staff.get("/admin/passengers/add/").await;
    assert_eq!(staff.submit(&form, "form.edit", &bob).await.status.code, 200);
    assert_eq!(count(&mut staff, "passengers").await, 3);
    // So is one whose object is gone, and one of another account.
    site.database.run("DELETE FROM passengers").await;
    assert_eq!(staff.submit(&form, "form.edit", &bob).await.status.code, 200);
    assert_eq!(count(&mut staff, "passengers").await, 1);
    staff.submit(&form, "form.edit", &bob).await;
    assert_eq!(count(&mut staff, "passengers").await, 1);
    let mut colleague = site.staff_with("colleague", "add_passengers view_passengers").await;
    let own = colleague.get("/admin/passengers/add/").await;
    let key = form.attribute("[name=once]", "value");
    let copied = [&bob[..], &[("once", &*key)]].concat();
    assert_eq!(colleague.submit(&own, "form.edit", &copied).await.status.code, 200);
    assert_eq!(count(&mut colleague, "passengers").await, 2);
}

/// A form that came back with what is wrong with it keeps its key.
#[rocket::async_test]
async fn a_mended_form_sent_twice_makes_one_object() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/passengers/add/").await;
    let wrong = staff.submit(&form, "form.edit", &[("first", ""), ("_save", "1")]).await;
    assert_eq!(wrong.status.code, 422);
    let key = |page: &Page| page.attribute("[name=once]", "value");
    assert_eq!(key(&wrong), key(&form));
    let fields = [("first", "Ann"), ("last", "Other"), ("_save", "1")];
    assert_same_answer(&twice(&mut staff, &wrong, &fields, &fields).await);
    assert_eq!(count(&mut staff, "passengers").await, 1);
}

#[rocket::async_test]
async fn saving_as_new_twice_makes_one_object() {
    let site = Site::fresh().await;
    let flight = site.any_flight().await;
    let alice = site.passenger("Alice", "Adams").await;
    site.book(&flight, &alice).await;
    let mut staff = site.staff().await;
    let form = staff.get(&format!("/admin/flights/{}/change/", flight.id)).await;
    let fields = [("duration", "55"), ("_saveasnew", "1")];
    assert_same_answer(&twice(&mut staff, &form, &fields, &fields).await);
    let all = flights::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(site.booked(&all[1]).await, 1);
}

/// Several at the same moment: each gets the first one's answer.
#[rocket::async_test(flavor = "multi_thread")]
async fn the_same_form_sent_at_the_same_moment_makes_one_object() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    for path in ["/admin/passengers/add/", "/admin/views/add/?list=passengers"] {
        let form = staff.get(path).await;
        let fields = [("first", "Ann"), ("last", "Other"), ("name", "All"), ("_save", "1")];
        let (action, _, pairs) = form.form("form.edit", &fields);
        let answers = join_all((0..6).map(async |_| {
            let mut browser = site.browser();
            browser.cookies.clone_from(&staff.cookies);
            let page = browser.post_only(&action, &pairs, &[]).await;
            (page.status.code, page.header("Location").map(str::to_owned))
        }))
        .await;
        assert_eq!(answers[0].0, 303, "{path}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{path}: {answers:?}");
    }
    assert_eq!(count(&mut staff, "passengers").await, 1);
    assert_eq!(count(&mut staff, "views").await, 1);
}

#[rocket::async_test]
async fn a_view_that_is_saved_twice_is_one_view() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/views/add/?list=airports&q=paris").await;
    let fields = [("name", "Paris")];
    assert_same_answer(&twice(&mut staff, &form, &fields, &fields).await);
    assert_eq!(count(&mut staff, "views").await, 1);
    // Another form does not take its name.
    let form = staff.get("/admin/views/add/?list=airports&q=paris").await;
    assert_eq!(staff.submit(&form, "form.edit", &fields).await.status.code, 422);
}

/// Keys go after a day, when new ones come.
#[rocket::async_test]
async fn old_keys_are_forgotten() {
    let site = Site::fresh().await;
    let id = site.superuser("boss", "unusable").await;
    let old = site.clock.now() - 24 * 60 * 60;
    for (number, at) in [(0, old), (1, old - 1), (2, old + 1)] {
        let row = format!("('old{number}', {id}, 'airports', 1, {at})");
        let columns = "key, user_id, kind, object_id, created_at";
        site.database.run(&format!("INSERT INTO form_keys ({columns}) VALUES {row}")).await;
    }
    let mut staff = site.session_of(id).await;
    let form = staff.get("/admin/passengers/add/").await;
    staff.submit(&form, "form.edit", &[("first", "Ann"), ("last", "Other"), ("_save", "1")]).await;
    let kept: Vec<(i64, Option<i64>)> =
        site.pool.conn().await.unwrap().query(KEYS).all().await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0], (1, None));
    let made = passengers::all(&mut site.pool.conn().await.unwrap()).await.unwrap();
    assert_eq!(kept[1].0, made[0].id);
    assert!(kept[1].1.is_some(), "the change set is kept as well");
}

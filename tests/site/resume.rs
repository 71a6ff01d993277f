//! A form that was not carried out, because a session had ended, a token was old, or the site was busy: what
//! was typed is carried along, back to its account only.

use airline::auth::sessions;

use crate::support::{Browser, Fields, PASSWORD, Page, Site};

/// What a browser says of a form of this site's own.
const OWN: Fields<'_> = &[("Sec-Fetch-Site", "same-origin"), ("Origin", "http://localhost")];

/// Sends a form as a browser does that says where the form is from.
async fn send(browser: &mut Browser<'_>, page: &Page, form: &str, fields: Fields<'_>) -> Page {
    let (action, _, pairs) = page.form(form, fields);
    browser.post_with(&action, &pairs, OWN).await
}

const TYPED: Fields<'_> = &[("code", "MUC"), ("city", "Münch & Söhne"), ("_save", "1")];

async fn airports(site: &Site) -> Vec<String> {
    let mut conn = site.pool.conn().await.unwrap();
    let all = airline::domain::airports::all(&mut conn).await.unwrap();
    all.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_holds_what_was_typed(page: &Page) {
    let field = |name: &str| page.attribute(&format!("#resend [name={name}]"), "value");
    assert_eq!((field("code"), field("city")), ("MUC".to_owned(), "Münch & Söhne".to_owned()));
    assert_eq!(field("_save"), "1");
    assert_eq!(page.attribute("#resend", "action"), "/admin/airports/add/");
}

/// A session ends while somebody types. Signing in leads to the form as it was, and one click saves it.
#[rocket::async_test]
async fn a_form_outlives_its_session() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let form = browser.get("/admin/airports/add/").await;
    site.clock.advance(sessions::IDLE + 1);
    let asked = send(&mut browser, &form, "form.edit", TYPED).await;
    assert_eq!((asked.status.code, asked.count("#password")), (401, 1));
    assert_eq!(asked.header("Cache-Control"), Some("no-store"));
    // A wrong password loses nothing.
    let wrong = [("username", "boss"), ("password", "wrong")];
    let asked = send(&mut browser, &asked, "main form", &wrong).await;
    assert_eq!(asked.status.code, 422);
    let right = [("username", "boss"), ("password", PASSWORD)];
    let here = send(&mut browser, &asked, "main form", &right).await;
    assert_eq!((here.status.code, here.count("#resend")), (200, 1));
    assert_holds_what_was_typed(&here);
    assert!(airports(&site).await.is_empty(), "nothing is saved before somebody says so");
    let saved = send(&mut browser, &here, "#resend", &[]).await;
    assert_eq!((saved.status.code, saved.path.as_str()), (200, "/admin/airports/"));
    assert_eq!(airports(&site).await, ["Münch & Söhne (MUC)"]);
    // Sent again, it makes no second one.
    let again = send(&mut browser, &here, "#resend", &[]).await;
    assert_eq!((again.status.code, again.messages()), (200, saved.messages()));
    assert_eq!(airports(&site).await.len(), 1);
}

/// Also where htmx sends it: the page takes the place of the one that is there.
#[rocket::async_test]
async fn htmx_shows_the_page_that_carries_a_form() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let form = browser.get("/admin/airports/add/").await;
    site.clock.advance(sessions::IDLE + 1);
    let (action, _, pairs) = form.form("form.edit", TYPED);
    let headers = [OWN, &[("HX-Request", "true")]].concat();
    let asked = browser.post_only(&action, &pairs, &headers).await;
    assert_eq!((asked.status.code, asked.count("#main [name=resume]")), (401, 1));
    assert_eq!(asked.header("HX-Retarget"), Some("#main"));
}

/// Nobody goes on with another's form, and no password goes along.
#[rocket::async_test]
async fn a_form_leads_back_to_its_own_account_only() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    site.superuser_with_password("rival").await;
    let mut browser = site.session_of(id).await;
    let form = browser.get("/admin/airports/add/").await;
    let account = browser.get("/admin/account/").await;
    site.clock.advance(sessions::IDLE + 1);
    let asked = send(&mut browser, &form, "form.edit", TYPED).await;
    let rival = [("username", "rival"), ("password", PASSWORD)];
    let there = send(&mut browser, &asked, "main form", &rival).await;
    assert_eq!((there.status.code, there.path.as_str()), (200, "/admin/"));
    assert!(!there.text.contains("MUC") && there.count("#resend") == 0);
    // The rival is signed in now; the form is still the other's.
    let refused = send(&mut browser, &form, "form.edit", TYPED).await;
    assert_eq!((refused.status.code, refused.count("#resend")), (403, 0));
    assert!(!refused.text.contains("MUC"), "{}", refused.text);
    assert!(airports(&site).await.is_empty());
    browser.cookies.remove("session");
    let mail = [("email", "boss@example.org"), ("password", PASSWORD)];
    let asked = send(&mut browser, &account, "main form", &mail).await;
    assert_eq!(asked.status.code, 401);
    assert!(asked.attribute("[name=resume]", "value").contains("boss%40example.org"));
    assert!(!asked.text.contains(PASSWORD) && !asked.text.contains(&PASSWORD.replace(' ', "+")));
    let boss = [("username", "boss"), ("password", PASSWORD)];
    let here = send(&mut browser, &asked, "main form", &boss).await;
    assert_eq!(here.attribute("#resend [name=email]", "value"), "boss@example.org");
    assert_eq!(here.attribute("#resend [name=password]", "type"), "password");
    assert_eq!(here.count("#resend [name=password][value]"), 0);
}

/// Two tabs wait for somebody to sign in. Having done so in one, they find the other's form there, too.
#[rocket::async_test]
async fn a_form_waits_in_each_tab() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let form = browser.get("/admin/airports/add/").await;
    site.clock.advance(sessions::IDLE + 1);
    let one = send(&mut browser, &form, "form.edit", TYPED).await;
    let other = send(&mut browser, &form, "form.edit", TYPED).await;
    let boss = [("username", "boss"), ("password", PASSWORD)];
    assert_holds_what_was_typed(&send(&mut browser, &one, "main form", &boss).await);
    let there = send(&mut browser, &other, "main form", &boss).await;
    assert_holds_what_was_typed(&there);
    assert!(!there.text.contains(PASSWORD));
    let saved = send(&mut browser, &there, "#resend", &[]).await;
    assert_eq!((saved.status.code, airports(&site).await.len()), (200, 1));
}

/// Whoever has signed in again in another tab: the form has an old token, and gets a new one.
#[rocket::async_test]
async fn a_form_from_before_signing_in_again_is_sent_by_one_click() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let form = browser.get("/admin/airports/add/").await;
    browser.cookies.remove("session");
    let login = browser.get("/admin/login/").await;
    let right = [("username", "boss"), ("password", PASSWORD)];
    assert_eq!(browser.submit(&login, "main form", &right).await.status.code, 200);
    let refused = send(&mut browser, &form, "form.edit", TYPED).await;
    assert_eq!(refused.status.code, 403);
    assert_holds_what_was_typed(&refused);
    assert!(airports(&site).await.is_empty());
    let saved = send(&mut browser, &refused, "#resend", &[]).await;
    assert_eq!((saved.status.code, airports(&site).await.len()), (200, 1));
}

/// A request that does not say that it is of this site, or says another, carries nothing.
#[rocket::async_test]
async fn a_form_of_another_site_is_not_carried() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let form = browser.get("/admin/airports/add/").await;
    let (action, _, pairs) = form.form("form.edit", TYPED);
    site.clock.advance(sessions::IDLE + 1);
    let foreign: [Fields<'_>; 4] = [
        &[],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "http://localhost")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example")],
    ];
    for headers in foreign {
        let page = browser.post_only(&action, &pairs, headers).await;
        assert!(matches!(page.status.code, 303 | 403), "{headers:?}: {}", page.status);
        assert!(!page.text.contains("MUC") && page.count("[name=resume]") == 0, "{headers:?}");
    }
    // Paths that take no form are answered as ever.
    for (path, status) in [("/nowhere", 404), ("/", 405)] {
        let page = browser.post_only(path, &pairs, OWN).await;
        assert_eq!((page.status.code, page.count("#resend")), (status, 0), "{path}");
    }
}

/// While the site cannot save anything: the page that says so holds what was typed.
#[rocket::async_test]
async fn a_busy_site_loses_nothing() {
    let site = Site::fresh().await;
    let mut staff = site.staff().await;
    let form = staff.get("/admin/airports/add/").await;
    site.site_pool().shut().await;
    let busy = send(&mut staff, &form, "form.edit", TYPED).await;
    assert_eq!(busy.status.code, 503);
    assert_holds_what_was_typed(&busy);
    let token = form.attribute("form.edit [name=csrf]", "value");
    assert_eq!(busy.attribute("#resend [name=csrf]", "value"), token, "it still holds");
}

/// The code of an app is asked for in between.
#[rocket::async_test]
async fn a_form_goes_along_through_the_second_factor() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let code = {
        let mut set = site.set().await;
        let user = airline::auth::users::lock(&mut set, id).await.unwrap().unwrap();
        let (_, shown) = airline::auth::factor::switch_on(&mut set, &user).await.unwrap();
        set.commit().await.unwrap();
        shown.codes[0].clone()
    };
    let form = browser.get("/admin/airports/add/").await;
    site.clock.advance(sessions::IDLE + 1);
    let asked = send(&mut browser, &form, "form.edit", TYPED).await;
    let right = [("username", "boss"), ("password", PASSWORD)];
    let factor = send(&mut browser, &asked, "main form", &right).await;
    assert_eq!((factor.status.code, factor.count("#code")), (200, 1));
    let wrong = send(&mut browser, &factor, "main form", &[("code", "000000")]).await;
    assert_eq!(wrong.status.code, 422);
    let (action, _, pairs) = wrong.form("main form", &[("code", &code)]);
    let here = browser.post_with(&action, &pairs, OWN).await;
    assert_holds_what_was_typed(&here);
    let saved = send(&mut browser, &here, "#resend", &[]).await;
    assert_eq!((saved.status.code, airports(&site).await.len()), (200, 1));
}

/// Every field that holds a secret is one that is not carried.
#[test]
fn every_secret_field_is_known() {
    const KNOWN: [&str; 6] = ["password", "old", "new", "again", "code", "{{name}}"];
    for (name, text) in crate::support::files("templates", ".hbs") {
        let fields = text.split("<input").skip(1).map(|field| field.split('>').next().unwrap());
        let secrets = fields
            .filter(|field| field.contains("\"password\"") || field.contains("one-time-code"));
        let parts = text.split("{{> parts/secret").skip(1);
        for field in secrets.chain(parts) {
            let held = field.split(" name=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(KNOWN.contains(&held), "{name}: {held}");
        }
    }
}

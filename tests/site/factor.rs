//! The second factor, proofs before what is sensitive, and hashes that are made anew.

use airline::auth::sessions::{self, Beginning, Proven};
use airline::auth::{credentials, groups, users};
use airline::clock::CLOCK_SKEW;
use totp_rs::{Builder, Secret};

use crate::support::{Browser, PASSWORD, Page, Site};

/// What an app shows that knows a key.
fn app(key: &str, now: i64) -> String {
    let secret = Secret::try_from_base32(key.replace(' ', "")).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().unwrap();
    totp.generate(u64::try_from(now).unwrap()).to_string()
}

async fn sign_in(browser: &mut Browser<'_>, password: &str) -> Page {
    let page = browser.get("/admin/login/?next=/admin/flights/").await;
    browser.submit(&page, "main form", &[("username", "boss"), ("password", password)]).await
}

async fn give(browser: &mut Browser<'_>, page: &Page, code: &str) -> Page {
    browser.submit(page, "main form", &[("code", code)]).await
}

/// Sets a second factor up, and answers its key and the recovery codes.
async fn set_up(site: &Site, browser: &mut Browser<'_>) -> (String, Vec<String>) {
    let page = browser.get("/admin/factor/").await;
    let offered = browser.submit(&page, "main form", &[]).await;
    let key = offered.one("#key");
    assert!(offered.attribute("svg.qr path", "d").starts_with("M4 4h1v1h-1z"));
    let wrong = browser.submit(&offered, "ol form", &[("code", "000000")]).await;
    assert_eq!(wrong.status.code, 422);
    let code = app(&key, site.clock.now());
    let codes = browser.submit(&wrong, "ol form", &[("code", &code)]).await;
    assert_eq!((codes.status.code, codes.count(".codes li")), (200, 10));
    assert_eq!(browser.submit(&codes, "main form", &[]).await.status.code, 200);
    (key, codes.all(".codes li"))
}

/// A second click on the button replaces the codes and shows the new ones, until they are saved.
#[rocket::async_test]
async fn a_second_click_does_not_swallow_the_recovery_codes() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    sign_in(&mut own, PASSWORD).await;
    let page = own.get("/admin/factor/").await;
    let offered = own.submit(&page, "main form", &[]).await;
    let key = offered.one("#key");
    let code = app(&key, site.clock.now());
    let first = own.submit(&offered, "ol form", &[("code", &code)]).await;
    let second = own.submit(&offered, "ol form", &[("code", &code)]).await;
    assert_eq!((second.status.code, second.count(".codes li")), (200, 10));
    assert_ne!(second.all(".codes li"), first.all(".codes li"));
    // The page says so as long as nobody has said that they are saved.
    assert_eq!(own.get("/admin/factor/").await.count("#codes-unsaved"), 1);
    // Those of the first page are replaced: saving them is not enough.
    let refused = own.submit(&first, "main form", &[]).await;
    assert_eq!((refused.path.as_str(), refused.count("#codes-unsaved")), ("/admin/factor/", 1));
    for _ in 0..2 {
        let saved = own.submit(&second, "main form", &[]).await;
        assert_eq!((saved.status.code, saved.path.as_str()), (200, "/admin/"));
        assert_eq!(own.get("/admin/factor/").await.count("#codes-unsaved"), 0);
        // Those that were replaced do not count afterwards, either.
        let stale = own.submit(&first, "main form", &[]).await;
        assert_eq!(stale.path, "/admin/factor/");
    }
    // From now on the same form replaces nothing.
    let late = own.submit(&offered, "ol form", &[("code", &code)]).await;
    assert_eq!((late.path.as_str(), late.count(".codes li")), ("/admin/factor/", 0));
    let mut browser = site.browser();
    let asked = sign_in(&mut browser, PASSWORD).await;
    assert_eq!(give(&mut browser, &asked, &first.all(".codes li")[0]).await.status.code, 422);
    let there = give(&mut browser, &asked, &second.all(".codes li")[0]).await;
    assert_eq!((there.status.code, there.path.as_str()), (200, "/admin/flights/"));
}

/// Both clicks at the same moment: the second waits for the first, and each shows codes.
#[rocket::async_test(flavor = "multi_thread")]
async fn two_clicks_at_the_same_moment_show_codes_that_work() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    sign_in(&mut own, PASSWORD).await;
    let page = own.get("/admin/factor/").await;
    let offered = own.submit(&page, "main form", &[]).await;
    let code = app(&offered.one("#key"), site.clock.now());
    let (action, _, pairs) = offered.form("ol form", &[("code", &code)]);
    let answers = futures::future::join_all((0..2).map(async |_| {
        let mut browser = site.browser();
        browser.cookies.clone_from(&own.cookies);
        browser.post_only(&action, &pairs, &[]).await
    }))
    .await;
    // (What was asked while the account changed is refused, and changes nothing.)
    let shown: Vec<&Page> = answers
        .iter()
        .filter(|page| page.status.code == 200 && page.count(".codes li") == 10)
        .collect();
    assert!(!shown.is_empty());
    assert!(answers.iter().all(|page| matches!(page.status.code, 200 | 403)), "{answers:?}");
    let mut saved = 0;
    for page in shown {
        let there = own.submit(page, "main form", &[]).await;
        saved += usize::from(there.path == "/admin/");
    }
    assert!(saved >= 1, "the codes of one page are those that count");
}

#[rocket::async_test]
async fn signing_in_takes_a_code_and_none_twice() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    sign_in(&mut own, PASSWORD).await;
    let (key, recovery) = set_up(&site, &mut own).await;
    assert!(!site.dump().await.contains(&recovery[0]), "only hashes are kept");

    site.clock.advance(60);
    let mut browser = site.browser();
    let asked = sign_in(&mut browser, PASSWORD).await;
    assert_eq!(asked.one("h1"), "Second factor");
    // Half signed in is not signed in.
    for path in ["/admin/", "/admin/account/", "/admin/password/", "/admin/factor/"] {
        assert_eq!(browser.get(path).await.one("h1"), "Sign in", "{path}");
    }
    let half = browser.cookies["session"].clone();
    let token = browser.cookies["browser"].clone();
    let code = app(&key, site.clock.now());
    let wrong = if code == "123456" { "654321" } else { "123456" };
    let refused = give(&mut browser, &asked, wrong).await;
    assert_eq!((refused.status.code, refused.one("h1").as_str()), (422, "Second factor"));
    let there = give(&mut browser, &refused, &code).await;
    assert_eq!((there.one("h1").as_str(), there.path.as_str()), ("Flights", "/admin/flights/"));
    assert_ne!(browser.cookies["session"], half, "a new session");
    assert_ne!(browser.cookies["browser"], token, "a new token");

    // The same code again, and the one before: used.
    let mut thief = site.browser();
    let asked = sign_in(&mut thief, PASSWORD).await;
    assert_eq!(give(&mut thief, &asked, &code).await.status.code, 422);
    let earlier = app(&key, site.clock.now() - 30);
    assert_eq!(give(&mut thief, &asked, &earlier).await.status.code, 422);
    // Two steps away is too far; one is not.
    let far = app(&key, site.clock.now() + 60);
    assert_eq!(give(&mut thief, &asked, &far).await.status.code, 422);
    let next = app(&key, site.clock.now() + 30);
    assert_eq!(give(&mut thief, &asked, &next).await.one("h1"), "Flights");
}

#[rocket::async_test]
async fn a_recovery_code_works_once() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    sign_in(&mut own, PASSWORD).await;
    let (_, recovery) = set_up(&site, &mut own).await;
    let mut browser = site.browser();
    let asked = sign_in(&mut browser, PASSWORD).await;
    let typed = recovery[0].to_uppercase().replace('-', " ");
    assert_eq!(give(&mut browser, &asked, &typed).await.one("h1"), "Flights");
    let mut again = site.browser();
    let asked = sign_in(&mut again, PASSWORD).await;
    assert_eq!(give(&mut again, &asked, &recovery[0]).await.status.code, 422);
    // New ones take the place of the old.
    let page = browser.get("/admin/factor/").await;
    assert!(page.text.contains("9 recovery codes left"));
    let renewed = browser.submit(&page, "form[action$=codes]", &[]).await;
    assert_eq!(renewed.count(".codes li"), 10);
    assert_eq!(give(&mut again, &asked, &recovery[1]).await.status.code, 422);
    assert_eq!(give(&mut again, &asked, &renewed.all(".codes li")[0]).await.one("h1"), "Flights");
}

#[rocket::async_test]
async fn codes_are_not_for_guessing() {
    let site = Site::with(|settings| settings.trust_proxy = true).await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    sign_in(&mut own, PASSWORD).await;
    set_up(&site, &mut own).await;
    let mut browser = site.browser();
    let asked = sign_in(&mut browser, PASSWORD).await;
    let mut statuses = Vec::new();
    for number in 0..7 {
        let (action, _, pairs) = asked.form("main form", &[("code", "000000")]);
        let from = format!("10.0.0.{number}");
        let page = browser.post_only(&action, &pairs, &[("X-Forwarded-For", &from)]).await;
        statuses.push(page.status.code);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429]);
}

#[rocket::async_test]
async fn a_group_can_ask_for_a_second_factor() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let group = site.group("Careful", "", &[id]).await;
    let mut browser = site.browser();
    assert_eq!(sign_in(&mut browser, PASSWORD).await.one("h1"), "Flights");
    site.database
        .run(&format!("UPDATE groups SET requires_factor = TRUE WHERE id = {group}"))
        .await;
    // From the next request on nothing else can be done.
    let page = browser.get("/admin/flights/add/").await;
    assert_eq!((page.one("h1").as_str(), page.path.as_str()), ("Second factor", "/admin/factor/"));
    let live = browser.ask("/admin/flights/", &[("HX-Request", "true")]).await;
    assert_eq!(live.header("HX-Redirect"), Some("/admin/factor/"));
    set_up(&site, &mut browser).await;
    assert_eq!(browser.get("/admin/flights/").await.one("h1"), "Flights");
    // It cannot be switched off while the group asks for it.
    let page = browser.get("/admin/factor/").await;
    assert_eq!(page.count("form[action$=off]"), 0);
    let form = [("csrf".to_owned(), browser.token().await)];
    let refused = browser.post("/admin/factor/off", &form).await;
    assert_eq!(refused.status.code, 403);
    assert!(refused.one("#why").contains("“Careful”"));
    let mut set = site.set().await;
    groups::leave(&mut set, id, group).await.unwrap();
    set.commit().await.unwrap();
    assert_eq!(browser.post("/admin/factor/off", &form).await.one("h1"), "Your account");
    let user = users::find(&mut site.pool.conn().await.unwrap(), id).await.unwrap().unwrap();
    assert!(!user.second_factor);
}

/// An open session is not enough for what is sensitive.
#[rocket::async_test]
async fn what_is_sensitive_asks_for_the_password_once_more() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let weak = site.user("weak", "", |draft| draft.email = "weak@example.org".to_owned()).await;
    let mut browser = site.browser();
    sign_in(&mut browser, PASSWORD).await;
    let token = browser.token().await;
    let form = [("csrf".to_owned(), token.clone())];
    site.clock.advance(301);
    let before = site.dump().await;
    for path in [
        "/admin/factor/offer",
        "/admin/factor/on",
        "/admin/factor/off",
        "/admin/factor/codes",
        &format!("/admin/users/{weak}/factor-off"),
    ] {
        let page = browser.post(path, &form).await;
        assert_eq!(page.one("h1"), "Your password, once more", "{path}");
    }
    assert_eq!(browser.get("/admin/factor/").await.one("h1"), "Your password, once more");
    // Making a superuser: the form comes back whole, and says what to do.
    let path = format!("/admin/users/{weak}/change/");
    let page = browser.get(&path).await;
    let fields = [("is_superuser", "1"), ("email", "new@example.org"), ("_save", "1")];
    let refused = browser.submit(&page, "form.edit", &fields).await;
    assert_eq!(refused.status.code, 422);
    assert_eq!(refused.attribute("#email", "value"), "new@example.org");
    assert_eq!(refused.count("[name=is_superuser][checked]"), 1);
    assert_eq!(site.dump().await, before);
    // A mail address, through the staff form: links for a new password go there.
    let fields = [("email", "thief@example.org"), ("_save", "1")];
    assert_eq!(browser.submit(&page, "form.edit", &fields).await.status.code, 422);
    assert_eq!(site.dump().await, before);
    // One's own mail address asks for the password in its own form.
    let account = browser.get("/admin/account/").await;
    let fields = [("email", "boss@example.org"), ("password", "wrong")];
    assert_eq!(browser.submit(&account, "main form", &fields).await.status.code, 422);
    assert_eq!(site.dump().await, before);

    let there = refused.attribute("#problems a", "href");
    let confirm = browser.get(&there).await;
    let wrong = browser.submit(&confirm, "main form", &[("password", "wrong")]).await;
    assert_eq!(wrong.one(".errors"), "This is not your password.");
    browser.submit(&wrong, "main form", &[("password", PASSWORD)]).await;
    let done = browser.submit(&refused, "form.edit", &[("_save", "1")]).await;
    assert_eq!(done.status.code, 200);
    let weak = users::find(&mut site.pool.conn().await.unwrap(), weak).await.unwrap().unwrap();
    assert!(weak.is_superuser && weak.email == "new@example.org");
    let fields = [("email", "boss@example.org"), ("password", PASSWORD)];
    let said = browser.submit(&account, "main form", &fields).await;
    assert_eq!(said.messages(), ["Your mail address is changed."]);
}

/// A password that was given in the future, by a clock that was wrong, proves nothing; nor does it begin the
/// second half of signing in.
#[rocket::async_test]
async fn a_password_from_the_future_confirms_nothing() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    sign_in(&mut own, PASSWORD).await;
    let (key, _) = set_up(&site, &mut own).await;
    let given = async |at: i64| {
        site.database.run(&format!("UPDATE sessions SET confirmed_at = {at}")).await;
    };
    given(site.clock.now() + CLOCK_SKEW).await;
    assert_eq!(own.get("/admin/factor/").await.path, "/admin/factor/");
    given(site.clock.now() + CLOCK_SKEW + 1).await;
    assert!(own.get("/admin/factor/").await.path.starts_with("/admin/confirm/"));

    site.clock.advance(60);
    let mut half = site.browser();
    let asked = sign_in(&mut half, PASSWORD).await;
    given(site.clock.now() + CLOCK_SKEW + 1).await;
    let code = app(&key, site.clock.now());
    assert_eq!(give(&mut half, &asked, &code).await.count("#password"), 1, "it begins again");
    // A code that was used in the future does not keep its owner out until then.
    let future = (site.clock.now() + 1_000_000) / 30;
    site.database.run(&format!("UPDATE credentials SET totp_step = {future}")).await;
    let asked = sign_in(&mut half, PASSWORD).await;
    let there = give(&mut half, &asked, &code).await;
    assert_eq!((there.status.code, there.path.as_str()), (200, "/admin/flights/"));
}

/// Hashes of other programs, and of other days.
#[rocket::async_test]
async fn an_old_hash_is_made_anew_by_signing_in() {
    let site = Site::fresh().await;
    let id = site.superuser("boss", "").await;
    let weak = argon2::Params::new(1024, 1, 1, None).unwrap();
    let weak = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, weak);
    let old =
        argon2::PasswordHasher::hash_password(&weak, PASSWORD.as_bytes()).unwrap().to_string();
    // What Django's make_password writes, with 1,000 rounds.
    let django =
        "pbkdf2_sha256$1000$saltsaltsalt$scPhUtr2ECD8SJ9OuT0SeU6VBtx5y3byJKCxqX3YCBo=".to_owned();
    let kept = async || {
        let mut conn = site.pool.conn().await.unwrap();
        credentials::password_hash(&mut conn, id).await.unwrap().unwrap()
    };
    for old in [old, django] {
        site.database
            .run(&format!("UPDATE credentials SET password = '{old}' WHERE user_id = {id}"))
            .await;
        assert_eq!(sign_in(&mut site.browser(), "wrong").await.status.code, 422);
        assert_eq!(kept().await, old, "a wrong password leaves it");
        assert_eq!(sign_in(&mut site.browser(), PASSWORD).await.one("h1"), "Flights", "{old}");
        let new = kept().await;
        assert!(new.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{new}");
        assert_eq!(sign_in(&mut site.browser(), PASSWORD).await.one("h1"), "Flights");
        assert_eq!(kept().await, new, "and stays");
    }
}

/// Who has no password yet (invited) cannot sign in with any, and takes as long as anybody.
#[rocket::async_test]
async fn an_account_without_a_password_is_closed() {
    let site = Site::fresh().await;
    site.superuser("boss", "").await;
    for password in ["", " ", "unusable", "!"] {
        assert_eq!(sign_in(&mut site.browser(), password).await.status.code, 422, "{password:?}");
    }
}

/// Passwords of many at once: those who would wait for too long are turned away, the rest get in.
#[rocket::async_test(flavor = "multi_thread")]
async fn a_flood_of_passwords_is_turned_away() {
    use airline::auth::passwords::{Verdict, hash, room, verify};
    let hash = hash(PASSWORD.to_owned()).await.unwrap();
    let tries = (0..200)
        .map(async |_| verify(room().await?, PASSWORD.to_owned(), Some(hash.clone())).await);
    let answers = futures::future::join_all(tries).await;
    let right = answers.iter().filter(|answer| matches!(answer, Ok(Verdict::Right))).count();
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, Err(error) if error.status().code == 503))
        .count();
    assert_eq!(right + busy, 200);
    assert!(right >= 1 && busy >= 1, "{right} right, {busy} turned away");
}

/// Who knows the password alone cannot keep the owner from giving his code.
#[rocket::async_test]
async fn a_known_browser_gives_its_code_whatever_strangers_try() {
    let site = Site::with(|settings| settings.trust_proxy = true).await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    sign_in(&mut own, PASSWORD).await;
    let (key, _) = set_up(&site, &mut own).await;
    let mut thief = site.browser();
    let asked = sign_in(&mut thief, PASSWORD).await;
    assert!(!thief.cookies.contains_key("device"), "half is not enough to be known");
    let mut last = 0;
    for number in 0..7 {
        let (action, _, pairs) = asked.form("main form", &[("code", "000000")]);
        let from = format!("10.0.0.{number}");
        last = thief.post_only(&action, &pairs, &[("X-Forwarded-For", &from)]).await.status.code;
    }
    assert_eq!(last, 429);
    own.cookies.remove("session");
    let asked = sign_in(&mut own, PASSWORD).await;
    let code = app(&key, site.clock.now() + 30);
    assert_eq!(give(&mut own, &asked, &code).await.one("h1"), "Flights");
}

/// A half session is used up by its code, and by what ends sessions; it lives ten minutes.
#[rocket::async_test]
async fn a_half_session_becomes_one_session() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let from = sessions::Origin { address: "192.0.2.1".to_owned(), browser: "A test".to_owned() };
    let begin = async |proven, awaits_factor| {
        let beginning = Beginning { user: id, proven, awaits_factor, from: &from };
        sessions::begin(&site.pool, beginning, site.clock.now()).await.unwrap()
    };
    let half = begin(Proven::Vouched, true).await.unwrap();
    assert!(begin(Proven::Factor(&half), false).await.is_some());
    assert_eq!(begin(Proven::Factor(&half), false).await, None, "used up");
    let half = begin(Proven::Vouched, true).await.unwrap();
    sessions::end_others(&site.pool, id, "").await.unwrap();
    assert_eq!(begin(Proven::Factor(&half), false).await, None, "ended");
    let whole = begin(Proven::Vouched, false).await.unwrap();
    assert_eq!(begin(Proven::Factor(&whole), false).await, None, "no half session");
    let half = begin(Proven::Vouched, true).await.unwrap();
    let mut conn = site.pool.conn().await.unwrap();
    let now = site.clock.now();
    assert!(sessions::find(&mut conn, &half, now + sessions::HALF - 1).await.unwrap().is_some());
    assert!(sessions::find(&mut conn, &half, now + sessions::HALF).await.unwrap().is_none());
}

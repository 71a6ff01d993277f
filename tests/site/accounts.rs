//! Signing in and out, the first superuser, one's own password.

use airline::auth::{credentials, passwords, sessions};
use airline::clock::CLOCK_SKEW;

use crate::support::{Browser, PASSWORD, Page, Site};

async fn sign_in(browser: &mut Browser<'_>, next: &str, name: &str, password: &str) -> Page {
    let page = browser.get(&format!("/admin/login/?next={next}")).await;
    browser.submit(&page, "main form", &[("username", name), ("password", password)]).await
}

#[rocket::async_test]
async fn who_is_not_signed_in_is_asked_to_and_led_back() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut browser = site.browser();
    let asked = browser.get("/admin/flights/?valid=no&page=2").await;
    assert_eq!(asked.one("h1"), "Sign in");
    let there =
        browser.submit(&asked, "main form", &[("username", "boss"), ("password", PASSWORD)]).await;
    assert_eq!(
        (there.one("h1").as_str(), there.path.as_str()),
        ("Flights", "/admin/flights/?valid=no&page=2")
    );
}

#[rocket::async_test]
async fn next_cannot_lead_to_another_site() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "%5C%5Cevil.example",
        "/%5Cevil.example",
        "%0d%0aX:1",
    ] {
        let mut browser = site.browser();
        let there = sign_in(&mut browser, next, "boss", PASSWORD).await;
        assert_eq!(there.path, "/admin/", "{next}");
    }
}

#[rocket::async_test]
async fn unknown_and_wrong_get_the_same_answer_and_the_name_stays() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut texts = Vec::new();
    for (name, password) in
        [("boss", "wrong"), ("nobody", "wrong"), ("BOSS", PASSWORD), ("boss", "")]
    {
        let page = sign_in(&mut site.browser(), "/", name, password).await;
        assert_eq!(page.status.code, 422);
        assert_eq!(page.attribute("#username", "value"), name);
        assert_eq!(page.count("#password[value]"), 0, "a password is never shown again");
        texts.push(page.one("main .refused"));
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
}

#[rocket::async_test]
async fn a_session_ends_at_once() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut browser = site.browser();
    let start = sign_in(&mut browser, "", "boss", PASSWORD).await;
    let stolen = browser.cookies.clone();
    let out = browser.submit(&start, ".who form", &[]).await;
    assert_eq!(out.messages(), ["You have signed out."]);
    let mut thief = site.browser();
    thief.cookies = stolen;
    assert_eq!(thief.get("/admin/").await.one("h1"), "Sign in");
}

#[rocket::async_test]
async fn a_session_ends_when_idle_and_in_any_case() {
    let site = Site::fresh().await;
    let id = site.superuser("boss", "unusable").await;
    let mut idle = site.session_of(id).await;
    site.clock.advance(sessions::IDLE - 60);
    assert_eq!(idle.get("/admin/").await.one("h1"), "Staff site");
    site.clock.advance(sessions::IDLE + 1);
    assert_eq!(idle.get("/admin/").await.one("h1"), "Sign in");

    let mut busy = site.session_of(id).await;
    let mut spent = 0;
    while spent + 1_500 < sessions::LONGEST {
        site.clock.advance(1_500);
        spent += 1_500;
        assert_eq!(busy.get("/admin/").await.one("h1"), "Staff site", "after {spent} s");
    }
    site.clock.advance(1_500);
    assert_eq!(busy.get("/admin/").await.one("h1"), "Sign in");
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/admin/").await.count("#password") == 0
}

/// A clock was ahead: once it is right, its sessions have ended, and do not come back when their time does.
#[rocket::async_test]
async fn a_session_from_the_future_has_ended() {
    let site = Site::fresh().await;
    let id = site.superuser("boss", "unusable").await;
    let mut ahead = site.session_of(id).await;
    let secret = ahead.cookies["session"].clone();
    site.clock.advance(-CLOCK_SKEW);
    assert!(is_signed_in(&mut ahead).await, "clocks of replicas differ a little");
    site.clock.advance(-1);
    assert!(!is_signed_in(&mut ahead).await);
    let mut right = site.session_of(id).await;
    site.clock.advance(CLOCK_SKEW + 1);
    ahead.cookies.insert("session".to_owned(), secret);
    assert!(!is_signed_in(&mut ahead).await, "it was swept away when the next one began");
    assert!(is_signed_in(&mut right).await);

    // A session that was used in the future is not alive until then either, and is not listed.
    let mut other = site.session_of(id).await;
    site.clock.advance(sessions::IDLE / 2);
    assert!(is_signed_in(&mut right).await);
    site.clock.advance(-CLOCK_SKEW - 1);
    assert_eq!(other.get("/admin/sessions/").await.count(".sessions li"), 1);
    assert!(!is_signed_in(&mut right).await);
}

#[rocket::async_test]
async fn a_new_session_has_a_new_secret_and_the_table_only_a_hash() {
    let site = Site::fresh().await;
    site.superuser_with_password("boss").await;
    let mut browser = site.browser();
    browser.cookies.insert("session".to_owned(), "mine".to_owned());
    sign_in(&mut browser, "", "boss", PASSWORD).await;
    let secret = browser.cookies["session"].clone();
    assert_eq!(secret.len(), 64, "256 bits");
    let mut conn = site.pool.conn().await.unwrap();
    assert!(sessions::find(&mut conn, &secret, site.clock.now()).await.unwrap().is_some());
    assert!(sessions::find(&mut conn, "mine", site.clock.now()).await.unwrap().is_none());
    assert!(!site.dump().await.contains(&secret));
}

#[rocket::async_test]
async fn cookies_are_out_of_reach_for_scripts_and_other_sites() {
    for (https, name) in [(false, "session"), (true, "__Host-session")] {
        let site = Site::with(|settings| settings.https = https).await;
        site.superuser_with_password("boss").await;
        let mut browser = site.browser();
        let page = browser.get("/admin/login/").await;
        let (action, _, pairs) =
            page.form("main form", &[("username", "boss"), ("password", PASSWORD)]);
        let answer = browser.post_only(&action, &pairs, &[]).await;
        let cookies: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value)
            .collect();
        let session =
            cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(session.contains(part), "{session}");
        }
        assert_eq!(session.contains("Secure"), https, "{session}");
        assert!(!session.contains("Domain"), "{session}");
    }
}

#[rocket::async_test]
async fn an_account_that_is_no_staff_is_told_so() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("guest").await;
    site.database
        .run(&format!("UPDATE users SET is_staff = FALSE, is_superuser = FALSE WHERE id = {id}"))
        .await;
    let mut guest = site.browser();
    let account = sign_in(&mut guest, "", "guest", PASSWORD).await;
    assert_eq!(account.one("h1"), "Your account", "what there is for him");
    let page = guest.get("/admin/flights/").await;
    assert_eq!((page.status.code, page.one("h1").as_str()), (403, "That is not allowed"));
    site.database.run(&format!("UPDATE users SET is_active = FALSE WHERE id = {id}")).await;
    assert_eq!(guest.get("/admin/flights/").await.one("h1"), "Sign in");
}

#[rocket::async_test]
async fn the_first_superuser_is_made_once() {
    let site = Site::fresh().await;
    let link = site.first_link.clone().unwrap();
    let mut browser = site.browser();
    assert_eq!(browser.get("/admin/first/?key=wrong").await.status.code, 404);
    let page = browser.get(&link).await;
    let weak = browser
        .submit(
            &page,
            "main form",
            &[("username", "bad name!"), ("email", "x"), ("password", "short"), ("again", "other")],
        )
        .await;
    assert_eq!(weak.status.code, 422);
    assert_eq!(weak.count(".errors li"), 4);
    assert_eq!(weak.attribute("#username", "value"), "bad name!");

    let mut late = site.browser();
    let late_page = late.get(&link).await;
    let fields =
        [("username", "chief"), ("email", ""), ("password", PASSWORD), ("again", PASSWORD)];
    let start = browser.submit(&weak, "main form", &fields).await;
    assert_eq!(start.messages(), ["Welcome, chief: you are the first superuser."]);
    assert_eq!(start.one("h1"), "Staff site");

    let fields =
        [("username", "second"), ("email", ""), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(late.submit(&late_page, "main form", &fields).await.status.code, 404);
    assert_eq!(late.get(&link).await.status.code, 404);
}

#[rocket::async_test]
async fn changing_the_password_ends_other_sessions_only() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut here = site.session_of(id).await;
    let mut elsewhere = site.session_of(id).await;
    let page = here.get("/admin/password/").await;
    let wrong = here
        .submit(&page, "main form", &[("old", "wrong"), ("new", "short"), ("again", "x")])
        .await;
    assert_eq!((wrong.status.code, wrong.count(".errors li")), (422, 3));
    let new = "eight yellow umbrellas";
    let mut thief = site.browser();
    thief.cookies = here.cookies.clone();
    let done =
        here.submit(&wrong, "main form", &[("old", PASSWORD), ("new", new), ("again", new)]).await;
    assert_eq!(done.one("h1"), "Your account");
    assert_eq!(
        thief.get("/admin/").await.one("h1"),
        "Sign in",
        "a copy of the cookie is worth nothing"
    );
    assert_eq!(elsewhere.get("/admin/").await.one("h1"), "Sign in");
    assert_eq!(sign_in(&mut site.browser(), "", "boss", PASSWORD).await.status.code, 422);
    assert_eq!(sign_in(&mut site.browser(), "", "boss", new).await.one("h1"), "Staff site");
}

#[rocket::async_test]
async fn the_appearance_is_kept_for_visitors_too() {
    let site = Site::fresh().await;
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/").await.attribute("html", "data-theme"), "auto");
    let page = visitor.get("/appearance?next=/?from=jfk").await;
    let back = visitor.submit(&page, "main form", &[("theme", "dark")]).await;
    assert_eq!(
        (back.path.as_str(), back.attribute("html", "data-theme").as_str()),
        ("/?from=jfk", "dark")
    );
}

#[rocket::async_test]
async fn everyone_sees_and_ends_his_own_sessions_only() {
    let site = Site::fresh().await;
    let id = site.superuser("boss", "unusable").await;
    let rival = site.superuser("rival", "unusable").await;
    let mut here = site.session_of(id).await;
    let mut there = site.session_of(id).await;
    let mut third = site.session_of(id).await;
    let mut other = site.session_of(rival).await;
    let page = here.get("/admin/sessions/").await;
    assert_eq!(page.count(".sessions li"), 3);
    assert_eq!(page.count(".sessions .badge"), 1);
    let foreign =
        other.get("/admin/sessions/").await.attribute(".sessions li", "id").replace("session-", "");
    let token = here.token().await;
    let form = [("csrf".to_owned(), token)];
    assert_eq!(here.post(&format!("/admin/sessions/{foreign}/end"), &form).await.status.code, 404);
    assert_eq!(other.get("/admin/").await.one("h1"), "Staff site");

    let mine = page.attribute(".sessions form", "action");
    let after = here.post(&mine, &form).await;
    assert_eq!(after.count(".sessions li"), 2);
    let ended = [there.get("/admin/").await.one("h1"), third.get("/admin/").await.one("h1")];
    assert_eq!(ended.iter().filter(|title| *title == "Sign in").count(), 1, "{ended:?}");
    let alone = here.submit(&after, "form.stack", &[]).await;
    assert_eq!((alone.count(".sessions li"), alone.count(".sessions form")), (1, 0));
    assert_eq!(there.get("/admin/").await.one("h1"), "Sign in");
    assert_eq!(third.get("/admin/").await.one("h1"), "Sign in");
    assert_eq!(other.get("/admin/").await.one("h1"), "Staff site");
}

/// A session ends while somebody types: he is told, and led back to where he was.
#[rocket::async_test]
async fn a_form_that_comes_after_its_session_leads_back_to_its_page() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let form = browser.get("/admin/airports/add/?back=q%3Dx").await;
    site.clock.advance(sessions::IDLE + 1);
    let (action, _, pairs) = form.form("form.edit", &[("code", "JFK"), ("city", "New York")]);
    let referrer = [("Referer", "http://localhost/admin/airports/add/?back=q%3Dx")];
    let refused = browser.post_only(&action, &pairs, &referrer).await;
    let login = browser.get(refused.header("Location").unwrap()).await;
    assert!(login.messages()[0].contains("nothing was saved"), "{:?}", login.messages());
    let there =
        browser.submit(&login, "main form", &[("username", "boss"), ("password", PASSWORD)]).await;
    assert_eq!(there.path, "/admin/airports/add/?back=q%3Dx");
    for bad in ["http://evil.example/other", "nonsense", "http://localhost//evil.example/"] {
        let mut stranger = site.browser();
        let page = stranger.post_only(&action, &pairs, &[("Referer", bad)]).await;
        let there = page.header("Location").unwrap();
        assert!(!there.contains("evil.example") || there.contains("next=%2F%2Fevil"), "{there}");
        let form = stranger.get(there).await;
        assert_eq!(form.attribute("[name=next]", "value"), "/admin/", "{bad}");
    }
    // Signing out with a session that has ended signs out.
    let start = browser.get("/admin/").await;
    site.clock.advance(sessions::IDLE + 1);
    let out = browser.submit(&start, ".who form", &[]).await;
    assert_eq!(out.messages(), ["You have signed out."]);
    assert!(!browser.cookies.contains_key("session"));
}

/// The old password was right, and is changed before the session stands: nothing begins.
#[rocket::async_test]
async fn signing_in_while_the_password_changes_begins_nothing() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let now = site.clock.now();
    let from = sessions::Origin { address: "192.0.2.1".to_owned(), browser: "A test".to_owned() };
    let hash = async || {
        let mut conn = site.pool.conn().await.unwrap();
        credentials::password_hash(&mut conn, id).await.unwrap().unwrap()
    };
    let begin = async |proven: &str| {
        let proven = sessions::Proven::Password(proven);
        let beginning = sessions::Beginning { user: id, proven, awaits_factor: false, from: &from };
        sessions::begin(&site.pool, beginning, now).await.unwrap()
    };
    let old = hash().await;
    assert!(begin(&old).await.is_some());
    let mut set = site.set().await;
    let new = passwords::hash("eight yellow umbrellas".to_owned()).await.unwrap();
    credentials::set_password(&mut set, id, new.clone(), "").await.unwrap();
    set.commit().await.unwrap();
    assert_eq!(begin(&old).await, None);
    assert!(begin(&new).await.is_some());
    site.database.run(&format!("UPDATE users SET is_active = FALSE WHERE id = {id}")).await;
    assert_eq!(begin(&new).await, None);
}

#[rocket::async_test]
async fn a_name_that_looks_like_another_is_refused() {
    let site = Site::fresh().await;
    site.user("root", "", |_| {}).await;
    site.user("Łukasz", "", |_| {}).await;
    let mut boss = site.staff().await;
    let form = boss.get("/admin/users/add/").await;
    // Capitals look like others that their small letters do not, as a Greek Β and a Cyrillic В do.
    for name in [
        "r\u{43e}\u{43e}t",
        "\u{ff52}oot",
        "R\u{43e}ot",
        "RO\u{41e}T",
        "\u{392}oss",
        "\u{392}OSS",
        "\u{412}oss",
        "b\u{43e}ss",
    ] {
        let refused = boss.submit(&form, "form.edit", &[("username", name)]).await;
        assert_eq!((refused.status.code, refused.count("#username-errors")), (422, 1), "{name}");
        assert_eq!(refused.attribute("#username", "value"), name);
    }
    // Who may not see accounts is not told which one it is.
    let mut adder = site.staff_with("adder", "add_users").await;
    let form = adder.get("/admin/users/add/").await;
    let refused = adder.submit(&form, "form.edit", &[("username", "R\u{43e}ot")]).await;
    assert_eq!(refused.status.code, 422);
    assert!(!refused.text.contains("root"), "{}", refused.text);
    // Renaming is no way around it; an account that keeps its name is saved.
    let id = site.user("plain", "", |_| {}).await;
    let form = boss.get(&format!("/admin/users/{id}/change/")).await;
    let renamed = boss.submit(&form, "form.edit", &[("username", "pl\u{430}in")]).await;
    assert_eq!(renamed.status.code, 200, "one's own name in other letters");
    let form = boss.get(&format!("/admin/users/{id}/change/")).await;
    let refused = boss.submit(&form, "form.edit", &[("username", "ro\u{43e}t")]).await;
    assert_eq!(refused.status.code, 422);
    let saved = boss.submit(&form, "form.edit", &[("email", "plain@example.org")]).await;
    assert_eq!(saved.status.code, 200);
    let form = boss.get("/admin/users/add/").await;
    for name in ["roots", "\u{43e}leg", "Lukasz"] {
        assert_eq!(boss.submit(&form, "form.edit", &[("username", name)]).await.status.code, 200);
    }
}

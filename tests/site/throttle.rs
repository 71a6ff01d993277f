//! Guessing passwords: slowed down by account and by address, without locking anybody out.

use airline::clock::CLOCK_SKEW;

use crate::support::{Browser, PASSWORD, Page, Site};

async fn attempt(browser: &mut Browser<'_>, from: &str, name: &str, password: &str) -> Page {
    let form = browser.get("/admin/login/").await;
    let (action, _, pairs) = form.form("main form", &[("username", name), ("password", password)]);
    browser.post_only(&action, &pairs, &[("X-Forwarded-For", from)]).await
}

async fn behind_a_proxy() -> Site {
    Site::with(|settings| settings.trust_proxy = true).await
}

#[rocket::async_test]
async fn an_account_is_slowed_down_from_wherever_it_is_tried() {
    let site = behind_a_proxy().await;
    site.superuser_with_password("boss").await;
    let mut tried = 0;
    let mut hour = 0;
    let mut last_wait = 0;
    let mut number = 0;
    while hour < 3_600 {
        number += 1;
        let page = attempt(
            &mut site.browser(),
            &format!("10.0.{}.{}", number / 250, number % 250),
            "boss",
            "wrong",
        )
        .await;
        if page.status.code == 422 {
            tried += 1;
            assert!(tried <= 100, "more than a hundred passwords were looked at");
            continue;
        }
        assert_eq!(page.status.code, 429);
        let wait: i64 = page.header("Retry-After").unwrap().parse().unwrap();
        assert!(wait >= last_wait, "waits grow: {last_wait}, then {wait}");
        last_wait = wait;
        assert!(page.one("main .refused").starts_with("Too many tries."));
        site.clock.advance(wait);
        hour += wait;
    }
    assert!((10..=100).contains(&tried), "{tried} passwords were looked at in an hour");
}

#[rocket::async_test]
async fn names_that_nobody_has_are_slowed_down_alike() {
    let site = behind_a_proxy().await;
    site.superuser_with_password("boss").await;
    let mut answers = Vec::new();
    for name in ["boss", "nobody"] {
        let mut statuses = Vec::new();
        for number in 0..8 {
            let page = attempt(
                &mut site.browser(),
                &format!("10.{number}.0.{}", name.len()),
                name,
                "wrong",
            )
            .await;
            statuses.push((page.status.code, page.header("Retry-After").is_some()));
        }
        answers.push(statuses);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].iter().filter(|(status, _)| *status == 422).count(), 5);
}

#[rocket::async_test]
async fn a_browser_that_signed_in_before_is_not_locked_out_by_strangers() {
    let site = behind_a_proxy().await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    assert_eq!(attempt(&mut own, "10.0.0.1", "boss", PASSWORD).await.status.code, 303);
    own.cookies.remove("session");
    for number in 0..6 {
        attempt(&mut site.browser(), &format!("10.1.0.{number}"), "boss", "wrong").await;
    }
    assert_eq!(
        attempt(&mut site.browser(), "10.2.0.1", "boss", PASSWORD).await.status.code,
        429,
        "a stranger waits, also with the right one"
    );
    assert_eq!(attempt(&mut own, "10.0.0.1", "boss", PASSWORD).await.status.code, 303);
    // Such a browser may not guess for ever either.
    own.cookies.remove("session");
    for _ in 0..5 {
        assert_eq!(attempt(&mut own, "10.0.0.1", "boss", "wrong").await.status.code, 422);
    }
    assert_eq!(attempt(&mut own, "10.0.0.1", "boss", "wrong").await.status.code, 429);
}

#[rocket::async_test]
async fn an_address_is_slowed_down_whatever_names_it_tries() {
    let site = behind_a_proxy().await;
    let mut looked_at = 0;
    for number in 0..30 {
        let page =
            attempt(&mut site.browser(), "10.0.0.1", &format!("name{number}"), "wrong").await;
        looked_at += usize::from(page.status.code == 422);
    }
    assert_eq!(looked_at, 20);
    assert_eq!(
        attempt(&mut site.browser(), "10.0.0.2", "name", "wrong").await.status.code,
        422,
        "others go on"
    );
    site.clock.advance(61);
    assert_eq!(attempt(&mut site.browser(), "10.0.0.1", "name", "wrong").await.status.code, 422);
}

#[rocket::async_test]
async fn a_customers_part_of_ipv6_is_one_address() {
    let site = behind_a_proxy().await;
    let mut looked_at = 0;
    for number in 0..30 {
        let from = format!("2001:db8:1:2::{number:x}");
        let page = attempt(&mut site.browser(), &from, &format!("name{number}"), "wrong").await;
        looked_at += usize::from(page.status.code == 422);
    }
    assert_eq!(looked_at, 20);
    let other = attempt(&mut site.browser(), "2001:db8:1:3::1", "name", "wrong").await;
    assert_eq!(other.status.code, 422);
}

#[rocket::async_test]
async fn an_invented_header_is_no_new_address() {
    let site = Site::fresh().await;
    let mut last = 0;
    for number in 0..21 {
        let page = attempt(
            &mut site.browser(),
            &format!("10.9.0.{number}"),
            &format!("name{number}"),
            "wrong",
        )
        .await;
        last = page.status.code;
    }
    assert_eq!(last, 429);
}

/// Many at once cannot slip through between the look and the count.
#[rocket::async_test(flavor = "multi_thread")]
async fn tries_at_once_are_counted_one_by_one() {
    let site = behind_a_proxy().await;
    site.superuser_with_password("boss").await;
    let answers = futures::future::join_all((0..15).map(async |number| {
        attempt(&mut site.browser(), &format!("10.3.0.{number}"), "boss", "wrong").await.status.code
    }))
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 422).count(), 5, "{answers:?}");
}

#[rocket::async_test]
async fn the_right_password_clears_the_account() {
    let site = behind_a_proxy().await;
    site.superuser_with_password("boss").await;
    for round in 0..3 {
        for number in 0..4 {
            let page =
                attempt(&mut site.browser(), &format!("10.4.{round}.{number}"), "boss", "wrong")
                    .await;
            assert_eq!(page.status.code, 422, "{round} {number}");
        }
        assert_eq!(
            attempt(&mut site.browser(), &format!("10.5.0.{round}"), "boss", PASSWORD)
                .await
                .status
                .code,
            303
        );
    }
}

/// A clock was far ahead while somebody guessed: nobody waits until then, and guessing is slowed down again.
#[rocket::async_test]
async fn counts_from_the_future_block_nobody() {
    let site = behind_a_proxy().await;
    site.superuser_with_password("boss").await;
    let year = 365 * 24 * 3_600;
    site.clock.advance(year);
    let from = "10.0.0.1";
    let guess = async || attempt(&mut site.browser(), from, "boss", "wrong").await.status.code;
    for _ in 0..5 {
        assert_eq!(guess().await, 422);
    }
    assert_eq!(guess().await, 429);
    // Clocks that differ a little are no reason to begin again.
    site.clock.advance(-CLOCK_SKEW);
    assert_eq!(guess().await, 429);
    site.clock.advance(CLOCK_SKEW - year);
    for _ in 0..5 {
        assert_eq!(guess().await, 422);
    }
    assert_eq!(guess().await, 429);
}

/// A browser that a wrong clock came to know is not known for longer than others.
#[rocket::async_test]
async fn a_browser_known_from_the_future_is_not_known() {
    let site = behind_a_proxy().await;
    site.superuser_with_password("boss").await;
    let mut own = site.browser();
    assert_eq!(attempt(&mut own, "10.0.0.1", "boss", PASSWORD).await.status.code, 303);
    own.cookies.remove("session");
    site.clock.advance(-CLOCK_SKEW - 1);
    for number in 0..6 {
        attempt(&mut site.browser(), &format!("10.1.0.{number}"), "boss", "wrong").await;
    }
    assert_eq!(attempt(&mut own, "10.0.0.1", "boss", PASSWORD).await.status.code, 429);
}

#[rocket::async_test]
async fn an_open_session_is_no_place_to_guess_from() {
    let site = Site::fresh().await;
    let id = site.superuser_with_password("boss").await;
    let mut browser = site.session_of(id).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let page = browser.get("/admin/password/").await;
        let fields = [
            ("old", "wrong"),
            ("new", "eight yellow umbrellas"),
            ("again", "eight yellow umbrellas"),
        ];
        statuses.push(browser.submit(&page, "main form", &fields).await.status.code);
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
}

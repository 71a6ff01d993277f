//! Looking flights up.

use crate::support::Site;

async fn world() -> Site {
    let site = Site::fresh().await;
    let jfk = site.airport("JFK,New York,United States,America/New_York").await;
    let cdg = site.airport("CDG,Paris,France,Europe/Paris").await;
    let gru = site.airport("GRU,São Paulo,Brazil,America/Sao_Paulo").await;
    let now = site.clock.now();
    site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(now + 86_400)).await;
    site.flight_with(&cdg, &jfk, |flight| flight.departs_at = Some(now + 3_600)).await;
    site.flight_with(&gru, &cdg, |flight| flight.duration = 600).await;
    site.flight_with(&jfk, &gru, |flight| flight.departs_at = Some(now - 3_600)).await;
    site
}

async fn routes(site: &Site, query: &str) -> Vec<String> {
    let page = site.browser().get(&format!("/{query}")).await;
    assert_eq!(page.status.code, 200, "{query}");
    let (from, to) = (page.all("td[data-title=From]"), page.all("td[data-title=To]"));
    from.iter().zip(to).map(|(from, to)| format!("{from} > {to}")).collect()
}

const JFK_CDG: &str = "New York (JFK) > Paris (CDG)";
const CDG_JFK: &str = "Paris (CDG) > New York (JFK)";
const GRU_CDG: &str = "São Paulo (GRU) > Paris (CDG)";
const JFK_GRU: &str = "New York (JFK) > São Paulo (GRU)";

#[rocket::async_test]
async fn flights_are_found_by_city_or_code_without_accents_or_capitals() {
    let site = world().await;
    assert_eq!(routes(&site, "?from=jfk").await, [JFK_CDG]);
    assert_eq!(routes(&site, "?from=new+york").await, [JFK_CDG]);
    assert_eq!(routes(&site, "?from=sao+paulo").await, [GRU_CDG]);
    assert_eq!(routes(&site, "?from=S%C3%83O").await, [GRU_CDG]);
    assert_eq!(routes(&site, "?to=par").await, [JFK_CDG, GRU_CDG]);
    assert_eq!(routes(&site, "?from=jfk&to=jfk").await, [""; 0]);
    // What means something to LIKE means nothing here.
    assert_eq!(routes(&site, "?from=%25").await, [""; 0]);
    assert_eq!(routes(&site, "?from=_").await, [""; 0]);
    assert_eq!(routes(&site, "?from='").await, [""; 0]);
}

#[rocket::async_test]
async fn flights_are_sorted_as_asked() {
    let site = world().await;
    assert_eq!(routes(&site, "").await, [CDG_JFK, JFK_CDG, GRU_CDG]);
    assert_eq!(routes(&site, "?sort=from").await, [JFK_CDG, CDG_JFK, GRU_CDG]);
    assert_eq!(routes(&site, "?sort=to").await, [CDG_JFK, JFK_CDG, GRU_CDG]);
    assert_eq!(routes(&site, "?sort=number").await, [JFK_CDG, CDG_JFK, GRU_CDG]);
    assert_eq!(routes(&site, "?sort=latest").await, [JFK_CDG, CDG_JFK, GRU_CDG]);
    assert_eq!(routes(&site, "?sort=nonsense;DROP").await, routes(&site, "").await);
}

#[rocket::async_test]
async fn departed_flights_are_shown_to_who_asks_for_them() {
    let site = world().await;
    assert!(!routes(&site, "").await.contains(&JFK_GRU.to_owned()));
    assert_eq!(routes(&site, "?past=1").await[0], JFK_GRU);
}

#[rocket::async_test]
async fn the_day_is_the_local_day_of_departure() {
    let site = Site::fresh().await;
    let akl = site.airport("AKL,Auckland,New Zealand,Pacific/Auckland").await;
    let hnl = site.airport("HNL,Honolulu,United States,Pacific/Honolulu").await;
    // 2030-01-01 11:30 UTC: half past midnight of the second in Auckland, the first in Honolulu.
    let at = 1_893_497_400;
    site.flight_with(&akl, &hnl, |flight| flight.departs_at = Some(at)).await;
    site.flight_with(&hnl, &akl, |flight| flight.departs_at = Some(at)).await;
    assert_eq!(routes(&site, "?on=2030-01-02").await, ["Auckland (AKL) > Honolulu (HNL)"]);
    assert_eq!(routes(&site, "?on=2030-01-01").await, ["Honolulu (HNL) > Auckland (AKL)"]);
    let page = site.browser().get("/?on=yesterday").await;
    assert_eq!(page.one("#results .refused"), "Give a day like 2026-11-23.");
}

#[rocket::async_test]
async fn a_flight_shows_both_local_times_and_the_day_change() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let flight = site
        .flight_with(&jfk, &cdg, |flight| {
            // 2030-01-02 00:30 UTC is 19:30 of the first in New York.
            flight.departs_at = Some(1_893_544_200);
            flight.duration = 430;
            flight.capacity = Some(2);
        })
        .await;
    let page = site.browser().get(&format!("/{}", flight.id)).await;
    let times = page.all(".leg time");
    assert_eq!(times, ["19:30 Tue 1 Jan 2030 EST", "08:40+1 Wed 2 Jan 2030 CET"]);
    assert_eq!(page.all(".facts dd")[0], "7 h 10 min (430 minutes)");
    assert_eq!(page.all(".facts dd")[2], "2 seats left of 2");
}

#[rocket::async_test]
async fn fifty_flights_a_page_and_every_page_in_the_address() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    for _ in 0..51 {
        site.flight(&jfk, &cdg).await;
    }
    let mut visitor = site.browser();
    let first = visitor.get("/?from=jfk&sort=number").await;
    assert_eq!(first.count("tbody tr"), 50);
    assert_eq!(first.one("#count"), "1–50 of 51 flights");
    let next = first.attribute("a[rel=next]", "href");
    assert_eq!(next, "/?from=jfk&sort=number&page=2");
    let second = visitor.get(&next).await;
    assert_eq!(second.one("#count"), "51–51 of 51 flights");
    assert_eq!(second.attribute("input[name=from]", "value"), "jfk");
    // As Django's paginator: garbage is the first page, too much the last.
    for (page, shown) in [
        ("0", "1–50"),
        ("-7", "1–50"),
        ("x", "1–50"),
        ("99999999999999999999", "1–50"),
        ("999", "51–51"),
    ] {
        let page = visitor.get(&format!("/?page={page}")).await;
        assert_eq!(page.one("#count"), format!("{shown} of 51 flights"));
    }
}

#[rocket::async_test]
async fn an_empty_list_says_what_to_do() {
    let site = Site::fresh().await;
    let mut visitor = site.browser();
    assert_eq!(visitor.get("/").await.one(".empty p"), "No flights are planned.");
    let page = visitor.get("/?from=nowhere&to=paris&on=2030-01-01").await;
    assert_eq!(page.one("#count"), "No flights");
    let links: Vec<_> = page.all(".empty a");
    assert_eq!(links, ["JFK", "Look on any day", "Look the other way round", "at all flights"]);
}

#[rocket::async_test]
async fn what_htmx_asks_for_is_the_same_page_with_a_tidy_address() {
    let site = world().await;
    let mut visitor = site.browser();
    let plain = visitor.get("/?from=jfk&to=&on=&sort=departure").await;
    let live = visitor.ask("/?from=jfk&to=&on=&sort=departure", &[("HX-Request", "true")]).await;
    assert_eq!(live.all("#results"), plain.all("#results"));
    assert_eq!(live.header("HX-Replace-Url"), Some("/?from=jfk"));
    assert_eq!(plain.header("HX-Replace-Url"), None);
}

#[rocket::async_test]
async fn numbers_that_are_no_flight_are_not_found() {
    let site = world().await;
    let mut visitor = site.browser();
    for path in [
        "/0",
        "/-1",
        "/9223372036854775807",
        "/9223372036854775808",
        "/99999999999999999999",
        "/1.5",
        "/%00",
        "/%ff",
        "/x/y/z",
        "/1/2",
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.status.code, 404, "{path}");
        assert_eq!(page.one("h1"), "Not found", "{path}");
    }
}

#[rocket::async_test]
async fn any_query_is_answered() {
    let site = world().await;
    let mut visitor = site.browser();
    let long = "x".repeat(3_000);
    for query in [
        "?from=%00",
        "?from=%ff",
        "?on=9999-99-99",
        "?on=-9999-01-01",
        "?page=&sort=&on=",
        "?&&==&%",
        "?from[]=1",
        &format!("?from={long}"),
    ] {
        let page = visitor.get(&format!("/{query}")).await;
        assert_eq!(page.status.code, 200, "{query}");
    }
}

#[rocket::async_test]
async fn markup_in_names_is_text() {
    let site = Site::fresh().await;
    let evil = "<img src=x onerror=alert(1)>\"'&";
    let from = site.airport(&format!("EVL,{evil}")).await;
    let (to, _) = site.two_airports().await;
    let flight = site.flight(&from, &to).await;
    let passenger = site.passenger(evil, "{{7*7}}").await;
    site.book(&flight, &passenger).await;
    let mut visitor = site.browser();
    for path in ["/".to_owned(), format!("/{}", flight.id), format!("/?from={}", "%3Cimg%3E")] {
        let page = visitor.get(&path).await;
        assert_eq!(page.count("img[onerror], img[src=x]"), 0, "{path}");
    }
    let page = visitor.get(&format!("/{}", flight.id)).await;
    assert_eq!(page.all("#passengers li"), [format!("{evil} {{{{7*7}}}}")]);
}

#[rocket::async_test]
async fn machines_are_answered() {
    let site = Site::fresh().await;
    let mut visitor = site.browser();
    for (path, said) in
        [("/healthz", "alive\n"), ("/readyz", "ready\n"), ("/version", "airline 0.1.0\n")]
    {
        let page = visitor.get(path).await;
        assert_eq!((page.status.code, page.text.as_str()), (200, said), "{path}");
    }
}

/// What strangers get alike is rendered once, and anew after every change and every minute.
#[rocket::async_test]
async fn a_page_that_is_kept_is_never_an_old_one() {
    let site = Site::fresh().await;
    let (jfk, cdg) = site.two_airports().await;
    let now = site.clock.now();
    let soon = site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(now + 90)).await;
    let mut visitor = site.browser();
    let count =
        async |visitor: &mut crate::support::Browser<'_>| visitor.get("/").await.one("#count");
    assert_eq!(count(&mut visitor).await, "1 flight");
    let before = site.pool_statements();
    assert_eq!(count(&mut visitor).await, "1 flight");
    assert_eq!(site.pool_statements() - before, 1, "only the version of the data is asked for");
    site.flight(&jfk, &cdg).await;
    assert_eq!(count(&mut visitor).await, "1–2 of 2 flights");
    let mut staff = site.staff().await;
    assert!(staff.get("/").await.one(".who").contains("boss"));
    assert!(visitor.get("/").await.one(".who").contains("Sign in"), "nobody gets another's page");
    let confirm = staff.get(&format!("/admin/flights/{}/delete/", soon.id)).await;
    staff.submit(&confirm, "main form", &[]).await;
    assert_eq!(count(&mut visitor).await, "1 flight");
    site.flight_with(&jfk, &cdg, |flight| flight.departs_at = Some(now + 90)).await;
    assert_eq!(count(&mut visitor).await, "1–2 of 2 flights");
    site.clock.advance(120);
    assert_eq!(count(&mut visitor).await, "1 flight", "the other has departed");
}

#[rocket::async_test]
async fn links_keep_the_whole_search() {
    let site = world().await;
    let mut visitor = site.browser();
    let page = visitor.get("/?from=a%26b%23c&to=x&on=2030-01-01&past=1&sort=to").await;
    let links: Vec<_> = (2..=3)
        .map(|place| page.attribute(&format!(".empty li:nth-child({place}) a"), "href"))
        .collect();
    assert_eq!(
        links,
        [
            "/?from=a%26b%23c&to=x&past=1&sort=to",
            "/?from=x&to=a%26b%23c&on=2030-01-01&past=1&sort=to"
        ]
    );
    let appearance = visitor.get(&page.attribute(".bottom a", "href")).await;
    assert_eq!(
        appearance.attribute("input[name=next]", "value"),
        "/?from=a%26b%23c&to=x&on=2030-01-01&past=1&sort=to"
    );
}
